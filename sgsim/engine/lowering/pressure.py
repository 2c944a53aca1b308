"""The load on a table read back from the kernels' counts."""

from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from sgsim.conntrack.pressure import MOST_BINS, PEER_BITS, Bin, TablePressure
from sgsim.engine.lowering.memory import MemoryKeeper
from sgsim.kernels import layout
from sgsim.kernels.addresses import addresses
from sgsim.kernels.arrays import Memory, Network
from sgsim.kernels.entry_points import find_at_peak
from sgsim.model.address import Family, format_address
from sgsim.model.protocol import Protocol, protocol_name
from sgsim.model.states import TcpState

_LOW = 0xFFFFFFFF
_BLOCKS = 0xFFFFFF


def raise_pressures(
    keeper: MemoryKeeper, network: Network, tables: Mapping[str, int], rule_ids: Sequence[str]
) -> dict[str, TablePressure]:
    """The load on each table, as the reference engine tells it, by the names that the tables are given with."""
    memory, peak = keeper.memory, _AtPeak.found(keeper, network)
    return {name: _raised(memory, table, peak, rule_ids) for name, table in tables.items()}


def _raised(memory: Memory, table: int, peak: "_AtPeak", rule_ids: Sequence[str]) -> TablePressure:
    row = memory.tables.reshape(-1, layout.TABLE_WORDS)[table].tolist()
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
        by_rule=_by_rule(memory, table, row[layout.PEAK_FLOW], peak, rule_ids),
        by_peer=_by_peer(memory, table, row[layout.PEAK_FLOW], peak),
        by_state=_by_state(memory, table),
    )


@define(eq=False)
class _AtPeak:
    """The entries of now that were there at the peak of their table."""

    by_rule: NDArray[Any]
    """int64 (tables, rules): their places."""
    narrow: NDArray[Any]
    """int64: table, block of the peer and places of those of IPv4, in order."""
    wide: NDArray[Any]
    """uint64 (3, entries): the same of those of IPv6, in the same order."""

    @classmethod
    def found(cls, keeper: MemoryKeeper, network: Network) -> "_AtPeak":
        """Find them."""
        memory = keeper.memory
        clock, tables = memory.clock, len(memory.tables) // layout.TABLE_WORDS
        by_rule, entries = np.zeros((tables, clock[layout.RULE_COUNT]), dtype=np.int64), int(clock[layout.POOL_USED])
        narrow = np.empty(entries, dtype=np.int64)
        wide = np.empty(entries if len(memory.wide) else 0, dtype=np.int64)
        lists = keeper.addresses, addresses(network)
        narrows, wides = find_at_peak(*[*(each.ctypes.data for each in lists), by_rule.reshape(-1), narrow, wide])
        narrow = narrow[:narrows]
        narrow.sort()
        return cls(by_rule, narrow, _wide_rows(memory, network, wide[:wides]))

    def peers(self, table: int) -> Iterator[tuple[str, int]]:
        """The block of each peer of a table, and its places; first those of IPv4."""
        first, last = np.searchsorted(self.narrow, [table << layout.PEAK_TABLE_AT, table + 1 << layout.PEAK_TABLE_AT])
        narrow = self.narrow[first:last]
        blocks = narrow >> layout.PEAK_PLACES_BITS & _BLOCKS
        sums = _summed(blocks, narrow & (1 << layout.PEAK_PLACES_BITS) - 1)
        yield from zip(_narrow_block_texts([block for block, _ in sums]), (places for _, places in sums), strict=True)
        first, last = np.searchsorted(self.wide[0], np.array([table, table + 1], dtype=np.uint64))
        for block, places in _summed(*self.wide[1:, first:last]):
            yield _block_text(block, Family.IPV6), places


def _wide_rows(memory: Memory, network: Network, entries: NDArray[Any]) -> NDArray[Any]:
    """Table, block of the peer and places of entries of IPv6, in the order of tables and blocks."""
    pool = memory.pool.reshape(-1, layout.ENTRY_WORDS)
    of_interface = network.interfaces.reshape(-1, layout.IF_WORDS)[:, layout.IF_TABLE]
    tables = of_interface[pool[entries, layout.OWNER] & _LOW].astype(np.uint64)
    blocks = memory.wide.reshape(-1, 4)[entries, 2]
    places = (pool[entries, layout.STATE] >> layout.PLACES_AT & 3).astype(np.uint64)
    order = np.lexsort((blocks, tables))
    return np.stack([column[order] for column in (tables, blocks, places)])


def _summed(keys: NDArray[Any], places: NDArray[Any]) -> list[tuple[int, int]]:
    """The places by key; keys come in order."""
    if not len(keys):
        return []
    begins = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    return list(zip(keys[begins].tolist(), np.add.reduceat(places, begins).tolist(), strict=True))


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


def _bins(memory: Memory, table: int) -> _Bins:
    rows = memory.bins.reshape(-1, MOST_BINS, layout.BIN_WORDS)[table]
    used = np.flatnonzero(rows[:, layout.BIN_USED])
    return _Bins(used, rows[used, : layout.BIN_USED])


def _by_rule(memory: Memory, table: int, peak_flow: int, peak: _AtPeak, rule_ids: Sequence[str]) -> Counter[str]:
    tables = len(memory.tables) // layout.TABLE_WORDS
    gone = memory.departed_rule.reshape(tables, -1)[table]
    is_current = memory.departed_rule_peak.reshape(tables, -1)[table] == peak_flow
    counts: Counter[str] = Counter()
    for places in (np.where(is_current, gone, 0), peak.by_rule[table]):
        for rule in np.flatnonzero(places).tolist():
            counts[rule_ids[rule]] += int(places[rule])
    return counts


def _by_peer(memory: Memory, table: int, peak_flow: int, peak: _AtPeak) -> Counter[str]:
    counts: Counter[str] = Counter()
    rows = memory.departed.reshape(-1, 4)
    gone = rows[(rows[:, 0] == table * 2 + 1) & (rows[:, 2] == peak_flow)]
    for name, places in zip(_narrow_block_texts(gone[:, 1].tolist()), gone[:, 3].tolist(), strict=True):
        counts[name] += places
    for _, block, _, places in rows[(rows[:, 0] == table * 2 + 2) & (rows[:, 2] == peak_flow)].tolist():
        counts[_block_text(block, Family.IPV6)] += places
    for name, places in peak.peers(table):
        counts[name] += places
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
