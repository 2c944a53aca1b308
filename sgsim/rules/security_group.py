"""A security group: a named set of rules."""

from collections.abc import Iterable, Iterator

from attrs import field, frozen

from sgsim.errors import RuleError
from sgsim.model.states import Direction
from sgsim.rules.rule import Rule


def _to_rules(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    return tuple(rules)


@frozen(kw_only=True)
class SecurityGroup:
    """A group and its rules, in the order of its document.

    Duplicate and overlapping rules are kept: a group allows the union of what its rules allow (`[aws-sgr]`).
    """

    group_id: str = field()
    name: str = ""
    rules: tuple[Rule, ...] = field(converter=_to_rules, default=())
    vpc_id: str | None = None
    owner_id: str | None = None
    description: str = ""
    origin: str = ""
    """The document that it comes from, for messages."""

    @group_id.validator
    def _check_id(self, _attribute: object, value: object) -> None:
        if not isinstance(value, str) or not value:
            raise RuleError(f"group_id must be a non-empty text, got {value!r}")

    @rules.validator
    def _check_rules(self, _attribute: object, rules: tuple[Rule, ...]) -> None:
        for rule in rules:
            if rule.group_id != self.group_id:
                raise RuleError(f"rules of {self.group_id} must name it as their group, got {rule.group_id!r}")

    def rules_of(self, direction: Direction) -> Iterator[Rule]:
        """Its rules for one direction, in order."""
        return (rule for rule in self.rules if rule.direction is direction)
