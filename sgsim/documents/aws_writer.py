"""An inventory as the AWS CLI would print it: one JSON document with the lists of several commands.

Groups are those of `describe-security-groups`; rules with ids of their own stand beside them as in
`describe-security-group-rules`. Source: `[aws-api]`.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from sgsim.model.address import Family
from sgsim.model.interface import Interface
from sgsim.model.protocol import ANY_PROTOCOL, ICMP_PROTOCOLS, PORT_PROTOCOLS, protocol_name
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory
from sgsim.rules.rule import Cidr, GroupReference, PrefixListReference, Rule
from sgsim.rules.security_group import SecurityGroup

_LISTS: Final = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
_LIMITS: Final = {Direction.INGRESS: "IpPermissions", Direction.EGRESS: "IpPermissionsEgress"}


def write_describe(inventory: Inventory) -> str:
    """Write groups, prefix lists and interfaces."""
    groups = list(inventory.groups.values())
    with_ids = [rule for group in groups for rule in group.rules if rule.rule_id is not None]
    owners = {group.group_id: group.owner_id for group in groups}
    parts: dict[str, list[Any]] = {
        "SecurityGroups": [_group(group) for group in groups],
        "SecurityGroupRules": [_identified(rule, owners.get(rule.group_id)) for rule in with_ids],
        "PrefixLists": [
            _given(
                PrefixListId=each.prefix_list_id,
                PrefixListName=each.name,
                MaxEntries=each.max_entries,
                OwnerId=each.owner_id,
                Cidrs=None if each.entries is None else [str(entry) for entry in each.entries],
            )
            for each in inventory.prefix_lists.values()
        ],
        "NetworkInterfaces": [_interface(each) for each in inventory.interfaces.values()],
    }
    shown = {name: listed for name, listed in parts.items() if listed}
    return json.dumps(shown or {"SecurityGroups": []}, indent=2, ensure_ascii=False) + "\n"


def _given(**members: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    return {name: value for name, value in members.items() if value is not None and value != ""}


def _group(group: SecurityGroup) -> dict[str, Any]:
    facts = _given(
        GroupId=group.group_id,
        GroupName=group.name,
        Description=group.description,
        VpcId=group.vpc_id,
        OwnerId=group.owner_id,
    )
    lists = {key: permissions(group.rules_of(direction)) for direction, key in _LIMITS.items()}
    return {**facts, **lists}


def permissions(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """Rules as IpPermissions; neighbours of the same service are one, as long as that keeps their order."""
    found: list[dict[str, Any]] = []
    last: tuple[dict[str, Any], int] | None = None
    for rule in rules:
        service, place = service_members(rule), _place(rule)
        if last is None or last[0] != service or last[1] > place:
            found.append({**service, **{name: [] for name in _LISTS}})
        found[-1][_LISTS[place]].append(_peer(rule))
        last = (service, place)
    return found


def service_members(rule: Rule) -> dict[str, Any]:
    """Protocol and ports, or type and code, as EC2 writes them."""
    if rule.protocol == ANY_PROTOCOL:
        return {"IpProtocol": "-1"}
    name = {"IpProtocol": protocol_name(rule.protocol)}
    if rule.protocol in PORT_PROTOCOLS and rule.ports is not None:
        return {**name, "FromPort": rule.ports.first, "ToPort": rule.ports.last}
    if rule.protocol in ICMP_PROTOCOLS and rule.icmp is not None:
        kind, code = rule.icmp.icmp_type, rule.icmp.icmp_code
        return {**name, "FromPort": -1 if kind is None else kind, "ToPort": -1 if code is None else code}
    return name


def _place(rule: Rule) -> int:
    """Which of the four lists the peer stands in."""
    if isinstance(rule.peer, Cidr):
        return 0 if rule.peer.network.version == Family.IPV4 else 1
    return 2 if isinstance(rule.peer, PrefixListReference) else 3


def _peer(rule: Rule) -> dict[str, Any]:
    told = {"Description": rule.description} if rule.description else {}
    match rule.peer:
        case Cidr(network):
            return {"CidrIp" if network.version == Family.IPV4 else "CidrIpv6": str(network), **told}
        case PrefixListReference(prefix_list_id):
            return {"PrefixListId": prefix_list_id, **told}
        case GroupReference():
            return {**_reference(rule.peer), **told}


def _reference(peer: GroupReference) -> dict[str, Any]:
    return _given(
        GroupId=peer.group_id,
        UserId=peer.owner_id,
        VpcPeeringConnectionId=peer.peering_id,
        PeeringStatus="deleted" if peer.is_stale else None,
    )


def _identified(rule: Rule, owner_id: str | None) -> dict[str, Any]:
    peer = _peer(rule)
    peer.pop("Description", None)
    keys = {"CidrIp": "CidrIpv4"}
    is_group = isinstance(rule.peer, GroupReference)
    members = {"ReferencedGroupInfo": peer} if is_group else {keys.get(name, name): text for name, text in peer.items()}
    return _given(
        SecurityGroupRuleId=rule.rule_id,
        GroupId=rule.group_id,
        GroupOwnerId=owner_id,
        IsEgress=rule.direction is Direction.EGRESS,
        **service_members(rule),
        **members,
        Description=rule.description,
    )


def _interface(interface: Interface) -> dict[str, Any]:
    return _given(
        NetworkInterfaceId=interface.interface_id,
        SubnetId=interface.subnet_id,
        VpcId=interface.vpc_id,
        Groups=[{"GroupId": group_id} for group_id in interface.group_ids],
        Attachment={"InstanceId": interface.instance_id} if interface.instance_id else None,
        **dict(_addresses(interface)),
        Association={"PublicIp": str(interface.public_addresses[0].ip)} if interface.public_addresses else None,
        ConnectionTrackingConfiguration=_given(
            TcpEstablishedTimeout=interface.timeouts.tcp_established_s,
            UdpTimeout=interface.timeouts.udp_s,
            UdpStreamTimeout=interface.timeouts.udp_stream_s,
        )
        or None,
    )


def _addresses(interface: Interface) -> Iterator[tuple[str, Any]]:
    singles = {
        version: [net for net in interface.addresses if net.version == version and net.size == 1] for version in (4, 6)
    }
    blocks = {
        version: [net for net in interface.addresses if net.version == version and net.size > 1] for version in (4, 6)
    }
    if singles[4]:
        yield "PrivateIpAddress", str(singles[4][0].ip)
        yield (
            "PrivateIpAddresses",
            [{"PrivateIpAddress": str(net.ip), "Primary": place == 0} for place, net in enumerate(singles[4])],
        )
    if singles[6]:
        yield "Ipv6Addresses", [{"Ipv6Address": str(net.ip)} for net in singles[6]]
    if blocks[4]:
        yield "Ipv4Prefixes", [{"Ipv4Prefix": str(net)} for net in blocks[4]]
    if blocks[6]:
        yield "Ipv6Prefixes", [{"Ipv6Prefix": str(net)} for net in blocks[6]]
