"""All that `sgsim diff` has to say, before it takes a form."""

from typing import TYPE_CHECKING

from attrs import frozen

from sgsim.analysis.difference import RulesDiff
from sgsim.analysis.intended import Judged
from sgsim.conntrack.profile import DEFAULT_PROFILE, Profile

if TYPE_CHECKING:
    from sgsim.analysis.traffic_difference import TrafficDiff


@frozen
class DiffReport:
    """A diff, and what was asked beside it."""

    diff: RulesDiff
    profile: Profile = DEFAULT_PROFILE
    judged: Judged | None = None
    """Against what was intended; None if nobody said."""
    traffic: "TrafficDiff | None" = None
    """What becomes different for recorded traffic; None if none was given."""
