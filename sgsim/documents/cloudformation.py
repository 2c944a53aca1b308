"""CloudFormation templates, JSON and YAML: what a stack will make of security groups.

A resource is known by its logical id until it exists; `--assume Web=sg-0123` gives it another. What a template leaves
open (parameters, other stacks, values that AWS chooses) is refused where a rule needs it. Source: `[aws-cfn]`.
"""

from collections.abc import Callable, Iterator
from typing import Final

from netaddr import IPNetwork

from sgsim.documents.assumptions import Assumptions
from sgsim.documents.aws_groups import Service, read_service
from sgsim.documents.cloudformation_network import read_instance, read_network_interface, read_subnet, read_vpc
from sgsim.documents.contents import Contents
from sgsim.documents.intrinsics import Evaluator
from sgsim.documents.node import Misread, Node
from sgsim.documents.scalars import read_cidr
from sgsim.model.address import Family
from sgsim.model.protocol import ANY_PROTOCOL
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory
from sgsim.rules.prefix_list import PrefixList
from sgsim.rules.rule import Cidr, GroupReference, Peer, PrefixListReference, Rule
from sgsim.rules.security_group import SecurityGroup

RULE_LISTS: Final = {Direction.INGRESS: "SecurityGroupIngress", Direction.EGRESS: "SecurityGroupEgress"}
_RULE_TYPES: Final = {f"AWS::EC2::{key}": direction for direction, key in RULE_LISTS.items()}
_GROUP_TYPE: Final = "AWS::EC2::SecurityGroup"

_PEERS: Final = {
    Direction.INGRESS: ("CidrIp", "CidrIpv6", "SourcePrefixListId", "SourceSecurityGroupId", "SourceSecurityGroupName"),
    Direction.EGRESS: ("CidrIp", "CidrIpv6", "DestinationPrefixListId", "DestinationSecurityGroupId"),
}
DEFAULT_EGRESS: Final = (
    "groups without SecurityGroupEgress get CloudFormation's default: all traffic to 0.0.0.0/0 and ::/0"
)
ELSEWHERE: Final = "rules are added to groups that the template does not describe"

GroupRules = dict[str, list[Rule]]


def read_template(root: Node, assumptions: Assumptions) -> Contents:
    """Read a template.

    Raises:
        DocumentError: If it has another shape, or leaves open what a rule needs.
        RuleError: If a rule says what no security group can say.
    """
    body = root.get("TemplateBody")
    if body is not None:
        if not isinstance(body.value, dict):
            raise body.error(
                "TemplateBody must be an object, got a text: save it with --query TemplateBody --output text"
            )
        root = body
    root.need("Resources")
    evaluator = Evaluator.of(dict(root.mapping()), assumptions)
    resources = list(_resources(root, evaluator))
    inventory = Inventory()
    for kind, name, node in resources:
        read = _READERS.get(kind)
        if read is not None:
            inventory = inventory.merge(read(name, node))
    own, elsewhere = _rules(resources)
    groups = {name: _read_group(name, node, own.get(name, [])) for kind, name, node in resources if kind == _GROUP_TYPE}
    return Contents(
        origin=root.document.origin,
        inventory=inventory.merge(Inventory(groups=groups)),
        rules=tuple(rule for group_id, rules in elsewhere.items() for rule in rules if group_id not in groups),
    )


def evaluator_id(evaluator: Evaluator, name: str) -> str:
    """The id of a resource: its logical id, unless another is assumed."""
    return str(evaluator.value({"Ref": name}))


def _resources(root: Node, evaluator: Evaluator) -> Iterator[tuple[str, str, Node]]:
    """Type, logical id and properties of every resource that will exist."""
    for name, node in root.entries("Resources"):
        if name.startswith("Fn::"):
            raise node.error(
                f"resources must be written out, got {name}: give the processed template (get-template --template-stage Processed)"
            )
        kind = node.text("Type")
        if kind not in _READERS and kind not in _RULE_TYPES and kind != _GROUP_TYPE:
            continue
        condition = node.get("Condition")
        if condition is not None:
            found = evaluator.holds(condition.as_text())
            if isinstance(found, Misread):
                raise condition.error(found.refusal)
            if not found:
                continue
        raw = node.get("Properties")
        value = evaluator.value(raw.value) if raw is not None else {}
        properties = Node(node.document, value, (*node.path, "Properties"))
        if isinstance(value, Misread):
            raise properties.error(value.refusal)
        yield kind, evaluator_id(evaluator, name), properties


