"""Few rules that admit exactly what some rules admit: the search behind `sgsim.analysis.minimize`."""

import enum
from collections.abc import Iterable, Iterator, Sequence

from attrs import evolve
from netaddr import IPNetwork

from sgsim.model.address import Family
from sgsim.model.protocol import ANY_PROTOCOL, ICMP_PROTOCOLS, PORT_PROTOCOLS
from sgsim.rules import ranges
from sgsim.rules.address_set import AddressSet
from sgsim.rules.port_range import PortRange
from sgsim.rules.ranges import Ranges
from sgsim.rules.region import Region
from sgsim.rules.region_cover import cover
from sgsim.rules.rule import Cidr, IcmpMatch, Rule
from sgsim.rules.rule_region import EVERYONE, of_families
from sgsim.rules.service import ALL_SERVICES, by_protocol, rule_services

Made = tuple[Rule, list[Rule]]
"""A new rule, and those that it replaces."""

MOST_MADE = 4
"""A cover with more than this many times the rules that there are is not looked at."""


class Layer(enum.Enum):
    """What rules have in common, and what may become of them."""

    OPEN = "open"
    """Literally open to everyone."""
    REFERENCE = "reference"
    """Of one group or prefix list."""
    BLOCKS = "blocks"
    """Of blocks of one family, none of them open to everyone."""


def fewest(rules: Sequence[Rule], layer: Layer, opened: Sequence[Rule]) -> tuple[list[Rule], list[Made]]:
    """Keep, drop and replace rules of one layer.

    Args:
        rules: The rules, of one direction.
        layer: What they are.
        opened: Rules open to everyone that stay, or are replaced by others that admit the same.

    Returns:
        The rules to keep, and new ones with those that each replaces.
    """
    candidates = [_irredundant([*rules], opened)]
    candidates.append(_irredundant([*_joined_ports(rules, layer)], opened))
    if layer is Layer.BLOCKS:
        merged = list(rules)
        for _ in range(len(rules) + 1):
            before = len(merged)
            merged = [*_joined_ports(_joined_blocks(merged), layer)]
            if len(merged) >= before:
                break
        candidates.append(_irredundant(merged, opened))
        candidates.append(_irredundant([*_covering(rules, opened, len(rules) * MOST_MADE)], opened) or list(rules))
    candidates = [each for each in candidates if _means(each, opened) == _means(rules, opened)]
    return _sorted_out(min(candidates, key=len), rules)


def _sorted_out(chosen: Sequence[Rule], rules: Sequence[Rule]) -> tuple[list[Rule], list[Made]]:
    """Tell rules that were there from new ones, and find what each of these replaces."""
    kept, new, left = [], [], list(rules)
    for rule in chosen:
        same = next((each for each in left if _says(each) == _says(rule)), None)
        if same is None:
            new.append(rule)
        else:
            kept.append(same)
            left = [each for each in left if each is not same]
    made: list[Made] = []
    for rule in new:
        replaced = [each for each in left if _region([rule]).covers(_region([each])) and _region([each])]
        replaced = replaced or [each for each in left if _region([rule]) & _region([each])]
        made.append((rule, replaced or [*rules[:1]]))
    return kept, made


def _says(rule: Rule) -> object:
    return rule.protocol, rule.ports, rule.icmp, rule.peer


def _addresses(rule: Rule) -> AddressSet:
    """Whom a rule means; a reference stands for everyone, as it is only compared with its like and open rules."""
    peers = AddressSet.of([rule.peer.network]) if isinstance(rule.peer, Cidr) else EVERYONE
    return of_families(peers, rule)


def _region(rules: Iterable[Rule]) -> Region:
    return Region.of((_addresses(rule), (rule_services(rule),)) for rule in rules)


def _means(rules: Iterable[Rule], opened: Sequence[Rule]) -> object:
    """What must stay the same: what passes together with open rules, and what decides about tracking."""
    rules = list(rules)
    open_rules = [rule for rule in rules if any(rule.is_open_to(family) for family in Family)]
    back = {
        (family, protocol)
        for rule in open_rules
        for family in Family
        if rule.is_open_to(family)
        for protocol in range(256)
        if rule.covers_protocol(protocol)
    }
    return _region([*rules, *opened]), _region(open_rules), back


def _irredundant(rules: list[Rule], opened: Sequence[Rule]) -> list[Rule]:
    """Leave out, the narrowest first, what the others and open rules admit anyhow; of equals the last goes first."""
    order = sorted(range(len(rules)), key=lambda number: (_size(rules[number]), -number))
    alive = (1 << len(rules)) - 1
    pieces = {family: _pieces(rules, family) for family in Family}
    free = _region(opened)
    for number in order:
        if _is_implied(rules, number, alive & ~(1 << number), pieces, free) and not _alone_opens(
            rules, number, alive & ~(1 << number)
        ):
            alive &= ~(1 << number)
    return [rule for number, rule in enumerate(rules) if alive >> number & 1]


def _size(rule: Rule) -> int:
    first, last = rule_services(rule)
    return (last - first + 1) * sum(ranges.size(_addresses(rule).ranges(family)) for family in Family)


