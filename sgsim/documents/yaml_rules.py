"""Groups and rules of our own form.

A rule is one line: protocol, ports or ICMP type and code, and whom it is from or to. What is not understood is refused,
never passed over: nobody else writes this form, so an unknown key is a slip.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import field, frozen

from sgsim.documents.node import Node
from sgsim.documents.scalars import network_of, read_cidr, read_icmp
from sgsim.errors import RuleError, SgsimError
from sgsim.model.protocol import ICMP_PROTOCOLS, PORT_PROTOCOLS, protocol_name, protocol_number
from sgsim.model.states import Direction
from sgsim.rules.port_range import PortRange
from sgsim.rules.rule import Cidr, GroupReference, IcmpMatch, Peer, PrefixListReference, Rule
from sgsim.rules.security_group import SecurityGroup

GROUP_RULES: Final = ("ingress", "egress")
GROUP_KEYS: Final = ("name", "description", "vpc", "owner", *GROUP_RULES)
RULE_LISTS: Final = {Direction.INGRESS: ("ingress", "from", "to"), Direction.EGRESS: ("egress", "to", "from")}
"""For each direction: the key of its rules, the key of their peer, and the key that would be wrong."""

_PORTS: Final = re.compile(r"([0-9]{1,9})(?:\s*-\s*([0-9]{1,9}))?", re.ASCII)
_ADDRESS_LIKE: Final = re.compile(r"[0-9.]+|.*[/:].*", re.DOTALL)


@frozen
class PeerNames:
    """What the names of peers mean in one document."""

    prefix_list_ids: frozenset[str]
    group_names: Mapping[str, str]
    """For each group id and each group name, the name that it has."""
    _ids: Mapping[str, tuple[str, ...]] = field(init=False)

    @_ids.default
    def _find_ids(self) -> dict[str, tuple[str, ...]]:
        ids: dict[str, tuple[str, ...]] = {}
        for group_id, name in self.group_names.items():
            if name:
                ids[name] = (*ids.get(name, ()), group_id)
        return ids

    def group_id(self, text: str) -> str | None:
        """The group with this id or unique name; None if the document has none.

        Raises:
            RuleError: If several groups have the name.
        """
        if text in self.group_names:
            return text
        ids = self._ids.get(text, ())
        if len(ids) > 1:
            raise RuleError(f"group name must be unique, got {text!r}, the name of {', '.join(ids)}: give the id")
        return ids[0] if ids else None


def peer_names(root: Node) -> PeerNames:
    """Collect the names that a document gives."""
    return PeerNames(
        frozenset(key for key, _ in root.entries("prefix_lists")),
        {key: node.text_or_none("name") or "" for key, node in root.entries("groups") if isinstance(node.value, dict)},
    )


def read_group(group_id: str, node: Node, names: PeerNames, vpc_id: str | None) -> SecurityGroup:
    """Read one member of `groups`.

    Raises:
        DocumentError: If a key is unknown or a value of the wrong kind.
        RuleError: If a rule says what no security group can say.
    """
    node.refuse_unknown(GROUP_KEYS)
    return SecurityGroup(
        group_id=group_id,
        name=node.text_or_none("name") or "",
        description=node.text_or_none("description") or "",
        vpc_id=node.text_or_none("vpc") or vpc_id,
        owner_id=node.text_or_none("owner"),
        rules=tuple(read_rules(node, group_id, names)),
        origin=node.document.origin,
    )


def read_rules(node: Node, group_id: str, names: PeerNames) -> Iterator[Rule]:
    """Read the rules of `ingress` and `egress`.

    Raises:
        DocumentError: If a key is unknown or a value of the wrong kind.
        RuleError: If a rule says what no security group can say.
    """
    for direction, (key, _, _) in RULE_LISTS.items():
        for rule_node in node.items(key):
            yield from _read_rules(rule_node, group_id, direction, names)


def _read_rules(node: Node, group_id: str, direction: Direction, names: PeerNames) -> Iterator[Rule]:
    """One rule for each peer."""
    _, peer_key, wrong_key = RULE_LISTS[direction]
    hint = f": {direction} rules say {peer_key}" if wrong_key in node.mapping() else ""
    node.refuse_unknown(("protocol", "ports", "icmp", peer_key, "id", "description"), hint)
    protocol = read_protocol(node.need("protocol"))
    ports, icmp = read_ports_of(node, protocol), read_icmp_of(node, protocol)
    node.need(peer_key)
    peers = list(node.one_or_more(peer_key))
    if not peers:
        raise node.error(f"{peer_key} must name at least one peer, got an empty list")
    rule_id = node.text_or_none("id")
    if rule_id is not None and len(peers) > 1:
        raise node.need("id").error(f"id must stand at a rule with one peer, got {rule_id!r} for {len(peers)}")
    for peer in peers:
        yield Rule(
            group_id=group_id,
            direction=direction,
            protocol=protocol,
            ports=ports,
            icmp=icmp,
            peer=_read_peer(peer, names),
            rule_id=rule_id,
            description=node.text_or_none("description") or "",
            place=node.place,
        )


def read_protocol(node: Node) -> int:
    """Read a protocol by its name or number.

    Raises:
        DocumentError: If it is neither.
    """
    if isinstance(node.value, str | int) and not isinstance(node.value, bool):
        with node.at():
            return protocol_number(node.value)
    raise node.error(f"protocol must be a name such as tcp, or a number, got {node.shown}")


def read_ports_of(node: Node, protocol: int) -> PortRange | None:
    """Read `ports` of a rule; None for protocols without ports, which must not have any."""
    ports = node.get("ports")
    if protocol not in PORT_PROTOCOLS:
        if ports is not None:
            raise ports.error(
                f"ports must be given for tcp and udp alone, got {ports.shown} for {protocol_name(protocol)}"
            )
        return None
    if ports is None:
        raise node.error(f"{protocol_name(protocol)} must have ports, got none: all of them are 0-65535")
    return _read_ports(ports)


def _read_ports(node: Node) -> PortRange:
    """Read `80` or `22-30`."""
    found = None
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        with node.at():
            return PortRange(node.value, node.value)
    if isinstance(node.value, str):
        found = _PORTS.fullmatch(node.value)
    if found is None:
        hint = ": write one rule for each" if isinstance(node.value, list) else ""
        raise node.error(f"ports must be a port such as 80 or a range such as 22-30, got {node.shown}{hint}")
    with node.at():
        return PortRange(int(found[1]), int(found[2] or found[1]))


def read_icmp_of(node: Node, protocol: int) -> IcmpMatch | None:
    """Read `icmp` of a rule; None for other protocols, which must not have it."""
    icmp = node.get("icmp")
    if protocol not in ICMP_PROTOCOLS:
        if icmp is not None:
            raise icmp.error(f"icmp must be given for icmp and icmpv6 alone, got it for {protocol_name(protocol)}")
        return None
    if icmp is None:
        return IcmpMatch()
    icmp.refuse_unknown(("type", "code"))
    return read_icmp(icmp.get("type"), icmp.get("code"))


def _read_peer(node: Node, names: PeerNames) -> Peer:
    """Read a block, an address, a prefix list or a group, in this order."""
    text = node.as_text()
    with node.at():
        if _ADDRESS_LIKE.fullmatch(text) and text not in names.prefix_list_ids:
            return _address_or_group(node, names)
        if text in names.prefix_list_ids:
            return PrefixListReference(text)
        group_id = names.group_id(text)
        if group_id is None and text.startswith("pl-"):
            return PrefixListReference(text)
        return GroupReference(text if group_id is None else group_id)


def _address_or_group(node: Node, names: PeerNames) -> Peer:
    """Read what looks like an address, unless it is the odd name of a group."""
    text = node.as_text()
    try:
        return Cidr(read_cidr(node) if "/" in text else network_of(text))
    except SgsimError:
        group_id = names.group_id(text)
        if group_id is None:
            raise
        return GroupReference(group_id)
