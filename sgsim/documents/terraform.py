"""Terraform's documents: plans and states.

A plan is read as it will be (`after`, unless told otherwise) or as it was: `plan.json#before`. A resource is known by its
address until it has an id.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from attrs import evolve

from sgsim.documents.assumptions import Assumptions
from sgsim.documents.combine import meaning
from sgsim.documents.contents import Contents
from sgsim.documents.forms import AFTER, BEFORE, is_plan
from sgsim.documents.node import Node
from sgsim.documents.terraform_configuration import module_configuration, read_configuration
from sgsim.documents.terraform_network import read_instance, read_interface, read_subnet, read_vpc
from sgsim.documents.terraform_references import References
from sgsim.documents.terraform_resources import (
    Resource,
    changed_resources,
    recorded_resources,
    state_file_resources,
    values_resources,
)
from sgsim.documents.terraform_rules import (
    DIRECTIONS,
    GROUP_TYPES,
    RULE_TYPES,
    read_group,
    read_prefix_list,
    read_rules,
)
from sgsim.rules.inventory import Inventory
from sgsim.rules.rule import Rule
from sgsim.rules.security_group import SecurityGroup

TAKEN: Final = "ids that Terraform does not know yet are taken from what the configuration refers to"
COMPUTED: Final = "lists that Terraform does not know yet and the configuration does not give are taken as empty"
ELSEWHERE: Final = "rules are added to groups that the document does not describe"

_LIST_TYPES: Final = frozenset({"aws_ec2_managed_prefix_list", "aws_prefix_list"})


def read_terraform(root: Node, assumptions: Assumptions, side: str = AFTER) -> Contents:
    """Read one side of a plan, or a state.

    Raises:
        DocumentError: If it has another shape, or leaves open what a rule needs.
        RuleError: If a rule says what no security group can say.
    """
    resources = {each.address: each for each in _resources(root, side)}
    replaced = _completed(root, resources, assumptions) if is_plan(root) and side == AFTER else []
    return _contents(root, list(resources.values()), replaced)


def _resources(root: Node, side: str) -> Iterator[Resource]:
    """The resources of one side; later ones of the same address know more."""
    if "pytest-terraform" in root.mapping():
        yield from recorded_resources(root)
    elif not is_plan(root):
        if root.get("resources") is not None:
            yield from state_file_resources(root)
        else:
            yield from values_resources(root.get("values"))
    else:
        prior = root.get("prior_state")
        before = values_resources(prior.get("values") if prior is not None else None)
        yield from (each for each in before if side == BEFORE or each.is_data)
        if side == AFTER:
            yield from values_resources(root.get("planned_values"))
        yield from changed_resources(root, side)


def _completed(root: Node, resources: dict[str, Resource], assumptions: Assumptions) -> list[Rule]:
    """Complete what is not known yet; give the rules that were resources of their own before.

    A group whose configuration says nothing of its rules lists those that it has today, among them rules that are
    resources of their own and will be gone.
    """
    references = References(read_configuration(root), resources, assumptions)
    for resource in resources.values():  # ids first: others refer to them
        if isinstance(resource.unknown, dict) and resource.unknown.get("id") is True:
            assumed = assumptions.get(resource.address)
            if assumed is not None:
                resource.values["id"] = assumed
                resource.unknown = {**resource.unknown, "id": False}
    for resource in resources.values():
        references.complete(resource)
    for kind, examples in ((TAKEN, references.taken), (COMPUTED, references.computed)):
        for example in examples:
            root.count(kind, example)
    tally = root.document.tally
    old = [each for each in changed_resources(root, BEFORE) if each.kind in RULE_TYPES]
    return [rule for each in old for rule in read_rules(each.kind, each.node(root.document.origin, tally))]


def _contents(root: Node, resources: list[Resource], replaced: list[Rule]) -> Contents:
    origin, tally = root.document.origin, root.document.tally
    nodes = [(each, each.node(origin, tally)) for each in resources]
    own = [rule for each, node in nodes if each.kind in RULE_TYPES for rule in read_rules(each.kind, node)]
    configuration = read_configuration(root)
    groups = {}
    for each, node in nodes:
        if each.kind in GROUP_TYPES and not each.is_data:
            group = read_group(node, resource_id(each, node))
            gone = replaced if _is_read_back(configuration, each) else []
            groups[group.group_id] = _joined(group, own, gone)
    elsewhere = [rule for rule in own if rule.group_id not in groups]
    for rule in elsewhere:
        root.count(ELSEWHERE, rule.group_id)
    inventory = Inventory(groups=groups)
    for part in _parts(nodes):
        inventory = inventory.merge(part)
    return Contents(origin=origin, inventory=inventory, rules=tuple(elsewhere))


def resource_id(resource: Resource, node: Node) -> str:
    """The id of a resource, or its address while it has none."""
    return (node.known_text("id") if isinstance(node.mapping(), dict) else "") or resource.address


def _is_read_back(configuration: dict[str, Any], resource: Resource) -> bool:
    """Whether the configuration leaves a group's rules to resources of their own, so that its lists are what AWS has today."""
    module = module_configuration(configuration, resource.module)
    for each in module.get("resources", ()):
        if each.get("type") == resource.kind and each.get("name") == resource.name:
            return DIRECTIONS.keys().isdisjoint(each.get("expressions", {}))
    return True


def _joined(group: SecurityGroup, own: Iterable[Rule], gone: Iterable[Rule]) -> SecurityGroup:
    """A group with the rules that are resources of their own, each once, and without those that will be gone."""
    mine = {meaning(rule): rule for rule in own if rule.group_id == group.group_id}
    lost = {meaning(rule) for rule in gone if rule.group_id == group.group_id} - mine.keys()
    listed = [mine.pop(meaning(rule), rule) for rule in group.rules if meaning(rule) not in lost]
    return evolve(group, rules=[*listed, *mine.values()])


def _parts(nodes: list[tuple[Resource, Node]]) -> Iterator[Inventory]:
    entries = [(node.id_or_none("prefix_list_id"), node) for each, node in nodes if each.kind.endswith("_entry")]
    described = {resource_id(each, node) for each, node in nodes if each.kind == "aws_network_interface"}
    for each, node in nodes:
        name = resource_id(each, node)
        match each.kind:
            case "aws_network_interface":
                yield read_interface(node, name)
            case "aws_instance":
                found = read_instance(node, name)
                yield evolve(found, interfaces={k: v for k, v in found.interfaces.items() if k not in described})
            case "aws_vpc" | "aws_default_vpc":
                yield read_vpc(node, name)
            case "aws_subnet" | "aws_default_subnet":
                yield read_subnet(node, name)
            case kind if kind in _LIST_TYPES:
                more = [entry for list_id, entry in entries if list_id == name]
                yield Inventory(prefix_lists={name: read_prefix_list(node, name, more)})
