"""Synthetic traffic: parts together, in the order of time, as packets of a source.

What parts give is sorted into slots of time, and a slot is done when no part can add to it. Memory holds the flows that
have begun and not ended, whatever the duration. Packets at one time stand in the order of the parts, and within a part in
that of its windows; so the size of batches has no part in the order.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from attrs import define, field, frozen

from sgsim.errors import ConfigError
from sgsim.model.columns import PacketColumns
from sgsim.rules.inventory import Inventory
from sgsim.sources.base import BATCH_ROWS, NOT_BOUND, Record
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.pcap_file import pcap_records
from sgsim.sources.synthetic.addresses import Endpoints, endpoints
from sgsim.sources.synthetic.arrivals import ArrivingFlows, mean_packets
from sgsim.sources.synthetic.flows import FlowMaker
from sgsim.sources.synthetic.part import Part
from sgsim.sources.synthetic.rows import ROW, Rows, packet_columns
from sgsim.sources.synthetic.standing import StandingFlows

if TYPE_CHECKING:
    from sgsim.sources.synthetic.writing import Written

HOME: Final = ("10.0.0.5",)
"""The interface at hand where no rules are."""
OUTSIDE: Final = ("198.51.100.0/24", "2001:db8:c::/64")
"""Everybody else, from ranges for documentation."""
DEFAULT_START_NS: Final = 1_767_225_600 * 10**9
"""2026-01-01T00:00:00Z."""
_ROW_WORDS: Final = ROW.itemsize // 8
_PLACE_BITS: Final = 21
_WHOLE_BYTES: Final = 65_535
_PAGE_ROWS: Final = 4096


@frozen(kw_only=True)
class Synthetic:
    """Traffic that is described, and made when it is read. It can be replayed as it is: `sgsim.replay(rules, traffic)`."""

    parts: tuple[Part, ...]
    seed: int = 1
    duration_ns: int = 60 * 10**9
    start_ns: int = DEFAULT_START_NS
    interface: str | None = None
    """The interface at hand, by id; None: the first of the rules."""
    name: str = "synthetic"

    def __attrs_post_init__(self) -> None:
        """Refuse parts that would be drawn from the same streams.

        Raises:
            ConfigError: If two parts have one name, or there are none.
        """
        names = [part.name for part in self.parts]
        if not names:
            raise ConfigError("traffic must have at least one part, got none")
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ConfigError(f"name of a part must occur once, got {twice[0]!r} twice")
        if not 0 <= self.seed < 1 << 64:
            raise ConfigError(f"seed must be 0..2^64-1, got {self.seed}")

    @property
    def expected_packets(self) -> int:
        """About how many packets it has."""
        return sum(_expected_packets(part, self.duration_ns) for part in self.parts)

    def bound(self, inventory: Inventory | None = None, *, native: bool = False) -> "SyntheticSource":  # noqa: ARG002  # as `Inner.bound`
        """Find the addresses that it names.

        Args:
            inventory: Where interfaces and groups are known; None: the interface at hand is `HOME`.
            native: Of no meaning here.

        Raises:
            ConfigError: If a name stands for nothing.
        """
        home = self._home(inventory)
        makers = tuple(
            FlowMaker(part, *(_ends(part, role, home, inventory) for role in ("client", "server")))
            for part in self.parts
        )
        return SyntheticSource(self, makers)

    def write_pcap(
        self, target: str | Path, inventory: Inventory | None = None, *, unit: str = "ns", snap_bytes: int = 128
    ) -> "Written":
        """Write it to a capture; see `sgsim.sources.synthetic.writing.write_capture`."""
        from sgsim.sources.synthetic.writing import write_capture  # noqa: PLC0415  # it needs this module

        return write_capture(self.bound(inventory), target, unit=unit, snap_bytes=snap_bytes)

    def _home(self, inventory: Inventory | None) -> tuple[str, ...]:
        if inventory is None or not inventory.interfaces:
            return HOME
        name = self.interface or next(iter(inventory.interfaces))
        if name not in inventory.interfaces:
            known = ", ".join(list(inventory.interfaces)[:5])
            raise ConfigError(f"interface must be a known one, got {name!r}; known are {known}")
        return (name,)


def _expected_packets(part: Part, duration_ns: int) -> int:
    lasting_ns = max(duration_ns - part.begin, 0)
    if part.flows is None:
        lasting_ns = lasting_ns if part.lasting is None else min(lasting_ns, part.lasting)
        return int(float(part.rate) * lasting_ns / 10**9 * mean_packets(part))
    return int(part.flows * (3 + 2 * lasting_ns / max(part.every.mean, 1)))


def _ends(part: Part, role: str, home: tuple[str, ...], inventory: Inventory | None) -> Endpoints:
    named = part.clients if role == "client" else part.servers
    if not named:
        named = home if part.ours == role else OUTSIDE
    return endpoints(named, inventory, f"{role}s of {part.name}")


@frozen
class SyntheticSource:
    """Synthetic packets as a `Source`: the same again each time it is read."""

    traffic: Synthetic
    makers: tuple[FlowMaker, ...]

    is_recorded: bool = False
    """Nobody recorded it: answers to what is denied are in it, and are judged for themselves."""

    @property
    def files(self) -> tuple[str, ...]:
        """Its name."""
        return (self.traffic.name,)

    @property
    def expected_packets(self) -> int:
        """About how many packets it has."""
        return self.traffic.expected_packets

    def batches(self, taken_at: Sequence[int] = (), *, batch_rows: int = BATCH_ROWS) -> Iterator[PacketColumns]:
        """Yield the packets, as `Source.batches` says."""
        bound_to = taken_at[0] if taken_at else NOT_BOUND
        number = 1
        for rows in self.rows(batch_rows):
            yield packet_columns(rows, number, bound_to)
            number += len(rows)

    def records(self) -> Iterator[Record]:
        """Yield the packets as they would stand in a capture, whole."""
        from sgsim.sources.synthetic.pcap_bytes import PcapBytes  # noqa: PLC0415  # only for who writes some of them

        writer = PcapBytes(snap_bytes=_WHOLE_BYTES)
        number = 0
        for rows in self.rows(_PAGE_ROWS):
            data = io.BytesIO(writer.header() + writer.records(rows))
            for place, record in enumerate(pcap_records(ByteReader(data)), number + 1):
                yield place, *record[1:]
            number += len(rows)

    def rows(self, batch_rows: int = BATCH_ROWS) -> Iterator[Rows]:
        """Yield the packets as rows, `batch_rows` at a time but for the last."""
        held: list[Rows] = []
        count = 0
        for slot in self._slots():
            begin = 0
            while count + len(slot) - begin >= batch_rows:
                end = begin + batch_rows - count
                yield np.concatenate([*held, slot[begin:end]]) if held else slot[begin:end]
                held, count, begin = [], 0, end
            if begin < len(slot):
                held.append(slot[begin:])
                count += len(slot) - begin
        if held:
            yield np.concatenate(held)

    def _slots(self) -> Iterator[Rows]:
        """Yield the packets of one slot of time after the other."""
        traffic = self.traffic
        kinds = [
            (StandingFlows if maker.part.flows is not None else ArrivingFlows)(maker, traffic.seed, traffic.duration_ns)
            for maker in self.makers
        ]
        inputs = [_Input(place, iter(kind.windows())) for place, kind in enumerate(kinds)]
        calendar = _Calendar(min(kind.bits for kind in kinds), traffic.duration_ns)
        while True:
            reached = [each.reached_ns for each in inputs if each.reached_ns is not None]
            if not reached:
                break
            frontier_ns = min(reached)
            for rows in calendar.taken_until(frontier_ns):
                rows["time_ns"] += traffic.start_ns
                yield rows
            for each in inputs:
                if each.reached_ns == frontier_ns:
                    each.advance(calendar)
        for rows in calendar.taken_until(traffic.duration_ns + (1 << 62)):
            rows["time_ns"] += traffic.start_ns
            yield rows


@define
class _Input:
    """The windows of one part, one ahead."""

    place: int
    _windows: Iterator[tuple[int, Rows]]
    _number: int = 0
    _next: tuple[int, Rows] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._next = next(self._windows, None)

    @property
    def reached_ns(self) -> int | None:
        """Up to where all of its packets are in the calendar; None if they all are."""
        return None if self._next is None else self._next[0]

    def advance(self, calendar: "_Calendar") -> None:
        """Put the next window into the calendar."""
        if self._next is not None:
            calendar.add(self._next[1], (self.place, self._number))
            self._number += 1
            self._next = next(self._windows, None)


@define
class _Calendar:
    """Packets that are still to come, by slots of time."""

    bits: int
    """The binary logarithm of a slot's length in nanoseconds."""
    end_ns: int
    """Packets from here on are dropped."""
    _slots: dict[int, list[tuple[tuple[int, int], Rows]]] = field(factory=lambda: defaultdict(list), init=False)
    _next: int = field(default=0, init=False)

    def add(self, rows: Rows, origin: tuple[int, int]) -> None:
        """Sort packets into their slots; `origin` is their part and window, which order packets of one time."""
        rows = _in_order(rows)
        rows = rows[: np.searchsorted(rows["time_ns"], self.end_ns)]
        if not len(rows):
            return
        slots = rows["time_ns"] >> self.bits
        begins = np.flatnonzero(np.diff(slots, prepend=-1))
        for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(rows)], strict=True):
            self._slots[int(slots[begin])].append((origin, rows[begin:end].copy()))

    def taken_until(self, limit_ns: int) -> Iterator[Rows]:
        """Take out the slots that end at or before a time, in their order."""
        limit = min(limit_ns, self.end_ns + (1 << self.bits)) >> self.bits
        for slot in sorted(slot for slot in self._slots if slot < limit):
            parts: Iterable[tuple[tuple[int, int], Rows]] = sorted(self._slots.pop(slot), key=lambda part: part[0])
            yield _in_order(np.concatenate([rows for _, rows in parts]))


def _in_order(rows: Rows) -> Rows:
    """Sort by time; what comes at one time stays in its order."""
    time_ns = rows["time_ns"]
    if len(rows) < 2:
        return rows
    span = int(time_ns.max()) - int(time_ns.min())
    if span < 1 << (63 - _PLACE_BITS) and len(rows) < 1 << _PLACE_BITS:
        # Time and place in one number: sorting numbers is several times as fast as sorting places by them.
        keys = np.sort((time_ns - time_ns.min() << _PLACE_BITS) | np.arange(len(rows)))
        order = keys & ((1 << _PLACE_BITS) - 1)
    else:
        order = np.argsort(time_ns, kind="stable")
    return rows.view(np.uint64).reshape(-1, _ROW_WORDS).take(order, axis=0).view(ROW).reshape(-1)
