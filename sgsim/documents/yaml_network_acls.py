"""Network ACLs of our own form: entries are written as rules are, with a number and an action, and one block each."""

from collections.abc import Iterator
from typing import Final

from sgsim.documents.aws_network_acls import family_protocol, read_action
from sgsim.documents.node import Node
from sgsim.documents.scalars import network_of, read_cidr
from sgsim.documents.yaml_rules import RULE_LISTS, read_icmp_of, read_ports_of, read_protocol
from sgsim.errors import RuleError
from sgsim.model.address import Family
from sgsim.model.states import Direction
from sgsim.rules.network_acl import LAST_NUMBER, AclEntry, NetworkAcl
from sgsim.rules.rule import Cidr, IcmpMatch, Rule

ACL_KEYS: Final = ("name", "subnets", "vpc", "ingress", "egress")


def read_network_acl(network_acl_id: str, node: Node, vpc_id: str | None) -> NetworkAcl:
    """Read one member of `network_acls`.

    Raises:
        DocumentError: If a key is unknown or a value of the wrong kind.
        RuleError: If an entry says what none can say.
    """
    node.refuse_unknown(ACL_KEYS)
    with node.at():
        return NetworkAcl(
            network_acl_id=network_acl_id,
            name=node.text_or_none("name") or "",
            entries=list(_read_entries(node, network_acl_id)),
            subnet_ids=dict.fromkeys(item.as_text() for item in node.one_or_more("subnets")),
            vpc_id=node.text_or_none("vpc") or vpc_id,
            origin=node.document.origin,
        )


def _read_entries(node: Node, network_acl_id: str) -> Iterator[AclEntry]:
    for direction, (key, _, _) in RULE_LISTS.items():
        for item in node.items(key):
            yield _read_entry(item, network_acl_id, direction)


def _read_entry(node: Node, network_acl_id: str, direction: Direction) -> AclEntry:
    _, peer_key, wrong_key = RULE_LISTS[direction]
    hint = f": {direction} entries say {peer_key}" if wrong_key in node.mapping() else ""
    node.refuse_unknown(("number", "action", "protocol", "ports", "icmp", peer_key), hint)
    number = node.need("number")
    if not 1 <= number.as_whole_number() <= LAST_NUMBER:
        raise number.error(f"number must be 1..{LAST_NUMBER}, got {number.shown}")
    peer = _read_peer(node.need(peer_key))
    written = read_protocol(node.need("protocol"))
    protocol = family_protocol(written, Family(peer.network.version))
    ports, icmp = read_ports_of(node, written), read_icmp_of(node, written)
    with node.at():
        return AclEntry(
            number=number.as_whole_number(),
            verdict=read_action(node.need("action")),
            rule=Rule(
                group_id=network_acl_id,
                direction=direction,
                protocol=protocol,
                peer=peer,
                ports=ports,
                icmp=icmp if protocol == written else IcmpMatch(),
            ),
        )


def _read_peer(node: Node) -> Cidr:
    """Read a block or an address; an ACL knows neither groups nor prefix lists."""
    text = node.as_text()
    with node.at():
        if "/" not in text and ":" not in text and "." not in text:
            raise RuleError(f"peer of an entry must be a block of addresses, got {text!r}")
        return Cidr(read_cidr(node) if "/" in text else network_of(text))
