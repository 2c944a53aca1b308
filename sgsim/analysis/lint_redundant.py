"""Rules that could go, and rules that one could say. Exact: by regions, not by comparing texts.

What is found holds together: after removing every rule that is reported as implied or duplicate, each packet still gets
the same verdict. Rules are gone through from the last to the first, so that of two equal ones the later is reported.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from attrs import define, field
from netaddr import IPNetwork, cidr_merge

from sgsim.analysis.finding import Finding, Severity, finding
from sgsim.model.address import Family
from sgsim.model.states import Direction
from sgsim.rules import ranges
from sgsim.rules.address_set import AddressSet
from sgsim.rules.inventory import Inventory
from sgsim.rules.port_range import PortRange
from sgsim.rules.ranges import Ranges
from sgsim.rules.region import Region
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule import Cidr, Rule
from sgsim.rules.rule_region import of_families
from sgsim.rules.service import rule_services


@define(eq=False)
class _Item:
    """A rule as a product of addresses and services."""

    rule: Rule
    addresses: AddressSet
    services: tuple[int, int] = field(init=False)

    @services.default
    def _find_services(self) -> tuple[int, int]:
        return rule_services(self.rule)

    def covers(self, other: "_Item") -> bool:
        """Whether it alone admits all that the other does."""
        return (
            self.services[0] <= other.services[0]
            and other.services[1] <= self.services[1]
            and _contains(self.addresses, other.addresses)
        )


def _contains(outer: AddressSet, inner: AddressSet) -> bool:
    return all(_contains_ranges(outer.ranges(family), inner.ranges(family)) for family in Family)


def _contains_ranges(outer: Ranges, inner: Ranges) -> bool:
    for first, last in inner:
        place = bisect_right(outer, (first, 1 << 129)) - 1
        if place < 0 or last > outer[place][1]:
            return False
    return True


def redundant(inventory: Inventory) -> Iterator[Finding]:
    """Find duplicate, implied and mergeable rules."""
    resolver = Resolver(inventory)
    gone: set[int] = set()
    items: dict[tuple[str, Direction], list[_Item]] = {}
    for group_id, group in inventory.groups.items():
        for direction in Direction:
            found = list(_items(group.rules_of(direction), resolver))
            items[group_id, direction] = found
            yield from _within(found, inventory, gone)
    yield from _across(items, inventory, gone)
    for found in items.values():
        yield from _mergeable([item for item in found if id(item) not in gone], inventory)


def _items(rules: Iterable[Rule], resolver: Resolver) -> Iterator[_Item]:
    """Rules whose peers are known; of the others nothing can be said."""
    for rule in rules:
        addresses = resolver.addresses(rule)
        if addresses:
            addresses = of_families(addresses, rule)
        if addresses:
            yield _Item(rule, addresses)


def _within(items: Sequence[_Item], inventory: Inventory, gone: set[int]) -> Iterator[Finding]:
    """Rules that others of their own group imply; of equal ones the later."""
    found = []
    for item in reversed(items):
        others = [other for other in items if other is not item and id(other) not in gone]
        covering = _covering(item, others)
        if covering:
            gone.add(id(item))
            found.append(_implied(item, covering, others, inventory))
    yield from reversed(found)


def _across(items: dict[tuple[str, Direction], list[_Item]], inventory: Inventory, gone: set[int]) -> Iterator[Finding]:
    """Rules that other groups imply at every interface that carries their own."""
    bundles = {frozenset(each.group_ids) for each in inventory.interfaces.values()}
    for (group_id, direction), own in items.items():
        together = [bundle for bundle in bundles if group_id in bundle]
        if not together or any(len(bundle) == 1 for bundle in together):
            continue
        for item in reversed(own):
            if id(item) in gone:
                continue
            found: dict[int, _Item] = {}
            for bundle in together:
                ids = sorted(bundle & inventory.groups.keys())
                pool = [
                    each for key in ids for each in items[key, direction] if each is not item and id(each) not in gone
                ]
                covering = _covering(item, pool)
                if not covering:
                    break
                found |= {id(each): each for each in covering}
            else:
                gone.add(id(item))
                yield _implied(item, list(found.values()), list(found.values()), inventory, across=True)


def _covering(item: _Item, others: Sequence[_Item]) -> list[_Item]:
    """Rules that together admit all that one does; none if they do not. One alone is preferred, the first of them."""
    low, high = item.services
    near = [other for other in others if other.services[0] <= high and low <= other.services[1]]
    for other in near:
        if other.covers(item):
            return [other]
    if len(near) < 2 or not all(_covered_at(item, address, family, near) for address, family in _corners(item)):
        return []
    near = [other for other in near if _overlaps(other.addresses, item.addresses)]
    product = Region.of([(item.addresses, (item.services,))])
    if not Region.of([(other.addresses, (other.services,)) for other in near]).covers(product):
        return []
    return _fewest(product, near)


def _corners(item: _Item) -> Iterator[tuple[int, Family]]:
    """Some addresses of a rule, at which most candidates fail."""
    for family in Family:
        for first, last in item.addresses.ranges(family):
            yield first, family
            yield last, family


def _covered_at(item: _Item, address: int, family: Family, others: Sequence[_Item]) -> bool:
    here = ranges.merged(other.services for other in others if other.addresses.contains(address, family))
    return not ranges.difference((item.services,), here)


def _overlaps(one: AddressSet, other: AddressSet) -> bool:
    return any(ranges.intersection(one.ranges(family), other.ranges(family)) for family in Family)


def _fewest(product: Region, near: Sequence[_Item]) -> list[_Item]:
    """Some of the rules that are enough: each that adds something, in order."""
    left, chosen = product, []
    for other in near:
        rest = left.difference(Region.of([(other.addresses, (other.services,))]))
        if rest != left:
            chosen.append(other)
            left = rest
    return chosen


def _implied(
    item: _Item, covering: Sequence[_Item], others: Sequence[_Item], inventory: Inventory, *, across: bool = False
) -> Finding:
    rule, by = item.rule, tuple(each.rule for each in covering)
    names = ", ".join(_said(each, rule) for each in by[:3]) + (f" and {len(by) - 3} more" if len(by) > 3 else "")
    if len(by) == 1 and (by[0].peer, item.services) == (rule.peer, covering[0].services) and not across:
        return finding("duplicate-rule", f"the same as {names} in the same group", inventory, rule=rule, others=by)
    where = " at every interface that carries the group" if across else ""
    severity, told = None, ""
    if not all(_is_lasting(rule, each) for each in by):
        severity, told = Severity.NOTE, "; as long as members and entries stay as they are"
    if across:
        severity = Severity.NOTE
    if _is_needed_for_bypass(item, others):
        severity, told = Severity.NOTE, told + "; but flows that it leaves untracked would be tracked without it"
    message = f"implied{where} by {names}{told}"
    return finding("implied-rule", message, inventory, rule=rule, others=by, severity=severity)


def _said(rule: Rule, other: Rule) -> str:
    """A rule in words; with its group if it is another one."""
    own = rule.rule_id or rule.text
    return own if rule.group_id == other.group_id else f"{own} ({rule.group_id})"


def _is_lasting(rule: Rule, other: Rule) -> bool:
    """Whether one implies the other whatever members and entries there are."""
    if rule.peer == other.peer:
        return True
    return isinstance(other.peer, Cidr) and isinstance(rule.peer, Cidr)


def _is_needed_for_bypass(item: _Item, others: Sequence[_Item]) -> bool:
    """Whether the rule is literally open, and no other that is open admits the same services."""
    for family in Family:
        if item.rule.is_open_to(family):
            return not any(
                other.rule.is_open_to(family)
                and other.services[0] <= item.services[0]
                and item.services[1] <= other.services[1]
                for other in others
            )
    return False


def _mergeable(items: Sequence[_Item], inventory: Inventory) -> Iterator[Finding]:
    yield from _mergeable_ports(items, inventory)
    yield from _mergeable_blocks(items, inventory)


def _mergeable_ports(items: Sequence[_Item], inventory: Inventory) -> Iterator[Finding]:
    """Rules with the same peer whose ports touch."""
    by_peer: dict[tuple[object, int], list[Rule]] = {}
    for item in items:
        if item.rule.ports is not None:
            by_peer.setdefault((item.rule.peer, item.rule.protocol), []).append(item.rule)
    for rules in by_peer.values():
        run: list[Rule] = []
        for rule in sorted(rules, key=lambda each: (each.ports.first, each.ports.last) if each.ports else (0, 0)):
            if run and rule.ports is not None and rule.ports.first > _last(run) + 1:
                yield from _merged_ports(run, inventory)
                run = []
            run.append(rule)
        yield from _merged_ports(run, inventory)


def _last(run: Sequence[Rule]) -> int:
    return max(rule.ports.last for rule in run if rule.ports is not None)


def _merged_ports(run: Sequence[Rule], inventory: Inventory) -> Iterator[Finding]:
    if len(run) < 2 or run[0].ports is None:
        return
    merged = PortRange(run[0].ports.first, _last(run))
    names = ", ".join(str(rule.ports) for rule in run)
    fix = f"One rule for ports {merged}."
    yield finding(
        "mergeable-rules", f"ports {names} touch", inventory, rule=run[0], others=tuple(run[1:]), fix=fix, subject=fix
    )


def _mergeable_blocks(items: Sequence[_Item], inventory: Inventory) -> Iterator[Finding]:
    """Rules with the same service whose blocks make up larger ones."""
    by_service: dict[tuple[int, object, object], dict[IPNetwork, Rule]] = {}
    for item in items:
        rule = item.rule
        if isinstance(rule.peer, Cidr):
            by_service.setdefault((rule.protocol, rule.ports, rule.icmp), {})[rule.peer.network] = rule
    for blocks in by_service.values():
        if len(blocks) < 2:
            continue
        for merged in cidr_merge(list(blocks)):
            parts = [rule for network, rule in blocks.items() if network in merged]
            if len(parts) > 1:
                names = ", ".join(str(rule.peer) for rule in parts[:4]) + (
                    f" and {len(parts) - 4} more" if len(parts) > 4 else ""
                )
                yield finding(
                    "mergeable-rules",
                    f"blocks {names} are {merged}",
                    inventory,
                    rule=parts[0],
                    others=tuple(parts[1:]),
                    fix=f"One rule for {merged}.",
                    subject=str(merged),
                )
