"""What may become of a flow at a change of rules."""

import enum
from typing import Final


class Fate(enum.IntEnum):
    """What becomes of a live flow, the gravest first."""

    FORGOTTEN = 1
    """Its interface has come to another instance, whose table knows nothing of it."""
    CUT = 2
    """Nothing lets it pass any more: the open rules that left it untracked are gone, and its packets cannot open a flow
    that a rule admits; or, where rules judge until the first answer, none admits it."""
    BLOCKED = 3
    """A network ACL denies its packets, in one direction at least."""
    LEFT_BEHIND = 4
    """Its interface or its address is gone from where it is remembered."""
    OUTLIVES_RULES = 5
    """No rule admits it any more, but it is tracked: it goes on until it is silent for its timeout."""
    BECOMES_TRACKED = 6
    """It was untracked, and its next packet makes an entry."""
    BECOMES_UNTRACKED = 7
    """It was tracked, and gives up its entry at its next packet; the next change that closes a rule can cut it."""
    EXEMPT = 8
    """Groups never filter its service now: its packets pass, and what is remembered of it waits for its timeout."""
    KEPT = 9
    """It is tracked, and rules admit it still."""
    STAYS_UNTRACKED = 10
    """Open rules admit it still."""

    def __str__(self) -> str:
        """Lower case, as in every output."""
        return self.name.lower()


UNTOUCHED: Final = frozenset({Fate.KEPT, Fate.STAYS_UNTRACKED})
"""Fates of flows that go on as they were."""
