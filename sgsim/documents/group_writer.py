"""Groups as documents: our own form, or what `aws ec2 describe-security-groups` prints.

Law: reading what is written gives the same groups, in the same order of rules within each direction.
"""

import json
from collections.abc import Iterable
from typing import Any

from sgsim.errors import ConfigError
from sgsim.model.protocol import ANY_PROTOCOL, protocol_name
from sgsim.model.states import Direction
from sgsim.rules.rule import Cidr, GroupReference, PrefixListReference, Rule
from sgsim.rules.security_group import SecurityGroup

_Document = dict[str, Any]


def groups_yaml(groups: Iterable[SecurityGroup]) -> str:
    """Groups in our own form, one line for each rule.

    Raises:
        ConfigError: If a rule refers to a group over a peering, which our form cannot say.
    """
    import yaml  # noqa: PLC0415  # only who writes YAML waits for it

    document = {"groups": {group.group_id: _own_form(group) for group in groups}}
    return str(yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=1000, allow_unicode=True))


def _own_form(group: SecurityGroup) -> _Document:
    plain = {"name": group.name, "description": group.description, "vpc": group.vpc_id, "owner": group.owner_id}
    rules = {str(direction): [_own_rule(rule, group) for rule in group.rules_of(direction)] for direction in Direction}
    return {key: value for key, value in {**plain, **rules}.items() if value}


def _own_rule(rule: Rule, group: SecurityGroup) -> _Document:
    if isinstance(rule.peer, GroupReference) and (
        rule.peer.peering_id is not None or rule.peer.owner_id not in {None, group.owner_id}
    ):
        raise ConfigError(f"rules over a peering must be written as .json, got {rule.text} of {rule.group_id}")
    found: _Document = {"protocol": protocol_name(rule.protocol)}
    if rule.ports is not None:
        found["ports"] = rule.ports.first if rule.ports.first == rule.ports.last else str(rule.ports)
    if rule.icmp is not None and rule.icmp.icmp_type is not None:
        code = {} if rule.icmp.icmp_code is None else {"code": rule.icmp.icmp_code}
        found["icmp"] = {"type": rule.icmp.icmp_type, **code}
    found["from" if rule.direction is Direction.INGRESS else "to"] = str(rule.peer)
    return found | {key: value for key, value in (("id", rule.rule_id), ("description", rule.description)) if value}


def groups_json(groups: Iterable[SecurityGroup]) -> str:
    """Groups as `aws ec2 describe-security-groups` prints them; ids of rules have no place in it."""
    document = {"SecurityGroups": [_described(group) for group in groups]}
    return json.dumps(document, indent=4, ensure_ascii=False) + "\n"


def _described(group: SecurityGroup) -> _Document:
    found: _Document = {"GroupId": group.group_id, "GroupName": group.name, "Description": group.description}
    found |= {key: value for key, value in (("VpcId", group.vpc_id), ("OwnerId", group.owner_id)) if value}
    found["IpPermissions"] = [_permission(rule) for rule in group.rules_of(Direction.INGRESS)]
    found["IpPermissionsEgress"] = [_permission(rule) for rule in group.rules_of(Direction.EGRESS)]
    return found


def _permission(rule: Rule) -> _Document:
    found: _Document = {
        "IpProtocol": "-1" if rule.protocol == ANY_PROTOCOL else protocol_name(rule.protocol),
        "IpRanges": [],
        "Ipv6Ranges": [],
        "PrefixListIds": [],
        "UserIdGroupPairs": [],
    }
    if rule.ports is not None:
        found |= {"FromPort": rule.ports.first, "ToPort": rule.ports.last}
    if rule.icmp is not None:
        kind, code = (-1 if each is None else each for each in (rule.icmp.icmp_type, rule.icmp.icmp_code))
        found |= {"FromPort": kind, "ToPort": code}
    told = {"Description": rule.description} if rule.description else {}
    match rule.peer:
        case Cidr(network) if network.version == 4:
            found["IpRanges"] = [{"CidrIp": str(network), **told}]
        case Cidr(network):
            found["Ipv6Ranges"] = [{"CidrIpv6": str(network), **told}]
        case PrefixListReference(prefix_list_id):
            found["PrefixListIds"] = [{"PrefixListId": prefix_list_id, **told}]
        case GroupReference(group_id, owner_id, peering_id):
            over = {"UserId": owner_id, "VpcPeeringConnectionId": peering_id}
            pair = {"GroupId": group_id, **{key: value for key, value in over.items() if value}, **told}
            found["UserIdGroupPairs"] = [pair]
    return found
