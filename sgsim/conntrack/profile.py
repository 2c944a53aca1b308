"""Behaviour sets: every timeout and policy of a filter, each with its standing and source.

A profile is data. Engines read it and nothing else about AWS or Linux; docs and `sgsim explain --profile` list it from
here. Where AWS is silent the value is marked *assumed* and can be set by an option.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import evolve, fields, frozen

from sgsim.conntrack.policies import (
    BypassProtocols,
    ExemptList,
    Fragments,
    InvalidSegment,
    Midstream,
    Policy,
    RelatedIcmp,
    TimeoutChange,
    UdpStream,
    Unanswered,
)
from sgsim.errors import ConfigError
from sgsim.model.standing import Setting, Standing
from sgsim.model.states import TcpState
from sgsim.rules.openness import Openness, OpenRules

_DOCUMENTED, _OBSERVED, _ASSUMED = Standing.DOCUMENTED, Standing.OBSERVED, Standing.ASSUMED


@frozen(kw_only=True)
class Profile:
    """How one kind of packet filter behaves. Times are idle timeouts in seconds."""

    name: str
    title: str
    dated: str
    """The date of the texts that it follows."""
    knows_nitro: bool
    """Whether an instance's type decides about the TCP timeout, and AWS's bounds hold."""

    tcp_s: Mapping[TcpState, Setting[float]]
    udp_s: Setting[float]
    udp_stream_s: Setting[float]
    icmp_s: Setting[float]
    icmpv6_s: Setting[float]
    other_s: Setting[float]
    fragment_s: Setting[float]
    fragment_ipv6_s: Setting[float]

    timeout_change: Setting[TimeoutChange]

    exempt_traffic: Setting[bool]
    """Whether traffic of the instance's own services (DNS, DHCP, metadata, time) is never filtered."""
    exempt_list: Setting[ExemptList]
    group_prefixes: Setting[bool]
    """Whether a rule that names a group admits addresses of prefixes that are delegated to its members."""
    bypass: Setting[BypassProtocols]
    open_rules: Setting[OpenRules]
    open_own_protocol: Setting[bool]
    """Whether a way back on all ports of the flow's own protocol is as open as one for all protocols."""
    open_across_groups: Setting[bool]
    """Whether the rule there and the rule back may be of two groups of the interface."""
    open_beside_narrow: Setting[bool]
    """Whether a flow that an open rule and a narrower one admit is left untracked."""
    untrack_when_opened: Setting[bool]
    """Whether a tracked flow becomes untracked at its next packet after rules were opened."""
    udp_stream: Setting[UdpStream]
    related_icmp: Setting[RelatedIcmp]
    midstream: Setting[Midstream]
    invalid: Setting[InvalidSegment]
    syn_reopens: Setting[bool]
    """Whether a SYN of the opener on an open connection opens it anew, so that rules judge it."""
    unanswered: Setting[Unanswered]
    fragments: Setting[Fragments]
    midstream_untracked: Setting[bool]
    """Whether `midstream=deny` holds for flows that open rules would leave untracked, too."""
    midstream_after_cut: Setting[Midstream]
    full_untracked: Setting[bool]
    """Whether a full table refuses new flows that open rules leave untracked, too."""
    late_refresh: Setting[bool]
    """Whether packets after the end (TIME_WAIT, CLOSE) restart the timeout."""
    ignored_refresh: Setting[bool]
    """Whether segments that move nothing restart the timeout."""
    related_refresh: Setting[bool]
    """Whether an ICMP error that passes restarts the timeout of the flow that it is about."""
    icmp_code_in_key: Setting[bool]
    """Whether ICMP queries that differ only in their code make two flows."""
    linux_tcp_rules: Setting[bool]
    """Whether the kernel's five rules beside the transition table hold."""

    @property
    def openness(self) -> Openness:
        """What counts as open to everyone."""
        return Openness(
            rules=self.open_rules.value,
            own_protocol=self.open_own_protocol.value,
            across_groups=self.open_across_groups.value,
            beside_narrow=self.open_beside_narrow.value,
        )

    def settings(self) -> Iterator[tuple[str, Setting[Any]]]:
        """Every setting by its name, in the order above; one for each TCP state."""
        for attribute in fields(Profile):
            value = getattr(self, attribute.name)
            if isinstance(value, Setting):
                yield attribute.name, value
            elif isinstance(value, Mapping):
                for state, setting in value.items():
                    yield f"tcp_{state}_s", setting

    def given(self, name: str, value: object) -> "Profile":
        """The profile after the user has set one setting, by the name that `settings` gives it.

        Raises:
            ConfigError: If there is no such setting, or the value is not one of its kind.
        """
        known = dict(self.settings())
        if name not in known:
            raise ConfigError(f"profile setting must be one of {', '.join(known)}, got {name!r}")
        setting = known[name].given(_converted(name, known[name].value, value), name)
        for state in TcpState:
            if name == f"tcp_{state}_s":
                return evolve(self, tcp_s={**self.tcp_s, state: setting})
        changed: dict[str, Any] = {name: setting}
        return evolve(self, **changed)


