"""The load on a table read back from the kernels' counts."""

from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from sgsim.conntrack.pressure import MOST_BINS, PEER_BITS, Bin, TablePressure
from sgsim.kernels import layout
from sgsim.kernels.arrays import Memory, Network
from sgsim.model.address import Family, format_address
from sgsim.model.protocol import Protocol, protocol_name
from sgsim.model.states import TcpState, Tracking

_LOW = 0xFFFFFFFF
_PLACES_BITS = 2


def raise_pressures(
    memory: Memory, network: Network, tables: Mapping[str, int], rule_ids: Sequence[str]
) -> dict[str, TablePressure]:
    """The load on each table, as the reference engine tells it, by the names that the tables are given with."""
    tracked = _tracked(memory, network, max(tables.values(), default=-1) + 1)
    return {name: _raised(memory, table, tracked[table], rule_ids) for name, table in tables.items()}


def _raised(memory: Memory, table: int, tracked: NDArray[Any], rule_ids: Sequence[str]) -> TablePressure:
    row = memory.tables.reshape(-1, layout.TABLE_WORDS)[table].tolist()
    flows = memory.pool.reshape(-1, layout.ENTRY_WORDS)[tracked, layout.FLOW]
    entries = tracked[flows <= row[layout.PEAK_FLOW]]  # the entries of now that were there at the peak
    return TablePressure.restored(
        capacity=None if row[layout.CAPACITY] < 0 else row[layout.CAPACITY],
        count=row[layout.COUNT],
        exceeded=row[layout.EXCEEDED],
        inserted=row[layout.INSERTED],
        peak_count=row[layout.PEAK],
        peak_time_ns=row[layout.PEAK_TIME] if row[layout.PEAK] else None,
        first_refused_ns=row[layout.FIRST_REFUSED] if row[layout.EXCEEDED] else None,
        bin_ns=row[layout.BIN_NS],
        start_ns=row[layout.BIN_START] if row[layout.HAS_BINS] else None,
        bins=_bins(memory, table),
        by_rule=_by_rule(memory, table, row[layout.PEAK_FLOW], entries, rule_ids),
        by_peer=_by_peer(memory, table, row[layout.PEAK_FLOW], entries),
        by_state=_by_state(memory, table),
    )


def _tracked(memory: Memory, network: Network, tables: int) -> list[NDArray[Any]]:
    """The entries that take places now, for each table."""
    used = int(memory.clock[layout.POOL_USED])
    pool = memory.pool[: used * layout.ENTRY_WORDS].reshape(used, layout.ENTRY_WORDS)
    is_tracked = pool[:, layout.STATE] >> layout.TRACKING_AT & 3 == Tracking.TRACKED
    entries = np.flatnonzero(is_tracked & (pool[:, layout.FLOW] > 0))
    of_interface = network.interfaces.reshape(-1, layout.IF_WORDS)[:, layout.IF_TABLE]
    of_entry = of_interface[pool[entries, layout.OWNER] & _LOW]
    if tables < 1 << 16:
        of_entry = of_entry.astype(np.uint16)  # of which numpy's stable sort takes a tenth of the time
    order = np.argsort(of_entry, kind="stable")
    bounds = np.searchsorted(of_entry[order], np.arange(tables + 1))
    return np.split(entries[order], bounds)[1:-1]


