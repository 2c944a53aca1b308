"""How a decision names the rule behind it."""

from attrs import frozen

from sgsim.model.states import Direction


@frozen
class RuleRef:
    """A rule as its author knows it."""

    rule_id: str
    """Its `sgr-` id where a document gives one, else what it says: `sg-1:ingress:tcp:443:0.0.0.0/0`."""
    group_id: str
    """The security group that it belongs to."""
    direction: Direction
    text: str
    """What it says, in words: `tcp 443 from 0.0.0.0/0`."""
    description: str = ""
    """What its author wrote beside it."""
