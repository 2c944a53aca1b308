"""The two steps at the edge of a subnet, where a network ACL judges each packet by itself.

What comes in is judged here before the groups and, if denied, never reaches them: no flow is entered, moved or
refreshed. What goes out has passed the groups, and the table keeps what they made of it. Source: `[aws-nacl]`,
`[aws-vpc-sec]` (the order on the way out is inferred).
"""

from typing import TYPE_CHECKING

from sgsim.conntrack.policies import Fragments
from sgsim.engine.memory import FragmentKey
from sgsim.engine.passage import Passage
from sgsim.engine.steps import after_refusal, barred
from sgsim.model.decision import Decision, Reason, Verdict
from sgsim.model.states import Direction, Tracking
from sgsim.model.trace import Step
from sgsim.rules.subnet_edge import AclLine

if TYPE_CHECKING:
    from sgsim.engine.interface_filter import InterfaceFilter


def network_acl_in(at: "InterfaceFilter", passage: Passage) -> Decision | None:
    """A packet that comes into the subnet must be allowed by its network ACL.

    In a recording, what answers a packet that never left was not sent, and so cannot be denied.
    """
    line = _deciding(at, passage) if passage.direction is Direction.INGRESS else None
    _note(at, passage, Step.NETWORK_ACL_IN, line)
    if line is None or line.entry.verdict is Verdict.ALLOW:
        return None
    not_sent = barred(at, passage)
    if not_sent is None and passage.entry is not None and passage.entry.tracking is Tracking.REFUSED:
        not_sent = after_refusal(at, passage, passage.entry)
    if not_sent is not None:
        return not_sent
    interface_id = at.interface.interface_id
    return Decision(Verdict.DENY, Reason.NETWORK_ACL, None, line.fits.ref, interface_id, passage.direction)


def look_ahead(at: "InterfaceFilter", passage: Passage) -> None:
    """Find the entry that keeps a packet from leaving; the groups are asked first, and their step stands."""
    line = _deciding(at, passage) if passage.direction is Direction.EGRESS else None
    if line is not None and line.entry.verdict is Verdict.DENY:
        passage.barred_by = line.fits.ref


def network_acl_out(at: "InterfaceFilter", passage: Passage, decision: Decision) -> None:
    """Tell what the network ACL makes of a packet that the groups let go; `answer` has seen to it."""
    if passage.direction is Direction.EGRESS and (decision.verdict is Verdict.ALLOW or passage.is_barred(decision)):
        _note(at, passage, Step.NETWORK_ACL_OUT, _deciding(at, passage))


def _deciding(at: "InterfaceFilter", passage: Passage) -> AclLine | None:
    """The entry that decides about a packet; None if none is asked."""
    if at.edge is None or at.exempt_service(passage) is not None or at.edge.is_inside(passage.header):
        return None
    if passage.packet.is_later_fragment and not _is_judged_without_ports(at, passage):
        return None
    return at.edge.deciding(passage.header)


def _is_judged_without_ports(at: "InterfaceFilter", passage: Passage) -> bool:
    """Whether nothing is known of a later fragment's first, and the profile has it judged nevertheless."""
    if at.profile.fragments.value is not Fragments.RULES:
        return False
    return at.fragments.recall(FragmentKey.of(passage.packet, passage.direction), passage.now_ns) is None


def _note(at: "InterfaceFilter", passage: Passage, step: Step, line: AclLine | None) -> None:
    is_ours = (passage.direction is Direction.INGRESS) is (step is Step.NETWORK_ACL_IN)
    if at.edge is None or passage.trace is None or not is_ours:
        return
    facts = {"network_acl": at.edge.network_acl.network_acl_id, "subnet": at.edge.subnet_id}
    if line is not None:
        outcome = "allowed" if line.entry.verdict is Verdict.ALLOW else "denied"
        number = line.entry.number
        passage.note(step, outcome, **facts, entry=line.fits.ref, number=number, header=passage.header)
    elif at.edge.is_inside(passage.header) and at.exempt_service(passage) is None:
        passage.note(step, "same subnet", **facts)