@define(eq=False)
class _Bins(MutableMapping[int, Bin]):
    """Bins by number, made of the kernels' numbers when somebody looks."""

    _numbers: NDArray[Any]
    """int64 (bins,)."""
    _rows: NDArray[Any]
    """int64 (bins, fields): the fields of `Bin`."""
    _made: dict[int, Bin] | None = field(default=None, init=False)

    def _all(self) -> dict[int, Bin]:
        if self._made is None:
            rows = zip(self._numbers.tolist(), self._rows.tolist(), strict=True)
            self._made = {number: Bin(*row) for number, row in rows}
        return self._made

    def __getitem__(self, number: int) -> Bin:
        return self._all()[number]

    def __setitem__(self, number: int, value: Bin) -> None:
        self._all()[number] = value

    def __delitem__(self, number: int) -> None:
        del self._all()[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def _places(memory: Memory, entries: NDArray[Any]) -> NDArray[Any]:
    places: NDArray[Any] = memory.pool.reshape(-1, layout.ENTRY_WORDS)[entries, layout.STATE] >> layout.PLACES_AT & 3
    return places


def _bins(memory: Memory, table: int) -> _Bins:
    rows = memory.bins.reshape(-1, MOST_BINS, layout.BIN_WORDS)[table]
    used = np.flatnonzero(rows[:, layout.BIN_USED])
    return _Bins(used, rows[used, : layout.BIN_USED])


def _by_rule(
    memory: Memory, table: int, peak_flow: int, entries: NDArray[Any], rule_ids: Sequence[str]
) -> Counter[str]:
    tables = len(memory.tables) // layout.TABLE_WORDS
    gone = memory.departed_rule.reshape(tables, -1)[table]
    is_current = memory.departed_rule_peak.reshape(tables, -1)[table] == peak_flow
    counts: Counter[str] = Counter()
    for rule in np.flatnonzero(is_current & (gone != 0)).tolist():
        counts[rule_ids[rule]] += int(gone[rule])
    rules = (memory.pool.reshape(-1, layout.ENTRY_WORDS)[entries, layout.OWNER] >> 32 & _LOW) - 1
    for rule, places in _summed(rules, _places(memory, entries)):
        counts[rule_ids[rule]] += places
    return counts


def _summed(keys: NDArray[Any], places: NDArray[Any]) -> list[tuple[int, int]]:
    """The places by key, in the order of the keys; an entry takes at most 3 places."""
    if not len(keys):
        return []
    if keys.dtype == np.uint64:  # blocks of IPv6, which have no bits to spare
        different, inverse = np.unique(keys, return_inverse=True)
        sums = np.bincount(inverse, weights=places, minlength=len(different)).astype(np.int64)
        return list(zip(different.tolist(), sums.tolist(), strict=True))
    ordered = np.sort(keys << _PLACES_BITS | places)  # numbers sort several times as fast as places of numbers do
    different = ordered >> _PLACES_BITS
    begins = np.flatnonzero(np.append(True, different[1:] != different[:-1]))
    sums = np.add.reduceat(ordered & 3, begins)
    return list(zip(different[begins].tolist(), sums.tolist(), strict=True))


def _by_peer(memory: Memory, table: int, peak_flow: int, entries: NDArray[Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    rows = memory.departed.reshape(-1, 4)
    gone = rows[(rows[:, 0] == table * 2 + 1) & (rows[:, 2] == peak_flow)]
    for name, places in zip(_narrow_block_texts(gone[:, 1].tolist()), gone[:, 3].tolist(), strict=True):
        counts[name] += places
    for _, block, _, places in rows[(rows[:, 0] == table * 2 + 2) & (rows[:, 2] == peak_flow)].tolist():
        counts[_block_text(block, Family.IPV6)] += places
    pool = memory.pool.reshape(-1, layout.ENTRY_WORDS)
    is_ipv6 = pool[entries, layout.KEY_SERVICE] & layout.KEY_IPV6 != 0
    narrow = entries[~is_ipv6]
    summed = _summed(pool[narrow, layout.KEY_ADDRESSES] >> 40 & 0xFFFFFF, _places(memory, narrow))
    names = _narrow_block_texts([block for block, _ in summed])
    for name, (_, places) in zip(names, summed, strict=True):
        counts[name] += places
    if len(memory.wide):
        wide = entries[is_ipv6]
        for block, places in _summed(memory.wide.reshape(-1, 4)[wide, 2], _places(memory, wide)):
            counts[_block_text(block, Family.IPV6)] += places
    return counts


def _narrow_block_texts(blocks: Sequence[int]) -> list[str]:
    """The names of IPv4 blocks: there may be a million, and `_block_text` takes a microsecond for each."""
    octets = [f"{octet}." for octet in range(256)]
    return [octets[block >> 16] + octets[block >> 8 & 255] + octets[block & 255] + "0/24" for block in blocks]


def _block_text(block: int, family: Family) -> str:
    bits = PEER_BITS[family]
    return f"{format_address(block << (family.bits - bits), family)}/{bits}"


def _by_state(memory: Memory, table: int) -> Counter[str]:
    places = memory.by_state.reshape(-1, layout.STATE_CLASSES)[table]
    return Counter({_state_name(kind): int(places[kind]) for kind in np.flatnonzero(places).tolist()})


def _state_name(kind: int) -> str:
    if kind < 16:
        return f"{protocol_name(Protocol.TCP)} {TcpState(kind)}"
    protocol, state = divmod(kind - 16, 3)
    return f"{protocol_name(protocol)} {('unanswered', 'answered', 'stream')[state]}"
