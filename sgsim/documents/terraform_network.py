"""Interfaces, instances, VPCs and subnets as Terraform's AWS provider writes them.

An interface whose addresses AWS is still to choose owns none that a rule could match: it is left out and noted.
"""

from collections.abc import Iterator

from netaddr import IPNetwork

from sgsim.documents.cloudformation_network import NO_ADDRESS
from sgsim.documents.node import Node
from sgsim.documents.scalars import read_address, read_cidr
from sgsim.model.address import Family
from sgsim.model.interface import Interface
from sgsim.rules.inventory import Instance, Inventory, Subnet, Vpc


def read_interface(node: Node, interface_id: str) -> Inventory:
    """Read `aws_network_interface`.

    Raises:
        RuleError: If an address is none.
    """
    attachments = list(node.items("attachment")) if node.is_known("attachment") else []
    addresses = tuple(dict.fromkeys(_addresses(node, "private_ips")))
    if not addresses:
        node.count(NO_ADDRESS, interface_id)
        return Inventory()
    return _inventory(
        Interface(
            interface_id=interface_id,
            addresses=addresses,
            group_ids=node.ids("security_groups"),
            instance_id=attachments[0].id_or_none("instance") if attachments else None,
            subnet_id=node.id_or_none("subnet_id"),
            origin=node.document.origin,
        )
    )


def _inventory(interface: Interface) -> Inventory:
    return Inventory(interfaces={interface.interface_id: interface})


def _addresses(node: Node, more: str) -> Iterator[IPNetwork]:
    """The addresses that are known, the primary one first."""
    if node.known_text("private_ip"):
        yield read_address(node.need("private_ip"))
    for key in (more, "ipv6_addresses"):
        if node.is_known(key):
            yield from map(read_address, node.items(key))
    for key, family in (("ipv4_prefixes", Family.IPV4), ("ipv6_prefixes", Family.IPV6)):
        if node.is_known(key):
            yield from (read_cidr(item, family) for item in node.items(key))


def read_instance(node: Node, instance_id: str) -> Inventory:
    """Read `aws_instance` with its primary interface.

    Raises:
        RuleError: If an address is none.
    """
    kind = node.known_text("instance_type") or None
    inventory = Inventory(instances={instance_id: Instance(instance_id=instance_id, instance_type=kind)})
    addresses = tuple(dict.fromkeys(_addresses(node, "secondary_private_ips")))
    interface_id = node.known_text("primary_network_interface_id") or f"{instance_id}.eni0"
    if not addresses:
        node.count(NO_ADDRESS, interface_id)
        return inventory
    return inventory.merge(
        _inventory(
            Interface(
                interface_id=interface_id,
                addresses=addresses,
                group_ids=node.ids("vpc_security_group_ids"),
                instance_id=instance_id,
                subnet_id=node.id_or_none("subnet_id"),
                public_addresses=(read_address(node.need("public_ip")),) if node.known_text("public_ip") else (),
                origin=node.document.origin,
            )
        )
    )


def read_vpc(node: Node, vpc_id: str) -> Inventory:
    """Read `aws_vpc` or `aws_default_vpc`.

    Raises:
        RuleError: If a block of addresses is none.
    """
    return Inventory(vpcs={vpc_id: Vpc(vpc_id=vpc_id, networks=tuple(_blocks(node)))})


def read_subnet(node: Node, subnet_id: str) -> Inventory:
    """Read `aws_subnet` or `aws_default_subnet`.

    Raises:
        RuleError: If a block of addresses is none.
    """
    subnet = Subnet(subnet_id=subnet_id, vpc_id=node.id_or_none("vpc_id"), networks=tuple(_blocks(node)))
    return Inventory(subnets={subnet_id: subnet})


def _blocks(node: Node) -> Iterator[IPNetwork]:
    for key, family in (("cidr_block", Family.IPV4), ("ipv6_cidr_block", Family.IPV6)):
        if node.known_text(key):
            yield read_cidr(node.need(key), family)
