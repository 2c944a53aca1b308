"""Interfaces, instances, VPCs and subnets of a CloudFormation template.

An interface whose addresses AWS is still to choose owns none that a rule could match: it is left out and noted, never
taken for a group without members.
"""

from collections.abc import Iterator
from typing import Final

from netaddr import IPNetwork

from sgsim.documents.aws_interfaces import owned_addresses, read_timeouts
from sgsim.documents.node import Misread, Node
from sgsim.documents.scalars import read_cidr
from sgsim.model.address import Family
from sgsim.model.interface import Interface, TimeoutOverrides
from sgsim.rules.inventory import Instance, Inventory, Subnet, Vpc

NO_ADDRESS: Final = "interfaces whose addresses are not known yet are left out"

_ADDRESS_KEYS: Final = ("PrivateIpAddress", "PrivateIpAddresses", "Ipv6Addresses", "Ipv4Prefixes", "Ipv6Prefixes")


def read_network_interface(name: str, node: Node) -> Inventory:
    """Read `AWS::EC2::NetworkInterface`.

    Raises:
        RuleError: If an address is none.
    """
    return _interface(name, node, None)


def _interface(name: str, node: Node, instance_id: str | None) -> Inventory:
    addresses = tuple(dict.fromkeys(_addresses(node)))
    if not addresses:
        node.count(NO_ADDRESS, name)
        return Inventory()
    key = "GroupSet" if node.mapping().get("GroupSet") is not None else "SecurityGroupIds"
    tracking = node.get("ConnectionTrackingSpecification")
    found = Interface(
        interface_id=name,
        addresses=addresses,
        group_ids=node.ids(key),
        instance_id=instance_id,
        subnet_id=node.id_or_none("SubnetId"),
        timeouts=read_timeouts(tracking) if tracking is not None else TimeoutOverrides(),
        origin=node.document.origin,
    )
    return Inventory(interfaces={name: found})


def _addresses(node: Node) -> Iterator[IPNetwork]:
    """The addresses that are known; those of which nothing is known are left out."""
    value = {key: node.mapping().get(key) for key in _ADDRESS_KEYS if _is_known(node.mapping().get(key))}
    yield from owned_addresses(Node(node.document, value, node.path))


def _is_known(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_known, value))
    if isinstance(value, dict):
        return all(map(_is_known, value.values()))
    return not isinstance(value, Misread)


def read_instance(name: str, node: Node) -> Inventory:
    """Read `AWS::EC2::Instance` with the interfaces that it describes itself.

    Raises:
        RuleError: If an address is none.
    """
    kind = node.known_text("InstanceType") or None
    inventory = Inventory(instances={name: Instance(instance_id=name, instance_type=kind)})
    if not node.is_known("NetworkInterfaces"):
        return inventory
    described = list(node.items("NetworkInterfaces"))
    if not described:
        return inventory.merge(_interface(f"{name}.eni0", node, name))
    for index, item in enumerate(described):
        if item.mapping().get("NetworkInterfaceId") is None:
            inventory = inventory.merge(_interface(f"{name}.eni{index}", item, name))
    return inventory


def read_vpc(name: str, node: Node) -> Inventory:
    """Read `AWS::EC2::VPC`.

    Raises:
        RuleError: If its block is none.
    """
    return Inventory(vpcs={name: Vpc(vpc_id=name, networks=tuple(_block(node)))})


def read_subnet(name: str, node: Node) -> Inventory:
    """Read `AWS::EC2::Subnet`.

    Raises:
        RuleError: If its block is none.
    """
    vpc_id = node.id_or_none("VpcId")
    return Inventory(subnets={name: Subnet(subnet_id=name, vpc_id=vpc_id, networks=tuple(_block(node)))})


def _block(node: Node) -> Iterator[IPNetwork]:
    if node.mapping().get("CidrBlock") is not None and node.is_known("CidrBlock"):
        yield read_cidr(node.need("CidrBlock"), Family.IPV4)
