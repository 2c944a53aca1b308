"""What can go wrong, as one family of exceptions.

Every message has the shape *name* must be *expectation*, got *value*; where it happened is added on the way out with
`add_note`, innermost first (`IpPermissions[2].FromPort`, then `groups.json`).
"""


class SgsimError(Exception):
    """Anything that sgsim refuses; its text is one line."""

    def __str__(self) -> str:
        """Say where it happened, outermost place first, then what was expected and what was got."""
        places = reversed(getattr(self, "__notes__", []))
        return ", ".join(places) + ": " + super().__str__() if getattr(self, "__notes__", None) else super().__str__()


class RuleError(SgsimError, ValueError):
    """A rule, group, prefix list or interface says something that no security group can say."""


class DocumentError(SgsimError, ValueError):
    """A rule document cannot be read."""


class SourceError(SgsimError, ValueError):
    """Traffic cannot be read."""


class ConfigError(SgsimError, ValueError):
    """An option or a profile has a value outside its range."""


class TimeOrderError(SgsimError, ValueError):
    """The clock was asked to go back."""


class UnresolvedReferenceError(SgsimError):
    """A verdict hinges on a group or prefix list whose addresses nobody gave."""


class NoTrafficError(SgsimError):
    """Not one packet of the input touches a known interface."""
