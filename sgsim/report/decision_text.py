"""Words for one decision and what is behind it; `check` and `explain` share them.

Rules stand as their text first, for that is what people know; ids follow where there is room.
"""

import textwrap
from collections.abc import Sequence
from typing import Final

from sgsim.analysis.explanation import Explanation, Stop
from sgsim.analysis.near_miss import Field, FieldMiss, NearMiss, peer_word
from sgsim.conntrack.entry import TrackingCause
from sgsim.conntrack.policies import BypassProtocols
from sgsim.conntrack.profile import Profile
from sgsim.conntrack.tcp import Segment
from sgsim.conntrack.timeouts import NANOSECONDS
from sgsim.model.address import Family
from sgsim.model.packet import Packet
from sgsim.model.protocol import ICMP_PROTOCOLS, PORT_PROTOCOLS, Protocol, TcpFlags, protocol_name
from sgsim.model.rule_ref import RuleRef
from sgsim.model.standing import Standing
from sgsim.model.states import Direction
from sgsim.report.units import duration
from sgsim.rules.header import Header

WIDTH: Final = 110
"""Where lines are broken."""

WAYS: Final = {Direction.INGRESS: "inbound", Direction.EGRESS: "outbound"}
"""AWS's words for the direction of rules."""

EVERYONE: Final = {Family.IPV4: "0.0.0.0/0", Family.IPV6: "::/0"}

SEGMENTS: Final = {
    Segment.SYN: "a SYN",
    Segment.SYN_ACK: "a SYN-ACK",
    Segment.FIN: "a FIN",
    Segment.ACK: "an ACK",
    Segment.RST: "an RST",
    Segment.NONE: "a segment whose flags no TCP sends together",
}

_FIELD_FORMS: Final = {
    Field.PORT: "port {packet} is not in {rule}",
    Field.ICMP_TYPE: "type {packet} is not {rule}",
    Field.ICMP_CODE: "code {packet} is not {rule}",
    Field.PROTOCOL: "protocol {packet} is not {rule}",
}


def wrapped(text: str, first: str, rest: str | None = None) -> list[str]:
    """Lines no wider than `WIDTH`; `rest` begins those after the first, the same as it if None."""
    indent = first if rest is None else rest
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def packet_text(packet: Packet) -> str:
    """A packet as `check` takes it, without the flags of a lone SYN, which is what it takes where none are given."""
    is_syn = packet.five_tuple.protocol == Protocol.TCP and packet.tcp_flags == TcpFlags.SYN
    return str(packet.five_tuple) if is_syn else str(packet)


def group_text(group_id: str, explanation: Explanation) -> str:
    """A group with its name: `sg-1 (web)`."""
    name = explanation.group_names.get(group_id, "")
    return f"{group_id} ({name})" if name and name != group_id else group_id


def groups_text(stop: Stop, explanation: Explanation) -> str:
    """All groups of an interface."""
    return listed([group_text(group_id, explanation) for group_id in stop.interface.group_ids])


