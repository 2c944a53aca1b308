"""Network ACLs as AWS prints them.

Source: `[aws-api]` NetworkAcl, NetworkAclEntry.
"""

from collections.abc import Iterator
from typing import Final

from sgsim.documents import aws_members as known
from sgsim.documents.contents import Contents
from sgsim.documents.node import Node
from sgsim.documents.scalars import read_cidr, read_icmp, read_ports
from sgsim.errors import SgsimError
from sgsim.model.address import Family
from sgsim.model.decision import Verdict
from sgsim.model.protocol import ICMP_PROTOCOLS, PORT_PROTOCOLS, Protocol, protocol_name, protocol_number
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory
from sgsim.rules.network_acl import AclEntry, NetworkAcl
from sgsim.rules.port_range import PortRange
from sgsim.rules.rule import Cidr, IcmpMatch, Rule

ACTIONS: Final = {"allow": Verdict.ALLOW, "deny": Verdict.DENY}
"""The words of an entry's action."""


def read_network_acls(listing: Node) -> Contents:
    """Read `NetworkAcls`, the list of describe-network-acls.

    Raises:
        DocumentError: If it has another shape.
        RuleError: If an entry says what none can say.
    """
    acls: dict[str, NetworkAcl] = {}
    for node in listing.each():
        node.count_unknown(known.NETWORK_ACL)
        acl_id = node.text("NetworkAclId")
        with node.at():
            acls[acl_id] = NetworkAcl(
                network_acl_id=acl_id,
                name=_name(node),
                entries=[_read_entry(item, acl_id) for item in node.items("Entries")],
                subnet_ids=dict.fromkeys(_subnets(node)),
                vpc_id=node.text_or_none("VpcId"),
                origin=node.document.origin,
            )
    return Contents(origin=listing.document.origin, inventory=Inventory(network_acls=acls))


def _name(node: Node) -> str:
    tags = (tag for tag in node.items("Tags") if tag.text_or_none("Key") == "Name")
    return next((tag.text_or_none("Value") or "" for tag in tags), "")


def _subnets(node: Node) -> Iterator[str]:
    for association in node.items("Associations"):
        association.count_unknown(known.NETWORK_ACL_ASSOCIATION)
        yield association.text("SubnetId")


def _read_entry(node: Node, acl_id: str) -> AclEntry:
    node.count_unknown(known.NETWORK_ACL_ENTRY)
    number = node.need("RuleNumber")
    peer = _read_peer(node)
    protocol = family_protocol(_read_protocol(node.need("Protocol")), Family(peer.network.version))
    egress = node.need("Egress")
    if not isinstance(egress.value, bool):
        raise egress.error(f"Egress must be true or false, got {egress.shown}")
    with number.at():
        return AclEntry(
            number=number.as_whole_number(),
            verdict=read_action(node.need("RuleAction")),
            rule=Rule(
                group_id=acl_id,
                direction=Direction.EGRESS if egress.value else Direction.INGRESS,
                protocol=protocol,
                peer=peer,
                ports=_read_ports(node, protocol),
                icmp=_read_icmp(node, protocol, peer),
            ),
        )


def read_action(node: Node) -> Verdict:
    """Read what an entry does with the packets that fit it.

    Raises:
        DocumentError: If it is neither `allow` nor `deny`.
    """
    action = node.as_text()
    if action not in ACTIONS:
        raise node.error(f"{node.name} must be allow or deny, got {action!r}")
    return ACTIONS[action]


def family_protocol(protocol: int, family: Family) -> int:
    """The protocol that an entry is about in its family.

    The number of ICMPv6 with an IPv4 block means all of ICMP (`[aws-api]` CreateNetworkAclEntry, as we read it).
    """
    if protocol == Protocol.ICMPV6 and family is Family.IPV4:
        return Protocol.ICMP
    return protocol


def _read_protocol(node: Node) -> int:
    try:
        return protocol_number(node.as_text())
    except SgsimError as error:
        raise node.error(f"Protocol must be a number of 0..255 or -1, got {node.shown}") from error


def _read_peer(node: Node) -> Cidr:
    ipv4, ipv6 = node.get("CidrBlock"), node.get("Ipv6CidrBlock")
    if (ipv4 is None) == (ipv6 is None):
        got = "neither" if ipv4 is None else "both"
        raise node.error(f"{node.name} must have either CidrBlock or Ipv6CidrBlock, got {got}")
    block, family = (ipv4, Family.IPV4) if ipv4 is not None else (node.need("Ipv6CidrBlock"), Family.IPV6)
    return Cidr(read_cidr(block, family))


def _read_ports(node: Node, protocol: int) -> PortRange | None:
    """Ports of protocols without ports are ignored, as EC2 does."""
    if protocol not in PORT_PROTOCOLS:
        return None
    ports = node.get("PortRange")
    if ports is None:
        raise node.error(f"{protocol_name(protocol)} must have PortRange, got none")
    return read_ports(ports.need("From"), ports.need("To"))


def _read_icmp(node: Node, protocol: int, peer: Cidr) -> IcmpMatch | None:
    if protocol not in ICMP_PROTOCOLS:
        return None
    message = node.get("IcmpTypeCode")
    is_icmpv6_in_ipv4 = _read_protocol(node.need("Protocol")) == Protocol.ICMPV6 and peer.network.version == Family.IPV4
    if message is None or is_icmpv6_in_ipv4:
        return IcmpMatch()
    return read_icmp(message.get("Type"), message.get("Code"))
