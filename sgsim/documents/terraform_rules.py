"""Groups, rules and prefix lists as Terraform's AWS provider writes them.

Rules stand in their group (`ingress`, `egress`), or are resources of their own in either of two styles. Source: `[tf-aws]`:
one block makes one rule for each peer, and the provider removes AWS's default egress rule.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from attrs import evolve

from sgsim.documents.aws_groups import ServiceKeys, read_service
from sgsim.documents.node import Node
from sgsim.documents.scalars import read_cidr
from sgsim.model.address import Family
from sgsim.model.states import Direction
from sgsim.rules.prefix_list import PrefixList
from sgsim.rules.rule import Cidr, GroupReference, Peer, PrefixListReference, Rule
from sgsim.rules.security_group import SecurityGroup

GROUP_TYPES: Final = ("aws_security_group", "aws_default_security_group")
RULE_TYPES: Final = (
    "aws_security_group_rule",
    "aws_vpc_security_group_ingress_rule",
    "aws_vpc_security_group_egress_rule",
)
DIRECTIONS: Final = {"ingress": Direction.INGRESS, "egress": Direction.EGRESS}
_BLOCK_KEYS: Final = ServiceKeys("protocol", "from_port", "to_port")
_RULE_KEYS: Final = ServiceKeys("ip_protocol", "from_port", "to_port")
_SINGLE_PEERS: Final = ("cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id")


def read_group(node: Node, group_id: str) -> SecurityGroup:
    """Read `aws_security_group` or `aws_default_security_group`.

    Raises:
        DocumentError: If an attribute is of another kind, or not known.
        RuleError: If a rule says what no security group can say.
    """
    return SecurityGroup(
        group_id=group_id,
        name=node.known_text("name"),
        rules=tuple(
            rule
            for key, direction in DIRECTIONS.items()
            for block in node.items(key)
            for rule in _read_block(block, group_id, direction)
        ),
        vpc_id=node.id_or_none("vpc_id"),
        owner_id=node.known_text("owner_id") or None,
        description=node.known_text("description"),
        origin=node.document.origin,
    )


def _read_block(node: Node, group_id: str, direction: Direction) -> Iterator[Rule]:
    """One rule for each peer of a block, in the order IPv4, IPv6, prefix lists, groups."""
    service = read_service(node, _BLOCK_KEYS)
    for peer in _block_peers(node, group_id):
        yield Rule(
            group_id=group_id,
            direction=direction,
            protocol=service.protocol,
            ports=service.ports,
            icmp=service.icmp,
            peer=peer,
            description=node.known_text("description"),
            place=node.place,
        )


def _block_peers(node: Node, group_id: str) -> Iterator[Peer]:
    yield from (Cidr(read_cidr(item, Family.IPV4)) for item in node.items("cidr_blocks"))
    yield from (Cidr(read_cidr(item, Family.IPV6)) for item in node.items("ipv6_cidr_blocks"))
    yield from (PrefixListReference(each) for each in node.ids("prefix_list_ids"))
    sources = node.ids("security_groups")
    source = node.id_or_none("source_security_group_id")
    is_self = node.mapping().get("self") in {True, "true"}
    own = [group_id] if is_self else []
    yield from map(_group, dict.fromkeys([*sources, *([source] if source else []), *own]))


def _group(text: str) -> GroupReference:
    """Read `sg-1`, or `123456789012/sg-1` of another account."""
    owner, _, group_id = text.rpartition("/")
    return GroupReference(group_id, owner_id=owner or None)


def read_rules(kind: str, node: Node) -> list[Rule]:
    """Read a rule that is a resource of its own; an `aws_security_group_rule` may make several.

    Raises:
        DocumentError: If an attribute is of another kind, or not known.
        RuleError: If it says what no security group can say.
    """
    group_id = node.id_or_none("security_group_id")
    if group_id is None:
        raise node.error("rule must have security_group_id, got none")
    if kind == "aws_security_group_rule":
        word = node.text("type")
        if word not in DIRECTIONS:
            raise node.need("type").error(f"type must be ingress or egress, got {word!r}")
        rules = list(_read_block(node, group_id, DIRECTIONS[word]))
        rule_id = node.known_text("security_group_rule_id")
        return [_with_id(rules[0], rule_id)] if len(rules) == 1 else rules
    direction = Direction.INGRESS if "ingress" in kind else Direction.EGRESS
    service = read_service(node, _RULE_KEYS)
    rule = Rule(
        group_id=group_id,
        direction=direction,
        protocol=service.protocol,
        ports=service.ports,
        icmp=service.icmp,
        peer=_single_peer(node),
        description=node.known_text("description"),
        place=node.place,
    )
    return [_with_id(rule, node.known_text("security_group_rule_id") or node.known_text("id"))]


def _with_id(rule: Rule, rule_id: str) -> Rule:
    return evolve(rule, rule_id=rule_id) if rule_id.startswith("sgr-") else rule


def _single_peer(node: Node) -> Peer:
    given = [key for key in _SINGLE_PEERS if node.id_or_none(key) is not None]
    if len(given) != 1:
        raise node.error(f"rule must have one of {', '.join(_SINGLE_PEERS)}, got {' and '.join(given) or 'none'}")
    match given[0]:
        case "cidr_ipv4":
            return Cidr(read_cidr(node.need("cidr_ipv4"), Family.IPV4))
        case "cidr_ipv6":
            return Cidr(read_cidr(node.need("cidr_ipv6"), Family.IPV6))
        case "prefix_list_id":
            return PrefixListReference(node.id_or_none("prefix_list_id") or "")
    return _group(node.id_or_none("referenced_security_group_id") or "")


def read_prefix_list(node: Node, prefix_list_id: str, more: Iterable[Node]) -> PrefixList:
    """Read `aws_ec2_managed_prefix_list` with entries that are resources of their own, or the data source `aws_prefix_list`.

    Raises:
        DocumentError: If an attribute is of another kind, or not known.
        RuleError: If an entry is no block of addresses.
    """
    key = "entry" if node.get("entry") is not None else "entries"
    entries = [read_cidr(item.need("cidr")) for item in node.items(key)]
    entries += [read_cidr(item) for item in node.items("cidr_blocks")]
    entries += [read_cidr(item.need("cidr")) for item in more]
    most = node.get("max_entries") if node.is_known("max_entries") else None
    return PrefixList(
        prefix_list_id=prefix_list_id,
        name=node.known_text("name"),
        entries=tuple(dict.fromkeys(entries)),
        max_entries=None if most is None else most.as_whole_number(),
        owner_id=node.known_text("owner_id") or None,
    )
