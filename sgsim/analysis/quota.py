"""The arithmetic of AWS's quotas for security groups.

Rules count by direction *and* by family: each group has four sets. A rule that refers to a group or a prefix list counts
in both families of its direction, a prefix list with its `MaxEntries` or, if AWS keeps it, its weight. Source:
`[aws-quotas]`; the counting is observed, `[o-awslimitchecker]`.
"""

from collections.abc import Iterator, Mapping

from attrs import field, frozen

from sgsim.errors import ConfigError
from sgsim.model.address import Family
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory, check_inventory
from sgsim.rules.prefix_list_weights import weight_of
from sgsim.rules.rule import Cidr, PrefixListReference
from sgsim.rules.security_group import SecurityGroup


@frozen(kw_only=True)
class Limits:
    """The quotas of an account; what is not told is AWS's default. Source: `[aws-quotas]`."""

    rules_per_group: int = field(default=60)
    """Rules of one direction and one family in a group."""
    groups_per_interface: int = field(default=5)
    """Groups that one interface may carry, at most 16."""
    product: int = field(default=1000)
    """What rules per group times groups per interface may come to."""
    entries_per_list: int = field(default=1000)
    """What `MaxEntries` of a prefix list may be."""
    groups: int = field(default=2500)
    """Groups in a Region."""

    @rules_per_group.validator
    @groups_per_interface.validator
    @product.validator
    @entries_per_list.validator
    @groups.validator
    def _check(self, attribute: object, value: int) -> None:
        if value < 1:
            raise ConfigError(f"{getattr(attribute, 'name', 'limit')} must be at least 1, got {value!r}")


@frozen(kw_only=True)
class Count:
    """One thing that is limited."""

    subject: str
    """The group, interface, prefix list or account that it is about."""
    what: str
    """`rules`, `groups per interface`, `rules times groups`, `max entries`, or `groups`."""
    direction: str = ""
    """Of rules: `ingress` or `egress`."""
    family: str = ""
    """Of rules: `IPv4` or `IPv6`."""
    used: int
    limit: int
    parts: Mapping[str, int] = field(factory=dict)
    """Of rules: how much blocks of addresses, references to groups, and each prefix list come to."""
    is_least: bool = False
    """Whether it may be more, because what a prefix list counts is not known."""

    @property
    def is_over(self) -> bool:
        """Whether it is more than AWS allows."""
        return self.used > self.limit


@frozen(kw_only=True)
class Quota:
    """How much of each quota is used."""

    limits: Limits
    counts: tuple[Count, ...]
    over: int
    """How many are over their limit."""
    notes: tuple[str, ...] = ()


def quota(rules: Inventory, limits: Limits = Limits(), weights: Mapping[str, int] | None = None) -> Quota:
    """Count what AWS's quotas limit.

    Args:
        rules: What `sgsim.load` gives.
        limits: The quotas of the account.
        weights: What prefix lists count, by id, where documents do not tell.

    Raises:
        ConfigError: If a weight is of no known prefix list.
    """
    check_inventory(rules)
    _check_weights(rules, weights or {})
    weighing = _Weighing(rules, weights or {})
    counts = (
        *(count for group in rules.groups.values() for count in _of_group(group, limits, weighing)),
        *_of_interfaces(rules, limits),
        *_of_lists(rules, limits),
        Count(subject="account", what="groups", used=len(rules.groups), limit=limits.groups),
        Count(
            subject="account",
            what="rules times groups",
            used=limits.rules_per_group * limits.groups_per_interface,
            limit=limits.product,
        ),
    )
    return Quota(
        limits=limits,
        counts=counts,
        over=sum(count.is_over for count in counts),
        notes=tuple(weighing.notes()),
    )


def _check_weights(inventory: Inventory, weights: Mapping[str, int]) -> None:
    peers = (rule.peer for group in inventory.groups.values() for rule in group.rules)
    known = {*inventory.prefix_lists, *(peer.prefix_list_id for peer in peers if isinstance(peer, PrefixListReference))}
    for name in weights:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise ConfigError(f"weight must be of a known prefix list, got {name!r}; known are {listed}")


@frozen
class _Weighing:
    """What each prefix list counts."""

    inventory: Inventory
    given: Mapping[str, int]
    assumed: dict[str, int | None] = field(factory=dict)
    """Lists of which no document tells it: the entries that they have now, None if not even these are known."""

    def weight(self, prefix_list_id: str) -> tuple[int, bool]:
        """What a list counts, and whether that is known."""
        if prefix_list_id in self.given:
            return self.given[prefix_list_id], True
        known = self.inventory.prefix_lists.get(prefix_list_id)
        told = None if known is None else known.max_entries or weight_of(known.name)
        if told is not None:
            return told, True
        entries = None if known is None or known.entries is None else len(known.entries)
        self.assumed[prefix_list_id] = entries
        return entries or 0, False

    def notes(self) -> Iterator[str]:
        """What was not known."""
        for prefix_list_id, entries in sorted(self.assumed.items()):
            counted = f"its {entries} entries of now are" if entries != 1 else "its 1 entry of now is"
            yield (
                f"no document tells what {prefix_list_id} counts, so {'nothing is' if entries is None else counted} counted: add "
                f"describe-managed-prefix-lists, or --weight {prefix_list_id}=N"
            )


def _of_group(group: SecurityGroup, limits: Limits, weighing: _Weighing) -> Iterator[Count]:
    for direction in Direction:
        rules = {(rule.protocol, rule.ports, rule.icmp, rule.peer): rule for rule in group.rules_of(direction)}
        peers = [rule.peer for rule in rules.values()]
        lists = [peer.prefix_list_id for peer in peers if isinstance(peer, PrefixListReference)]
        weights = {each: weighing.weight(each) for each in lists}
        groups = sum(not isinstance(peer, Cidr | PrefixListReference) for peer in peers)
        for family in Family:
            blocks = sum(isinstance(peer, Cidr) and peer.network.version == family for peer in peers)
            parts = {"blocks": blocks, "groups": groups}
            for each in lists:
                parts[each] = parts.get(each, 0) + weights[each][0]
            yield Count(
                subject=group.group_id,
                what="rules",
                direction=str(direction),
                family=f"IPv{family:d}",
                used=sum(parts.values()),
                limit=limits.rules_per_group,
                parts={name: count for name, count in parts.items() if count},
                is_least=not all(is_known for _, is_known in weights.values()),
            )


def _of_interfaces(inventory: Inventory, limits: Limits) -> Iterator[Count]:
    for interface in inventory.interfaces.values():
        yield Count(
            subject=interface.interface_id,
            what="groups per interface",
            used=len(interface.group_ids),
            limit=limits.groups_per_interface,
        )


def _of_lists(inventory: Inventory, limits: Limits) -> Iterator[Count]:
    for each in inventory.prefix_lists.values():
        if each.max_entries is None:
            continue
        yield Count(
            subject=each.prefix_list_id, what="max entries", used=each.max_entries, limit=limits.entries_per_list
        )
        if each.entries is not None:
            yield Count(subject=each.prefix_list_id, what="entries", used=len(each.entries), limit=each.max_entries)
