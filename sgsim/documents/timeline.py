"""A timeline: a list of changes in one YAML file, each at its time.

The form is described in `docs/changes.md`. In one change, first what documents and parts of our own form name replaces
what has the same id, then rules are added, then interfaces get other groups, then things are removed.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from attrs import evolve

from sgsim.documents.aws_interfaces import read_seconds
from sgsim.documents.changes import TIME_FORMS, Edit, PlannedChange, made_in_order, read_time, replacing
from sgsim.documents.files import naming_file, read_roots
from sgsim.documents.load import load
from sgsim.documents.node import Node
from sgsim.documents.removals import PARTS, removing
from sgsim.documents.yaml_doc import KEYS, read_own_form
from sgsim.documents.yaml_rules import GROUP_RULES, peer_names, read_rules
from sgsim.errors import RuleError
from sgsim.model.interface import TimeoutOverrides
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory
from sgsim.rules.rule import Rule

CHANGE_KEYS: Final = ("at", "title", "documents", "add", "attach", "remove", "capacity", "timeouts")
"""The keys of a change beside those of our own form."""

NO_LIMIT: Final = "none"
"""In place of a capacity: tables without limit. Null says the same."""

_Touched = Mapping[tuple[str, str], object]


def read_timeline(path: str | Path, vpc: str | None = None) -> list[PlannedChange]:
    """Read a file of changes.

    Args:
        path: A YAML file, a list of changes.
        vpc: Keep only what belongs to this VPC, where documents name any.

    Raises:
        SgsimError: If the file, a time, or a document that it names is not right.
    """
    path = Path(path)
    with naming_file(path):
        (root, *others) = read_roots(path)
        if others or not isinstance(root.value, list):
            raise root.error(f"timeline must be a list of changes, each with at, got {root.shown}")
        return [_read_change(node, path, number, vpc) for number, node in enumerate(root.each(), 1)]


def load_timeline(path: str | Path, inventory: Inventory) -> list[Change]:
    """Read a file of changes, and make each to what the one before left.

    Args:
        path: A YAML file, a list of changes.
        inventory: What holds before the first.

    Raises:
        SgsimError: If the file, a time, or a document that it names is not right, or changes contradict each other.
    """
    return made_in_order(read_timeline(path), inventory)


def _read_change(node: Node, path: Path, number: int, vpc: str | None) -> PlannedChange:
    node.refuse_unknown((*CHANGE_KEYS, *KEYS))
    at = node.need("at")
    with at.at():
        time = read_time(_written(at))
    if time is None:
        raise at.error(f"at must be a time {TIME_FORMS}, got {at.shown}")
    time_ns, is_relative = time
    title = node.text_or_none("title")
    edits: list[Edit] = []
    touched: dict[tuple[str, str], object] = {}
    for edit, things in _parts(node, path.parent, vpc):
        edits.append(edit)
        touched.update(things)
    capacity, timeouts = node.get("capacity"), _read_timeouts(node.get("timeouts"))
    lifts_capacity = "capacity" in node.mapping() and (capacity is None or capacity.value == NO_LIMIT)
    if not edits and capacity is None and not lifts_capacity and timeouts == TimeoutOverrides():
        raise node.error("change must change something, got only a time")
    return PlannedChange(
        time_ns=time_ns,
        is_relative=is_relative,
        origin=f"{path.name}, change {number}" + (f": {title}" if title else ""),
        place=f"{path}, {node.place}",
        edit=_one_after_the_other(edits),
        touched=touched,
        capacity=None if capacity is None or lifts_capacity else _places(capacity),
        lifts_capacity=lifts_capacity,
        timeouts=timeouts,
    )


def _written(node: Node) -> str:
    is_number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
    return f"{node.value:.9f}" if is_number else node.as_text()


def _places(node: Node) -> int:
    places = node.as_whole_number()
    if places < 1:
        raise node.error(f"capacity must be at least 1, or none for no limit, got {places}")
    return places


def _read_timeouts(node: Node | None) -> TimeoutOverrides:
    if node is None:
        return TimeoutOverrides()
    node.refuse_unknown(("tcp_established", "udp", "udp_stream"))
    return TimeoutOverrides(
        tcp_established_s=read_seconds(node, "tcp_established"),
        udp_s=read_seconds(node, "udp"),
        udp_stream_s=read_seconds(node, "udp_stream"),
    )


def _one_after_the_other(edits: list[Edit]) -> Edit:
    def edit(inventory: Inventory) -> Inventory:
        for each in edits:
            inventory = each(inventory)
        return inventory

    return edit


def _parts(node: Node, directory: Path, vpc: str | None) -> Iterator[tuple[Edit, _Touched]]:
    """What a change consists of, in the order in which it is made."""
    documents = [directory / item.as_text() for item in node.one_or_more("documents")]
    if documents:
        other = load(*documents)
        yield replacing(other.in_vpc(vpc) if vpc is not None and other.vpc_ids else other)
    inline = {key: value for key, value in node.mapping().items() if key in KEYS}
    if inline:
        contents = read_own_form(Node(node.document, inline, node.path))
        # A change names some interfaces, not all that there are.
        yield replacing(evolve(contents.inventory, has_interface_document=False))
    for group_id, added in node.entries("add"):
        yield _adding(group_id, added, node), {("group", group_id): added.value}
    for interface_id, groups in node.entries("attach"):
        yield _attaching(interface_id, groups, node), {("interface", interface_id): groups.value}
    removed = node.get("remove")
    if removed is not None:
        removed.refuse_unknown(PARTS)
        for part in PARTS:
            for item in removed.one_or_more(part):
                yield removing(part, item)


def _adding(group_id: str, node: Node, change: Node) -> Edit:
    """Add rules to a group, behind those that it has."""
    node.refuse_unknown(GROUP_RULES)
    names = peer_names(Node(change.document, {}, change.path))
    rules: list[Rule] = list(read_rules(node, group_id, names))

    def edit(inventory: Inventory) -> Inventory:
        with node.at():
            group = inventory.find_group(group_id)
        own = tuple(evolve(rule, group_id=group.group_id) for rule in rules)
        return _with_group(inventory, group.group_id, lambda found: found + own)

    return edit


def _with_group(
    inventory: Inventory, group_id: str, change: Callable[[tuple[Rule, ...]], tuple[Rule, ...]]
) -> Inventory:
    group = inventory.groups[group_id]
    return evolve(inventory, groups={**inventory.groups, group_id: evolve(group, rules=change(group.rules))})


def _attaching(interface_id: str, node: Node, change: Node) -> Edit:
    """Give an interface other groups, as ModifyNetworkInterfaceAttribute does."""
    names = [item.as_text() for item in change.need("attach").one_or_more(interface_id)]
    if not names:
        raise node.error("an interface must keep at least one group, as EC2 has it, got none")

    def edit(inventory: Inventory) -> Inventory:
        with node.at():
            if interface_id not in inventory.interfaces:
                known = ", ".join(list(inventory.interfaces)[:5]) or "none"
                raise RuleError(f"interface must be a known one, got {interface_id!r}; known are {known}")
            group_ids = tuple(dict.fromkeys(inventory.find_group(name).group_id for name in names))
        changed = evolve(inventory.interfaces[interface_id], group_ids=group_ids)
        return evolve(inventory, interfaces={**inventory.interfaces, interface_id: changed})

    return edit
