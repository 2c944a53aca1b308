"""One plain sentence for each reason: what happened to a packet, for somebody who has not read the documentation.

Each is short enough to stand in a line of its own beside the counts.
"""

from typing import Final

from sgsim.model.decision import Reason

SENTENCES: Final[dict[Reason, str]] = {
    Reason.RULE: "A rule admits it; it opens a flow, or is of a kind that opens none.",
    Reason.ESTABLISHED: "It belongs to a tracked flow, which passes whatever the rules say.",
    Reason.UNTRACKED: "Rules open to everyone both ways admit it: its flow is not tracked.",
    Reason.RELATED: "It is an ICMP error about a flow that is remembered.",
    Reason.EXEMPT: "Groups never filter it: DNS, DHCP, metadata, neighbour discovery.",
    Reason.NO_GROUPS: "The interface has no security group, so nothing filters it.",
    Reason.PRESUMED: "The recording begins inside its flow, which the rules would admit.",
    Reason.FRAGMENT: "It is a later fragment and goes the way of the first.",
    Reason.NO_RULE: "No rule of the interface's groups admits it in this direction.",
    Reason.TABLE_FULL: "A rule admits it, but the tracking table has no place for its flow.",
    Reason.NETWORK_ACL: "A network ACL of the subnet denies it.",
    Reason.MIDSTREAM: "Its flow is not in the table, and a segment of its kind opens none.",
    Reason.CUT: "A change of rules ended its untracked flow.",
    Reason.INVALID: "Its TCP flags fit no flow in the table and open none.",
    Reason.NOT_IP: "It is not an IP packet: ARP, LLDP and the like.",
    Reason.TRUNCATED: "The capture lacks header bytes that a filter needs.",
    Reason.MALFORMED: "Its header, or its line of a flow log, cannot be as it is.",
    Reason.UNSUPPORTED: "It is in a form that sgsim does not read.",
    Reason.NO_INTERFACE: "No known interface sent or received it.",
    Reason.LOCAL: "Its sender and its receiver are the same interface.",
    Reason.NOT_SENT: "It, or what it answers, is denied earlier: it would not be there.",
    Reason.NO_DATA: "A flow-log record that says that there was no traffic.",
    Reason.SKIP_DATA: "A flow-log record that says that records were lost.",
}

CAUSES: Final[dict[str, str]] = {
    "rules": "No rule at hand admits what AWS accepted: the rules are others than those of then.",
    "stale_members": "A rule would admit it if the peer were a member of a group or list that it names.",
    "network_acl": "A network ACL may have refused it, or be given here and refuse it: the log joins both.",
    "after_close": "It came when its connection was over; AWS rejects late packets.",
    "aggregation": "A record joins packets of up to 10 minutes: their order is lost, or both verdicts occurred.",
    "exempt": "Groups never filter this service.",
    "aws_control": "Block Public Access or Encryption Controls refused it (reject-reason).",
    "capacity": "The tracking table was full in the simulation.",
    "unknown": "None of the causes that can be told from the log.",
}
"""Why a verdict may differ from the logged one, by the names of `sgsim.simulation.causes.Cause`."""


def cause_sentence(cause: str) -> str:
    """The sentence of a cause by its name in outputs."""
    return CAUSES[cause]


def peaks_note(tcp: int, without_flags: int) -> str | None:
    """What should be known of the peaks of tables where a flow log hides the ends of connections; None if it does not.

    AWS cannot tell the flags of some records of any log (`[aws-flr]`): fewer than one in a hundred are no reason to warn.

    Args:
        tcp: Records of TCP.
        without_flags: Those of which nobody tells the flags.
    """
    if without_flags * 100 < tcp or not without_flags:
        return None
    which = "No TCP record tells" if without_flags == tcp else f"{without_flags:,} of {tcp:,} TCP records do not tell"
    return (
        f"{which} its tcp-flags, so connections are not seen to close, and their entries stay until the idle timeout: peaks "
        "are bounds from above, many times too high where connections are short. Log tcp-flags to size a table."
    )


_BY_NAME: Final = {str(reason): sentence for reason, sentence in SENTENCES.items()}


def sentence_of(reason: str) -> str:
    """The sentence of a reason by its name in outputs."""
    return _BY_NAME[reason]
