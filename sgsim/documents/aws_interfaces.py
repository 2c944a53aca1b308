"""Network interfaces as AWS prints them, by themselves and as parts of instances.

What an interface owns are its private, secondary and IPv6 addresses and its delegated prefixes. A public address is
kept apart: security groups never see it. Source: `[aws-api]` NetworkInterface.
"""

from collections.abc import Iterator
from typing import Final

from netaddr import IPNetwork

from sgsim.documents import aws_members as known
from sgsim.documents.contents import Contents
from sgsim.documents.node import Node
from sgsim.documents.scalars import read_address, read_cidr
from sgsim.model.address import Family
from sgsim.model.interface import Interface, TimeoutOverrides
from sgsim.rules.inventory import Instance, Inventory

_PREFIXES: Final = (
    ("Ipv4Prefixes", "Ipv4Prefix", Family.IPV4),
    ("Ipv6Prefixes", "Ipv6Prefix", Family.IPV6),
)


def read_network_interfaces(listing: Node) -> Contents:
    """Read `NetworkInterfaces`, the list of describe-network-interfaces.

    Raises:
        DocumentError: If it has another shape.
        RuleError: If an address is none.
    """
    interfaces = dict(_by_id(listing.each()))
    return Contents(
        origin=listing.document.origin,
        inventory=Inventory(interfaces=interfaces, has_interface_document=True),
    )


def _by_id(nodes: Iterator[Node], instance_id: str | None = None) -> Iterator[tuple[str, Interface]]:
    seen: dict[str, Interface] = {}
    for node in nodes:
        interface = _read_interface(node, instance_id)
        if seen.setdefault(interface.interface_id, interface) != interface:
            raise node.error(
                f"interface must be the same wherever it is described, got another {interface.interface_id}"
            )
        yield interface.interface_id, interface


def _read_interface(node: Node, instance_id: str | None) -> Interface:
    node.count_unknown(known.NETWORK_INTERFACE)
    attachment = node.get("Attachment")
    return Interface(
        interface_id=node.text("NetworkInterfaceId"),
        addresses=tuple(dict.fromkeys(owned_addresses(node))),
        group_ids=tuple(group.text("GroupId") for group in node.items("Groups")),
        instance_id=attachment.text_or_none("InstanceId") or instance_id if attachment else instance_id,
        subnet_id=node.text_or_none("SubnetId"),
        vpc_id=node.text_or_none("VpcId"),
        public_addresses=tuple(dict.fromkeys(_public(node))),
        timeouts=read_timeouts(node.get("ConnectionTrackingConfiguration")),
        origin=node.document.origin,
    )


def owned_addresses(node: Node) -> Iterator[IPNetwork]:
    """All that the interface owns: the primary address first.

    Raises:
        RuleError: If an address is none.
    """
    primary, ipv6 = node.get("PrivateIpAddress"), node.get("Ipv6Address")
    if primary is not None:
        yield read_address(primary)
    for item in node.items("PrivateIpAddresses"):
        item.count_unknown(known.INTERFACE_ADDRESS)
        yield read_address(item.need("PrivateIpAddress"))
    if ipv6 is not None:
        yield read_address(ipv6)
    for item in node.items("Ipv6Addresses"):
        item.count_unknown(known.IPV6_ADDRESS)
        yield read_address(item.need("Ipv6Address"))
    for list_key, key, family in _PREFIXES:
        for item in node.items(list_key):
            yield read_cidr(item.need(key), family)


def _public(node: Node) -> Iterator[IPNetwork]:
    for owner in (node, *node.items("PrivateIpAddresses")):
        association = owner.get("Association")
        address = association.get("PublicIp") if association else None
        if address is not None:
            yield read_address(address)


def read_timeouts(node: Node | None) -> TimeoutOverrides:
    """Read the idle timeouts that somebody has set.

    Raises:
        DocumentError: If one is no number above 0.
    """
    if node is None:
        return TimeoutOverrides()
    node.count_unknown(known.CONNECTION_TRACKING)
    return TimeoutOverrides(
        tcp_established_s=read_seconds(node, "TcpEstablishedTimeout"),
        udp_s=read_seconds(node, "UdpTimeout"),
        udp_stream_s=read_seconds(node, "UdpStreamTimeout"),
    )


def read_seconds(node: Node, key: str) -> float | None:
    """Read a timeout; bounds are the profile's business, as they differ.

    Raises:
        DocumentError: If it is no number above 0.
    """
    child = node.get(key)
    if child is None:
        return None
    if isinstance(child.value, bool) or not isinstance(child.value, int | float) or not 0 < child.value < float("inf"):
        raise child.error(f"{key} must be a number of seconds above 0, got {child.shown}")
    return child.value


def read_reservations(listing: Node) -> Contents:
    """Read `Reservations`, the list of describe-instances.

    Its interfaces are not all there are (load balancers and databases have some too), so it does not tell that a group
    has no other members.

    Raises:
        DocumentError: If it has another shape.
        RuleError: If an address is none.
    """
    instances: dict[str, Instance] = {}
    attached: dict[str, Interface] = {}
    for reservation in listing.each():
        reservation.count_unknown(known.RESERVATION)
        for node in reservation.items("Instances"):
            node.count_unknown(known.INSTANCE)
            instance_id = node.text("InstanceId")
            instances[instance_id] = Instance(instance_id=instance_id, instance_type=node.text_or_none("InstanceType"))
            attached |= dict(_by_id(node.items("NetworkInterfaces"), instance_id))
    return Contents(origin=listing.document.origin, inventory=Inventory(instances=instances), attached=attached)
