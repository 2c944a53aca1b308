"""Services as numbers, see `sgsim.kernels.match`, and the classes into which rules cut them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from sgsim.kernels import rule_layout
from sgsim.model.address import Family
from sgsim.model.protocol import ANY_PROTOCOL, ICMP_PROTOCOLS, Protocol
from sgsim.model.states import Direction
from sgsim.rules.header import Header
from sgsim.rules.ranges import Ranges
from sgsim.rules.rule import Rule

FIRST_SERVICE = {
    Protocol.TCP: 0,
    Protocol.UDP: rule_layout.UDP_FROM,
    Protocol.ICMP: rule_layout.ICMP_FROM,
    Protocol.ICMPV6: rule_layout.ICMPV6_FROM,
}
"""The number of the first service of each protocol that has more than one."""
_SPACES = np.arange(0, rule_layout.SERVICES, 1 << rule_layout.SPACE_BITS)


@frozen
class ServiceClasses:
    """Services between two places where a rule, or a space of numbers, begins or ends."""

    starts: NDArray[Any]
    """int64 (service classes,): first service of each, the first 0."""
    of_rule: NDArray[Any]
    """int64 (rules + other sets,): those with equal numbers admit the same services."""
    ranges_from: NDArray[Any]
    """int64 (different services + 1,): where the ranges of each begin."""
    begins: NDArray[Any]
    """int64 (ranges,): first class of a range."""
    ends: NDArray[Any]
    """int64 (ranges,): the class after its last."""

    def __len__(self) -> int:
        """How many classes there are."""
        return len(self.starts)

    @property
    def spaces(self) -> NDArray[Any]:
        """The class with which each space of numbers begins, int64 (spaces,)."""
        begins: NDArray[Any] = np.searchsorted(self.starts, _SPACES)
        return begins

    @property
    def is_odd(self) -> NDArray[Any]:
        """Whether each class is in an odd space, for which trees have other nodes: bool (service classes,)."""
        is_odd: NDArray[Any] = (self.starts >> rule_layout.SPACE_BITS) % 2 != 0
        return is_odd

    def admitted(self, row: int) -> NDArray[Any]:
        """The classes that a rule admits, bool (service classes,); rows after those of rules are other sets of services."""
        mask, service = np.zeros(len(self), dtype=bool), self.of_rule[row]
        for at in range(self.ranges_from[service], self.ranges_from[service + 1]):
            mask[self.begins[at] : self.ends[at]] = True
        return mask

    def at(self, first: int, count: int) -> slice:
        """The classes that some services, one after the other, are in."""
        begin, end = np.searchsorted(self.starts, (first, first + count - 1), side="right")
        return slice(begin - 1, end)


def service_classes(rules: Sequence[Rule], others: Iterable[Ranges] = ()) -> ServiceClasses:
    """Cut services where rules, or other sets of services, begin and end."""
    numbers: dict[object, int] = {}
    ranges: list[Ranges] = []
    of_rule: list[int] = []
    for rule in rules:
        number = numbers.setdefault((rule.protocol, rule.ports, rule.icmp), len(numbers))
        if number == len(ranges):
            ranges.append(service_ranges(rule))
        of_rule.append(number)
    for other in others:
        of_rule.append(len(ranges))
        ranges.append(other)
    flat = np.array([pair for each in ranges for pair in each], dtype=np.int64).reshape(-1, 2)
    ends = flat[:, 1] + 1
    starts = np.unique(np.concatenate([_SPACES, flat[:, 0], ends[ends < rule_layout.SERVICES]]))
    return ServiceClasses(
        starts,
        np.array(of_rule, dtype=np.int64),
        np.concatenate([[0], np.cumsum([len(each) for each in ranges])]).astype(np.int64),
        np.searchsorted(starts, flat[:, 0]),
        np.searchsorted(starts, ends),
    )


def service_ranges(rule: Rule) -> Ranges:
    """The services that a rule admits."""
    if rule.protocol == ANY_PROTOCOL:
        return ((0, rule_layout.SERVICES - 1),)
    without_ports = (rule_layout.PROTOCOL_FROM + rule.protocol,) * 2
    first = FIRST_SERVICE.get(Protocol(rule.protocol)) if rule.protocol in FIRST_SERVICE else None
    if rule.ports is not None and first is not None:
        ports = (first + rule.ports.first, first + rule.ports.last)
        return (ports, without_ports) if rule.ports.is_all else (ports,)
    if rule.icmp is not None and first is not None:
        if rule.icmp.icmp_type is None:
            return ((first, first + 65535), without_ports)
        begin = first + rule.icmp.icmp_type * 256
        if rule.icmp.icmp_code is None:
            return ((begin, begin + 255),)
        return ((begin + rule.icmp.icmp_code,) * 2,)
    return (without_ports,)


def header_of_service(service: int, direction: Direction, family: Family) -> Header:
    """A header that asks for a service by its number, from nobody in particular."""
    if service >= rule_layout.PROTOCOL_FROM:
        return Header(direction, family, 0, service - rule_layout.PROTOCOL_FROM, None)
    protocol, first = max(
        ((protocol, first) for protocol, first in FIRST_SERVICE.items() if first <= service), key=lambda pair: pair[1]
    )
    if protocol in ICMP_PROTOCOLS:
        return Header(direction, family, 0, protocol, None, *divmod(service - first, 256))
    return Header(direction, family, 0, protocol, service - first)