def _converted(name: str, old: object, value: object) -> object:
    """Read an option's value as the kind that the setting has."""
    if isinstance(old, Policy | OpenRules):
        kind = type(old)
        try:
            return kind(value)
        except ValueError as error:
            raise ConfigError(
                f"{name} must be one of {', '.join(member.value for member in kind)}, got {value!r}"
            ) from error
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(old, bool) is not isinstance(value, bool) or not (is_number or isinstance(value, bool)):
        raise ConfigError(f"{name} must be a {'truth value' if isinstance(old, bool) else 'number'}, got {value!r}")
    return value


def _linux_tcp(standing: Standing, established: Setting[float]) -> dict[TcpState, Setting[float]]:
    """The kernel's TCP timeouts; AWS documents that of established flows alone."""
    seconds = {
        TcpState.SYN_SENT: 120, TcpState.SYN_SENT2: 120, TcpState.SYN_RECV: 60, TcpState.FIN_WAIT: 120,
        TcpState.CLOSE_WAIT: 60, TcpState.LAST_ACK: 30, TcpState.TIME_WAIT: 120, TcpState.CLOSE: 10,
    }  # fmt: skip
    others = {state: Setting(float(value), standing, "linux-nfct") for state, value in seconds.items()}
    return {TcpState.ESTABLISHED: established} | others


_AWS_TCP_BOUNDS: Final = (60, 432000)

AWS_NITRO: Final = Profile(
    name="aws-nitro",
    title="AWS security groups on Nitro instances up to version 5",
    dated="2026-11",
    knows_nitro=True,
    tcp_s=_linux_tcp(_ASSUMED, Setting(432000.0, _DOCUMENTED, "aws-ct", bounds=_AWS_TCP_BOUNDS)),
    udp_s=Setting(30.0, _DOCUMENTED, "aws-ct", bounds=(30, 60)),
    udp_stream_s=Setting(180.0, _DOCUMENTED, "aws-ct", bounds=(60, 180)),
    icmp_s=Setting(30.0, _ASSUMED, "linux-nfct"),
    icmpv6_s=Setting(30.0, _ASSUMED, "linux-nfct", "ICMPv6 is taken to be tracked as ICMP is"),
    other_s=Setting(600.0, _DOCUMENTED, "aws-ct", "same pair of addresses and protocol number"),
    fragment_s=Setting(30.0, _ASSUMED, "linux-nfct", "how long a first fragment's verdict is kept"),
    fragment_ipv6_s=Setting(60.0, Standing.STANDARD, "rfc8200", "section 4.5, reassembly time"),
    timeout_change=Setting(TimeoutChange.NEXT_PACKET, _ASSUMED, "aws-ct aws-cfn", "nobody says"),
    exempt_traffic=Setting(True, _DOCUMENTED, "aws-sg aws-nacl"),
    exempt_list=Setting(ExemptList.IMPLIED, _ASSUMED, "aws-sg", "the list names classes, not all addresses"),
    group_prefixes=Setting(True, _ASSUMED, "aws-sgr", "the text speaks of private addresses, not of prefixes"),
    bypass=Setting(BypassProtocols.TCP_UDP, _DOCUMENTED, "aws-ct"),
    open_rules=Setting(OpenRules.LITERAL, _ASSUMED, "aws-ct", "nobody says whether split blocks or ports add up"),
    open_own_protocol=Setting(True, _ASSUMED, "aws-ct", "the example in the text has a rule for all protocols"),
    open_across_groups=Setting(True, _ASSUMED, "aws-sgr", "for permission all groups are one set of rules"),
    open_beside_narrow=Setting(True, _ASSUMED, "aws-ec2-hist", "for permission the more permissive rule counts"),
    untrack_when_opened=Setting(True, _OBSERVED, "aws-contain aws-forensic", "at the next packet"),
    udp_stream=Setting(UdpStream.SECOND_REQUEST, _ASSUMED, "aws-ct", '"more than one request-response" is not defined'),
    related_icmp=Setting(
        RelatedIcmp.AUTOMATIC_OR_UNTRACKED, _DOCUMENTED, "aws-mtu", "for path MTU messages; other errors are assumed"
    ),
    midstream=Setting(Midstream.DENY, _ASSUMED, "aws-nlb-idle o-karafka", "inferred: data after idle expiry is lost"),
    invalid=Setting(InvalidSegment.PASS, _ASSUMED, "aws-ct", "no check of flags is documented"),
    syn_reopens=Setting(False, _ASSUMED, "aws-ct", "a SYN on a live flow belongs to it, as in the kernel's table"),
    unanswered=Setting(Unanswered.ESTABLISHED, _DOCUMENTED, "aws-ct", "a tracked flow passes whatever the rules say"),
    fragments=Setting(Fragments.DENY, _ASSUMED, "aws-nitro-perf", "no rule for fragments is documented"),
    midstream_untracked=Setting(False, _ASSUMED, "aws-ct", "what is not tracked has no state to belong to"),
    midstream_after_cut=Setting(Midstream.DENY, _ASSUMED, "aws-ct", "a cut is promised only where permission is lost"),
    full_untracked=Setting(False, _ASSUMED, "aws-ct o-millionws", "untracked flows take no place"),
    late_refresh=Setting(False, _ASSUMED, "aws-flr", "packets after the close are among the causes of REJECT"),
    ignored_refresh=Setting(True, _OBSERVED, "aws-ct", "the timeout counts silence"),
    related_refresh=Setting(False, _ASSUMED, "aws-ct"),
    icmp_code_in_key=Setting(False, _ASSUMED, "aws-ct"),
    linux_tcp_rules=Setting(False, _ASSUMED, "aws-ct"),
)  # fmt: skip

