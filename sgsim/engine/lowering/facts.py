"""The profile, and the tables of protocols and states, as arrays."""

from collections.abc import Mapping

import numpy as np

from sgsim.conntrack import tcp
from sgsim.conntrack.policies import (
    ExemptList,
    Fragments,
    InvalidSegment,
    Midstream,
    RelatedIcmp,
    UdpStream,
    Unanswered,
)
from sgsim.conntrack.tcp import Beside, segment_of
from sgsim.conntrack.timeouts import NANOSECONDS
from sgsim.conntrack.tracking import may_bypass
from sgsim.conntrack.udp import STREAM_AGE_NS
from sgsim.engine.memory import ended_most
from sgsim.engine.options import EngineOptions
from sgsim.kernels import layout
from sgsim.kernels.arrays import Column, Facts
from sgsim.model.decision import VERDICT_OF_REASON
from sgsim.model.protocol import ICMP_ANSWERS, ICMP_ERRORS, ICMP_QUERIES, NEIGHBOUR_DISCOVERY_TYPES, Protocol
from sgsim.model.states import TcpState

_RELATED = {RelatedIcmp.NEVER: 0, RelatedIcmp.AUTOMATIC_OR_UNTRACKED: 1, RelatedIcmp.ALWAYS: 2}
_INVALID = {InvalidSegment.PASS: 0, InvalidSegment.RULES: 1, InvalidSegment.DENY: 2}
_CELLS = {Beside.IGNORE: layout.CELL_IGNORE, Beside.REOPEN: layout.CELL_REOPEN}


def lower_facts(options: EngineOptions, *, allow_unresolved: bool, record_flows: bool) -> Facts:
    """Everything that a run's profile and options say."""
    return Facts(
        options=_options(options, allow_unresolved=allow_unresolved, record_flows=record_flows),
        segments=np.array([segment_of(flags) for flags in range(256)], dtype=np.uint8),
        transitions=_transitions(options),
        pickup=_by_segment(tcp.TCP_PICKUP),
        first_states=_by_segment(tcp.FIRST_STATES),
        roles=_icmp({protocol: dict.fromkeys(pairs, 1) for protocol, pairs in ICMP_QUERIES.items()})
        + _icmp({protocol: dict.fromkeys(pairs, 2) for protocol, pairs in ICMP_ANSWERS.items()}),
        query_of=_icmp({protocol: {kind: kind for kind in pairs} for protocol, pairs in ICMP_QUERIES.items()})
        + _icmp(ICMP_ANSWERS),
        errors=_icmp({protocol: dict.fromkeys(kinds, 1) for protocol, kinds in ICMP_ERRORS.items()}),
        neighbours=_neighbours(options),
        verdicts=_verdicts(),
        bypass=np.array(
            [may_bypass(options.profile.bypass.value, protocol) for protocol in range(256)], dtype=np.uint8
        ),
        timeout_places=_timeout_places({Protocol.TCP: 0, Protocol.UDP: layout.UDP_TIMEOUT}),
        longest_places=_timeout_places({Protocol.TCP: layout.TCP_LONGEST, Protocol.UDP: layout.UDP_LONGEST}),
        steps=np.zeros(2 * 2 * 16 * 8, dtype=np.uint16),
    )


