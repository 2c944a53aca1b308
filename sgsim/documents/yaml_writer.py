"""An inventory in our own YAML form, one line for each rule.

The law: what is written reads back as the same inventory, but for origins and notes, for addresses that an option gave,
and for the `*` entries of network ACLs, which are always there. What the form cannot say (that a reference is stale, or
leads to another account or VPC) is said in a comment.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from netaddr import IPNetwork

from sgsim.documents.yaml_doc import UNNAMED_VPC
from sgsim.documents.yaml_rules import RULE_LISTS
from sgsim.model.interface import Interface, TimeoutOverrides
from sgsim.model.protocol import protocol_name
from sgsim.rules.inventory import Inventory, Vpc
from sgsim.rules.network_acl import NetworkAcl
from sgsim.rules.prefix_list import PrefixList
from sgsim.rules.rule import GroupReference, Rule
from sgsim.rules.security_group import SecurityGroup

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*|\d+\.\d+\.\d+\.\d+(/\d+)?")
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What YAML does not let stand as it is, or takes as the end of a line."""

_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def write_yaml(inventory: Inventory) -> str:
    """Write everything that is known of a network."""
    return "".join(f"{line}\n" for line in _lines(inventory))


def _lines(inventory: Inventory) -> Iterator[str]:
    vpcs = list(inventory.vpcs.values())
    parts = list(_parts(inventory))
    if len(vpcs) == 1 and (not parts or _is_vpc_of_all(vpcs[0], inventory)):
        parts, vpcs = [f"vpc: {_vpc(vpcs[0])}", *parts], []
    yield from parts if parts or vpcs else ["groups: {}"]
    for number, vpc in enumerate(vpcs):
        if parts or number:
            yield "---"
        yield f"vpc: {_vpc(vpc)}"


def _is_vpc_of_all(vpc: Vpc, inventory: Inventory) -> bool:
    """Whether all may stand in the document of this VPC, which is taken to be that of what names none."""
    kinds = (inventory.groups, inventory.interfaces, inventory.subnets, inventory.network_acls)
    return vpc.vpc_id == UNNAMED_VPC or all(each.vpc_id for kind in kinds for each in kind.values())


def _parts(inventory: Inventory) -> Iterator[str]:
    yield from _part("groups", (line for group in inventory.groups.values() for line in _group(group)))
    yield from _part(
        "prefix_lists", (f"  {_text(key)}: {_prefix_list(each)}" for key, each in inventory.prefix_lists.items())
    )
    interfaces = (f"  {_text(key)}: {_interface(each)}" for key, each in inventory.interfaces.items())
    yield from _part("interfaces", interfaces)
    if inventory.has_interface_document and not inventory.interfaces:
        yield "interfaces: {}"
    instances = (
        (f"  {_text(key)}: {{{_pairs({'type': each.instance_type, 'capacity': each.capacity})}}}")
        for key, each in inventory.instances.items()
    )
    yield from _part("instances", instances)
    subnets = (
        f"  {_text(key)}: {{{_pairs({'cidr': _nets(each.networks), 'vpc': each.vpc_id})}}}"
        for key, each in inventory.subnets.items()
    )
    yield from _part("subnets", subnets)
    yield from _part("network_acls", (line for acl in inventory.network_acls.values() for line in _network_acl(acl)))
    paths = (
        f"  - {{{_pairs({'peer': str(each.network or each.prefix_list_id), 'label': str(each.label), 'at': each.scope})}}}"
        for each in inventory.paths
    )
    yield from _part("paths", paths)


def _part(name: str, lines: Iterable[str]) -> Iterator[str]:
    lines = list(lines)
    if lines:
        yield f"{name}:"
        yield from lines


def _vpc(vpc: Vpc) -> str:
    blocks = _nets(vpc.networks)
    return _value(blocks) if vpc.vpc_id == UNNAMED_VPC else f"{{{_pairs({'id': vpc.vpc_id, 'cidr': blocks})}}}"


