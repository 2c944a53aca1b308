"""Documents and options in, one inventory out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

from attrs import evolve
from netaddr import IPNetwork

from sgsim.documents.assumptions import Assumptions
from sgsim.documents.combine import combine
from sgsim.documents.contents import Contents
from sgsim.documents.files import find_files, read_file, read_value
from sgsim.documents.options import naming, parse_interface_option, parse_members_option, parse_path_option
from sgsim.documents.references import reference_notes, with_ids, with_stale
from sgsim.errors import DocumentError, RuleError
from sgsim.model.interface import Interface
from sgsim.rules.address_set import parse_cidr
from sgsim.rules.inventory import Inventory, Vpc

CIDR_OPTION = "--vpc-cidr"

_Read = TypeVar("_Read")


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
    inventory = _joined([part for path in find_files(documents) for part in read_file(path, assumptions)])
    assumptions.check_used()
    inventory = _in_vpc(inventory, vpc, vpc_cidrs)
    for interface in interfaces:
        inventory = _with_interface(inventory, interface)
    for text in members:
        inventory = _with_members(inventory, text)
    return _with_paths(inventory, paths, allow_unresolved=allow_unresolved)


def load_sides(  # noqa: PLR0913  # those of `load`
    shared: Sequence[str | Path],
    old: str | Path,
    new: str | Path,
    *,
    vpc: str | None = None,
    vpc_cidrs: Sequence[str] = (),
    interfaces: Iterable[str] = (),
    members: Iterable[str] = (),
    paths: Sequence[str] = (),
    allow_unresolved: bool = False,
    assume: Iterable[str] = (),
) -> tuple[Inventory, Inventory]:
    """Read two sets of rules that are to be compared, and what options add to both.

    What an option names may be known to one side alone: a value that only a template leaves open, members of a group
    that only the new rules refer to, an interface with a group that the other side calls by another id.

    Args:
        shared: Files and directories that belong to both sides; each is read once.
        old: What was.
        new: What is to be.
        vpc: As `load` takes it, and so all others.
        vpc_cidrs: Blocks of the VPC.
        interfaces: `ADDRESS[,ADDRESS]=GROUP[,GROUP]`.
        members: `GROUP=ADDRESS|CIDR[,...]`.
        paths: `[INTERFACE|SUBNET:]CIDR|PREFIX-LIST=LABEL`.
        allow_unresolved: Whether references without known addresses count as empty.
        assume: `NAME=VALUE`.

    Raises:
        DocumentError: If a document cannot be read or is none that we know.
        RuleError: If a document says what no security group can say, two contradict each other, or neither side knows
            what an option names.
        ConfigError: If an option is malformed.
    """
    assumptions = Assumptions.parse(assume)
    read = cache(partial(read_file, assumptions=assumptions))
    sides = [_joined([part for path in find_files((*shared, side)) for part in read(path)]) for side in (old, new)]
    assumptions.check_used()
    sides = [_in_vpc(side, vpc, vpc_cidrs) for side in sides]
    for text in interfaces:
        declared = _on_any(sides, partial(parse_interface_option, text))
        either = next(each for each in declared if each is not None)
        sides = [_with_interface(side, each or either) for side, each in zip(sides, declared, strict=True)]
    for text in members:
        joined = _on_any(sides, partial(_with_members, text=text))
        sides = [each or side for side, each in zip(sides, joined, strict=True)]
    before, after = (_with_paths(side, paths, allow_unresolved=allow_unresolved) for side in sides)
    return before, after


def _on_any(sides: Sequence[Inventory], read: Callable[..., _Read]) -> list[_Read | None]:
    """Read an option for each side, with None for one that does not know what it names.

    Raises:
        RuleError: If no side knows it.
    """
    found: list[_Read | None] = []
    refusals = []
    for inventory in sides:
        try:
            found.append(read(inventory=inventory))
        except RuleError as error:
            found.append(None)
            refusals.append(error)
    if len(refusals) == len(sides):
        raise refusals[0]
    return found


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


def _joined(contents: Sequence[Contents]) -> Inventory:
    if not contents:
        raise DocumentError("rules must be given as at least one file or directory, got none")
    inventory = with_ids(combine(contents))
    return with_stale(inventory, frozenset().union(*(part.stale for part in contents)))


def _in_vpc(inventory: Inventory, vpc: str | None, cidrs: Iterable[str]) -> Inventory:
    if vpc is not None:
        with naming("--vpc", vpc):
            inventory = inventory.in_vpc(vpc)
    return _with_cidrs(inventory, vpc, cidrs)


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


def _with_paths(inventory: Inventory, paths: Iterable[str], *, allow_unresolved: bool) -> Inventory:
    labels = tuple(parse_path_option(text, inventory) for text in paths)
    inventory = evolve(inventory, paths=inventory.paths + labels, allow_unresolved=allow_unresolved)
    return evolve(inventory, notes=inventory.notes + reference_notes(inventory))


def _with_members(inventory: Inventory, text: str) -> Inventory:
    peer_id, addresses = parse_members_option(text, inventory)
    given = inventory.members.get(peer_id)
    joined = addresses if given is None else given.union(addresses)
    return evolve(inventory, members={**inventory.members, peer_id: joined})