def _options(options: EngineOptions, *, allow_unresolved: bool, record_flows: bool) -> Column:
    profile = options.profile
    values = {
        layout.UNTRACK_WHEN_OPENED: profile.untrack_when_opened.value,
        layout.STREAM_BY_AGE: profile.udp_stream.value is UdpStream.ANSWERED_AND_OLD,
        layout.RELATED: _RELATED[profile.related_icmp.value],
        layout.PICKUP: profile.midstream.value is Midstream.PICKUP,
        layout.INVALID: _INVALID[profile.invalid.value],
        layout.UNANSWERED_RULES: profile.unanswered.value is Unanswered.RULES,
        layout.FRAGMENTS_RULES: profile.fragments.value is Fragments.RULES,
        layout.MIDSTREAM_UNTRACKED: profile.midstream_untracked.value,
        layout.PICKUP_AFTER_CUT: profile.midstream_after_cut.value is Midstream.PICKUP,
        layout.FULL_UNTRACKED: profile.full_untracked.value,
        layout.RELATED_REFRESH: profile.related_refresh.value,
        layout.LATE_REFRESH: profile.late_refresh.value,
        layout.IGNORED_REFRESH: profile.ignored_refresh.value,
        layout.CODE_IN_KEY: profile.icmp_code_in_key.value,
        layout.LINUX_TCP: profile.linux_tcp_rules.value,
        layout.EXEMPT_TRAFFIC: profile.exempt_traffic.value,
        layout.FRAGMENT_NS: round(profile.fragment_s.value * NANOSECONDS),
        layout.FRAGMENT_IPV6_NS: round(profile.fragment_ipv6_s.value * NANOSECONDS),
        layout.RECORDED: options.recorded,
        layout.COLD_START: options.cold_start,
        layout.AS_RECORDED: options.as_recorded,
        layout.ASKS_SENDER: options.recorded and not options.as_recorded,
        layout.REMEMBER: options.remember,
        layout.ALLOW_UNRESOLVED: allow_unresolved,
        layout.RECORD_FLOWS: record_flows,
        layout.CLIENT_PORT: options.client_port,
        layout.STREAM_AGE_NS: STREAM_AGE_NS,
        layout.ENDED_MOST: ended_most(options.remember),
    }
    lowered = np.zeros(layout.OPTION_WORDS, dtype=np.int64)
    for position, value in values.items():
        lowered[position] = int(value)
    return lowered


def _neighbours(options: EngineOptions) -> Column:
    """The types of ICMPv6 that are never filtered."""
    is_exempt = options.profile.exempt_list.value is not ExemptList.NAMED
    return np.isin(np.arange(256), list(NEIGHBOUR_DISCOVERY_TYPES) if is_exempt else []).astype(np.uint8)


def _transitions(options: EngineOptions) -> Column:
    table = tcp.transitions(syn_reopens=options.profile.syn_reopens.value)
    cells = np.full((2, 16, 8), layout.CELL_INVALID, dtype=np.uint8)
    for direction, states in table.items():
        for state, segments in states.items():
            for segment, after in segments.items():
                cells[direction, state, segment] = _CELLS[after] if isinstance(after, Beside) else after
    return cells.reshape(-1)


def _by_segment(states: dict[tcp.Segment, TcpState]) -> Column:
    cells = np.zeros(8, dtype=np.uint8)
    for segment, state in states.items():
        cells[segment] = state
    return cells


def _icmp(values: "dict[int, dict[int, int]]") -> Column:
    """ICMP in the first half, ICMPv6 in the second, by type."""
    cells = np.zeros((2, 256), dtype=np.uint8)
    for half, protocol in enumerate((Protocol.ICMP, Protocol.ICMPV6)):
        for kind, value in values[protocol].items():
            cells[half, kind] = value
    return cells.reshape(-1)


def _verdicts() -> Column:
    cells = np.zeros(32, dtype=np.uint8)
    for reason, verdict in VERDICT_OF_REASON.items():
        cells[reason] = verdict
    return cells


def _timeout_places(of_several: Mapping[Protocol, int]) -> Column:
    """By protocol; `of_several` has those of protocols with more than one."""
    cells = np.full(256, layout.OTHER_TIMEOUT, dtype=np.uint8)
    for protocol, place in {
        **of_several, Protocol.ICMP: layout.ICMP_TIMEOUT, Protocol.ICMPV6: layout.ICMPV6_TIMEOUT,
    }.items():  # fmt: skip
        cells[protocol] = place
    return cells
