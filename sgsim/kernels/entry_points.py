"""The kernels that Python calls: found on disk as machine code, or compiled once and kept.

Law: numba and the kernels' own modules are imported only to compile. Whoever calls a kernel imports it from here; its
text, and what its arguments mean, is in the module that the table below names.

Where no folder can be written (an unprivileged user without HOME), kernels are compiled in every run, and this is said
once on stderr.
"""

import functools
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import Any, Final

from sgsim.kernels import kept_code, machine_code

_lock = threading.RLock()


class EntryPoint:
    """A kernel that Python calls; loaded or compiled at its first call, with those of its group."""

    def __init__(self, group: "Group", module: str, name: str) -> None:
        """Name the module of `sgsim.kernels` and the function in it."""
        self._group, self.module, self.name = group, module, name
        self._call: Callable[..., Any] | None = None

    def __call__(self, *arguments: object) -> Any:  # noqa: ANN401 - what the kernel returns
        """Run it.

        Raises:
            TypeError: If an argument is not of the type that the kernel takes.
        """
        if self._call is None:
            self._group.prepare()
        return self._call(*arguments)

    @property
    def is_ready(self) -> bool:
        """Whether it can run at once."""
        return self._call is not None

    def find(self) -> bool:
        """Load what is kept on disk, if it is."""
        made = kept_code.find(self.module, self.name)
        if made is not None:
            self._call = machine_code.load(made)
        return self.is_ready

    @property
    def function(self) -> Any:  # noqa: ANN401 - what `kernel` makes
        """The kernel as numba has it; its module, and numba, are imported for it."""
        return getattr(import_module(f"sgsim.kernels.{self.module}"), self.name)

    def compile(self) -> None:
        """Compile it, keep its machine code, and load that."""
        from sgsim.kernels import jit  # noqa: PLC0415 - numba takes 0.2 s, and only compiling needs it

        function = self.function
        if not hasattr(function, "kernel_signature"):  # NUMBA_DISABLE_JIT is set
            self._call = function
            return
        made = jit.machine_code(function)
        self._call = machine_code.load(made)
        try:
            kept_code.keep(self.module, self.name, made)
        except OSError as error:
            _tell_not_kept(error.strerror or error.__class__.__name__)


class Group:
    """Kernels that are needed together, so that users wait once."""

    def __init__(self, title: str, duration: str) -> None:
        """Say what they are, and how long compiling them takes."""
        self._title, self._duration = title, duration
        self._entries: list[EntryPoint] = []
        self.was_compiled = False
        """Whether any of them had to be compiled in this process."""

    def entry(self, module: str, name: str) -> EntryPoint:
        """Add a kernel."""
        self._entries.append(EntryPoint(self, module, name))
        return self._entries[-1]

    def __iter__(self) -> Iterator[EntryPoint]:
        """Its kernels."""
        return iter(self._entries)

    def prepare(self, *, is_quiet: bool = False) -> None:
        """Make all ready to run; where any has to be compiled, users are told, unless another process has told them."""
        with _lock:
            missing = [each for each in self._entries if not (each.is_ready or each.find())]
            if not missing:
                return
            self.was_compiled = True
            with nullcontext() if is_quiet else _telling(self._title, self._duration, missing):
                for each in missing:
                    each.compile()


@contextmanager
def _telling(title: str, duration: str, missing: Sequence[EntryPoint]) -> Iterator[None]:
    """Say on stderr what is being compiled, on a terminal how much of it is done, and in the end how long it took."""
    stderr, begun = sys.stderr, time.monotonic()
    text = f"sgsim: compiling {title}, once for this installation"
    if stderr.isatty():
        from sgsim.kernels.compilation import watching  # noqa: PLC0415 - numba, which compiling needs

        def show(share: float) -> None:
            stderr.write(f"\r{text}: {share:.0%}")
            stderr.flush()

        show(0)
        for each in missing:
            each.function  # noqa: B018 - its kernels are to be counted
        with watching(show):
            yield
        stderr.write("\n")
    else:
        stderr.write(f"{text}; this takes about {duration}\n")
        yield
    stderr.write(f"sgsim: compiled in {time.monotonic() - begun:.0f} s\n")


@functools.cache
def _tell_not_kept(reason: str) -> None:
    sys.stderr.write(
        f"sgsim: compiled code cannot be kept ({reason}), so every run compiles anew; "
        f"{kept_code.FOLDER_VARIABLE} may name a folder that can be written\n"
    )


ENGINE: Final = Group("the engine", "20 seconds")
FLOW_LOGS: Final = Group("the reader of flow logs", "six seconds")
TIMEOUTS: Final = Group("changes of timeouts", "two seconds")

filter_batch: Final = ENGINE.entry("filter", "filter_batch")
advance: Final = ENGINE.entry("filter", "advance")
forget_queued: Final = ENGINE.entry("filter", "forget_queued")
decode_batch: Final = ENGINE.entry("decode", "decode_batch")
clear_rows: Final = ENGINE.entry("decode", "clear_rows")
count_decisions: Final = ENGINE.entry("tally", "count_decisions")
put_owners: Final = ENGINE.entry("locate", "put_owners")
put_wide_owners: Final = ENGINE.entry("locate", "put_wide_owners")
tidy_early: Final = ENGINE.entry("early", "tidy_early")
spread_index: Final = ENGINE.entry("table", "spread_index")
rebuild_ended: Final = ENGINE.entry("forget", "rebuild_ended")
rebuild_fragments: Final = ENGINE.entry("fragments", "rebuild_fragments")
put_departed: Final = ENGINE.entry("pressure", "put_departed")
find_at_peak: Final = ENGINE.entry("peak", "find_at_peak")
read_lines: Final = FLOW_LOGS.entry("flow_log", "read_lines")
put_name: Final = FLOW_LOGS.entry("flow_log_names", "put_name")
tell_roles: Final = FLOW_LOGS.entry("flow_log_openers", "tell_roles")
plan_events: Final = FLOW_LOGS.entry("flow_log_events", "plan_events")
write_events: Final = FLOW_LOGS.entry("flow_log_events", "write_events")
order_events: Final = FLOW_LOGS.entry("flow_log_order", "order_events")
pick_leads: Final = FLOW_LOGS.entry("flow_log_leads", "pick_leads")
change_expiry: Final = TIMEOUTS.entry("expiry", "change_expiry")
weigh: Final = FLOW_LOGS.entry("flow_log_agreement", "weigh")
