"""The load on one connection-tracking table over time.

AWS's names for the two figures that it publishes: `conntrack_allowance_available`, how many more flows fit, and
`conntrack_allowance_exceeded`, how many packets were dropped because none did (`[aws-ena-mon]`).

Law: the least, greatest and last count of each bin, and the peak with its time, are exact, because the table tells of
every change at the moment it happens, expiry too.
"""

from collections import Counter
from collections.abc import MutableMapping
from operator import itemgetter
from typing import Any, Final

from attrs import define, field, frozen

from sgsim.conntrack.entry import ConntrackEntry, FlowEnd
from sgsim.model.address import Family, format_address
from sgsim.model.protocol import protocol_name

MOST_BINS: Final = 4096
FIRST_BIN_NS: Final = 1_000_000
"""Bins begin this narrow; when there would be more than `MOST_BINS` of them, neighbours merge."""

PEER_BITS: Final = {Family.IPV4: 24, Family.IPV6: 64}
"""Peers are counted by blocks of this prefix length."""


@define
class Bin:
    """What happened in one interval of time."""

    least: int
    greatest: int
    last: int
    inserted: int = 0
    expired: int = 0
    closed: int = 0
    """Ended after a FIN or RST, or opened anew."""
    untracked: int = 0
    """Left the table because rules were opened."""
    refused: int = 0
    """Packets that found no place: the growth of `conntrack_allowance_exceeded`."""

    def absorb(self, later: "Bin") -> None:
        """Become this bin and the next in one."""
        self.least = min(self.least, later.least)
        self.greatest = max(self.greatest, later.greatest)
        self.last = later.last
        for name in ("inserted", "expired", "closed", "untracked", "refused"):
            setattr(self, name, getattr(self, name) + getattr(later, name))


@frozen
class Peak:
    """The table at its fullest."""

    count: int
    time_ns: int | None
    """When it was first reached; None if nothing was ever entered."""
    by_rule: dict[str, int]
    """Places by the rule that admitted the flow."""
    by_peer: dict[str, int]
    """Places by the peer's block, /24 or /64."""
    by_state: dict[str, int]
    """Places by protocol and state: `tcp established`."""


@define
class _Tally:
    """Places by some property, now and at the peak.

    Rather than copy the counts at each new peak, what has changed since the last one is kept apart and added when the
    next is reached: every change is touched twice at most. Names without a count are dropped, so that memory grows with
    live flows, not with those that ever were.
    """

    at_peak: Counter[str] = field(factory=Counter)
    since: Counter[str] = field(factory=Counter)

    def add(self, name: str, places: int) -> None:
        _add(self.since, name, places)

    def mark_peak(self) -> None:
        for name, places in self.since.items():
            _add(self.at_peak, name, places)
        self.since.clear()

    def peak(self) -> dict[str, int]:
        by_name = sorted(self.at_peak.items())
        return dict(sorted(by_name, key=itemgetter(1), reverse=True))  # which leaves equals in the order of their names


def _add(counts: Counter[str], name: str, places: int) -> None:
    counts[name] += places
    if not counts[name]:
        del counts[name]


