"""Interfaces, addresses, services and paths as arrays."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sgsim.conntrack.exempt import ExemptTraffic
from sgsim.conntrack.timeouts import Timeouts
from sgsim.kernels import layout
from sgsim.kernels.arrays import Column, Network
from sgsim.kernels.entry_points import put_owners, put_wide_owners
from sgsim.model.address import Family
from sgsim.model.interface import Interface
from sgsim.model.states import TcpState
from sgsim.rules.paths import PathMap

_WORD = (1 << 64) - 1
_LEAST_SLOTS_BITS = 10
"""Few enough for the first cache; with more room, hardly an address that nobody owns meets one that somebody does."""
LONGEST_NS = 100 * 366 * 86_400 * 1_000_000_000
"""Timeouts beyond a century are a century, so that no time leaves 64 bits."""


def lower_network(
    interfaces: Sequence[Interface],
    present: Collection[str],
    tables: Mapping[str, int],
    units: Mapping[tuple[str, ...], int],
    edges: Mapping[str, int],
    paths: Sequence[PathMap],
    timeouts: Sequence[Timeouts],
    exempt: ExemptTraffic,
) -> Network:
    """Build the arrays of one network.

    Args:
        interfaces: By number.
        present: Ids of those that own their addresses now; the others were removed by a change.
        tables: Number of each table, by the id of its instance.
        units: The unit for INGRESS of each set of groups.
        edges: The unit for INGRESS of the network ACL before the subnet of each interface that has one, by its id.
        paths: The labels that concern each interface.
        timeouts: The timeouts at each interface.
        exempt: Services that are never filtered.
    """
    services = list(dict.fromkeys(exempt.services().values()))
    service_at = {place: services.index(service) + 1 for place, service in exempt.services().items()}
    owned = _owned(interfaces, present)
    path_rows, path_ends = _paths(paths)
    owners = _owners({**dict.fromkeys(service_at, 0), **owned.singles}, service_at)
    return Network(
        sizes=np.array([len(owners["owners"]) - 1, len(owners["wide_owner"]) - 1, len(owned.prefixes)], dtype=np.int64),
        **owners,
        **_prefixes(owned.prefixes),
        service_protocol=np.array([-1 if s.protocol is None else s.protocol for s in services], dtype=np.int64),
        service_port=np.array([-1 if s.port is None else s.port for s in services], dtype=np.int64),
        interfaces=_interface_rows(interfaces, present, tables, units, edges, path_ends),
        timeouts=np.concatenate([_timeout_row(each) for each in timeouts] or [np.zeros(0, dtype=np.int64)]),
        **_path_columns(path_rows),
    )


class _Owned:
    """Addresses by the number of their owner + 1."""

    def __init__(self) -> None:
        self.singles: dict[tuple[int, Family], int] = {}
        self.prefixes: list[tuple[Family, int, int, int]] = []


def _owned(interfaces: Sequence[Interface], present: Collection[str]) -> _Owned:
    owned = _Owned()
    for number, interface in enumerate(interfaces):
        if interface.interface_id not in present:
            continue
        for family in Family:
            for first, last in interface.owned_ranges(family):
                if first == last:
                    owned.singles[first, family] = number + 1
                else:
                    owned.prefixes.append((family, first, last, number))
    return owned


def _owners(singles: Mapping[tuple[int, Family], int], services: Mapping[tuple[int, Family], int]) -> dict[str, Column]:
    """Two open tables, one for each family."""
    values: dict[Family, dict[int, int]] = {family: {} for family in Family}
    for (address, family), owner in singles.items():
        values[family][address] = owner | services.get((address, family), 0) << 24
    owners = np.zeros(_slots(len(values[Family.IPV4])), dtype=np.uint64)
    put_owners(owners, *(np.array(list(column), dtype=np.uint64) for column in _keys_and_values(values[Family.IPV4])))
    slots = _slots(len(values[Family.IPV6]))
    wide, his, los = np.zeros(slots, np.int64), np.zeros(slots, np.uint64), np.zeros(slots, np.uint64)
    addresses, numbers = _keys_and_values(values[Family.IPV6])
    put_wide_owners(wide, his, los, *_words(list(addresses)), np.array(list(numbers), dtype=np.int64))
    return {"owners": owners, "wide_owner": wide, "wide_owner_hi": his, "wide_owner_lo": los}


def _keys_and_values(values: Mapping[int, int]) -> tuple[Iterable[int], Iterable[int]]:
    return values.keys(), values.values()


def _slots(count: int) -> int:
    return 1 << max(_LEAST_SLOTS_BITS, (count * 8).bit_length())


def _words(addresses: Sequence[int]) -> tuple[Column, Column]:
    return (
        np.array([address >> 64 for address in addresses], dtype=np.uint64),
        np.array([address & _WORD for address in addresses], dtype=np.uint64),
    )


def _prefixes(prefixes: Sequence[tuple[Family, int, int, int]]) -> dict[str, Column]:
    first_hi, first_lo = _words([first for _, first, _, _ in prefixes])
    last_hi, last_lo = _words([last for _, _, last, _ in prefixes])
    return {
        "prefix_first_hi": first_hi,
        "prefix_first_lo": first_lo,
        "prefix_last_hi": last_hi,
        "prefix_last_lo": last_lo,
        "prefix_family": np.array([family for family, _, _, _ in prefixes], dtype=np.uint8),
        "prefix_owner": np.array([number for _, _, _, number in prefixes], dtype=np.int64),
    }


def _interface_rows(
    interfaces: Sequence[Interface],
    present: Collection[str],
    tables: Mapping[str, int],
    units: Mapping[tuple[str, ...], int],
    edges: Mapping[str, int],
    path_ends: Sequence[tuple[int, int]],
) -> Column:
    # One at least, as kernels look at the first also for a packet of none.
    rows = np.zeros((max(1, len(interfaces)), layout.IF_WORDS), dtype=np.int64)
    for number, interface in enumerate(interfaces):
        rows[number, layout.IF_TABLE] = tables[interface.table_id]
        rows[number, layout.IF_UNIT] = units.get(interface.group_ids, 0)
        has_unknown = bool(interface.group_ids) and interface.group_ids not in units
        rows[number, layout.IF_HAS_GROUPS] = 2 if has_unknown else bool(interface.group_ids)
        if interface.interface_id not in present:
            rows[number, layout.IF_HAS_GROUPS] = -1
        rows[number, layout.IF_EDGE] = edges.get(interface.interface_id, -1) + 1
        rows[number, [layout.IF_PATHS_FROM, layout.IF_PATHS_TO]] = path_ends[number]
    return rows.reshape(-1)


def _timeout_row(timeouts: Timeouts) -> Column:
    row = np.zeros(layout.TIMEOUT_WORDS, dtype=np.int64)
    for state in TcpState:
        row[state] = min(timeouts.tcp_ns[state], LONGEST_NS)
    row[layout.UDP_TIMEOUT] = min(timeouts.udp_ns, LONGEST_NS)
    row[layout.UDP_STREAM_TIMEOUT] = min(timeouts.udp_stream_ns, LONGEST_NS)
    row[layout.ICMP_TIMEOUT] = min(timeouts.icmp_ns, LONGEST_NS)
    row[layout.ICMPV6_TIMEOUT] = min(timeouts.icmpv6_ns, LONGEST_NS)
    row[layout.OTHER_TIMEOUT] = min(timeouts.other_ns, LONGEST_NS)
    row[layout.TCP_LONGEST] = row[list(TcpState)].max()
    row[layout.UDP_LONGEST] = row[[layout.UDP_TIMEOUT, layout.UDP_STREAM_TIMEOUT]].max()
    return row


def _paths(paths: Sequence[PathMap]) -> tuple[list[Any], list[tuple[int, int]]]:
    rows: list[Any] = []
    ends = []
    for path_map in paths:
        begin = len(rows)
        rows.extend(path_map.ranked())
        ends.append((begin, len(rows)))
    return rows, ends


def _path_columns(rows: Sequence[Any]) -> dict[str, Column]:
    first_hi, first_lo = _words([network.first for network, _ in rows])
    last_hi, last_lo = _words([network.last for network, _ in rows])
    return {
        "path_first_hi": first_hi,
        "path_first_lo": first_lo,
        "path_last_hi": last_hi,
        "path_last_lo": last_lo,
        "path_family": np.array([network.version for network, _ in rows], dtype=np.uint8),
        "path_automatic": np.array([label.is_automatic for _, label in rows], dtype=np.uint8),
        "path_places": np.array([label.places for _, label in rows], dtype=np.int64),
    }
