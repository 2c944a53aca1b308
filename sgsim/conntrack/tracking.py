"""Whether AWS tracks a flow.

Source: `[aws-ct]`: a TCP or UDP flow is left untracked if a rule of its opener's direction admits it
from or to 0.0.0.0/0 (or ::/0), a rule back is open to everyone on all ports, and its path is not an automatic one.
"""

from attrs import frozen

from sgsim.conntrack.entry import TrackingCause
from sgsim.conntrack.policies import BypassProtocols
from sgsim.model.path import PathLabel
from sgsim.model.protocol import ICMP_PROTOCOLS, PORT_PROTOCOLS, Protocol
from sgsim.rules.header import Header
from sgsim.rules.match import ResolvedRule, RuleMatcher


@frozen
class TrackingChoice:
    """How a flow is to be remembered, and why."""

    cause: TrackingCause
    open_rule: ResolvedRule | None = None
    """The rule that leaves it untracked; None if it is tracked."""


def choose_tracking(policy: BypassProtocols, matcher: RuleMatcher, opening: Header, path: PathLabel) -> TrackingChoice:
    """Decide about a flow that rules admit.

    Args:
        policy: Which protocols may be left untracked.
        matcher: The interface's rules.
        opening: Header of a packet that the flow's opener sends.
        path: What lies between the interface and its peer.
    """
    if not may_bypass(policy, opening.protocol):
        return TrackingChoice(TrackingCause.PROTOCOL)
    if path.is_automatic:
        return TrackingChoice(TrackingCause.PATH)
    if not matcher.is_open_back(opening):
        return TrackingChoice(TrackingCause.RETURN_RULE)
    rule = matcher.open_rule(opening)
    if rule is None:
        return TrackingChoice(TrackingCause.OPENING_RULE)
    return TrackingChoice(TrackingCause.OPEN_RULES, rule)


def may_bypass(policy: BypassProtocols, protocol: int) -> bool:
    """Whether open rules can leave flows of a protocol untracked."""
    match policy:
        case BypassProtocols.NONE:
            return False
        case BypassProtocols.TCP_UDP:
            return protocol in PORT_PROTOCOLS
        case BypassProtocols.TCP_UDP_ICMPV6:
            return protocol in PORT_PROTOCOLS or protocol == Protocol.ICMPV6
        case BypassProtocols.ALL_BUT_ICMP:
            return protocol not in ICMP_PROTOCOLS
