"""The command `sgsim`: finds its subcommands when they are needed, and turns errors into one line.

Law: a subcommand is imported only when it runs or its help is shown, and it imports what is heavy (numpy, polars, scapy)
only inside its function. Errors of ours are written here and nowhere else, as `sgsim: ...` on stderr, with exit code 2.
"""

import atexit
import gc
import io
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, NoReturn

import click

from sgsim import __version__
from sgsim.errors import SgsimError

SECTIONS: Final = {
    "Look": ("check", "explain", "replay"),
    "Change": ("diff", "search", "test", "tighten", "minimize"),
    "Watch": ("usage", "lint", "quota", "sweep"),
    "Make": ("convert", "synth"),
    "Learn and trust": ("demo", "conformance", "bench"),
}
"""Each subcommand under what one does with it, in the order of the help text."""

COMMANDS: Final = {name: f"sgsim.cli.{name}" for names in SECTIONS.values() for name in names}
"""Each subcommand and the module whose `command` it is."""

EXIT_BAD_INPUT: Final = 2
EXIT_INTERRUPTED: Final = 128 + signal.SIGINT
EXIT_BROKEN_PIPE: Final = 141
"""As shells report a program that was ended by a closed pipe; Windows has no such signal."""

OBJECTS_PER_COLLECTION: Final = 50_000
"""Python looks for unreachable cycles whenever so many objects are new; of itself at each 700."""

CONTEXT_SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Name the commands in the order of the help text."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # click's signature
        """Import a command."""
        if cmd_name not in COMMANDS:
            from difflib import get_close_matches  # noqa: PLC0415  # only a wrong name needs it

            alike = get_close_matches(cmd_name, COMMANDS, n=1)
            hint = f". Did you mean {alike[0]!r}?" if alike else ""
            raise click.UsageError(f"no such command {cmd_name!r}{hint}", ctx)
        command: click.Command = import_module(COMMANDS[cmd_name]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each section of commands under its title, all in the same columns."""
        width = max(map(len, COMMANDS))
        for title, names in SECTIONS.items():
            with formatter.section(title):
                shown = [(name, self.get_command(ctx, name)) for name in names]
                formatter.write_dl([(f"{name:{width}}", it.get_short_help_str()) for name, it in shown if it])

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:  # noqa: ANN401  # click's signature
        """Run, and leave the process with the right code; errors become one line."""
        run: Callable[..., Any] = super().main
        if not standalone_mode:
            return run(*args, standalone_mode=False, **extra)
        sys.exit(_exit_code(lambda: run(*args, standalone_mode=False, **extra)))

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  # click's signature
        """Run a subcommand; whoever reads our output may stop before its end."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _let_go_of_stdout()
            ctx.exit(EXIT_BROKEN_PIPE)
        return result


def _exit_code(run: Callable[[], Any]) -> int:
    try:
        code = run()
    except SgsimError as error:
        return complain(str(error))
    except click.UsageError as error:
        return complain(_usage_text(error))
    except click.ClickException as error:
        return complain(error.format_message())
    except click.Abort:
        click.echo("sgsim: interrupted", err=True)
        return EXIT_INTERRUPTED
    except OSError as error:
        if error.filename is None:
            _let_go_of_stdout()
        return complain(f"{error.filename or 'output'}: {error.strerror or error}")
    return code if isinstance(code, int) else 0


def complain(text: str) -> int:
    """Write an error as one line and give the exit code."""
    click.echo("sgsim: " + " ".join(text.split("\n")), err=True)
    return EXIT_BAD_INPUT


def _usage_text(error: click.UsageError) -> str:
    """What was wrong, and where help is."""
    message = (_value_text(error) or error.format_message()).rstrip(".")
    where = error.ctx.command_path if error.ctx is not None else "sgsim"
    return f"{message[:1].lower()}{message[1:]} (see {where} --help)"


def _value_text(error: click.UsageError) -> str:
    """What a value must be and what was got, as all our messages say it; empty where click says something else."""
    if not isinstance(error, click.BadParameter) or error.param is None:
        return ""
    kind, (value, _, rest) = error.param.type, error.message.partition(" is not ")
    name = max(error.param.opts, key=len)
    if isinstance(kind, click.Choice) and rest.startswith("one of"):
        return f"{name} must be one of {', '.join(map(str, kind.choices))}, got {value}"
    if isinstance(kind, click.types.IntParamType) and rest.startswith("a valid"):
        return f"{name} must be a whole number, got {value}"
    return ""


def _let_go_of_stdout() -> None:
    """Point standard output elsewhere, so that Python does not fail again when it flushes at the end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # a test's output has no file number
        return


@click.group(
    cls=Commands,
    context_settings=CONTEXT_SETTINGS,
    no_args_is_help=False,
    invoke_without_command=True,
)
@click.version_option(__version__, "-V", "--version", message="sgsim %(version)s")
@click.pass_context
def commands(ctx: click.Context) -> None:
    """Replay traffic through AWS security groups, offline.

    Says of every packet whether the groups let it through, which rule decided, and what it did to the
    connection-tracking table.

    \b
    Begin here:
      sgsim demo
      sgsim check -r groups.json --interface 10.0.0.5=sg-web "tcp 198.51.100.7 -> 10.0.0.5:443"
      sgsim replay -r groups.json -r interfaces.json capture.pcap

    Every command has its own --help.
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _collect_seldom() -> None:
    """Let Python look for unreachable cycles seldom while the process runs, and not at all when it ends.

    Nearly all that a command makes while it starts, modules, classes and rules, lives to its end, and few of our objects
    form cycles. Looking through all of them again and again took a sixth of the time of a short replay, and once more at
    its end another sixth; the system takes that memory back at once.
    """
    gc.set_threshold(OBJECTS_PER_COLLECTION)
    atexit.register(gc.freeze)


def main() -> NoReturn:
    """Run the command line of this process; what its output cannot hold, such as the odd bytes of a name, is escaped."""
    _collect_seldom()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    commands(prog_name="sgsim")
    raise AssertionError("a command line ends with an exit code")  # click's types do not say so