AWS_NITRO_V6: Final = evolve(
    AWS_NITRO,
    name="aws-nitro-v6",
    title="AWS security groups on Nitro instances of version 6",
    tcp_s=_linux_tcp(_ASSUMED, Setting(350.0, _DOCUMENTED, "aws-ct aws-blog-tcp", bounds=_AWS_TCP_BOUNDS)),
)

LINUX: Final = Profile(
    name="linux",
    title="Linux nf_conntrack with accept rules per direction, and established and related traffic accepted",
    dated="6.18",
    knows_nitro=False,
    tcp_s=_linux_tcp(_DOCUMENTED, Setting(432000.0, _DOCUMENTED, "linux-nfct")),
    udp_s=Setting(30.0, _DOCUMENTED, "linux-nfct"),
    udp_stream_s=Setting(120.0, _DOCUMENTED, "linux-nfct"),
    icmp_s=Setting(30.0, _DOCUMENTED, "linux-nfct"),
    icmpv6_s=Setting(30.0, _DOCUMENTED, "linux-nfct"),
    other_s=Setting(600.0, _DOCUMENTED, "linux-nfct"),
    fragment_s=Setting(30.0, _DOCUMENTED, "linux-nfct"),
    fragment_ipv6_s=Setting(60.0, _DOCUMENTED, "linux-nfct"),
    timeout_change=Setting(TimeoutChange.NEXT_PACKET, _OBSERVED, "linux-nfct"),
    exempt_traffic=Setting(False, _DOCUMENTED, "linux-nfct"),
    exempt_list=Setting(ExemptList.IMPLIED, _DOCUMENTED, "linux-nfct", "without effect: nothing is exempt"),
    group_prefixes=Setting(True, _DOCUMENTED, "linux-nfct", "without effect: it knows no groups"),
    bypass=Setting(BypassProtocols.NONE, _DOCUMENTED, "linux-nfct"),
    open_rules=Setting(OpenRules.LITERAL, _DOCUMENTED, "linux-nfct", "without effect: nothing is left untracked"),
    open_own_protocol=Setting(True, _DOCUMENTED, "linux-nfct", "without effect, as above"),
    open_across_groups=Setting(True, _DOCUMENTED, "linux-nfct", "without effect, as above"),
    open_beside_narrow=Setting(True, _DOCUMENTED, "linux-nfct", "without effect, as above"),
    untrack_when_opened=Setting(False, _DOCUMENTED, "linux-nfct"),
    udp_stream=Setting(UdpStream.ANSWERED_AND_OLD, _OBSERVED, "linux-nfct"),
    related_icmp=Setting(RelatedIcmp.ALWAYS, _OBSERVED, "linux-nfct"),
    midstream=Setting(Midstream.PICKUP, _DOCUMENTED, "linux-nfct", "nf_conntrack_tcp_loose"),
    invalid=Setting(InvalidSegment.RULES, _OBSERVED, "linux-nfct"),
    syn_reopens=Setting(False, _OBSERVED, "linux-nfct"),
    unanswered=Setting(Unanswered.RULES, _OBSERVED, "linux-nfct"),
    fragments=Setting(Fragments.DENY, _OBSERVED, "linux-nfct", "the kernel judges the datagram when it is complete"),
    midstream_untracked=Setting(False, _DOCUMENTED, "linux-nfct", "without effect: nothing is left untracked"),
    midstream_after_cut=Setting(Midstream.PICKUP, _DOCUMENTED, "linux-nfct", "without effect, as above"),
    full_untracked=Setting(False, _DOCUMENTED, "linux-nfct", "without effect, as above"),
    late_refresh=Setting(True, _OBSERVED, "linux-nfct"),
    ignored_refresh=Setting(False, _OBSERVED, "linux-nfct"),
    related_refresh=Setting(False, _OBSERVED, "linux-nfct"),
    icmp_code_in_key=Setting(True, _OBSERVED, "linux-nfct"),
    linux_tcp_rules=Setting(True, _OBSERVED, "linux-nfct"),
)

PROFILES: Final[dict[str, Profile]] = {profile.name: profile for profile in (AWS_NITRO, AWS_NITRO_V6, LINUX)}
DEFAULT_PROFILE: Final = AWS_NITRO


def find_profile(name: str) -> Profile:
    """A profile by name.

    Raises:
        ConfigError: If there is none of this name.
    """
    if name not in PROFILES:
        raise ConfigError(f"profile must be one of {', '.join(PROFILES)}, got {name!r}")
    return PROFILES[name]
