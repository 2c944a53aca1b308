"""Security groups and their rules as AWS prints them.

`describe-security-groups` joins rules of the same service into one IpPermission, `describe-security-group-rules` gives
each rule its own object and an `sgr-` id; `describe-stale-security-groups` says which references lead nowhere. Source:
`[aws-api]`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from sgsim.documents import aws_members as known
from sgsim.documents.contents import Contents, StaleReference
from sgsim.documents.node import Node
from sgsim.documents.scalars import read_cidr, read_icmp, read_ports
from sgsim.errors import RuleError
from sgsim.model.address import Family
from sgsim.model.protocol import ICMP_PROTOCOLS, PORT_PROTOCOLS, Protocol, protocol_name, protocol_number
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory
from sgsim.rules.port_range import PortRange
from sgsim.rules.rule import Cidr, GroupReference, IcmpMatch, Peer, PrefixListReference, Rule
from sgsim.rules.security_group import SecurityGroup

PERMISSION_LISTS: Final = {Direction.INGRESS: "IpPermissions", Direction.EGRESS: "IpPermissionsEgress"}
STALE_LISTS: Final = {Direction.INGRESS: "StaleIpPermissions", Direction.EGRESS: "StaleIpPermissionsEgress"}

_RULE_PEERS: Final = ("CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupInfo")

GroupNames = dict[str, list[str]]
"""For each group name of a document, the ids that have it."""


class ServiceKeys(NamedTuple):
    """What the members of a rule's service are called."""

    protocol: str
    first: str
    last: str


AWS_KEYS: Final = ServiceKeys("IpProtocol", "FromPort", "ToPort")


class Service(NamedTuple):
    """What a rule lets through, whoever the peer is."""

    protocol: int
    ports: PortRange | None
    icmp: IcmpMatch | None


def read_security_groups(listing: Node) -> Contents:
    """Read `SecurityGroups`, the list of describe-security-groups.

    Raises:
        DocumentError: If it has another shape.
        RuleError: If a rule says what no security group can say.
    """
    nodes = list(listing.each())
    names: GroupNames = {}
    for node in nodes:
        names.setdefault(node.text_or_none("GroupName") or "", []).append(node.text("GroupId"))
    groups: dict[str, SecurityGroup] = {}
    for node in nodes:
        group = _read_group(node, names)
        if groups.setdefault(group.group_id, group) != group:
            raise node.error(f"group must be the same wherever it is described, got another {group.group_id}")
    return Contents(origin=listing.document.origin, inventory=Inventory(groups=groups))


def _read_group(node: Node, names: GroupNames) -> SecurityGroup:
    node.count_unknown(known.SECURITY_GROUP)
    group_id = node.text("GroupId")
    return SecurityGroup(
        group_id=group_id,
        name=node.text_or_none("GroupName") or "",
        rules=tuple(
            rule
            for direction, key in PERMISSION_LISTS.items()
            for permission in node.items(key)
            for rule in _read_permission(permission, group_id, direction, names)
        ),
        vpc_id=node.text_or_none("VpcId"),
        owner_id=node.text_or_none("OwnerId"),
        description=node.text_or_none("Description") or "",
        origin=node.document.origin,
    )


def _read_permission(node: Node, group_id: str, direction: Direction, names: GroupNames) -> Iterator[Rule]:
    """One rule for each peer, in the order of the lists: IPv4, IPv6, prefix lists, groups."""
    node.count_unknown(known.IP_PERMISSION)
    service = read_service(node)
    peers = [(peer, read(peer, names)) for key, read in _PEER_READERS.items() for peer in node.items(key)]
    if not peers:
        node.count("permissions without a peer admit nothing", node.place)
    for peer_node, peer in peers:
        yield Rule(
            group_id=group_id,
            direction=direction,
            protocol=service.protocol,
            ports=service.ports,
            icmp=service.icmp,
            peer=peer,
            description=peer_node.text_or_none("Description") or "",
            place=peer_node.place,
        )


def read_service(node: Node, keys: ServiceKeys = AWS_KEYS) -> Service:
    """Read protocol and ports, or type and code; EC2 ignores ports of protocols other than TCP, UDP and the ICMPs.

    Raises:
        RuleError: If the protocol is unknown, or its ports are missing or out of range.
    """
    protocol_node = node.need(keys.protocol)
    with protocol_node.at():
        protocol = protocol_number(_protocol_text(protocol_node))
    first, last = node.get(keys.first), node.get(keys.last)
    if protocol in PORT_PROTOCOLS:
        return Service(protocol, read_ports(*_both(node, keys, protocol)), None)
    if protocol not in ICMP_PROTOCOLS:
        return Service(protocol, None, None)
    if protocol == Protocol.ICMPV6 and first is None and last is None:
        return Service(protocol, None, IcmpMatch())
    return Service(protocol, None, read_icmp(*_both(node, keys, protocol)))


def _protocol_text(node: Node) -> str:
    """The protocol as text; YAML output may leave a number unquoted."""
    return str(node.value) if type(node.value) is int else node.as_text()