def _pieces(rules: Sequence[Rule], family: Family) -> list[tuple[int, int, int]]:
    """First and last address of each interval in which the same rules hold, and these as bits."""
    changes: dict[int, int] = {}
    for number, rule in enumerate(rules):
        for first, last in _addresses(rule).ranges(family):
            changes[first] = changes.get(first, 0) ^ (1 << number)
            changes[last + 1] = changes.get(last + 1, 0) ^ (1 << number)
    found, holding, begin = [], 0, 0
    for address in sorted(changes):
        if holding:
            found.append((begin, address - 1, holding))
        holding, begin = holding ^ changes[address], address
    return found


def _is_implied(
    rules: Sequence[Rule], number: int, others: int, pieces: dict[Family, list[tuple[int, int, int]]], free: Region
) -> bool:
    """Whether, wherever a rule holds, the others that hold there and open rules admit its services."""
    mine: Ranges = (rule_services(rules[number]),)
    for family in Family:
        for first, last, holding in pieces[family]:
            if not holding >> number & 1:
                continue
            rest = ranges.difference(mine, ranges.merged(_services(rules, holding & others)))
            if rest and Region.of([(_interval(first, last, family), rest)]) - free:
                return False
    return True


def _interval(first: int, last: int, family: Family) -> AddressSet:
    return AddressSet(ipv4=((first, last),)) if family is Family.IPV4 else AddressSet(ipv6=((first, last),))


def _services(rules: Sequence[Rule], holding: int) -> Iterator[tuple[int, int]]:
    while holding:
        lowest = holding & -holding
        yield rule_services(rules[lowest.bit_length() - 1])
        holding ^= lowest


def _alone_opens(rules: Sequence[Rule], number: int, others: int) -> bool:
    """Whether a rule alone is open to everyone on all of a protocol, which decides about tracking."""
    rule = rules[number]
    rest = [each for place, each in enumerate(rules) if others >> place & 1]
    return any(
        rule.is_open_to(family)
        and not all(
            any(each.is_open_to(family) and each.covers_protocol(protocol) for each in rest)
            for protocol in (range(256) if rule.protocol == ANY_PROTOCOL else (rule.protocol,))
            if rule.covers_protocol(protocol)
        )
        for family in Family
    )


def _joined_ports(rules: Iterable[Rule], layer: Layer) -> Iterator[Rule]:
    """Join ports that touch or overlap, of the same protocol and peer; open rules do not grow to all ports."""
    groups: dict[object, list[Rule]] = {}
    for rule in rules:
        groups.setdefault((rule.protocol, rule.peer) if rule.ports is not None else id(rule), []).append(rule)
    for same in groups.values():
        if same[0].ports is None:
            yield from same
            continue
        joined = ranges.merged((rule.ports.first, rule.ports.last) for rule in same if rule.ports is not None)
        grows = PortRange.all() not in {rule.ports for rule in same} and joined == ((0, 65535),)
        if layer is Layer.OPEN and grows:
            yield from same
            continue
        for first, last in joined:
            ports = PortRange(first, last)
            yield next((rule for rule in same if rule.ports == ports), None) or evolve(
                same[0], ports=ports, rule_id=None, description=""
            )


def _joined_blocks(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Join blocks of the same service; never to everyone."""
    groups: dict[object, list[Rule]] = {}
    for rule in rules:
        groups.setdefault((rule.protocol, rule.ports, rule.icmp), []).append(rule)
    for same in groups.values():
        blocks = AddressSet.of(rule.peer.network for rule in same if isinstance(rule.peer, Cidr))
        for network in _narrow(blocks):
            yield next((rule for rule in same if rule.peer == Cidr(network)), None) or evolve(
                same[0], peer=Cidr(network), rule_id=None, description=""
            )


def _narrow(addresses: AddressSet) -> Iterator[IPNetwork]:
    """The fewest blocks that are some addresses, where everyone is two halves."""
    for network in addresses.networks():
        yield from network.subnet(1) if network.prefixlen == 0 else (network,)


def _covering(rules: Sequence[Rule], opened: Sequence[Rule], most: int) -> Iterator[Rule]:
    """Rules made anew from large products of all that is admitted; nothing if that takes too many."""
    if not rules:
        return
    made: list[Rule] = []
    for product in cover(_region([*rules, *opened])):
        networks = list(_narrow(product.addresses))
        services = list(_service_parts(product.services, most))
        if len(made) + len(networks) * len(services) > most:
            yield from rules
            return
        for protocol, ports, icmp in services:
            made += (
                Rule(
                    group_id=rules[0].group_id,
                    direction=rules[0].direction,
                    protocol=protocol,
                    ports=ports,
                    icmp=icmp,
                    peer=Cidr(network),
                )
                for network in networks
            )
    yield from made


def _service_parts(services: Ranges, most: int) -> Iterator[tuple[int, PortRange | None, IcmpMatch | None]]:
    """Services as rules can say them."""
    if services == ALL_SERVICES:
        yield ANY_PROTOCOL, None, None
        return
    for protocol, first, last in by_protocol(services):
        if protocol in PORT_PROTOCOLS:
            yield protocol, PortRange(first, last), None
        elif protocol in ICMP_PROTOCOLS:
            for count, match in enumerate(_icmp_parts(first, last)):
                if count > most:
                    break
                yield protocol, None, match
        else:
            yield protocol, None, None


def _icmp_parts(first: int, last: int) -> Iterator[IcmpMatch]:
    if (first, last) == (0, 65535):
        yield IcmpMatch()
        return
    while first <= last:
        kind, code = divmod(first, 256)
        if code == 0 and first + 255 <= last:
            yield IcmpMatch(kind)
            first += 256
        else:
            yield IcmpMatch(kind, code)
            first += 1
