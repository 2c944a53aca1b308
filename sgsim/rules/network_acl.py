"""A network ACL: numbered entries that allow or deny what enters or leaves a subnet, without any memory.

Unlike a security group it has an order, it can deny, and it judges every packet by itself, answers too. Source:
`[aws-nacl]`, `[aws-api]` NetworkAclEntry.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from attrs import evolve, field, frozen
from netaddr import IPNetwork

from sgsim.errors import RuleError
from sgsim.model.address import Family
from sgsim.model.decision import Verdict
from sgsim.model.protocol import ANY_PROTOCOL
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.rules.rule import Cidr, Rule

LAST_NUMBER: Final = 32766
"""The greatest number that an entry of a user may have."""

STAR_NUMBERS: Final = {Family.IPV4: 32767, Family.IPV6: 32768}
"""The numbers by which AWS's API shows the `*` entries, which deny what no other entry is about."""

_EVERYONE: Final = {Family.IPV4: "0.0.0.0/0", Family.IPV6: "::/0"}


@frozen(kw_only=True)
class AclEntry:
    """One entry; the first that a packet fits decides."""

    number: int = field()
    verdict: Verdict
    """ALLOW or DENY."""
    rule: Rule = field()
    """What it is about: direction, service and peer, a block; its `group_id` is the id of the ACL."""

    @number.validator
    def _check_number(self, _attribute: object, value: object) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= STAR_NUMBERS[Family.IPV6]:
            raise RuleError(f"number of an entry must be 1..{LAST_NUMBER}, got {value!r}")

    @rule.validator
    def _check_rule(self, _attribute: object, rule: Rule) -> None:
        if not isinstance(rule.peer, Cidr):
            raise RuleError(f"peer of an entry must be a block, got {rule.peer}")

    @property
    def is_star(self) -> bool:
        """Whether it is the one that AWS shows as `*`."""
        return self.number > LAST_NUMBER

    @property
    def text(self) -> str:
        """The entry in words: `100: allow tcp 443 from 0.0.0.0/0`."""
        return f"{'*' if self.is_star else self.number}: {self.verdict} {self.rule.text}"

    def ref(self) -> RuleRef:
        """How decisions name it."""
        rule = self.rule
        name = f"{rule.group_id}:{rule.direction}:{self.number}"
        return RuleRef(name, rule.group_id, rule.direction, self.text, rule.description)


def _to_entries(entries: Iterable[AclEntry]) -> tuple[AclEntry, ...]:
    return tuple(sorted(entries, key=lambda entry: (entry.rule.direction, entry.number)))


def _to_ids(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(ids)


@frozen(kw_only=True)
class NetworkAcl:
    """An ACL with its entries, in the order in which they are asked, and the subnets that it stands before."""

    network_acl_id: str = field()
    name: str = ""
    entries: tuple[AclEntry, ...] = field(converter=_to_entries, default=())
    subnet_ids: tuple[str, ...] = field(converter=_to_ids, default=())
    vpc_id: str | None = None
    origin: str = ""
    """The document that it comes from, for messages."""

    @network_acl_id.validator
    def _check_id(self, _attribute: object, value: object) -> None:
        if not isinstance(value, str) or not value:
            raise RuleError(f"network_acl_id must be a non-empty text, got {value!r}")

    @entries.validator
    def _check_entries(self, _attribute: object, entries: tuple[AclEntry, ...]) -> None:
        numbers = Counter((entry.rule.direction, entry.number) for entry in entries)
        for (direction, number), count in numbers.items():
            if count > 1:
                raise RuleError(
                    f"{direction} entries of {self.network_acl_id} must have numbers of their own, got {number} {count} times"
                )

    def entries_of(self, direction: Direction) -> Iterator[AclEntry]:
        """Its entries for one direction in order, the `*` entries last, whether or not the document lists them."""
        listed = [entry for entry in self.entries if entry.rule.direction is direction]
        numbers = {entry.number for entry in listed}
        stars = (_star(self.network_acl_id, direction, family) for family in Family)
        return iter([*listed, *(star for star in stars if star.number not in numbers)])

    def without(self, subnet_ids: Iterable[str]) -> "NetworkAcl":
        """The same before fewer subnets."""
        gone = frozenset(subnet_ids)
        return evolve(self, subnet_ids=[key for key in self.subnet_ids if key not in gone])


def _star(network_acl_id: str, direction: Direction, family: Family) -> AclEntry:
    rule = Rule(
        group_id=network_acl_id,
        direction=direction,
        protocol=ANY_PROTOCOL,
        peer=Cidr(IPNetwork(_EVERYONE[family])),
    )
    return AclEntry(number=STAR_NUMBERS[family], verdict=Verdict.DENY, rule=rule)
