"""The edge of a subnet: the network ACL that judges what crosses it.

Law: what stays inside a subnet never comes to its edge. Inside are the blocks of the subnet and the addresses of the
interfaces in it. Source: `[aws-nacl]`.
"""

from collections.abc import Iterable, Mapping

from attrs import define, field, frozen

from sgsim.errors import RuleError
from sgsim.model.interface import Interface
from sgsim.model.states import Direction
from sgsim.rules.address_set import AddressSet
from sgsim.rules.header import Header
from sgsim.rules.inventory import Inventory
from sgsim.rules.match import ResolvedRule
from sgsim.rules.network_acl import AclEntry, NetworkAcl


@frozen
class AclLine:
    """An entry, ready to be compared with packets."""

    entry: AclEntry
    fits: ResolvedRule


@define
class SubnetEdge:
    """One subnet and its network ACL."""

    subnet_id: str
    network_acl: NetworkAcl
    inside: AddressSet
    """Addresses with which a packet is exchanged without crossing the edge."""
    lines: Mapping[Direction, tuple[AclLine, ...]] = field(init=False)
    """For each direction, the entries in order."""

    @lines.default
    def _compile(self) -> dict[Direction, tuple[AclLine, ...]]:
        return {way: tuple(_line(entry) for entry in self.network_acl.entries_of(way)) for way in Direction}

    def is_inside(self, header: Header) -> bool:
        """Whether the peer is in the same subnet."""
        return self.inside.contains(header.peer, header.family)

    def deciding(self, header: Header) -> AclLine:
        """The first entry that a packet fits; one always does, for the `*` entries fit all."""
        return next(line for line in self.lines[header.direction] if line.fits.admits(header))


def _line(entry: AclEntry) -> AclLine:
    peer = entry.rule.peer
    networks = [peer.network] if hasattr(peer, "network") else []
    return AclLine(entry, ResolvedRule(entry.rule, AddressSet.of(networks), entry.ref()))


def subnet_edges(inventory: Inventory) -> dict[str, SubnetEdge]:
    """The edge of each interface's subnet, by the interface's id; none where no network ACL is known.

    Raises:
        RuleError: If two network ACLs stand before one subnet.
    """
    acls = acls_by_subnet(inventory)
    if not acls:
        return {}
    subnet_of = {key: subnet_id_of(each, inventory) for key, each in inventory.interfaces.items()}
    edges: dict[str, SubnetEdge] = {}
    found: dict[str, SubnetEdge] = {}
    for interface_id, subnet_id in subnet_of.items():
        if subnet_id is None or subnet_id not in acls:
            continue
        if subnet_id not in edges:
            members = (inventory.interfaces[key] for key, other in subnet_of.items() if other == subnet_id)
            edges[subnet_id] = SubnetEdge(subnet_id, acls[subnet_id], _inside(inventory, subnet_id, members))
        found[interface_id] = edges[subnet_id]
    return found


def acls_by_subnet(inventory: Inventory) -> dict[str, NetworkAcl]:
    """The network ACL of each subnet that has one.

    Raises:
        RuleError: If two stand before one subnet.
    """
    acls: dict[str, NetworkAcl] = {}
    for acl in inventory.network_acls.values():
        for subnet_id in acl.subnet_ids:
            other = acls.setdefault(subnet_id, acl)
            if other is not acl:
                raise RuleError(
                    f"subnet must have one network ACL, got {other.network_acl_id} and {acl.network_acl_id} for {subnet_id}"
                )
    return acls


def subnet_id_of(interface: Interface, inventory: Inventory) -> str | None:
    """The subnet that an interface is in: what its document says, else the smallest with its first address."""
    if interface.subnet_id is not None or not interface.addresses:
        return interface.subnet_id
    first = interface.addresses[0]
    around = [
        (network.prefixlen, subnet.subnet_id)
        for subnet in inventory.subnets.values()
        for network in subnet.networks
        if network.version == first.version and network.first <= first.first <= network.last
    ]
    return max(around)[1] if around else None


def _inside(inventory: Inventory, subnet_id: str, members: Iterable[Interface]) -> AddressSet:
    subnet = inventory.subnets.get(subnet_id)
    blocks = subnet.networks if subnet is not None else ()
    return AddressSet.of([*blocks, *(network for member in members for network in member.addresses)])
