"""Work in processes of its own.

They are plain interpreters that get work through a pipe. `multiprocessing` would have them run the user's script once
more, so that every script would need `if __name__ == "__main__":`.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Any, Final, Self, TypeVar

from sgsim.errors import SgsimError

_Item = TypeVar("_Item")
_Value = TypeVar("_Value")

_START: Final = "import sys; sys.path[:] = {path!r}; from {module} import work; work()"


def map_apart(function: Callable[[_Item], _Value], items: Iterable[_Item], count: int) -> list[_Value]:
    """Call a function for each item, several at the same time, each in a process of its own.

    Args:
        function: Of a module; it and all that it takes and gives can be pickled.
        items: What to call it with.
        count: How many processes.

    Raises:
        SgsimError: If a process ends before its work is done.
        Exception: What the function raises.
    """
    idle: SimpleQueue[_Process] = SimpleQueue()

    def run(item: _Item) -> _Value:
        process = idle.get()
        try:
            value: _Value = process.call(function, item)
        finally:
            idle.put(process)
        return value

    with ExitStack() as processes, ThreadPoolExecutor(count) as threads:
        for _ in range(count):
            idle.put(processes.enter_context(_Process()))
        return list(threads.map(run, items))


class _Process:
    """One interpreter that waits for work."""

    def __init__(self) -> None:
        code = _START.format(path=sys.path, module=__name__)
        command = [sys.executable, "-c", code]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603  # our own code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self._process.kill()
        self._process.communicate()

    def call(self, function: Callable[[Any], Any], item: object) -> Any:  # noqa: ANN401  # what the function gives
        """Have the function called there."""
        given, taken = self._process.stdin, self._process.stdout
        assert given is not None, "it was asked for"  # noqa: S101  # a law of `Popen`
        assert taken is not None, "as above"  # noqa: S101  # as above
        try:
            pickle.dump((function, item), given)
            given.flush()
            is_done, value = pickle.load(taken)  # noqa: S301  # our own process writes it
        except (EOFError, BrokenPipeError) as error:
            code = self._process.wait()
            raise SgsimError(f"process must live until its work is done, got one that ended with {code}") from error
        if not is_done:
            raise value
        return value


def work() -> None:
    """Take work from standard input until there is no more, and give what comes of it to standard output."""
    from sgsim.simulation.engines import be_quiet  # noqa: PLC0415  # only the processes themselves need it

    be_quiet()
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what anybody prints is no answer
        try:
            _answer(sys.stdin.buffer, out)
        except (EOFError, KeyboardInterrupt, BrokenPipeError):
            return


def _answer(given: IO[bytes], out: IO[bytes]) -> None:
    while True:
        function, item = pickle.load(given)  # noqa: S301  # whoever started this process writes it
        try:
            answer = (True, function(item))
        except Exception as error:  # noqa: BLE001  # it is raised where the work was asked for
            answer = (False, error)
        pickle.dump(answer, out)
        out.flush()
