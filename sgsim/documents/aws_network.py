"""VPCs and subnets as AWS prints them.

Needed for the addresses that AWS keeps for itself and never filters. Source: `[aws-api]` Vpc, Subnet.
"""

from collections.abc import Iterator
from typing import Final

from netaddr import IPNetwork

from sgsim.documents import aws_members as known
from sgsim.documents.contents import Contents
from sgsim.documents.node import Node
from sgsim.documents.scalars import read_cidr
from sgsim.model.address import Family
from sgsim.rules.inventory import Inventory, Subnet, Vpc

_ASSOCIATIONS: Final = (
    ("CidrBlockAssociationSet", "CidrBlock", "CidrBlockState", Family.IPV4),
    ("Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock", "Ipv6CidrBlockState", Family.IPV6),
)
_IN_USE: Final = frozenset({None, "associated", "associating"})


def read_vpcs(listing: Node) -> Contents:
    """Read `Vpcs`, the list of describe-vpcs.

    Raises:
        DocumentError: If it has another shape.
        RuleError: If a block of addresses is none.
    """
    vpcs: dict[str, Vpc] = {}
    for node in listing.each():
        node.count_unknown(known.VPC)
        vpc_id = node.text("VpcId")
        vpcs[vpc_id] = Vpc(vpc_id=vpc_id, networks=_networks(node))
    return Contents(origin=listing.document.origin, inventory=Inventory(vpcs=vpcs))


def read_subnets(listing: Node) -> Contents:
    """Read `Subnets`, the list of describe-subnets.

    Raises:
        DocumentError: If it has another shape.
        RuleError: If a block of addresses is none.
    """
    subnets: dict[str, Subnet] = {}
    for node in listing.each():
        node.count_unknown(known.SUBNET)
        subnet_id = node.text("SubnetId")
        subnets[subnet_id] = Subnet(subnet_id=subnet_id, vpc_id=node.text_or_none("VpcId"), networks=_networks(node))
    return Contents(origin=listing.document.origin, inventory=Inventory(subnets=subnets))


def _networks(node: Node) -> tuple[IPNetwork, ...]:
    """Its blocks of addresses, the primary IPv4 block first, each once."""
    return tuple(dict.fromkeys(_blocks(node)))


def _blocks(node: Node) -> Iterator[IPNetwork]:
    primary = node.get("CidrBlock")
    if primary is not None:
        yield read_cidr(primary, Family.IPV4)
    for list_key, key, state_key, family in _ASSOCIATIONS:
        for association in node.items(list_key):
            state = association.get(state_key)
            if (state.text_or_none("State") if state else None) in _IN_USE:
                yield read_cidr(association.need(key), family)
