"""From what each document says to one inventory.

The law: documents complete each other and never overrule each other. Two that say different things of one group, list
or interface are an error; what only makes sense beside another document (entries of a prefix list, `sgr-` ids, stale
references) finds its place here.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from attrs import evolve, fields
from netaddr import IPNetwork

from sgsim.documents.contents import Contents
from sgsim.documents.node import listed
from sgsim.errors import DocumentError, RuleError
from sgsim.rules.inventory import Instance, Inventory, Note
from sgsim.rules.prefix_list import PrefixList
from sgsim.rules.rule import GroupReference, Rule
from sgsim.rules.security_group import SecurityGroup

_Part = TypeVar("_Part", PrefixList, Instance)

_PREFIX_LIST_ID: Final = re.compile(r"(?<![A-Za-z0-9])pl-[A-Za-z0-9]+")


def combine(contents: Sequence[Contents]) -> Inventory:
    """Join what all documents say.

    Raises:
        DocumentError: If nothing tells whose the entries of a prefix list are.
        RuleError: If two documents say different things of one thing.
    """
    inventory = Inventory()
    for part in contents:
        inventory = _joined(inventory, part.inventory, part.origin)
    inventory = _with_entries(inventory, contents)
    inventory = _with_rule_ids(inventory, contents)
    return _with_attached(inventory, contents)


def _joined(mine: Inventory, theirs: Inventory, origin: str) -> Inventory:
    """Merge after each has completed what the other leaves open of prefix lists and instances."""
    lists, instances = _completed(mine.prefix_lists, theirs.prefix_lists), _completed(mine.instances, theirs.instances)
    mine = evolve(mine, prefix_lists=lists[0], instances=instances[0])
    try:
        return mine.merge(evolve(theirs, prefix_lists=lists[1], instances=instances[1]))
    except RuleError as error:
        error.add_note(origin)
        raise


def _completed(mine: Mapping[str, _Part], theirs: Mapping[str, _Part]) -> tuple[dict[str, _Part], dict[str, _Part]]:
    both = mine.keys() & theirs.keys()
    return (
        {key: _filled(part, theirs[key]) if key in both else part for key, part in mine.items()},
        {key: _filled(part, mine[key]) if key in both else part for key, part in theirs.items()},
    )


def _filled(part: _Part, other: _Part) -> _Part:
    """A part with what it leaves open taken from the other."""
    names = [attribute.name for attribute in fields(type(part))]
    return evolve(part, **{name: getattr(other, name) for name in names if getattr(part, name) in {None, ""}})


def _with_entries(inventory: Inventory, contents: Sequence[Contents]) -> Inventory:
    """Put entries into the prefix lists that they belong to; several pages in one file are one list."""
    by_file: dict[str, tuple[IPNetwork, ...]] = {}
    for part in contents:
        if part.entries is not None:
            by_file[part.origin] = by_file.get(part.origin, ()) + part.entries
    for origin, entries in by_file.items():
        prefix_list_id = _whose_entries(origin, inventory, len(by_file))
        found = PrefixList(prefix_list_id=prefix_list_id, entries=entries)
        inventory = _joined(inventory, Inventory(prefix_lists={prefix_list_id: found}), origin)
    return inventory


def _whose_entries(origin: str, inventory: Inventory, files: int) -> str:
    """The prefix list that a file of entries is about: its name tells, or only one list lacks entries."""
    stem = Path(origin).stem
    named = [key for key in inventory.prefix_lists if key in stem]
    if named:
        return max(named, key=len)
    match = _PREFIX_LIST_ID.search(stem)
    if match is not None:
        return match[0]
    lacking = [key for key, item in inventory.prefix_lists.items() if item.entries is None]
    if len(lacking) == 1 and files == 1:
        return lacking[0]
    error = DocumentError(
        "file of prefix list entries must have the list's id in its name, such as pl-0123.json, because the document "
        f"does not say whose they are, got {Path(origin).name!r}"
    )
    error.add_note(origin)
    raise error


def _with_rule_ids(inventory: Inventory, contents: Sequence[Contents]) -> Inventory:
    """Join rules that come with ids to the same rules in groups."""
    identified: dict[str, list[Rule]] = defaultdict(list)
    for rule in _distinct(contents):
        identified[rule.group_id].append(rule)
    owners = {group_id: owner_id for part in contents for group_id, owner_id in part.owners.items()}
    origins = {rule.group_id: part.origin for part in contents for rule in part.rules}

    groups, notes = dict(inventory.groups), inventory.notes
    for group_id, rules in identified.items():
        if group_id in groups:
            groups[group_id], note = _identified(groups[group_id], rules, origins[group_id])
            notes += note
        else:
            groups[group_id] = SecurityGroup(
                group_id=group_id, rules=rules, owner_id=owners.get(group_id), origin=origins[group_id]
            )
    return evolve(inventory, groups=groups, notes=notes)


def _distinct(contents: Sequence[Contents]) -> Iterable[Rule]:
    """The rules of all documents, each once; one id never names two of them."""
    rules: dict[object, tuple[Rule, str]] = {}
    for part in contents:
        for rule in part.rules:
            same, origin = rules.setdefault(rule.rule_id or rule, (rule, part.origin))
            if same != rule:
                error = RuleError(
                    f"rule must be the same in all documents, got two versions of {rule.rule_id}: "
                    f"{origin} and {part.origin}"
                )
                error.add_note(part.origin)
                raise error
    return [rule for rule, _ in rules.values()]


def _identified(group: SecurityGroup, rules: Iterable[Rule], origin: str) -> tuple[SecurityGroup, tuple[Note, ...]]:
    """A group whose rules have their ids; rules that only one of both documents has are kept and noted."""
    waiting: dict[object, list[Rule]] = defaultdict(list)
    for rule in rules:
        waiting[meaning(rule)].append(rule)
    joined: list[Rule] = []
    only_in_group = []
    for rule in group.rules:
        same = waiting.get(meaning(rule))
        if same:
            other = same.pop(0)
            joined.append(
                evolve(rule, rule_id=rule.rule_id or other.rule_id, description=rule.description or other.description)
            )
        else:
            joined.append(rule)
            only_in_group.append(rule)
    only_in_rules = [rule for same in waiting.values() for rule in same]
    notes = _note_lone(only_in_group, group.origin, origin) + _note_lone(only_in_rules, origin, group.origin)
    return evolve(group, rules=(*joined, *only_in_rules)), notes


def meaning(rule: Rule) -> object:
    """What makes two rules the same to EC2; a description is no part of it."""
    peer = rule.peer
    if isinstance(peer, GroupReference):
        peer = GroupReference(peer.group_id, peering_id=peer.peering_id)
    return (rule.direction, rule.protocol, rule.ports, rule.icmp, peer)


def _note_lone(rules: Sequence[Rule], here: str, there: str) -> tuple[Note, ...]:
    if not rules:
        return ()
    names = listed([rule.name for rule in rules])
    return (Note(f"rules that {there} does not have are kept: {names}", len(rules), here),)


def _with_attached(inventory: Inventory, contents: Sequence[Contents]) -> Inventory:
    """Add interfaces that only describe-instances lists."""
    attached = {key: interface for part in contents for key, interface in part.attached.items()}
    return evolve(inventory, interfaces={**attached, **inventory.interfaces})