@define
class TablePressure:
    """The load on one table. The table calls it at each change, with times that never go back."""

    capacity: int | None
    """Places of the table; None if it has no limit."""
    count: int = 0
    """Places taken."""
    exceeded: int = 0
    """`conntrack_allowance_exceeded`."""
    inserted: int = 0
    peak_count: int = 0
    peak_time_ns: int | None = None
    first_refused_ns: int | None = None
    """When the table was first found full; None if never."""
    bin_ns: int = FIRST_BIN_NS
    _start_ns: int | None = None
    _bins: MutableMapping[int, Bin] = field(factory=dict)
    """By number; another engine may give a mapping that makes them when somebody looks."""
    _by_rule: _Tally = field(factory=_Tally)
    _by_peer: _Tally = field(factory=_Tally)
    _by_state: _Tally = field(factory=_Tally)

    @classmethod
    def restored(
        cls,
        *,
        by_rule: Counter[str],
        by_peer: Counter[str],
        by_state: Counter[str],
        **counts: Any,  # noqa: ANN401  # the fields are of several kinds
    ) -> "TablePressure":
        """The load as another engine has counted it.

        Args:
            by_rule: Places by rule at the peak.
            by_peer: Places by the peer's block at the peak.
            by_state: Places by protocol and state at the peak.
            counts: All else, by the names of the fields; `start_ns` and `bins` too.
        """
        return cls(by_rule=_Tally(by_rule), by_peer=_Tally(by_peer), by_state=_Tally(by_state), **counts)

    @property
    def available(self) -> int | None:
        """`conntrack_allowance_available`; None without a limit."""
        return None if self.capacity is None else max(0, self.capacity - self.count)

    @property
    def headroom(self) -> int | None:
        """Places that were free at the peak; None without a limit."""
        return None if self.capacity is None else max(0, self.capacity - self.peak_count)

    @property
    def start_ns(self) -> int | None:
        """Where the first bin begins; None if nothing happened."""
        return self._start_ns

    @property
    def bins(self) -> list[tuple[int, Bin]]:
        """Begin and content of each bin in which something happened, in order; between them the count stays."""
        start_ns = self._start_ns or 0
        return [(start_ns + index * self.bin_ns, self._bins[index]) for index in sorted(self._bins)]

    @property
    def time_to_full_ns(self) -> int | None:
        """From the first change until the table was first found full; None if it never was."""
        if self.first_refused_ns is None or self._start_ns is None:
            return None
        return self.first_refused_ns - self._start_ns

    def peak(self) -> Peak:
        """The table at its fullest."""
        tallies = (tally.peak() for tally in (self._by_rule, self._by_peer, self._by_state))
        return Peak(self.peak_count, self.peak_time_ns, *tallies)

    def note_inserted(self, entry: ConntrackEntry, now_ns: int) -> None:
        """An entry took its places."""
        current = self._bin(now_ns)
        self.inserted += 1
        current.inserted += 1
        self._change(entry, entry.places, current)
        if self.count > self.peak_count:
            self.peak_count, self.peak_time_ns = self.count, now_ns
            for tally in (self._by_rule, self._by_peer, self._by_state):
                tally.mark_peak()

    def note_removed(self, entry: ConntrackEntry, end: FlowEnd | None, now_ns: int) -> None:
        """An entry freed its places; `end` is None if its flow goes on untracked."""
        current = self._bin(now_ns)
        self._change(entry, -entry.places, current)
        if end is None:
            current.untracked += 1
        elif end is FlowEnd.EXPIRED:
            current.expired += 1
        else:
            current.closed += 1

    def note_state(self, before: str, entry: ConntrackEntry) -> None:
        """An entry moved from the state named `before`."""
        self._by_state.add(before, -entry.places)
        self._by_state.add(state_name(entry), entry.places)

    def note_refused(self, now_ns: int) -> None:
        """A packet found no place."""
        self.exceeded += 1
        self._bin(now_ns).refused += 1
        if self.first_refused_ns is None:
            self.first_refused_ns = now_ns

    def _change(self, entry: ConntrackEntry, places: int, current: Bin) -> None:
        self.count += places
        current.last = self.count
        current.least = min(current.least, self.count)
        current.greatest = max(current.greatest, self.count)
        self._by_rule.add(entry.rule.rule_id if entry.rule else "", places)
        self._by_peer.add(peer_block(entry), places)
        self._by_state.add(state_name(entry), places)

    def _bin(self, now_ns: int) -> Bin:
        if self._start_ns is None:
            self._start_ns = now_ns
        while (now_ns - self._start_ns) // self.bin_ns >= MOST_BINS:
            self._merge_neighbours()
        index = (now_ns - self._start_ns) // self.bin_ns
        if index not in self._bins:
            self._bins[index] = Bin(self.count, self.count, self.count)
        return self._bins[index]

    def _merge_neighbours(self) -> None:
        self.bin_ns *= 2
        merged: dict[int, Bin] = {}
        for index in sorted(self._bins):
            if index // 2 in merged:
                merged[index // 2].absorb(self._bins[index])
            else:
                merged[index // 2] = self._bins[index]
        self._bins = merged


def state_name(entry: ConntrackEntry) -> str:
    """Protocol and state of an entry, as tallies name them."""
    name = protocol_name(entry.key.five_tuple.protocol)
    if entry.tcp_state is not None:
        return f"{name} {entry.tcp_state}"
    return f"{name} {'stream' if entry.is_stream else 'answered' if entry.answered else 'unanswered'}"


def peer_block(entry: ConntrackEntry) -> str:
    """The block of addresses that the peer of an entry is counted in."""
    local = entry.key.five_tuple
    shift = local.family.bits - PEER_BITS[local.family]
    return f"{format_address(local.dst_addr >> shift << shift, local.family)}/{PEER_BITS[local.family]}"
