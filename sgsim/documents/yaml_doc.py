"""Our own form: everything about a small network in one YAML document, short enough to type in a lesson.

The form is described in `docs/documents.md`; groups and their rules are read by `yaml_rules`. The same members may be
written as JSON.
"""

from collections.abc import Iterator
from typing import Final

from netaddr import IPNetwork

from sgsim.documents.aws_interfaces import read_seconds
from sgsim.documents.contents import Contents
from sgsim.documents.node import Node
from sgsim.documents.scalars import network_of, read_cidr
from sgsim.documents.yaml_network_acls import read_network_acl
from sgsim.documents.yaml_rules import peer_names, read_group
from sgsim.errors import RuleError
from sgsim.model.interface import Interface, TimeoutOverrides
from sgsim.model.path import PathLabel
from sgsim.rules.inventory import Instance, Inventory, Subnet, Vpc
from sgsim.rules.paths import PathRule
from sgsim.rules.prefix_list import PrefixList

KEYS: Final = ("vpc", "groups", "prefix_lists", "interfaces", "instances", "subnets", "network_acls", "paths")
"""The keys of a document."""

UNNAMED_VPC: Final = "vpc"
"""The id of a VPC that a document gives by its blocks alone."""


def is_own_form(root: Node) -> bool:
    """Whether a document is written in our form: an object with at least one of its keys."""
    return isinstance(root.value, dict) and not root.value.keys().isdisjoint(KEYS)


def read_own_form(root: Node) -> Contents:
    """Read a document of our form.

    Raises:
        DocumentError: If a key is unknown or a value of the wrong kind.
        RuleError: If a rule, address or label is none.
    """
    root.refuse_unknown(KEYS)
    names = peer_names(root)
    vpc = _read_vpc(root)
    vpc_id = None if vpc is None or vpc.vpc_id == UNNAMED_VPC else vpc.vpc_id
    return Contents(
        origin=root.document.origin,
        inventory=Inventory(
            vpcs={} if vpc is None else {vpc.vpc_id: vpc},
            groups={key: read_group(key, node, names, vpc_id) for key, node in root.entries("groups")},
            prefix_lists={key: _read_prefix_list(key, node) for key, node in root.entries("prefix_lists")},
            interfaces={key: _read_interface(key, node, vpc_id) for key, node in root.entries("interfaces")},
            has_interface_document="interfaces" in root.mapping(),
            instances={key: _read_instance(key, node) for key, node in root.entries("instances")},
            subnets={key: _read_subnet(key, node, vpc_id) for key, node in root.entries("subnets")},
            network_acls={key: read_network_acl(key, node, vpc_id) for key, node in root.entries("network_acls")},
            paths=tuple(_read_path(node) for node in root.items("paths")),
        ),
    )


def _read_vpc(root: Node) -> Vpc | None:
    node = root.get("vpc")
    if node is None:
        return None
    if not isinstance(node.value, dict):
        return Vpc(vpc_id=UNNAMED_VPC, networks=_cidrs(root, "vpc"))
    node.refuse_unknown(("id", "cidr"))
    return Vpc(vpc_id=node.text_or_none("id") or UNNAMED_VPC, networks=_cidrs(node, "cidr"))


def _cidrs(owner: Node, key: str) -> tuple[IPNetwork, ...]:
    return tuple(read_cidr(node) for node in owner.one_or_more(key))


def _read_prefix_list(prefix_list_id: str, node: Node) -> PrefixList:
    if isinstance(node.value, list):
        return PrefixList(prefix_list_id=prefix_list_id, entries=tuple(read_cidr(item) for item in node.each()))
    node.refuse_unknown(("name", "entries", "max_entries", "owner"))
    max_entries = node.get("max_entries")
    return PrefixList(
        prefix_list_id=prefix_list_id,
        name=node.text_or_none("name") or "",
        entries=_cidrs(node, "entries") if node.get("entries") else None,
        max_entries=None if max_entries is None else _count(max_entries),
        owner_id=node.text_or_none("owner"),
    )


def _count(node: Node) -> int:
    number = node.as_whole_number()
    if number < 1:
        raise node.error(f"{node.name} must be at least 1, got {number}")
    return number


def _read_interface(interface_id: str, node: Node, vpc_id: str | None) -> Interface:
    node.refuse_unknown(("addresses", "groups", "instance", "subnet", "vpc", "public", "timeouts"))
    node.need("addresses")
    return Interface(
        interface_id=interface_id,
        addresses=tuple(_owned(item) for item in node.one_or_more("addresses")),
        group_ids=tuple(item.as_text() for item in node.one_or_more("groups")),
        instance_id=node.text_or_none("instance"),
        subnet_id=node.text_or_none("subnet"),
        vpc_id=node.text_or_none("vpc") or vpc_id,
        public_addresses=tuple(_owned(item) for item in node.one_or_more("public")),
        timeouts=_read_timeouts(node.get("timeouts")),
        origin=node.document.origin,
    )


def _owned(node: Node) -> IPNetwork:
    """An address, or a delegated prefix; `10.0.0.5/24` is neither, and taken as a prefix it would own the subnet."""
    text = node.as_text()
    with node.at():
        if "/" not in text:
            return network_of(text)
        network = read_cidr(node)
        if network != IPNetwork(text) or network_of(text.partition("/")[0]).first != network.first:
            raise RuleError(f"address must be single, or a prefix without host bits, got {text!r}")
        return network


def _read_timeouts(node: Node | None) -> TimeoutOverrides:
    if node is None:
        return TimeoutOverrides()
    node.refuse_unknown(("tcp_established", "udp", "udp_stream"))
    return TimeoutOverrides(
        tcp_established_s=read_seconds(node, "tcp_established"),
        udp_s=read_seconds(node, "udp"),
        udp_stream_s=read_seconds(node, "udp_stream"),
    )


def _read_instance(instance_id: str, node: Node) -> Instance:
    node.refuse_unknown(("type", "capacity"))
    capacity = node.get("capacity")
    return Instance(
        instance_id=instance_id,
        instance_type=node.text_or_none("type"),
        capacity=None if capacity is None else _count(capacity),
    )


def _read_subnet(subnet_id: str, node: Node, vpc_id: str | None) -> Subnet:
    if not isinstance(node.value, dict):
        blocks: Iterator[Node] = node.each() if isinstance(node.value, list) else iter((node,))
        return Subnet(subnet_id=subnet_id, vpc_id=vpc_id, networks=tuple(read_cidr(block) for block in blocks))
    node.refuse_unknown(("cidr", "vpc"))
    return Subnet(subnet_id=subnet_id, vpc_id=node.text_or_none("vpc") or vpc_id, networks=_cidrs(node, "cidr"))


def _read_path(node: Node) -> PathRule:
    node.refuse_unknown(("peer", "label", "at"))
    peer, label = node.need("peer"), node.need("label")
    text = peer.as_text()
    with label.at():
        path_label = read_label(label.as_text())
    if "/" not in text and "." not in text and ":" not in text:
        return PathRule(path_label, prefix_list_id=text, scope=node.text_or_none("at"))
    with peer.at():
        network = read_cidr(peer) if "/" in text else network_of(text)
    return PathRule(path_label, network=network, scope=node.text_or_none("at"))


def read_label(text: str) -> PathLabel:
    """Read the label of a path.

    Raises:
        RuleError: If AWS lists no such path.
    """
    try:
        return PathLabel(text)
    except ValueError as error:
        labels = ", ".join(label.value for label in PathLabel)
        raise RuleError(f"label must be one of {labels}, got {text!r}") from error
