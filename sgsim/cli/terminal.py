"""Writing to terminals: colours where they are wanted, plain text everywhere else, and progress.

Colours only on a terminal, and not if `NO_COLOR` is set (no-color.org). rich is imported only then.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import IO, TYPE_CHECKING, Final

import click
from attrs import define, field

from sgsim.report.summary_text import Line, plain_text

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

STYLES: Final = {
    "title": "bold",
    "head": "dim",
    "command": "cyan",
    "warning": "yellow",
    "allow": "green",
    "deny": "red",
    "skip": "yellow",
    "mixed": "",
    "": "",
}
"""The styles of spans in rich's words."""

QUIET_S: Final = 1.0
"""Progress is shown of work that takes longer."""


def write_lines(lines: Iterable[Line], *, to_stderr: bool = False) -> None:
    """Write lines, with colours on a terminal."""
    stream = sys.stderr if to_stderr else sys.stdout
    if not _has_colours(stream):
        click.echo(plain_text(lines), file=stream, nl=False)
        return
    from rich.console import Console  # noqa: PLC0415  # only terminals need it
    from rich.text import Text  # noqa: PLC0415  # as above

    console = Console(file=stream, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text.assemble(*((span.text, STYLES[span.style]) for span in line)))


def _has_colours(stream: IO[str]) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def keep_interruptible() -> None:
    """Let Ctrl-C end a program that waits for standard input, also after polars has put its own handler in between.

    polars' handler has waiting reads begin anew, so that nothing would happen until more input comes.
    """
    import_module("polars")
    if hasattr(signal, "siginterrupt"):
        signal.siginterrupt(signal.SIGINT, True)  # noqa: FBT003  # takes it by position only


@define
class _Progress:
    """Tells how many packets are done, on stderr, once the work has become long."""

    _began_s: float = field(factory=time.monotonic)
    _progress: "Progress | None" = None
    _task: "TaskID | None" = None

    def show(self, packets: int) -> None:
        """Show how far it is."""
        if self._progress is None:
            if time.monotonic() - self._began_s < QUIET_S:
                return
            self._start()
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, packets=f"{packets:,}")

    def _start(self) -> None:
        from rich.console import Console  # noqa: PLC0415  # only terminals need it
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415  # as above

        columns = (
            TextColumn("replaying"), BarColumn(), TextColumn("{task.fields[packets]} packets"), TimeElapsedColumn()
        )  # fmt: skip
        self._progress = Progress(*columns, console=Console(file=sys.stderr), transient=True)
        self._task = self._progress.add_task("", total=None, packets="0")
        self._progress.start()

    def stop(self) -> None:
        """Leave the line as it was."""
        if self._progress is not None:
            self._progress.stop()


@contextmanager
def progress() -> Iterator[_Progress | None]:
    """Show progress while the body runs; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    shown = _Progress()
    try:
        yield shown
    finally:
        shown.stop()
