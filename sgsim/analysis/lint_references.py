"""References that lead nowhere, groups without members, and peers that no packet can have."""

from collections.abc import Iterator
from typing import Final

from netaddr import IPNetwork

from sgsim.analysis.finding import Finding, Severity, finding
from sgsim.documents.scalars import HOST_BITS
from sgsim.model.address import Family
from sgsim.model.path import PathLabel
from sgsim.model.protocol import Protocol
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory
from sgsim.rules.paths import PathMap
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule import Cidr, GroupReference, Rule

HIDING_PATHS: Final = frozenset({PathLabel.NAT_GATEWAY, PathLabel.NETWORK_FIREWALL, PathLabel.NETWORK_LOAD_BALANCER})
"""Paths on which the other side's own address, or the way that a reference needs, is lost. Source: `[aws-sgr]`."""

_NO_PEER: Final = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "this host": ("0.0.0.0/8", "::/128"),
    "reserved": ("240.0.0.0/4",),
}
_NO_PEER_BLOCKS: Final = tuple((name, IPNetwork(text)) for name, texts in _NO_PEER.items() for text in texts)
_NO_EGRESS: Final = IPNetwork("127.0.0.1/32")
"""The idiom for no egress at all: a rule that admits nothing, so that the default is not added (`[aws-cfn]`)."""


def references(inventory: Inventory) -> Iterator[Finding]:
    """Find what rules refer to in vain."""
    resolver = Resolver(inventory)
    families = _families(inventory)
    for group in inventory.groups.values():
        for rule in group.rules:
            found = _reference(rule, resolver, inventory) if isinstance(rule.peer, GroupReference) else None
            if found is None and not isinstance(rule.peer, Cidr) and resolver.addresses(rule) is None:
                message = f"no document says which addresses {rule.peer} stands for"
                found = finding("unresolved-reference", message, inventory, rule=rule)
            found = found or _impossible(rule, families.get(rule.group_id), inventory)
            if found is not None:
                yield found
    yield from _middleboxes(inventory, resolver)
    yield from _groups(inventory)
    yield from _host_bits(inventory)


def _reference(rule: Rule, resolver: Resolver, inventory: Inventory) -> Finding | None:
    peer = rule.peer
    if not isinstance(peer, GroupReference) or resolver.addresses(rule):
        return None
    if peer.is_stale:
        return finding("stale-reference", f"{peer} or the peering to it is gone", inventory, rule=rule)
    if resolver.addresses(rule) is None:
        return None
    if resolver.is_foreign(peer, rule.group_id):
        message = f"{peer} is of another VPC or account, which no document describes"
        return finding("unresolved-reference", message, inventory, rule=rule, severity=Severity.NOTE)
    is_own = peer.group_id == rule.group_id
    message = "it names its own group, which no interface carries" if is_own else f"no interface carries {peer}"
    return finding("reference-to-nobody", message, inventory, rule=rule)


def _families(inventory: Inventory) -> dict[str, set[int]]:
    """The families that the members of each group have; nothing of groups whose members are not all known."""
    if not inventory.has_interface_document:
        return {}
    found: dict[str, set[int]] = {}
    for interface in inventory.interfaces.values():
        for group_id in interface.group_ids:
            found.setdefault(group_id, set()).update(network.version for network in interface.addresses)
    return found


def _impossible(rule: Rule, families: set[int] | None, inventory: Inventory) -> Finding | None:
    if not isinstance(rule.peer, Cidr):
        return None
    network, why = rule.peer.network, ""
    if (rule.protocol, network.version) in {(Protocol.ICMP, Family.IPV6), (Protocol.ICMPV6, Family.IPV4)}:
        why = f"{rule.service} has no IPv{network.version} packets"
    elif families is not None and network.version not in families:
        why = f"no interface with the group has an IPv{network.version} address"
    else:
        kind = next((name for name, block in _NO_PEER_BLOCKS if network in block), None)
        is_group_address = kind == "multicast" and rule.direction is Direction.EGRESS
        if (
            kind is not None
            and not is_group_address
            and not (rule.direction is Direction.EGRESS and network == _NO_EGRESS)
        ):
            why = f"addresses of {network} are no peer's ({kind})"
    return finding("impossible-peer", why, inventory, rule=rule) if why else None


def _middleboxes(inventory: Inventory, resolver: Resolver) -> Iterator[Finding]:
    if not inventory.paths:
        return
    rules = [(path, resolver.path_networks(path)) for path in inventory.paths]
    hidden: dict[Rule, dict[str, PathLabel]] = {}
    for interface in inventory.interfaces.values():
        paths = PathMap.of(rules, interface)
        for group_id in interface.group_ids:
            group = inventory.groups.get(group_id)
            for rule in group.rules if group is not None else ():
                label = _hiding_label(rule, resolver, paths)
                if label is not None:
                    hidden.setdefault(rule, {})[interface.interface_id] = label
    for rule, labels in hidden.items():
        names = ", ".join(sorted({str(label) for label in labels.values()}))
        message = (
            f"members of {rule.peer} are reached over {names} at {', '.join(labels)}, where a reference does not match"
        )
        yield finding("reference-through-middlebox", message, inventory, rule=rule, interfaces=tuple(labels))


def _hiding_label(rule: Rule, resolver: Resolver, paths: PathMap) -> PathLabel | None:
    addresses = resolver.addresses(rule) if isinstance(rule.peer, GroupReference) else None
    for family in Family:
        for first, _ in addresses.ranges(family) if addresses is not None else ():
            label = paths.label(first, family)
            if label in HIDING_PATHS:
                return label
    return None


def _groups(inventory: Inventory) -> Iterator[Finding]:
    carried = {group_id for interface in inventory.interfaces.values() for group_id in interface.group_ids}
    references_made = {
        (rule.group_id, rule.peer.group_id)
        for group in inventory.groups.values()
        for rule in group.rules
        if isinstance(rule.peer, GroupReference)
    }
    named = {peer for group_id, peer in references_made if group_id != peer}
    for group_id, group in inventory.groups.items():
        if inventory.has_interface_document and group_id not in carried and group_id not in inventory.members:
            own = (
                "only its own rules refer to it" if (group_id, group_id) in references_made else "no rule refers to it"
            )
            used = "rules of other groups refer to it" if group_id in named else own
            name = f" ({group.name})" if group.name else ""
            yield finding(
                "group-without-members", f"no interface carries {group_id}{name}; {used}", inventory, group_id=group_id
            )
    for interface in inventory.interfaces.values():
        for group_id in interface.group_ids:
            if group_id not in inventory.groups:
                message = f"{interface.interface_id} carries {group_id}, which no document describes"
                yield finding(
                    "undescribed-group",
                    message,
                    inventory,
                    group_id=group_id,
                    file=interface.origin,
                    interfaces=(interface.interface_id,),
                    subject=interface.interface_id,
                )


def _host_bits(inventory: Inventory) -> Iterator[Finding]:
    for note in inventory.notes:
        if note.kind == HOST_BITS:
            for text, place in note.places:
                yield finding(
                    "host-bits", text, inventory, file=note.origin, place=place, subject=f"{note.origin} {text}"
                )
