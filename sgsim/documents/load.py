"""Documents and options in, one inventory out."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from attrs import evolve
from netaddr import IPNetwork

from sgsim.documents.assumptions import Assumptions
from sgsim.documents.combine import combine
from sgsim.documents.contents import Contents
from sgsim.documents.files import find_files, read_file, read_value
from sgsim.documents.options import naming, parse_interface_option, parse_members_option, parse_path_option
from sgsim.documents.references import reference_notes, with_ids, with_stale
from sgsim.errors import DocumentError
from sgsim.model.interface import Interface
from sgsim.rules.address_set import parse_cidr
from sgsim.rules.inventory import Inventory, Vpc

CIDR_OPTION = "--vpc-cidr"


def load(
    *documents: str | Path,
    vpc: str | None = None,
    vpc_cidrs: Iterable[str] = (),
    interfaces: Iterable[str | Interface] = (),
    members: Iterable[str] = (),
    paths: Iterable[str] = (),
    allow_unresolved: bool = False,
    assume: Iterable[str] = (),
) -> Inventory:
    """Read rules and interfaces from documents, and what options add to them.

    Args:
        documents: Files, or directories whose `.json`, `.yaml` and `.yml` files are all read; each is recognised by its
            content. `plan.json#before` is a Terraform plan as things were, `plan.json` or `plan.json#after` as they will be.
        vpc: Keep only what belongs to this VPC.
        vpc_cidrs: Blocks of the VPC, where no document gives them.
        interfaces: `ADDRESS[,ADDRESS]=GROUP[,GROUP]`, or interfaces.
        members: `GROUP=ADDRESS|CIDR[,...]`.
        paths: `[INTERFACE|SUBNET:]CIDR|PREFIX-LIST=LABEL`.
        allow_unresolved: Whether references without known addresses count as empty.
        assume: `NAME=VALUE`, for values that a Terraform plan or a CloudFormation template leaves open.

    Raises:
        DocumentError: If a document cannot be read or is none that we know.
        RuleError: If a document says what no security group can say, or two contradict each other.
        ConfigError: If an option is malformed.
    """
    assumptions = Assumptions.parse(assume)
    inventory = _read(documents, assumptions)
    assumptions.check_used()
    if vpc is not None:
        with naming("--vpc", vpc):
            inventory = inventory.in_vpc(vpc)
    inventory = _with_cidrs(inventory, vpc, vpc_cidrs)
    for interface in interfaces:
        inventory = _with_interface(inventory, interface)
    for text in members:
        inventory = _with_members(inventory, text)
    labels = tuple(parse_path_option(text, inventory) for text in paths)
    inventory = evolve(inventory, paths=inventory.paths + labels, allow_unresolved=allow_unresolved)
    return evolve(inventory, notes=inventory.notes + reference_notes(inventory))


def load_values(documents: Mapping[str, object]) -> Inventory:
    """Read documents that are parsed already, as `load` reads files.

    Args:
        documents: Each as plain dictionaries, lists and scalars, by the name that messages call it.

    Raises:
        DocumentError: If one is none that we know.
        RuleError: If one says what no security group can say, or two contradict each other.
    """
    inventory = _joined([part for name, value in documents.items() for part in read_value(value, name)])
    return evolve(inventory, notes=inventory.notes + reference_notes(inventory))


def _read(documents: Iterable[str | Path], assumptions: Assumptions) -> Inventory:
    return _joined([part for path in find_files(documents) for part in read_file(path, assumptions)])


def _joined(contents: Sequence[Contents]) -> Inventory:
    if not contents:
        raise DocumentError("rules must be given as at least one file or directory, got none")
    inventory = with_ids(combine(contents))
    return with_stale(inventory, frozenset().union(*(part.stale for part in contents)))


def _with_cidrs(inventory: Inventory, vpc: str | None, cidrs: Iterable[str]) -> Inventory:
    """Add blocks to the VPC that they must belong to; where several are known, to one of their own."""
    networks = [_cidr(text) for text in cidrs]
    if not networks:
        return inventory
    vpc_id = vpc or _only_vpc(inventory) or CIDR_OPTION
    given: tuple[IPNetwork, ...] = inventory.vpcs[vpc_id].networks if vpc_id in inventory.vpcs else ()
    joined = Vpc(vpc_id=vpc_id, networks=tuple(dict.fromkeys((*given, *networks))))
    return evolve(inventory, vpcs={**inventory.vpcs, vpc_id: joined})


def _cidr(text: str) -> IPNetwork:
    with naming(CIDR_OPTION, text):
        return parse_cidr(text)


def _only_vpc(inventory: Inventory) -> str | None:
    return next(iter(inventory.vpc_ids)) if len(inventory.vpc_ids) == 1 else None


def _with_interface(inventory: Inventory, interface: str | Interface) -> Inventory:
    if isinstance(interface, str):
        interface = parse_interface_option(interface, inventory)
    return evolve(inventory, interfaces={**inventory.interfaces, interface.interface_id: interface})


def _with_members(inventory: Inventory, text: str) -> Inventory:
    peer_id, addresses = parse_members_option(text, inventory)
    given = inventory.members.get(peer_id)
    joined = addresses if given is None else given.union(addresses)
    return evolve(inventory, members={**inventory.members, peer_id: joined})
