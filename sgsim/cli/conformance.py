"""`sgsim conformance`: do the engines say what the sources say."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from sgsim.errors import ConfigError

if TYPE_CHECKING:
    from sgsim.report.blocks import Section
    from sgsim.testing.conformance_report import Report
    from sgsim.testing.vectors import Suite

EXIT_DIFFERENT: Final = 1
ENGINES: Final = ("reference", "compiled")


@click.command("conformance", short_help="Check the engines against what AWS documents")
@click.option(
    "--engine", type=click.Choice([*ENGINES, "all"]), default="all", show_default=True,
    help="What the vectors are run with.",
)  # fmt: skip
@click.option("--topic", "topics", multiple=True, metavar="TOPIC", help="Run the vectors of this topic. Repeatable.")
@click.option("--format", "form", type=click.Choice(["text", "json", "junit"]), default="text", show_default=True)
@click.option(
    "--report", multiple=True, metavar="FILE",
    help="Write the result: .txt, .md, .json, or .xml, which is JUnit's. Repeatable.",
)  # fmt: skip
@click.argument("files", nargs=-1, metavar="[VECTORS]...")
@click.pass_context
def command(
    ctx: click.Context, engine: str, topics: tuple[str, ...], form: str, report: tuple[str, ...], files: tuple[str, ...]
) -> None:
    """Check the engines against vectors, each of which proves what a source says.

    A vector is data: rules, packets in time, and the verdict, reason, state and counters that must follow. VECTORS are
    files or directories; those that ship with sgsim are run if none are given.

    \b
    Examples:
      sgsim conformance
      sgsim conformance --engine reference --topic timeouts
      sgsim conformance --report conformance.xml --report conformance.json
      sgsim conformance my-vectors.json

    The exit code is 1 if anything is not as expected.
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    writers = [(Path(name), _writer(name)) for name in report]
    found = _run(_chosen(files, topics), ENGINES if engine == "all" else (engine,))
    for path, write in writers:
        path.write_text(write(found), encoding="utf-8", newline="\n")
    if form == "text":
        from sgsim.cli.terminal import write_lines  # noqa: PLC0415  # not needed for help
        from sgsim.report.summary_text import text_lines  # noqa: PLC0415  # as above

        write_lines(text_lines(_sections(found)))
    else:
        click.echo(_FORMS[form](found), nl=False)
    if found.failures:
        ctx.exit(EXIT_DIFFERENT)


def _chosen(files: tuple[str, ...], topics: tuple[str, ...]) -> "Suite":
    """The vectors of the files, of the topics that are asked for."""
    from sgsim.testing.vector_files import load_vectors  # noqa: PLC0415  # not needed for help
    from sgsim.testing.vectors import Suite  # noqa: PLC0415  # as above

    suite = load_vectors(files)
    known = [topic.topic for topic in suite.topics if topic.vectors]
    for name in topics:
        if name not in known:
            raise ConfigError(f"--topic must be one of {', '.join(known)}, got {name!r}")
    return Suite(tuple(topic for topic in suite.topics if not topics or topic.topic in topics))


def _run(suite: "Suite", engines: tuple[str, ...]) -> "Report":
    from sgsim.testing.conformance import run_vectors  # noqa: PLC0415  # not needed for help
    from sgsim.testing.conformance_report import Report  # noqa: PLC0415  # as above
    from sgsim.testing.vector_files import load_vectors  # noqa: PLC0415  # as above

    outcomes = [outcome for engine in engines for outcome in run_vectors(suite.vectors, engine)]
    return Report(suite, outcomes, {**load_vectors().statements, **suite.statements})


def _sections(found: "Report") -> "list[Section]":
    from sgsim.testing.conformance_report import sections  # noqa: PLC0415  # not needed for help

    return sections(found)


def _text(found: "Report") -> str:
    from sgsim.report.summary_text import plain_text, text_lines  # noqa: PLC0415  # not needed for help

    return plain_text(text_lines(_sections(found)))


def _markdown(found: "Report") -> str:
    from sgsim.report.markdown import markdown  # noqa: PLC0415  # not needed for help

    return markdown("sgsim conformance", _sections(found))


def _json(found: "Report") -> str:
    from sgsim.testing.conformance_report import report_json  # noqa: PLC0415  # not needed for help

    return report_json(found)


def _junit(found: "Report") -> str:
    from sgsim.testing.conformance_report import report_junit  # noqa: PLC0415  # not needed for help

    return report_junit(found)


_FORMS: Final = {"json": _json, "junit": _junit}
_ENDINGS: Final = {".txt": _text, ".md": _markdown, ".json": _json, ".xml": _junit}


def _writer(name: str) -> "Callable[[Report], str]":
    """What writes a report of this name."""
    write = _ENDINGS.get(Path(name).suffix.lower())
    if write is None:
        raise ConfigError(f"--report must end in one of {', '.join(_ENDINGS)}, got {name!r}")
    return write