def listed(texts: Sequence[str], word: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return f" {word} ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:])))


def rule_text(rule: RuleRef) -> str:
    """What a rule says, and what its author wrote beside it."""
    return f'{rule.text}, "{rule.description}"' if rule.description else rule.text


def rule_place(rule: RuleRef, explanation: Explanation) -> str:
    """A rule's id and group."""
    return f"{rule.rule_id}, of {group_text(rule.group_id, explanation)}"


def service_text(header: Header) -> str:
    """What a packet asks for: `tcp port 443`, `icmp type 8 code 0`."""
    name = protocol_name(header.protocol)
    if header.protocol in PORT_PROTOCOLS and header.port is not None:
        return f"{name} port {header.port}"
    if header.protocol in ICMP_PROTOCOLS and header.icmp_type is not None:
        return f"{name} type {header.icmp_type} code {header.icmp_code}"
    return name if not name.isdigit() else f"protocol {name}"


def miss_text(miss: FieldMiss, direction: Direction) -> str:
    """Why a field fails: `source 10.0.2.9 is not in 10.0.1.0/24`."""
    if miss.field is Field.DIRECTION:
        return f"it is an {WAYS[direction.opposite]} rule, and the packet is {WAYS[direction]}"
    if miss.field is Field.PORT and not miss.packet:
        return f"a later fragment tells no port, and the rule names {miss.rule}"
    if miss.field is not Field.PEER:
        return _FIELD_FORMS[miss.field].format(packet=miss.packet, rule=miss.rule)
    text = f"{peer_word(direction)} {miss.packet} is not in {miss.rule}"
    return text + _note(miss.note)


def _note(note: str) -> str:
    if not note:
        return ""
    return f", {note}" if note.startswith(("which", "whose")) else f" ({note})"


def misses_text(near: NearMiss, direction: Direction) -> str:
    """Every field in which a rule fails."""
    return "; ".join(miss_text(miss, direction) for miss in near.misses)


def length_text(time_ns: int) -> str:
    """A length of time in seconds, and where these are many in hours or days."""
    if time_ns < NANOSECONDS:
        return duration(time_ns)
    seconds = f"{time_ns / NANOSECONDS:.3f}".rstrip("0").rstrip(".")
    for unit, size in (("days", 86400), ("hours", 3600)):
        if time_ns >= 2 * size * NANOSECONDS:
            return f"{seconds} s ({time_ns / NANOSECONDS / size:.3g} {unit})"
    return f"{seconds} s"


def setting_text(profile: Profile, name: str) -> str:
    """A profile's choice with its standing: `midstream=deny, assumed`."""
    setting = dict(profile.settings())[name]
    return f"{name}={setting_value(setting.value)}, {setting.standing}"


def setting_value(value: object) -> str:
    """A setting's value as `--set` takes it."""
    return str(getattr(value, "value", value)).lower()


def tracking_text(stop: Stop, cause: TrackingCause, opener: Direction, open_rule: RuleRef | None) -> str:
    """Why a flow is tracked or not.

    Args:
        stop: Where.
        cause: What decided.
        opener: Which way the opener's packets go.
        open_rule: The opener's rule that leaves the flow untracked, if one does.
    """
    family, back = stop.packet.five_tuple.family, WAYS[opener.opposite]
    match cause:
        case TrackingCause.OPEN_RULES:
            way_back = stop.way_back.get(opener)
            ways = f"{WAYS[opener]} rule '{open_rule.text}'" if open_rule else f"{WAYS[opener]} rules"
            ways += f" and {back} rule '{way_back.text}'" if way_back else f" and {back} rules"
            return f"untracked: {ways} are open to everyone, {back} on all ports, so no entry is made"
        case TrackingCause.PROTOCOL:
            return f"tracked: {_protocol_cause(stop)}"
        case TrackingCause.PATH:
            return f"tracked: the peer is reached over {stop.path}, where AWS tracks every flow whatever the rules"
        case TrackingCause.OPENING_RULE:
            text = f"tracked: no {WAYS[opener]} rule that admits it is open to everyone ({EVERYONE[family]})"
            return text + _openness_given(stop.profile)
        case TrackingCause.RETURN_RULE:
            text = f"tracked: no {back} rule is open to everyone ({EVERYONE[family]}) on all ports"
            return text + _openness_given(stop.profile)
        case TrackingCause.DENIED:
            return "not tracked: what opened it was denied"


def _openness_given(profile: Profile) -> str:
    """What the user has set of what counts as open: `, with open_across_groups=false`."""
    names = (
        f"{name}={setting_value(setting.value)}"
        for name, setting in profile.settings()
        if name.startswith("open_") and setting.standing is Standing.GIVEN
    )
    given = ", ".join(names)
    return f", with {given}" if given else ""


def _protocol_cause(stop: Stop) -> str:
    match stop.profile.bypass.value:
        case BypassProtocols.NONE:
            return "this profile tracks every flow"
        case BypassProtocols.ALL_BUT_ICMP:
            return "ICMP always is, however open the rules"
        case BypassProtocols.TCP_UDP | BypassProtocols.TCP_UDP_ICMPV6:
            name = protocol_name(stop.packet.five_tuple.protocol)
            what = "ICMP" if stop.packet.five_tuple.protocol in ICMP_PROTOCOLS else f"protocol {name}"
            return f"{what} always is; open rules leave only TCP and UDP untracked"
