"""How far compiling has come, told while it goes on."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event

_EVENT = "numba:compile"


class _Counter(event.Listener):
    """Counts functions as they are compiled."""

    def __init__(self, total: int, show: Callable[[float], None]) -> None:
        self._total, self._show = total, show
        self._done = 0

    def on_start(self, event: Any) -> None:  # noqa: ANN401 - numba's own type
        """Wait for the end."""

    def on_end(self, event: Any) -> None:  # noqa: ANN401, ARG002 - the same
        self._done += 1
        self._show(min(self._done / self._total, 1.0))


@contextmanager
def watching(show: Callable[[float], None]) -> Iterator[None]:
    """Tell, after each function, which share of the kernels that are imported by now has been compiled."""
    with event.install_listener(_EVENT, _Counter(max(_kernels(), 1), show)):
        yield


def _kernels() -> int:
    """How many kernels there are, in the modules that are imported."""
    modules = [module for name, module in sys.modules.items() if name.startswith(f"{__package__}.")]
    return sum(
        hasattr(value, "kernel_signature") and value.__module__ == module.__name__
        for module in modules
        for value in vars(module).values()
    )