def _group(group: SecurityGroup) -> Iterator[str]:
    yield f"  {_text(group.group_id)}:"
    facts = {"name": group.name, "description": group.description, "vpc": group.vpc_id, "owner": group.owner_id}
    yield from (f"    {name}: {_text(text)}" for name, text in facts.items() if text)
    has_rules = False
    for direction, (key, peer_key, _) in RULE_LISTS.items():
        rules = list(group.rules_of(direction))
        if rules:
            has_rules = True
            yield f"    {key}:"
            yield from (f"      - {{{_rule(rule, peer_key)}}}{_comment(rule)}" for rule in rules)
    if not has_rules:
        yield "    ingress: []"


def _network_acl(acl: NetworkAcl) -> Iterator[str]:
    yield f"  {_text(acl.network_acl_id)}:"
    facts = {"name": acl.name or None, "subnets": list(acl.subnet_ids), "vpc": acl.vpc_id}
    yield from (f"    {name}: {_value(value)}" for name, value in facts.items() if value is not None)
    for direction, (key, peer_key, _) in RULE_LISTS.items():
        entries = [each for each in acl.entries if each.rule.direction is direction and not each.is_star]
        yield from [f"    {key}:"] if entries else []
        for each in entries:
            decides = _pairs({"number": each.number, "action": str(each.verdict)})
            yield f"      - {{{decides}, {_rule(each.rule, peer_key)}}}"


def _rule(rule: Rule, peer_key: str) -> str:
    icmp = None
    if rule.icmp is not None and rule.icmp.icmp_type is not None:
        icmp = {"type": rule.icmp.icmp_type, "code": rule.icmp.icmp_code}
    name = protocol_name(rule.protocol)
    return _pairs(
        {
            "protocol": int(name) if name.isdigit() else name,
            "ports": None
            if rule.ports is None
            else rule.ports.first
            if rule.ports.first == rule.ports.last
            else str(rule.ports),
            "icmp": icmp,
            peer_key: str(rule.peer),
            "id": rule.rule_id,
            "description": rule.description or None,
        }
    )


def _comment(rule: Rule) -> str:
    peer = rule.peer
    if not isinstance(peer, GroupReference):
        return ""
    told = {"stale": peer.is_stale, "over a peering": peer.peering_id, f"of account {peer.owner_id}": peer.owner_id}
    words = ", ".join(word for word, holds in told.items() if holds)
    return f"  # {words}" if words else ""


def _prefix_list(each: PrefixList) -> str:
    entries = None if each.entries is None else _nets(each.entries)
    facts = {"name": each.name or None, "entries": entries, "max_entries": each.max_entries, "owner": each.owner_id}
    return f"{{{_pairs(facts)}}}"


def _interface(interface: Interface) -> str:
    return "{" + _pairs(
        {
            "addresses": [_owned(net) for net in interface.addresses],
            "groups": list(interface.group_ids),
            "instance": interface.instance_id,
            "subnet": interface.subnet_id,
            "vpc": interface.vpc_id,
            "public": [_owned(net) for net in interface.public_addresses] or None,
            "timeouts": _timeouts(interface.timeouts),
        }
    ) + "}"  # fmt: skip


def _owned(network: IPNetwork) -> str:
    return str(network.ip) if network.size == 1 else str(network)


def _timeouts(given: TimeoutOverrides) -> dict[str, float | None] | None:
    found = {"tcp_established": given.tcp_established_s, "udp": given.udp_s, "udp_stream": given.udp_stream_s}
    return found if any(value is not None for value in found.values()) else None


def _nets(networks: Iterable[IPNetwork]) -> list[str]:
    return [str(network) for network in networks]


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name}: {_value(value)}" for name, value in values.items() if value is not None)


def _value(value: object) -> str:
    if isinstance(value, dict):
        return f"{{{_pairs(value)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return f"{value:.15g}" if isinstance(value, float) else str(value) if isinstance(value, int) else _text(str(value))


def _text(text: str) -> str:
    """A text as YAML reads it back: in quotes unless it is surely plain."""
    is_plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS
    return text if is_plain else _UNPRINTABLE.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    return f"\\U{ord(match[0]):08x}"
