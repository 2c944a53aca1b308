"""How a reader of a summary asks further: the commands that explain one packet or record."""

from collections.abc import Sequence

from attrs import frozen

from sgsim.report.units import shell_line
from sgsim.simulation.summary import FirstPacket


@frozen
class Asking:
    """How to ask further about the same replay."""

    options: Sequence[str]
    """`-r RULES` and what else the replay was given."""
    traffic: Sequence[str]
    """Its inputs as they were given."""

    def explain(self, first: FirstPacket, *, several: bool = False) -> str:
        """The command that explains one packet; empty where an input cannot be read again.

        Args:
            first: The packet, or the lead of a record.
            several: Whether the inputs hold several files.
        """
        if "-" in self.traffic:
            return ""
        is_alone = len(self.traffic) == 1 and not several
        packet = str(first.number) if is_alone else f"{first.file}:{first.number}"
        return shell_line(["sgsim", "explain", *self.options, "--packet", packet, *self.traffic])