def _both(node: Node, keys: ServiceKeys, protocol: int) -> tuple[Node, Node]:
    first, last = node.get(keys.first), node.get(keys.last)
    if first is not None and last is not None:
        return first, last
    given = "neither" if first is last else f"only {keys.last if first is None else keys.first}"
    with node.at():
        raise RuleError(f"{protocol_name(protocol)} must have {keys.first} and {keys.last}, got {given}")


def _read_ipv4(node: Node, _names: GroupNames) -> Peer:
    node.count_unknown(known.IP_RANGE)
    return Cidr(read_cidr(node.need("CidrIp"), Family.IPV4))


def _read_ipv6(node: Node, _names: GroupNames) -> Peer:
    node.count_unknown(known.IPV6_RANGE)
    return Cidr(read_cidr(node.need("CidrIpv6"), Family.IPV6))


def _read_prefix_list_id(node: Node, _names: GroupNames) -> Peer:
    node.count_unknown(known.PREFIX_LIST_ID)
    return PrefixListReference(node.text("PrefixListId"))


def _read_group_pair(node: Node, names: GroupNames) -> Peer:
    node.count_unknown(known.GROUP_PAIR)
    group_id = node.text_or_none("GroupId")
    status = node.text_or_none("PeeringStatus")
    return GroupReference(
        group_id=group_id if group_id is not None else _named_group(node, names),
        owner_id=node.text_or_none("UserId"),
        peering_id=node.text_or_none("VpcPeeringConnectionId"),
        is_stale=status is not None and status != "active",
    )


def _named_group(node: Node, names: GroupNames) -> str:
    """The id of a group that a rule names, as EC2-Classic did."""
    name = node.text("GroupName") if node.get("GroupName") else node.text("GroupId")
    ids = names.get(name, [])
    if len(set(ids)) != 1:
        found = f"the name of {', '.join(ids)}" if ids else "which no group of this document has"
        raise node.error(f"GroupName without GroupId must be the name of one group, got {name!r}, {found}")
    return ids[0]


_PEER_READERS: Final[dict[str, Callable[[Node, GroupNames], Peer]]] = {
    "IpRanges": _read_ipv4,
    "Ipv6Ranges": _read_ipv6,
    "PrefixListIds": _read_prefix_list_id,
    "UserIdGroupPairs": _read_group_pair,
}


def read_security_group_rules(listing: Node) -> Contents:
    """Read `SecurityGroupRules`, the list of describe-security-group-rules and of authorize-security-group-*.

    Raises:
        DocumentError: If it has another shape.
        RuleError: If a rule says what no security group can say.
    """
    nodes = list(listing.each())
    owners = {node.text("GroupId"): node.text_or_none("GroupOwnerId") for node in nodes}
    return Contents(
        origin=listing.document.origin,
        rules=tuple(_read_rule(node) for node in nodes),
        owners={group_id: owner_id for group_id, owner_id in owners.items() if owner_id is not None},
    )


def _read_rule(node: Node) -> Rule:
    node.count_unknown(known.SECURITY_GROUP_RULE)
    service = read_service(node)
    return Rule(
        group_id=node.text("GroupId"),
        direction=_direction(node.need("IsEgress")),
        protocol=service.protocol,
        ports=service.ports,
        icmp=service.icmp,
        peer=_rule_peer(node),
        rule_id=node.text_or_none("SecurityGroupRuleId"),
        description=node.text_or_none("Description") or "",
        place=node.place,
    )


def _direction(node: Node) -> Direction:
    if not isinstance(node.value, bool):
        raise node.error(f"IsEgress must be true or false, got {node.shown}")
    return Direction.EGRESS if node.value else Direction.INGRESS


def _rule_peer(node: Node) -> Peer:
    given = [key for key in _RULE_PEERS if node.get(key) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise node.error(f"rule must have one of {', '.join(_RULE_PEERS)}, got {found}")
    peer = node.need(given[0])
    match given[0]:
        case "CidrIpv4":
            return Cidr(read_cidr(peer, Family.IPV4))
        case "CidrIpv6":
            return Cidr(read_cidr(peer, Family.IPV6))
        case "PrefixListId":
            return PrefixListReference(peer.as_text())
    return _read_group_pair(peer, {})


def read_stale_groups(listing: Node) -> Contents:
    """Read `StaleSecurityGroupSet`, the list of describe-stale-security-groups.

    Only its references count: its address ranges are plain texts that no rule needs marked.

    Raises:
        DocumentError: If it has another shape.
    """
    return Contents(origin=listing.document.origin, stale=frozenset(_stale_references(listing.each())))


def _stale_references(groups: Iterable[Node]) -> Iterator[StaleReference]:
    for group in groups:
        group.count_unknown(known.STALE_GROUP)
        for direction, key in STALE_LISTS.items():
            for permission in group.items(key):
                for pair in permission.items("UserIdGroupPairs"):
                    yield StaleReference(group.text("GroupId"), direction, pair.text("GroupId"))
