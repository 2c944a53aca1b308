"""Why a simulated verdict may differ from a logged one: likely causes, by what is known of record and decision.

A log tells what groups, network ACLs and other controls did together, as they were then. So a difference is no error by
itself: it says what the simulation does not know, or what the rules at hand change.

Source: `[aws-flr]` (action, reject-reason, late packets).
"""

import enum

import numpy as np

from sgsim.model.columns import Column, DecisionColumns, RecordColumns
from sgsim.model.decision import Reason, Verdict
from sgsim.model.states import TcpState


class Cause(enum.IntEnum):
    """The likely cause of a disagreement."""

    RULES = 1
    """No rule at hand admits what AWS accepted: they are others than those of then, which may be what you want to see."""
    STALE_MEMBERS = 2
    """A rule would admit it if the peer were a member of a group or list that it refers to."""
    NETWORK_ACL = 3
    """A network ACL, whose verdict the log joins with that of the groups."""
    AFTER_CLOSE = 4
    """It came when its connection was over; AWS logs late packets as rejected."""
    AGGREGATION = 5
    """A record joins packets of up to 10 minutes, so their order, or a second opening, is lost."""
    EXEMPT = 6
    """It belongs to a service that groups never filter."""
    AWS_CONTROL = 7
    """Block Public Access or Encryption Controls refused it: `reject-reason`."""
    CAPACITY = 8
    """The tracking table was full in the simulation."""
    UNKNOWN = 9
    """None of these."""

    def __str__(self) -> str:
        """Lower case, as in every output."""
        return self.name.lower()


_ENDING = (TcpState.FIN_WAIT, TcpState.CLOSE_WAIT, TcpState.LAST_ACK, TcpState.TIME_WAIT, TcpState.CLOSE)
_CAUSE_OF_DENIAL = {
    Reason.NO_RULE: Cause.RULES,
    Reason.CUT: Cause.RULES,
    Reason.MIDSTREAM: Cause.AGGREGATION,
    Reason.INVALID: Cause.AGGREGATION,
    Reason.NETWORK_ACL: Cause.NETWORK_ACL,
    Reason.TABLE_FULL: Cause.CAPACITY,
}


def causes(records: RecordColumns, rows: Column, decisions: DecisionColumns, is_split: Column) -> Column:
    """The likely cause of each disagreement, by what its record and its decision tell.

    Args:
        records: All records of a batch.
        rows: Those that disagree.
        decisions: What was decided of these, one each.
        is_split: bool, whether AWS logged the same packets' flow as accepted and as rejected within one window.

    Returns:
        uint8, `Cause`; `RULES` and `NETWORK_ACL` may be told apart further by who knows rules and subnets.
    """
    of_denial = np.full(max(Reason) + 1, int(Cause.UNKNOWN), np.uint8)
    for reason, cause in _CAUSE_OF_DENIAL.items():
        of_denial[reason] = cause
    found = of_denial[decisions.reason]
    is_allowed = decisions.verdict == Verdict.ALLOW
    is_ending = np.isin(decisions.tcp_state, _ENDING)
    for is_it, cause in (
        (is_allowed, Cause.NETWORK_ACL),
        (is_allowed & is_ending, Cause.AFTER_CLOSE),
        (is_split, Cause.AGGREGATION),
        (is_allowed & (decisions.reason == Reason.EXEMPT), Cause.EXEMPT),
        (records.refused_by[rows] > 0, Cause.AWS_CONTROL),
    ):
        found = np.where(is_it, np.uint8(cause), found)
    return found
