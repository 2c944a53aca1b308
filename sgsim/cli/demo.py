"""`sgsim demo`: the bundled example, and the command that it stands for."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from sgsim.cli.declarations import Number
from sgsim.cli.options import RuleOptions, TrafficOptions
from sgsim.data import DEMO_CAPTURE, DEMO_RULES, demo_path
from sgsim.errors import ConfigError
from sgsim.report.units import shell_line

if TYPE_CHECKING:
    from sgsim.simulation.summary import Summary

CAPACITY: Final = 8
"""Small enough that a burst of twelve connections does not fit."""

DEFAULT_DIRECTORY: Final = "sgsim-demo"


@click.command("demo", short_help="Replay the bundled capture of a small web server")
@click.option(
    "--save", metavar="DIR", help="Write the capture and its rules to a directory too, for commands of your own."
)
@click.option(
    "--capacity", type=Number("entries", least=1, is_whole=True), default=CAPACITY, show_default=True, metavar="N",
    help="Places in the connection-tracking table.",
)  # fmt: skip
def command(save: str | None, capacity: int) -> None:
    """Replay the bundled capture of a small web server.

    42 seconds of real traffic of real programs (SSH, HTTP, DNS, ping, a port scan), recorded between network namespaces, with two
    security groups and an interface as `aws ec2 describe-*` prints them.

    \b
    Examples:
      sgsim demo
      sgsim demo --capacity 100
      sgsim demo --save sgsim-demo
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    directory = Path(save or DEFAULT_DIRECTORY)
    if save is not None:
        _save(directory)
    shown = RuleOptions(rules=(str(directory),), capacity=capacity)
    capture = str(directory / DEMO_CAPTURE)

    click.echo("42 seconds of a small web server's traffic, replayed through its two security groups. This is:\n")
    click.echo("  " + shell_line(["sgsim", "replay", *shown.words(), capture]) + "\n")
    if save is None:
        click.echo(f"(sgsim demo --save {directory} writes these files, to go on with.)\n")
    _replay(shown, capture)


def _replay(shown: RuleOptions, capture: str) -> None:
    from sgsim.cli.terminal import write_lines  # noqa: PLC0415  # numpy, which `sgsim --help` needs not
    from sgsim.report.demo_sections import things_to_see  # noqa: PLC0415  # as above
    from sgsim.report.summary_asking import Asking  # noqa: PLC0415  # as above
    from sgsim.report.summary_sections import sections  # noqa: PLC0415  # as above
    from sgsim.report.summary_text import text_lines  # noqa: PLC0415  # as above

    summary = _summary(shown.capacity, capture)
    asking = Asking(shown.words(), [capture])
    write_lines(text_lines([*sections(summary, asking), things_to_see(summary)]))


def _summary(capacity: int | None, name: str) -> "Summary":
    from sgsim.simulation.driver import run  # noqa: PLC0415  # numpy, which `sgsim --help` needs not
    from sgsim.sources.pcap import PcapSource  # noqa: PLC0415  # as above

    bundled = RuleOptions(rules=tuple(str(demo_path(file)) for file in DEMO_RULES), capacity=capacity)
    with demo_path(DEMO_CAPTURE).open("rb") as stream:
        source = PcapSource(stream, name=name)
        return run(bundled.inventory(), [source], TrafficOptions().engine_options(bundled)).summary


def _save(directory: Path) -> None:
    """Write the bundled files where they are the only documents, so that `-r DIR` means them alone."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        others = sorted(path for path in directory.iterdir() if _is_in_the_way(path))
        if others:
            raise ConfigError(
                f"--save must be a directory without other rules and captures, got {str(others[0])!r} there"
            )
        for name in (*DEMO_RULES, DEMO_CAPTURE):
            shutil.copyfile(demo_path(name), directory / name)
    except OSError as error:
        raise ConfigError(
            f"--save must be a directory that can be written, got {str(directory)!r}: {error.strerror}"
        ) from error


def _is_in_the_way(path: Path) -> bool:
    """Whether a file would be read beside the bundled rules, or would be overwritten though it is not ours."""
    if path.name in {*DEMO_RULES, DEMO_CAPTURE}:
        return path.read_bytes() != demo_path(path.name).read_bytes()
    return path.suffix.lower() in {".json", ".yaml", ".yml"}
