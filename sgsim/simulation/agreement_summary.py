"""What a replay of flow logs comes to beside its verdicts: how well they agree with what AWS logged, and what was read.

Counts are threefold: records, the packets that they stand for, and bytes.
"""

from attrs import field, frozen

from sgsim.simulation.summary import FirstPacket


@frozen
class Weight:
    """How much traffic."""

    records: int = 0
    packets: int = 0
    bytes: int = 0

    def __add__(self, other: "Weight") -> "Weight":
        """Both together."""
        return Weight(self.records + other.records, self.packets + other.packets, self.bytes + other.bytes)


@frozen(kw_only=True)
class AgreementCell:
    """Records with one action that were given one verdict."""

    logged: str
    """`accept` or `reject`."""
    simulated: str
    """`allow` or `deny`."""
    agrees: bool
    count: Weight


@frozen(kw_only=True)
class CauseCount:
    """Disagreements with one likely cause."""

    cause: str
    """One of `sgsim.simulation.causes.Cause`."""
    accepted_but_denied: Weight
    rejected_but_allowed: Weight


@frozen(kw_only=True)
class Disagreement:
    """Records that disagree and have cause, interface, direction, peer block, protocol and destination port in common."""

    cause: str
    logged: str
    simulated: str
    reason: str
    """Of the first of them."""
    interface_id: str | None
    direction: str | None
    peer: str
    protocol: int
    dst_port: int | None
    count: Weight
    first: FirstPacket


@frozen(kw_only=True)
class Agreement:
    """Simulated against logged."""

    compared: Weight
    agreed: Weight
    cells: tuple[AgreementCell, ...]
    causes: tuple[CauseCount, ...]
    """Those that occur, most records first."""
    disagreements: tuple[Disagreement, ...]
    """Those with most records."""
    disagreement_groups: int
    """How many groups there are; beyond `MOST_GROUPS` smaller ones are in the counts alone."""
    not_compared: dict[str, Weight]
    """Records that were not judged, by reason, and `no_action` where the log has none."""


@frozen(kw_only=True)
class MalformedLine:
    """A line that could not be read."""

    file: str
    line: int
    problem: str


@frozen(kw_only=True)
class RecordSummary:
    """What was read of flow logs."""

    agreement: Agreement
    malformed: int = 0
    malformed_listed: tuple[MalformedLine, ...] = ()
    """The first of them."""
    unknown_interfaces: dict[str, int] = field(factory=dict)
    """Records of interfaces that no document knows, by id, most first."""
    oriented_by: dict[str, int] = field(factory=dict)
    """How it is known who opened a flow: flows by `tcp_flags` (confidence high), `ports` (medium), `first` (low)."""
    reopened: int = 0
    """Flows without flags that came again after their idle timeout; a new connection or not, rules judged them."""
    tcp: int = 0
    """Records of TCP that were judged."""
    tcp_without_flags: int = 0
    """Those whose log tells no `tcp-flags`, so that nobody sees a connection close."""
    passed_over: tuple[str, ...] = ()
    """Files of a folder that are neither flow logs nor captures."""
