"""Many files as one stream of lines, in the order of their starts.

A file is about in order but not quite: records are written when their window ends. So the stream is held back by
`SLACK_NS` behind the file that is least far, and sorted. Files are opened when the time in their name comes up (all at
once if their names tell none); the file that is least far is read next.

Memory: what is held back, at most `MOST_HELD` lines beside one batch of each open file. What is held beyond that is
let go in the order of time, and a line that comes still later is passed on late: the engine judges its record at the
clock and counts it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from attrs import define, field

from sgsim.errors import SourceError
from sgsim.model.columns import Column
from sgsim.model.line_columns import LineColumns

SLACK_NS: Final = 900_000_000_000
"""Windows are up to 10 minutes long, and delivery takes minutes more (`[aws-flr]`)."""
MOST_HELD: Final = 1 << 20
LEAST_PASSED_ON: Final = 1 << 16
LEAST_APART = 1 << 15
"""Batches of so many lines at an average are not joined."""


class FiledLines(NamedTuple):
    """Lines of several files."""

    lines: LineColumns
    file: Column
    """int32 (lines,), which input file, from 0."""


Batches = Callable[[], Iterator[FiledLines]]
"""Opens a file and yields its lines in batches."""

_SECOND_NS: Final = 1_000_000_000


@define
class _File:
    begins_after_ns: int | None
    open: Batches
    batches: Iterator[FiledLines] | None = None
    clock_ns: int = -(1 << 62)
    """The latest start so far."""
    is_done: bool = False
    broken: SourceError | None = None

    def next(self) -> FiledLines | None:
        """Read the next batch; None at the end and at a break."""
        if self.batches is None:
            self.batches = self.open()
        try:
            batch = next(self.batches, None)
        except SourceError as error:
            self.broken, batch = error, None
        if batch is None:
            self.is_done, self.batches = True, None
        elif len(batch.file):
            self.clock_ns = max(self.clock_ns, int(batch.lines.start_ns.max()))
        return batch


@define
class OrderedLines:
    """Lines of several files; each is told by when it may begin, None if nobody knows, and how to open it."""

    sources: Sequence[tuple[int | None, Batches]]
    most_held: int = MOST_HELD
    least_passed_on: int = LEAST_PASSED_ON
    """Lines are sorted once so many have come together, or twice as many as are held back."""
    _held: list[FiledLines] = field(init=False, factory=list)
    _count: int = field(init=False, default=0)
    _rest: int = field(init=False, default=0)
    """How many were held back when records were last passed on."""

    def batches(self) -> Iterator[FiledLines]:
        """Yield lines in the order of their starts.

        Raises:
            SourceError: At the end, if files broke off; the message has them all.
        """
        files = [_File(begins_after_ns, opening) for begins_after_ns, opening in self.sources]
        waiting = sorted((file for file in files if file.begins_after_ns is not None), key=_begin)
        live = [file for file in files if file.begins_after_ns is None]
        waiting.reverse()
        while live or waiting:
            while waiting and (not live or _begin(waiting[-1]) <= min(file.clock_ns for file in live)):
                live.append(waiting.pop())
            least = min(live, key=_clock)
            batch = least.next()
            if batch is None:
                live.remove(least)
                continue
            self._held.append(batch)
            self._count += len(batch.file)
            if self._count >= max(self.least_passed_on, 2 * self._rest):
                limits = [file.clock_ns for file in live]
                limits += [_begin(waiting[-1])] if waiting else []
                yield from self._pass_on(min(limits) - SLACK_NS)
        yield from self._pass_on(None)
        broken = [file.broken for file in files if file.broken is not None]
        if len(broken) == 1:
            raise broken[0]
        if broken:
            raise SourceError("; ".join(map(str, broken)))

    def _pass_on(self, limit_ns: int | None) -> Iterator[FiledLines]:
        """Sort what is held, and yield what begins before the limit; more if too much would be left."""
        held, self._held = _ordered(self._held), []
        count = total = sum(len(batch.file) for batch in held)
        if limit_ns is not None:
            count = sum(int(np.searchsorted(batch.lines.start_ns, limit_ns)) for batch in held)
            if total - count > self.most_held:
                count = total - self.most_held // 2
        self._count = self._rest = total - count
        passed = []
        for batch in held:
            cut = min(count, len(batch.file))
            count -= cut
            passed += [part_of(batch, at, min(at + LEAST_PASSED_ON, cut)) for at in range(0, cut, LEAST_PASSED_ON)]
            if cut < len(batch.file):
                self._held.append(part_of(batch, cut, len(batch.file)))
        yield from passed


def _begin(file: _File) -> int:
    return file.begins_after_ns or 0


def _clock(file: _File) -> int:
    return file.clock_ns


def _ordered(batches: Sequence[FiledLines]) -> list[FiledLines]:
    """The same lines in the order of time; nothing is copied if they are, as those of one large file most often are."""
    if not batches:
        return []
    clock_ns = -(1 << 62)
    for batch in batches:
        starts_ns = batch.lines.start_ns
        if len(starts_ns) and (starts_ns[0] < clock_ns or (starts_ns[1:] < starts_ns[:-1]).any()):
            break
        clock_ns = int(starts_ns[-1]) if len(starts_ns) else clock_ns
    else:
        if sum(len(batch.file) for batch in batches) >= len(batches) * LEAST_APART:
            return list(batches)
    whole = _of_each(lambda *columns: np.concatenate(columns), *batches)
    order = time_order(whole.lines.start_ns)
    return [whole if order is None else _of_each(lambda column: column.take(order), whole)]


def part_of(filed: FiledLines, begin: int, end: int) -> FiledLines:
    """Some of the lines, without a copy."""
    return _of_each(lambda column: column[begin:end], filed)


def _of_each(change: Callable[..., Any], *batches: FiledLines) -> FiledLines:
    """Make each column of one batch from that column of others."""
    lines = LineColumns(*map(change, *(batch.lines for batch in batches)))
    return FiledLines(lines, change(*(batch.file for batch in batches)))


def time_order(times_ns: Column, rank: Column | None = None) -> Column | None:
    """The stable order of times, then of ranks below 16; None if they are in order.

    Whole seconds within an hour or some, as logs have them, are sorted by their low bits alone: numpy's stable sort of 16 bits
    takes a fifth of the time that 64 bits take.
    """
    if not len(times_ns):
        return None
    least_ns = int(times_ns.min())
    bits = 0 if rank is None else 4
    after_ns = times_ns - least_ns
    seconds = after_ns // _SECOND_NS  # a constant, by which numpy divides several times as fast as `divmod` does
    if bool((seconds * _SECOND_NS == after_ns).all()) and int(seconds.max()) << bits < 1 << 16:
        keys = seconds.astype(np.uint16)
        if rank is not None:
            keys = keys << np.uint16(bits) | rank
    elif rank is None:
        keys = times_ns
    else:
        return np.lexsort((rank, times_ns))
    if bool((keys[1:] >= keys[:-1]).all()):
        return None
    return np.argsort(keys, kind="stable")
