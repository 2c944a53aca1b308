"""Several inputs as one, in the order of time.

The order is that of always taking the earliest of the inputs' next packets, the first input's if several are equally
early. So each input keeps its own order, even where its times go back.

Memory: one batch of each input. An input that breaks off does not end the others: its break is raised after all.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from attrs import define, field, frozen

from sgsim.errors import SourceError
from sgsim.model.columns import Column, PacketColumns, QuotedColumns
from sgsim.sources.base import BATCH_ROWS, NOT_BOUND, Source, is_recorded


def merged(sources: Sequence[Source]) -> Source:
    """Give several sources as one in the order of time; the column `file` counts their files through."""
    return sources[0] if len(sources) == 1 else MergedSource(tuple(sources))


@frozen
class MergedSource:
    """Sources merged by time."""

    sources: tuple[Source, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """The files of all sources, one source after the other."""
        return tuple(name for source in self.sources for name in source.files)

    @property
    def is_recorded(self) -> bool:
        """Whether any of them was recorded."""
        return is_recorded(self.sources)

    def batches(self, taken_at: Sequence[int] = (), *, batch_rows: int = BATCH_ROWS) -> Iterator[PacketColumns]:
        """Yield the packets, as `Source.batches` says.

        Raises:
            SourceError: At the end, if an input broke off; if several did, the message has them all.
        """
        inputs = list(self._inputs(taken_at, batch_rows))
        while live := [each for each in inputs if each.refill()]:
            yield _earliest(live)
        broken = [each.broken for each in inputs if each.broken is not None]
        if len(broken) == 1:
            raise broken[0]
        if broken:
            raise SourceError("; ".join(map(str, broken)))

    def _inputs(self, taken_at: Sequence[int], batch_rows: int) -> Iterator["_Input"]:
        first_file = 0
        for source in self.sources:
            end = first_file + len(source.files)
            bound_to = taken_at[first_file:end] or (NOT_BOUND,) * len(source.files)
            yield _Input(source.batches(bound_to, batch_rows=batch_rows), first_file)
            first_file = end


@define
class _Input:
    """One source, and what it gave that was not passed on yet."""

    _batches: Iterator[PacketColumns]
    _first_file: int
    _held: list[PacketColumns] = field(factory=list, init=False)
    """At most one batch."""
    _clock_ns: Column = field(factory=lambda: np.empty(0, np.int64), init=False)
    """For each held packet the latest time up to it in its batch: if its time goes back it follows its predecessor.

    Times before the batch need not count: all other inputs hold nothing earlier when a batch is used up."""
    broken: SourceError | None = field(default=None, init=False)

    def refill(self) -> bool:
        """Hold at least one packet, if any is left."""
        while not len(self._clock_ns):
            try:
                batch = next(self._batches, None)
            except SourceError as error:
                self.broken = error
                batch = None
            if batch is None:
                return False
            self._held = [batch._replace(file=batch.file + batch.file.dtype.type(self._first_file))]
            self._clock_ns = np.maximum.accumulate(batch.time_ns)
        return True

    @property
    def last_ns(self) -> int:
        """The clock at the last packet that is held."""
        return int(self._clock_ns[-1])

    def take_until(self, limit_ns: int, *, is_inclusive: bool) -> tuple[PacketColumns, Column]:
        """Give up the held packets before `limit_ns`, or also those at it, with their clocks."""
        count = int(np.searchsorted(self._clock_ns, limit_ns, side="right" if is_inclusive else "left"))
        (batch,) = self._held
        taken = _select(batch, slice(None, count)), self._clock_ns[:count]
        self._held, self._clock_ns = [_select(batch, slice(count, None))], self._clock_ns[count:]
        return taken


def _earliest(inputs: Sequence[_Input]) -> PacketColumns:
    """Take all packets that no later batch can precede: up to the first end of a held batch."""
    first_to_end = min(range(len(inputs)), key=lambda place: inputs[place].last_ns)
    limit_ns = inputs[first_to_end].last_ns
    # At the limit itself the next batch of `first_to_end` may go on, and goes before the inputs after it.
    parts = [each.take_until(limit_ns, is_inclusive=place <= first_to_end) for place, each in enumerate(inputs)]
    order = np.argsort(np.concatenate([clock_ns for _, clock_ns in parts]), kind="stable")
    return _select(concatenated([batch for batch, _ in parts]), order)


def concatenated(batches: Sequence[PacketColumns]) -> PacketColumns:
    """Give several batches as one, one after the other."""
    quoted = QuotedColumns(*map(np.concatenate, zip(*(batch.quoted for batch in batches), strict=True)))
    shifted = []
    quotes_before = 0
    for batch in batches:
        quote = np.where(batch.quote >= 0, batch.quote + np.int32(quotes_before), batch.quote)
        shifted.append(batch._replace(quote=quote)[:-1])
        quotes_before += len(batch.quoted.family)
    return PacketColumns._make([*map(np.concatenate, zip(*shifted, strict=True)), quoted])


def _select(batch: PacketColumns, rows: slice | Column) -> PacketColumns:
    """Give some rows, with just the quotes that they refer to, in their order."""
    selected = PacketColumns._make([*(column[rows] for column in batch[:-1]), batch.quoted])
    is_quoting = selected.quote >= 0
    quoted = QuotedColumns(*(column[selected.quote[is_quoting]] for column in batch.quoted))
    quote = np.full_like(selected.quote, -1)
    quote[is_quoting] = np.arange(np.count_nonzero(is_quoting))
    return selected._replace(quote=quote, quoted=quoted)
