"""The load on a table over time, as a summary has it: made when somebody looks.

A table has up to 4,096 intervals and a network hundreds of tables; most who replay traffic look at none of them.
"""

from collections.abc import Sequence
from typing import overload

from attrs import define, field, frozen

from sgsim.conntrack.pressure import Bin, TablePressure


@frozen(kw_only=True)
class PressureBin:
    """The load on a table in one interval."""

    start_ns: int
    least: int
    greatest: int
    last: int
    inserted: int
    expired: int
    closed: int
    untracked: int
    refused: int


@define(eq=False, repr=False)
class PressureBins(Sequence[PressureBin]):
    """The intervals in which something happened, in order; equal to any sequence of the same."""

    _pressure: TablePressure
    """Of a run that has ended."""
    _made: tuple[PressureBin, ...] | None = field(default=None, init=False)

    def _all(self) -> tuple[PressureBin, ...]:
        if self._made is None:
            self._made = tuple(_bin(start_ns, current) for start_ns, current in self._pressure.bins)
        return self._made

    @overload
    def __getitem__(self, place: int) -> PressureBin: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[PressureBin, ...]: ...
    def __getitem__(self, place: int | slice) -> PressureBin | tuple[PressureBin, ...]:
        """One interval, or some of them."""
        return self._all()[place]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._all())

    def __eq__(self, other: object) -> bool:
        """Whether another sequence has the same."""
        return self._all() == tuple(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # what lists have, too

    def __repr__(self) -> str:
        """As the tuple of them."""
        return repr(self._all())


def _bin(start_ns: int, current: Bin) -> PressureBin:
    return PressureBin(
        start_ns=start_ns,
        least=current.least,
        greatest=current.greatest,
        last=current.last,
        inserted=current.inserted,
        expired=current.expired,
        closed=current.closed,
        untracked=current.untracked,
        refused=current.refused,
    )
