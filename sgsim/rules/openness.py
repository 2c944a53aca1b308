"""What counts as open to everyone, where AWS looks for it.

`[aws-ct]` asks for a rule that permits 0.0.0.0/0 (or ::/0), and for one the other way on all ports. What stands for such
a rule it does not say; each question that it leaves open is a setting of a profile.
"""

import enum
from typing import Final

from attrs import frozen

from sgsim.model.address import Family
from sgsim.model.protocol import ANY_PROTOCOL
from sgsim.rules.address_set import AddressSet
from sgsim.rules.rule import PrefixListReference, Rule


class OpenRules(enum.Enum):
    """What counts as open to everyone, where AWS looks for it."""

    LITERAL = "literal"
    """One rule that says 0.0.0.0/0 or ::/0, and on the way back all ports; split blocks do not add up."""
    LISTED = "listed"
    """The same, or one rule that names a prefix list whose entries leave out no address."""
    COVERED = "covered"
    """Rules, of blocks or prefix lists, that together leave out no address, and on the way back no port."""


@frozen(kw_only=True)
class Openness:
    """Which rules leave a flow untracked, as far as `[aws-ct]` leaves it open."""

    rules: OpenRules = OpenRules.LITERAL
    own_protocol: bool = True
    """Whether a way back on all ports of the flow's own protocol is as good as one for all protocols."""
    across_groups: bool = True
    """Whether the rule there and the rule back may be of two groups."""
    beside_narrow: bool = True
    """Whether an open rule counts where a narrower one admits the flow too."""

    def is_open(self, rule: Rule, addresses: AddressSet | None, family: Family) -> bool:
        """Whether a rule alone is open to everyone of a family.

        Args:
            rule: The rule.
            addresses: What its peer stands for; None if nobody gave it.
            family: Which everyone.
        """
        if rule.is_open_to(family):
            return True
        is_listed = self.rules is OpenRules.LISTED and isinstance(rule.peer, PrefixListReference)
        return is_listed and addresses is not None and addresses.is_everything(family)

    def may_lead_back(self, rule: Rule) -> bool:
        """Whether a rule can be one that opens the way back, as far as its protocol tells."""
        return self.own_protocol or rule.protocol == ANY_PROTOCOL


LITERALLY: Final = Openness()
"""As AWS's text has it, read literally."""