def _rules(resources: list[tuple[str, str, Node]]) -> tuple[GroupRules, GroupRules]:
    """The rules that are resources of their own, by group: of groups of the template, and of others."""
    described = {name for kind, name, _ in resources if kind == _GROUP_TYPE}
    own: GroupRules = {}
    elsewhere: GroupRules = {}
    for kind, name, node in resources:
        direction = _RULE_TYPES.get(kind)
        if direction is None:
            continue
        group_id = node.id_or_none("GroupId") or node.id_or_none("GroupName")
        if group_id is None:
            raise node.error(f"{name} must have GroupId, got none")
        rule = _read_rule(node, group_id, direction)
        if group_id not in described:
            node.count(ELSEWHERE, group_id)
        (own if group_id in described else elsewhere).setdefault(group_id, []).append(rule)
    return own, elsewhere


def _read_group(group_id: str, node: Node, more: list[Rule]) -> SecurityGroup:
    rules = [_read_rule(item, group_id, direction) for direction, key in RULE_LISTS.items() for item in node.items(key)]
    if not list(node.items(RULE_LISTS[Direction.EGRESS])):
        node.count(DEFAULT_EGRESS, group_id)
        rules += _default_egress(group_id, node.place)
    return SecurityGroup(
        group_id=group_id,
        name=node.known_text("GroupName"),
        rules=sorted([*rules, *more], key=lambda rule: rule.direction),
        vpc_id=node.id_or_none("VpcId"),
        description=node.known_text("GroupDescription"),
        origin=node.document.origin,
    )


def _default_egress(group_id: str, place: str) -> list[Rule]:
    """What CloudFormation adds to a group without egress rules; a rule that is a resource of its own does not replace it.

    Source: `[aws-cfn]`, SecurityGroupEgress; that it stays beside stand-alone rules is inferred.
    """
    return [
        Rule(
            group_id=group_id,
            direction=Direction.EGRESS,
            protocol=ANY_PROTOCOL,
            peer=Cidr(IPNetwork(block)),
            description="",
            place=place,
        )
        for block in ("0.0.0.0/0", "::/0")
    ]


def _read_rule(node: Node, group_id: str, direction: Direction) -> Rule:
    service = _service(node)
    return Rule(
        group_id=group_id,
        direction=direction,
        protocol=service.protocol,
        ports=service.ports,
        icmp=service.icmp,
        peer=_read_peer(node, direction),
        description=node.known_text("Description"),
        place=node.place,
    )


def _service(node: Node) -> Service:
    """The service, with ports that CloudFormation also takes as texts."""
    value = dict(node.mapping())
    for key in ("FromPort", "ToPort"):
        text = value.get(key)
        if isinstance(text, str) and text.removeprefix("-").isdigit():
            value[key] = int(text)
    return read_service(Node(node.document, value, node.path))


def _read_peer(node: Node, direction: Direction) -> Peer:
    keys = _PEERS[direction]
    given = [key for key in keys if node.mapping().get(key) not in {None, ""}] if _is_hashable(node) else []
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise node.error(f"rule must have one of {', '.join(keys)}, got {found}")
    key = given[0]
    if key == "CidrIp":
        return Cidr(read_cidr(node.need(key), Family.IPV4))
    if key == "CidrIpv6":
        return Cidr(read_cidr(node.need(key), Family.IPV6))
    name = node.id_or_none(key) or ""
    if key.endswith("PrefixListId"):
        return PrefixListReference(name)
    owner = node.id_or_none("SourceSecurityGroupOwnerId") if direction is Direction.INGRESS else None
    return GroupReference(name, owner_id=owner)


def _is_hashable(node: Node) -> bool:
    for key, value in node.mapping().items():
        if isinstance(value, dict | list):
            raise node.need(key).error(f"{key} must be a text, got {node.need(key).shown}")
    return True


def _read_prefix_list(name: str, node: Node) -> Inventory:
    most = node.mapping().get("MaxEntries")
    entries = [read_cidr(item.need("Cidr")) for item in node.items("Entries")]
    found = PrefixList(
        prefix_list_id=name,
        name=node.known_text("PrefixListName"),
        entries=entries,
        max_entries=int(most) if isinstance(most, int | str) and str(most).isdigit() else None,
    )
    return Inventory(prefix_lists={name: found})


_READERS: Final[dict[str, Callable[[str, Node], Inventory]]] = {
    "AWS::EC2::PrefixList": _read_prefix_list,
    "AWS::EC2::NetworkInterface": read_network_interface,
    "AWS::EC2::Instance": read_instance,
    "AWS::EC2::VPC": read_vpc,
    "AWS::EC2::Subnet": read_subnet,
}
