"""Faults that are planted in what decides about packets, and who must notice each.

Vectors run the profiles of AWS and of Linux; the kernel judges the profile `linux` alone, and only what it models.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from sgsim.conntrack import icmp, tcp, timeouts, tracking
from sgsim.conntrack.entry import ConntrackEntry
from sgsim.conntrack.exempt import ExemptTraffic
from sgsim.conntrack.policies import RelatedIcmp
from sgsim.conntrack.table import ConntrackTable
from sgsim.conntrack.tcp import ENDED_STATES, TcpMove
from sgsim.engine import interface_filter, steps
from sgsim.engine.interface_filter import InterfaceFilter
from sgsim.engine.memory import FragmentMemory
from sgsim.engine.passage import Passage
from sgsim.model.path import PathLabel
from sgsim.model.states import ConntrackDirection
from sgsim.rules.match import ResolvedRule, RuleMatcher
from sgsim.rules.rule import IcmpMatch


class Fault(NamedTuple):
    """One thing that is wrong."""

    owner: object
    name: str
    """What of its owner is replaced."""
    wrong: object
    """What stands in its place."""
    topics: set[str]
    """Of the vectors: each must notice."""
    kernel: bool = False
    """Whether the kernel must notice too."""


def always(value: object) -> Callable[..., object]:
    """A function that gives one value."""
    return lambda *_, **__: value


def _yes(*_: object, **__: object) -> bool:
    return True


def _no(*_: object, **__: object) -> bool:
    return False


def _one_later(function: Callable[[float], int]) -> Callable[[float], int]:
    return lambda seconds: function(seconds) + 1


def _that_renews(move: Callable[..., TcpMove]) -> Callable[..., TcpMove]:
    def renewing(*args: Any, **kwargs: Any) -> TcpMove:
        moved = move(*args, **kwargs)
        moved.renews = True
        return moved

    return renewing


def _refreshing(quoted_flow: Callable[..., ConntrackEntry | None]) -> Callable[..., ConntrackEntry | None]:
    def refreshing(at: InterfaceFilter, passage: Passage) -> ConntrackEntry | None:
        entry = quoted_flow(at, passage)
        if entry is not None:
            at.table.refresh(entry, passage.now_ns + at.timeout_ns(entry))
        return entry

    return refreshing


FAULTS: Final[dict[str, Fault]] = {
    "the rule back is not looked at": Fault(RuleMatcher, "is_open_back", _yes, {"untracked"}),
    "the profile is not asked whether anything is left untracked": Fault(tracking, "may_bypass", _yes, {"untracked", "linux"}, kernel=True),
    "nothing is ever left untracked": Fault(RuleMatcher, "is_open_back", _no, {"untracked", "rule-changes"}),
    "ICMP may be left untracked": Fault(tracking, "PORT_PROTOCOLS", {1, 6, 17, 58}, {"untracked"}),
    "UDP may not be left untracked": Fault(tracking, "PORT_PROTOCOLS", {6}, {"untracked"}),
    "no path is automatic": Fault(PathLabel, "is_automatic", property(_no), {"automatic-paths", "icmp"}),
    "a DynamoDB connection takes one place": Fault(PathLabel, "places", property(always(1)), {"automatic-paths"}),
    "errors about any flow pass": Fault(steps, "_quoted_flow", lambda at, _: next(iter(at.table), None), {"icmp"}, kernel=True),
    "no error passes": Fault(steps, "_quoted_flow", always(None), {"icmp", "linux"}, kernel=True),
    "an error passes for tracked flows too": Fault(
        steps,
        "RelatedIcmp",
        SimpleNamespace(ALWAYS=RelatedIcmp.AUTOMATIC_OR_UNTRACKED, AUTOMATIC_OR_UNTRACKED=None),
        {"icmp", "settings"},
    ),
    "timeouts are a nanosecond too long": Fault(timeouts, "_ns", _one_later(timeouts._ns), {"timeout-boundaries", "timeouts"}),
    "entries are gone only after their time": Fault(
        ConntrackTable,
        "expire",
        lambda self, now_ns, expire=ConntrackTable.expire: expire(self, now_ns - 1),
        {"timeout-boundaries", "timeouts", "capacity"},
    ),
    "nothing expires": Fault(ConntrackTable, "expire", always(0), {"timeout-boundaries", "timeouts", "capacity", "tcp"}, kernel=True),
    "only the opener restarts the timeout": Fault(
        InterfaceFilter, "restarts", lambda _, entry, __: not entry.answered, {"timeouts"}, kernel=True
    ),
    "after the close nothing restarts the timeout": Fault(
        InterfaceFilter,
        "restarts",
        lambda self, entry, effect, restarts=InterfaceFilter.restarts: (
            entry.tcp_state not in ENDED_STATES and restarts(self, entry, effect)
        ),
        {"linux", "settings"},
        kernel=True,
    ),
    "a SYN that is repeated restarts the timeout": Fault(tcp, "linux_move", _that_renews(tcp.linux_move), {"linux"}, kernel=True),
    "an error restarts the timeout": Fault(steps, "_quoted_flow", _refreshing(steps._quoted_flow), {"icmp"}, kernel=True),
    "every rule admits every peer": Fault(ResolvedRule, "admits", lambda self, header: self.rule.admits_service(header), {"rules"}, kernel=True),
    "an ICMP rule ignores the code": Fault(IcmpMatch, "admits", lambda self, icmp_type, _: self.icmp_type in {None, icmp_type}, {"rules"}, kernel=True),
    "the last place is never given": Fault(
        ConntrackTable,
        "has_room",
        lambda self, places: self.capacity is None or self.count + places < self.capacity,
        {"capacity", "automatic-paths"},
    ),
    "there is always a place": Fault(ConntrackTable, "has_room", _yes, {"capacity", "evaluation", "stories"}),
    "nothing is exempt": Fault(ExemptTraffic, "service", always(None), {"never-filtered"}),
    "answers open ICMP flows": Fault(icmp, "ICMP_ANSWERS", {1: {}, 58: {}}, {"icmp"}, kernel=True),
    "no first fragment is remembered": Fault(FragmentMemory, "recall", always(None), {"fragments", "timeout-boundaries"}, kernel=True),
    "a stream needs no reply": Fault(interface_filter, "becomes_stream", _yes, {"timeouts"}, kernel=True),
    "a SYN never begins an untracked flow anew": Fault(steps, "_repeats_opening", _yes, {"untracked"}),
    "changes of rules reach no tracked flow": Fault(steps, "_opened_rules_untrack", _no, {"rule-changes", "settings"}),
    "the sides of a flow are exchanged": Fault(ConntrackEntry, "direction_of", always(ConntrackDirection.REPLY), {"tcp-table"}, kernel=True),
}  # fmt: skip
