"""Everything that documents and options say: groups, lists, interfaces, and the network around them.

An `Inventory` never changes; a change of rules is another inventory. Several documents become one by `merge`.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from attrs import evolve, field, frozen
from netaddr import IPNetwork

from sgsim.errors import ConfigError, RuleError
from sgsim.model.interface import Interface
from sgsim.rules.address_set import AddressSet
from sgsim.rules.network_acl import NetworkAcl
from sgsim.rules.paths import PathRule
from sgsim.rules.prefix_list import PrefixList
from sgsim.rules.security_group import SecurityGroup

_Value = TypeVar("_Value")


def _to_networks(networks: Iterable[IPNetwork]) -> tuple[IPNetwork, ...]:
    return tuple(networks)


@frozen(kw_only=True)
class Vpc:
    """A virtual network and its blocks of addresses."""

    vpc_id: str
    networks: tuple[IPNetwork, ...] = field(converter=_to_networks, default=())
    """The primary IPv4 block first: its third address is the Amazon DNS server."""


@frozen(kw_only=True)
class Subnet:
    """A part of a VPC; its second address is the router."""

    subnet_id: str
    vpc_id: str | None = None
    networks: tuple[IPNetwork, ...] = field(converter=_to_networks, default=())


@frozen(kw_only=True)
class Instance:
    """A machine that interfaces are attached to; the table is its own."""

    instance_id: str
    instance_type: str | None = None
    """Decides about the default idle timeout by its Nitro version; None if not told."""
    capacity: int | None = None
    """How many flows its table holds; None if nobody said (AWS publishes none)."""


@frozen
class Note:
    """Something in a document that does not change the answer now, but that its reader should know."""

    text: str
    count: int = 1
    origin: str = ""
    kind: str = field(default="", eq=False)
    """The text without its examples; empty where it is no count of a document."""
    places: tuple[tuple[str, str], ...] = field(default=(), eq=False, repr=False)
    """What was found and where it stands in the document, one by one."""

    def __str__(self) -> str:
        """Behind the document that it is of."""
        return f"{self.origin}: {self.text}" if self.origin else self.text


@frozen(kw_only=True)
class Inventory:
    """What is known of one network at one time; every mapping goes by id."""

    groups: Mapping[str, SecurityGroup] = field(factory=dict)
    prefix_lists: Mapping[str, PrefixList] = field(factory=dict)
    interfaces: Mapping[str, Interface] = field(factory=dict)
    vpcs: Mapping[str, Vpc] = field(factory=dict)
    subnets: Mapping[str, Subnet] = field(factory=dict)
    instances: Mapping[str, Instance] = field(factory=dict)
    network_acls: Mapping[str, NetworkAcl] = field(factory=dict)
    """None of them: nothing is filtered at the edge of a subnet."""
    members: Mapping[str, AddressSet] = field(factory=dict)
    """Addresses that the user gives for a group or prefix list, beside those that documents give."""
    paths: tuple[PathRule, ...] = ()
    has_interface_document: bool = False
    """Whether a document lists interfaces; then a known group that none of them carries has no members."""
    allow_unresolved: bool = False
    """Whether references without known addresses count as empty instead of being an error."""
    notes: tuple[Note, ...] = ()

    def merge(self, other: "Inventory") -> "Inventory":
        """Join two documents about the same network.

        The other's groups, lists and interfaces join these; one that both name must be the same in both.

        Raises:
            RuleError: If both name something and say different things of it.
        """
        return Inventory(
            groups=_join(self.groups, other.groups, "group"),
            prefix_lists=_join(self.prefix_lists, other.prefix_lists, "prefix list"),
            interfaces=_join(self.interfaces, other.interfaces, "interface"),
            vpcs=_join(self.vpcs, other.vpcs, "VPC"),
            subnets=_join(self.subnets, other.subnets, "subnet"),
            instances=_join(self.instances, other.instances, "instance"),
            network_acls=_join(self.network_acls, other.network_acls, "network ACL"),
            members={**self.members, **other.members},
            paths=self.paths + other.paths,
            has_interface_document=self.has_interface_document or other.has_interface_document,
            allow_unresolved=self.allow_unresolved or other.allow_unresolved,
            notes=self.notes + other.notes,
        )

    def replaced_by(self, other: "Inventory") -> "Inventory":
        """This inventory after a change: what the other names replaces what has the same id, all else stays.

        A subnet has one network ACL, so one that the other puts before a subnet takes the place of that which stood there.
        """
        taken = [subnet_id for acl in other.network_acls.values() for subnet_id in acl.subnet_ids]
        acls = {key: acl.without(taken) for key, acl in self.network_acls.items()}
        return evolve(
            self,
            groups={**self.groups, **other.groups},
            prefix_lists={**self.prefix_lists, **other.prefix_lists},
            interfaces={**self.interfaces, **other.interfaces},
            vpcs={**self.vpcs, **other.vpcs},
            subnets={**self.subnets, **other.subnets},
            instances={**self.instances, **other.instances},
            network_acls={**acls, **other.network_acls},
            members={**self.members, **other.members},
            paths=other.paths or self.paths,
            has_interface_document=self.has_interface_document or other.has_interface_document,
            notes=self.notes + tuple(note for note in other.notes if note not in self.notes),
        )

    def in_vpc(self, vpc_id: str) -> "Inventory":
        """Only what belongs to one VPC; what names no VPC stays.

        Raises:
            RuleError: If nothing belongs to it.
        """
        groups = _of_vpc(self.groups, vpc_id)
        interfaces = _of_vpc(self.interfaces, vpc_id)
        if vpc_id not in self.vpc_ids:
            known = ", ".join(sorted(self.vpc_ids)) or "(no document names any)"
            raise RuleError(f"VPC must be one of {known}, got {vpc_id!r}")
        return evolve(
            self,
            groups=groups,
            interfaces=interfaces,
            vpcs={key: vpc for key, vpc in self.vpcs.items() if key == vpc_id},
            subnets=_of_vpc(self.subnets, vpc_id),
            network_acls=_of_vpc(self.network_acls, vpc_id),
        )

    def find_group(self, name: str) -> SecurityGroup:
        """The group with this id, or with this name if only one has it.

        Raises:
            RuleError: If no group has it, or several have the name.
        """
        if name in self.groups:
            return self.groups[name]
        named = [group for group in self.groups.values() if group.name == name]
        if len(named) == 1:
            return named[0]
        if named:
            ids = ", ".join(group.group_id for group in named)
            raise RuleError(f"group name must be unique, got {name!r}, the name of {ids}: give the id")
        raise RuleError(f"group must be one that a document describes, got {name!r}; known are {_listed(self.groups)}")

    @property
    def vpc_ids(self) -> frozenset[str]:
        """Every VPC that a document describes, or that something of it belongs to."""
        parts: list[SecurityGroup | Interface | Subnet | NetworkAcl] = [
            *self.groups.values(),
            *self.interfaces.values(),
            *self.subnets.values(),
            *self.network_acls.values(),
        ]
        return frozenset(self.vpcs) | {part.vpc_id for part in parts if part.vpc_id}

    @property
    def networks(self) -> Iterable[IPNetwork]:
        """The blocks of every VPC."""
        return (network for vpc in self.vpcs.values() for network in vpc.networks)


def check_inventory(rules: object, name: str = "rules") -> None:
    """Refuse what is no inventory, most often the name of a file.

    Raises:
        ConfigError: If it is none.
    """
    if not isinstance(rules, Inventory):
        raise ConfigError(f"{name} must be an Inventory, as sgsim.load gives it, got {rules!r}")


def _listed(ids: Iterable[str], limit: int = 5) -> str:
    ids = list(ids)
    more = f" and {len(ids) - limit} more" if len(ids) > limit else ""
    return (", ".join(ids[:limit]) or "none") + more


def _of_vpc(items: Mapping[str, _Value], vpc_id: str) -> dict[str, _Value]:
    return {key: item for key, item in items.items() if getattr(item, "vpc_id", None) in {None, vpc_id}}


def _join(mine: Mapping[str, _Value], theirs: Mapping[str, _Value], kind: str) -> dict[str, _Value]:
    for key in mine.keys() & theirs.keys():
        if _content(mine[key]) != _content(theirs[key]):
            origins = " and ".join(filter(None, (getattr(item, "origin", "") for item in (mine[key], theirs[key]))))
            where = f": {origins}" if origins else ""
            raise RuleError(f"{kind} must be the same in all documents, got two versions of {key}{where}")
    return {**mine, **theirs}


def _content(item: object) -> object:
    return evolve(item, origin="") if hasattr(item, "origin") else item  # type: ignore[misc]  # all are attrs
