"""Walks of packets, one at least for each outcome of each step, and what is said of it."""

from typing import Any

from attrs import evolve, field, frozen
from builders import group, interface, inventory, network_acl, packet
from engine.walking import Walk, profile
from netaddr import IPNetwork
from report.telling import explained

from sgsim.analysis.explanation import Explanation
from sgsim.conntrack.profile import AWS_NITRO, LINUX
from sgsim.conntrack.timeouts import NANOSECONDS
from sgsim.model.packet import Fragment, Packet, Quote
from sgsim.model.path import PathLabel
from sgsim.rules.inventory import Inventory, Subnet
from sgsim.rules.paths import PathRule

SYN = "tcp 198.51.100.7:40000 -> 192.0.2.10:443 S"
SYN_ACK = "tcp 192.0.2.10:443 -> 198.51.100.7:40000 SA"
ACK = "tcp 198.51.100.7:40000 -> 192.0.2.10:443 A"
RST = "tcp 198.51.100.7:40000 -> 192.0.2.10:443 R"
OUT_SYN = "tcp 192.0.2.10:40001 -> 198.51.100.7:80 S"
UDP = "udp 192.0.2.10:50000 -> 203.0.113.53:53"
UDP_ANSWER = "udp 203.0.113.53:53 -> 192.0.2.10:50000"
DENIED = "tcp 203.0.113.9:50000 -> 192.0.2.10:22 S"
DENIED_ANSWER = "tcp 192.0.2.10:22 -> 203.0.113.9:50000 RA"
ERROR = "icmp 203.0.113.1 -> 192.0.2.10 type 3 code 3"

HTTPS = "tcp 443 from 198.51.100.0/24"
OPEN = ("tcp 443 from 0.0.0.0/0", "all to 0.0.0.0/0")
FIRST_PART = packet("udp 203.0.113.53:53 -> 192.0.2.10:50000", fragment=Fragment(7, 0, more=True))
LATER_PART = packet("udp 203.0.113.53:0 -> 192.0.2.10:0", fragment=Fragment(7, 1480, more=False))
ABOUT_HTTPS = packet(ERROR, quote=Quote(packet(SYN_ACK).five_tuple))
RECORDED = {"recorded": True}


def behind_acl(*entries: str, subnet: str = "") -> Inventory:
    known = (network_acl(*entries), interface(subnet_id="subnet-1"))
    inside = [Subnet(subnet_id="subnet-1", networks=[IPNetwork(subnet)])] if subnet else []
    return inventory(group(HTTPS, "tcp 80 to 0.0.0.0/0"), *known, *inside)


@frozen
class Case:
    """A walk of packets a second apart, and the step of the last one that is told."""

    step: str
    rules: tuple[str | Inventory, ...]
    packets: tuple[str | Packet, ...]
    sentence: str
    options: dict[str, Any] = field(factory=dict)
    silence_s: float = 1
    """Before the last packet."""
    changed: tuple[str, ...] | None = None
    """Rules that hold from then on."""


def walked(case: Case) -> Explanation:
    """Walk, and have the last packet's way explained."""
    walk = Walk(*case.rules, **case.options)
    for packet_ in case.packets[:-1]:
        walk.now_s += 1
        walk.stops(at_time(packet_, walk), walk.now_s)
    if case.changed is not None:
        walk.change(*case.changed)
    walk.now_s += case.silence_s
    return explained(walk, at_time(case.packets[-1], walk), walk.now_s)


def at_time(what: str | Packet, walk: Walk) -> str | Packet:
    """A whole packet at the walk's time."""
    return what if isinstance(what, str) else evolve(what, time_ns=round(walk.now_s * NANOSECONDS))


def without_groups() -> Inventory:
    return inventory(interface(groups=()))


def behind_nat() -> Inventory:
    path = PathRule(PathLabel.NAT_GATEWAY, IPNetwork("198.51.100.0/24"))
    return inventory(group(*OPEN), interface(), paths=(path,))


def both_ends() -> Inventory:
    sender, receiver = interface(groups=("sg-a",)), interface("192.0.2.20", interface_id="eni-b", groups=("sg-b",))
    return inventory(group(group_id="sg-a"), group(*OPEN, group_id="sg-b"), sender, receiver)


BETWEEN = packet("tcp 192.0.2.10:40000 -> 192.0.2.20:443 S")

CASES = [
    Case(
        "acl_in: same subnet",
        (behind_acl(subnet="198.51.100.0/24"),),
        (SYN,),
        "The peer is in the same subnet, subnet-1, so the packet never crosses its edge, where acl-1 stands.",
    ),
    Case(
        "acl_in: allowed",
        (behind_acl("100 allow tcp 443 from 0.0.0.0/0"),),
        (SYN,),
        (
            "The packet comes into the subnet: entry '100: allow tcp 443 from 0.0.0.0/0' of acl-1, the network ACL of"
            " subnet-1, lets it in."
        ),
    ),
    Case(
        "acl_in: denied",
        (behind_acl(),),
        (SYN,),
        (
            "The packet comes into the subnet, and entry '*: deny all traffic from 0.0.0.0/0' of acl-1, the network ACL of"
            " subnet-1, denies it. A network ACL has no memory: it judges answers and packets of known flows like all"
            " others. The groups never see this one."
        ),
    ),
    Case(
        "acl_out: same subnet",
        (behind_acl(subnet="198.51.100.0/24"),),
        (OUT_SYN,),
        "The peer is in the same subnet, subnet-1, so the packet never crosses its edge, where acl-1 stands.",
    ),
    Case(
        "acl_out: allowed",
        (behind_acl("100 allow tcp 80 to 0.0.0.0/0"),),
        (OUT_SYN,),
        (
            "The packet leaves the subnet: entry '100: allow tcp 80 to 0.0.0.0/0' of acl-1, the network ACL of subnet-1,"
            " lets it out."
        ),
    ),
    Case(
        "acl_out: denied",
        (behind_acl(),),
        (OUT_SYN,),
        (
            "The groups let it go, and the table keeps what they made of it. But entry '*: deny all traffic to 0.0.0.0/0'"
            " of acl-1, the network ACL of subnet-1, denies it, so it does not leave the subnet."
        ),
    ),
    Case(
        "recorded: barred",
        (behind_acl("100 allow all from 0.0.0.0/0"),),
        (OUT_SYN, "tcp 198.51.100.7:80 -> 192.0.2.10:40001 SA"),
        (
            "What its opener sent last in the flow 'tcp 192.0.2.10:40001 -> 198.51.100.7:80' was kept from leaving the"
            " subnet by the network ACL. So the other side would not have seen it, and this answer would not have been"
            " sent: it is skipped. (--as-recorded judges it.)"
        ),
        RECORDED,
    ),
    Case("groups: none", (without_groups(),), (SYN,), "eni-a has no security group, so nothing filters it."),
    Case(
        "exempt: no",
        (HTTPS,),
        (SYN,),
        ("No. Groups never filter the network's own DNS, DHCP, metadata, time and neighbour services; this is none."),
    ),
    Case("exempt: no", (HTTPS,), (SYN,), "The profile linux filters all traffic; none is exempt.", {"profile": LINUX}),
    Case(
        "exempt: yes",
        (HTTPS,),
        ("udp 192.0.2.10:5000 -> 169.254.169.123:123",),
        (
            "Yes: it is traffic of Amazon Time Sync, which groups never filter, in either direction. Nothing"
            " is remembered."
        ),
    ),
    Case("expire: none due", (HTTPS,), (SYN,), "No entry has run out at this moment; the table is empty."),
    Case(
        "expire: none due",
        (HTTPS,),
        (SYN, SYN_ACK),
        "No entry has run out at this moment; 1 place of the table is taken.",
    ),
    Case(
        "expire: expired",
        (HTTPS,),
        (SYN, SYN),
        "1 flow had been silent for the timeout and was forgotten; 0 of the table's 3 places are taken.",
        {"capacity": 3},
        120,
    ),
    Case(
        "fragment: first seen",
        ("udp all from 0.0.0.0/0",),
        (FIRST_PART, LATER_PART),
        (
            "It is a later fragment, which carries no ports, so it takes the verdict of its datagram's first"
            " fragment: allow (rule)."
        ),
    ),
    Case(
        "fragment: first not seen",
        ("udp all from 0.0.0.0/0",),
        (LATER_PART,),
        (
            "It is a later fragment, which carries no ports, and its datagram's first fragment was not seen "
            "here in the last 30 s. Nothing tells what it belongs to, so it is denied (fragments=deny, "
            "assumed)."
        ),
    ),
    Case(
        "fragment: first not seen",
        ("udp all from 0.0.0.0/0",),
        (LATER_PART,),
        (
            "It is a later fragment, which carries no ports, and its datagram's first fragment was not seen "
            "here in the last 30 s. Inbound rule 'udp 0-65535 from 0.0.0.0/0' of sg-web admits it without "
            "ports (fragments=rules, given)."
        ),
        {"profile": profile(fragments="rules")},
    ),
    Case(
        "fragment: first not seen",
        ("udp 53 from 0.0.0.0/0",),
        (LATER_PART,),
        (
            "It is a later fragment, which carries no ports, and its datagram's first fragment was not seen "
            "here in the last 30 s. No inbound rule admits it without ports (fragments=rules, given)."
        ),
        {"profile": profile(fragments="rules")},
    ),
    Case(
        "related: no quote",
        (HTTPS,),
        (ERROR,),
        (
            "It is an ICMP error, but it quotes no packet that could be read, so no flow is found for it; "
            "rules judge it."
        ),
    ),
    Case(
        "related: no flow",
        (HTTPS,),
        (ABOUT_HTTPS,),
        (
            "It is an ICMP error about 'tcp 192.0.2.10:443 -> 198.51.100.7:40000'. No flow of that packet is"
            " remembered here; rules judge it."
        ),
    ),
    Case(
        "related: covered",
        OPEN,
        (SYN, ABOUT_HTTPS),
        (
            "It is an ICMP error about a packet of the flow 'tcp 198.51.100.7:40000 -> 192.0.2.10:443', "
            "which is untracked: it passes (related_icmp=automatic-or-untracked, documented)."
        ),
    ),
    Case(
        "related: not covered",
        (HTTPS,),
        (SYN, ABOUT_HTTPS),
        (
            "It is an ICMP error about a packet of the flow 'tcp 198.51.100.7:40000 -> 192.0.2.10:443', "
            "which is tracked. That alone does not let it pass (related_icmp=automatic-or-untracked, "
            "documented); rules judge it."
        ),
    ),
    Case(
        "tracked: no entry",
        (HTTPS,),
        (SYN,),
        ("No flow with these addresses and ports is remembered: the packet must be admitted by itself."),
    ),
    Case(
        "tracked: no entry",
        (HTTPS,),
        (ERROR,),
        ("It belongs to no flow that could be tracked."),
    ),
    Case(
        "tracked: no entry",
        (HTTPS,),
        ("icmp 203.0.113.1 -> 192.0.2.10",),
        ("No flow with these addresses and this identifier is remembered: the packet must be admitted by itself."),
    ),
    Case(
        "tracked: no entry",
        (HTTPS,),
        ("47 203.0.113.1 -> 192.0.2.10",),
        "No flow with these addresses is remembered: the packet must be admitted by itself.",
    ),
    Case(
        "tracked: no entry",
        (HTTPS,),
        (SYN, SYN_ACK),
        (
            "No flow with these addresses and ports is remembered any more. The last one ended in state "
            "SYN_SENT 10 s before: it had been silent for its timeout, 120 s. Nobody is told of that."
        ),
        {},
        130,
    ),
    Case(
        "tracked: no entry",
        OPEN,
        (SYN, SYN_ACK),
        (
            "The flow 'tcp 198.51.100.7:40000 -> 192.0.2.10:443' is remembered, but it has no entry in the "
            "table: it is untracked."
        ),
    ),
    Case(
        "tracked: no entry",
        (HTTPS,),
        (DENIED, DENIED_ANSWER),
        (
            "The flow 'tcp 203.0.113.9:50000 -> 192.0.2.10:22' is remembered, but it has no entry in the "
            "table: what opened it was denied."
        ),
        RECORDED,
    ),
    Case(
        "tracked: moved",
        (HTTPS,),
        (SYN, SYN_ACK),
        (
            "Yes: it belongs to the flow 'tcp 198.51.100.7:40000 -> 192.0.2.10:443', opened from outside 1 s"
            " before, admitted by 'tcp 443 from 198.51.100.0/24' of sg-web. A SYN-ACK from the other side "
            "moves it from SYN_SENT to SYN_RECV. Its entry would have run out in 119 s, and now does in 60 "
            "s. Rules are not asked, and need not be: no outbound rule would admit it."
        ),
    ),
    Case(
        "tracked: moved",
        (HTTPS,),
        (SYN, SYN_ACK, ACK, ACK),
        (
            "Yes: it belongs to the flow 'tcp 198.51.100.7:40000 -> 192.0.2.10:443', opened from outside 352"
            " s before, admitted by 'tcp 443 from 198.51.100.0/24' of sg-web. An ACK from its opener leaves "
            "it in state ESTABLISHED. Its entry would have run out in 431650 s (5 days), and now does in "
            "432000 s (5 days). Rules are not asked."
        ),
        {},
        350,
    ),
    Case(
        "tracked: moved",
        (HTTPS,),
        (SYN, SYN),
        (
            "Yes: it belongs to the flow 'tcp 198.51.100.7:40000 -> 192.0.2.10:443', opened from outside 1 s"
            " before, admitted by 'tcp 443 from 198.51.100.0/24' of sg-web. A SYN from its opener leaves it "
            "in state SYN_SENT. The other side has not answered yet, and until then rules judge each packet "
            "(unanswered=rules, observed)."
        ),
        {"profile": LINUX},
    ),
    Case(
        "tracked: moved",
        ("udp 53 to 0.0.0.0/0",),
        (UDP, UDP_ANSWER),
        (
            "Yes: it belongs to the flow 'udp 192.0.2.10:50000 -> 203.0.113.53:53', opened from here 1 s "
            "before, admitted by 'udp 53 to 0.0.0.0/0' of sg-web. It is the first answer of the other side. "
            "Its entry would have run out in 29 s, and now does in 30 s. Rules are not asked, and need not "
            "be: no inbound rule would admit it."
        ),
    ),
    Case(
        "tracked: moved",
        ("udp 53 to 0.0.0.0/0",),
        (UDP, UDP_ANSWER, UDP),
        (
            "Yes: it belongs to the flow 'udp 192.0.2.10:50000 -> 203.0.113.53:53', opened from here 2 s "
            "before, admitted by 'udp 53 to 0.0.0.0/0' of sg-web. There has been more than one exchange, so "
            "the flow is a stream now. Its entry would have run out in 29 s, and now does in 180 s. Rules "
            "are not asked."
        ),
    ),
    Case(
        "tracked: moved",
        ("udp 53 to 0.0.0.0/0",),
        (UDP, UDP),
        (
            "Yes: it belongs to the flow 'udp 192.0.2.10:50000 -> 203.0.113.53:53', opened from here 1 s "
            "before, admitted by 'udp 53 to 0.0.0.0/0' of sg-web. It comes from its opener. Its entry would "
            "have run out in 29 s, and now does in 30 s. Rules are not asked."
        ),
    ),
    Case(
        "tracked: moved",
        (HTTPS,),
        (SYN, SYN_ACK, RST, RST),
        (
            "Yes: it belongs to the flow 'tcp 198.51.100.7:40000 -> 192.0.2.10:443', opened from outside 3 s"
            " before, admitted by 'tcp 443 from 198.51.100.0/24' of sg-web. An RST from its opener leaves it"
            " in state CLOSE. That does not restart its timeout; its entry runs out in 9 s. Rules are not "
            "asked."
        ),
    ),
    Case(
        "tracked: ignored",
        (HTTPS,),
        (SYN, SYN_ACK, SYN),
        (
            "Yes: it belongs to the flow 'tcp 198.51.100.7:40000 -> 192.0.2.10:443', opened from outside 2 s"
            " before, admitted by 'tcp 443 from 198.51.100.0/24' of sg-web. A SYN from its opener in state "
            "SYN_RECV may be late or repeated: it passes and leaves the state as it is. Its entry would have"
            " run out in 59 s, and now does in 60 s. Rules are not asked."
        ),
    ),
    Case(
        "tracked: invalid",
        (HTTPS,),
        (SYN, ACK),
        (
            "Yes: it belongs to the flow 'tcp 198.51.100.7:40000 -> 192.0.2.10:443', opened from outside 1 s"
            " before, admitted by 'tcp 443 from 198.51.100.0/24' of sg-web. An ACK from its opener does not "
            "fit SYN_SENT. It passes nevertheless, and moves nothing (invalid=pass, assumed). Its entry "
            "would have run out in 119 s, and now does in 120 s."
        ),
    ),
    Case(
        "tracked: invalid",
        (HTTPS,),
        (SYN, ACK),
        (
            "Yes: it belongs to the flow 'tcp 198.51.100.7:40000 -> 192.0.2.10:443', opened from outside 1 s"
            " before, admitted by 'tcp 443 from 198.51.100.0/24' of sg-web. An ACK from its opener does not "
            "fit SYN_SENT. Rules judge it by itself, and it makes no entry (invalid=rules, observed)."
        ),
        {"profile": profile(LINUX)},
    ),
    Case(
        "tracked: invalid",
        (HTTPS,),
        (SYN, ACK),
        (
            "Yes: it belongs to the flow 'tcp 198.51.100.7:40000 -> 192.0.2.10:443', opened from outside 1 s"
            " before, admitted by 'tcp 443 from 198.51.100.0/24' of sg-web. An ACK from its opener does not "
            "fit SYN_SENT. It is denied (invalid=deny, given)."
        ),
        {"profile": profile(invalid="deny")},
    ),
    Case(
        "tracked: reopened",
        (HTTPS,),
        (SYN, SYN_ACK, RST, SYN),
        (
            "A connection with these addresses and ports was over (CLOSE), and this SYN opens it anew: the "
            "old entry is dropped and its place is free. The packet must be admitted by itself."
        ),
    ),
    Case(
        "tracked: deleted",
        (HTTPS,),
        (SYN, RST),
        (
            "Yes: it belongs to the flow 'tcp 198.51.100.7:40000 -> 192.0.2.10:443', opened from outside 1 s"
            " before, admitted by 'tcp 443 from 198.51.100.0/24' of sg-web. An RST ends a connection that "
            "nobody answered: it passes, and the entry is dropped."
        ),
        {"profile": LINUX},
    ),
    Case(
        "tracked: opened",
        (HTTPS,),
        (SYN, SYN_ACK),
        (
            "The flow 'tcp 198.51.100.7:40000 -> 192.0.2.10:443' was tracked. The rules have changed since, "
            "and today's leave it untracked: 'tcp 443 from 0.0.0.0/0' of sg-web is open to everyone, and so "
            "is the way back. Its entry is given up at this packet (untrack_when_opened=true, observed)."
        ),
        changed=OPEN,
    ),
    Case(
        "untracked: still open",
        OPEN,
        (SYN, SYN_ACK),
        (
            "The flow 'tcp 198.51.100.7:40000 -> 192.0.2.10:443' is untracked, and still admitted by 'tcp "
            "443 from 0.0.0.0/0' of sg-web and the open way back. It passes and takes no place in the table."
        ),
    ),
    Case(
        "untracked: opened anew",
        OPEN,
        (SYN, SYN_ACK, SYN),
        (
            "A SYN begins another connection with the addresses and ports of the flow 'tcp "
            "198.51.100.7:40000 -> 192.0.2.10:443', which is forgotten. The packet must be admitted by "
            "itself."
        ),
    ),
    Case(
        "untracked: cut",
        OPEN,
        (SYN, SYN_ACK, ACK),
        (
            "The flow 'tcp 198.51.100.7:40000 -> 192.0.2.10:443' had no entry and lived on open rules both "
            "ways. They have changed, and a new flow would be tracked: no inbound rule that admits it is "
            "open to everyone (0.0.0.0/0). So this one is cut, and the packet must be admitted by itself."
        ),
        changed=(HTTPS, "all to 0.0.0.0/0"),
    ),
    Case(
        "recorded: not sent",
        (HTTPS,),
        (DENIED, DENIED_ANSWER),
        (
            "What opened the flow 'tcp 203.0.113.9:50000 -> 192.0.2.10:22' was denied here, 1 s before. So "
            "the other side would never have seen it, and this answer would not have been sent: it is "
            "skipped. (--as-recorded judges it.)"
        ),
        RECORDED,
    ),
    Case(
        "recorded: sender denied",
        (both_ends(),),
        (evolve(BETWEEN, taken_at="eni-a"), evolve(BETWEEN, taken_at="eni-b")),
        (
            "What opened the flow 'tcp 192.0.2.10:40000 -> 192.0.2.20:443' was denied at its sender's interface, eni-a, "
            "1 s before. So it would never have come here: it is skipped. (--as-recorded judges it.)"
        ),
        RECORDED,
    ),
    Case(
        "recorded: judged as recorded",
        (HTTPS,),
        (DENIED, DENIED_ANSWER),
        ("It answers packets that are denied here; --as-recorded has it judged as if somebody had sent it."),
        RECORDED | {"as_recorded": True},
    ),
    Case(
        "recorded: tries again",
        (HTTPS,),
        (DENIED, DENIED),
        ("What this side sent before in this flow was denied. It tries again, and rules judge it again."),
        RECORDED,
    ),
    Case(
        "recorded: opened anew",
        (HTTPS,),
        (DENIED, DENIED_ANSWER.removesuffix("RA") + "S"),
        (
            "What opened the flow 'tcp 203.0.113.9:50000 -> 192.0.2.10:22' was denied. This packet opens it "
            "anew and must be admitted by itself."
        ),
        RECORDED,
    ),
    Case(
        "recorded: presumed",
        (HTTPS,),
        (ACK,),
        (
            "The recording begins in the middle of this flow: nothing before it was seen. Inbound rule 'tcp "
            "443 from 198.51.100.0/24' of sg-web would have let it open, so it is presumed to have been open"
            " already. (--cold-start presumes nothing.)"
        ),
        RECORDED,
    ),
    Case(
        "recorded: not presumed",
        (HTTPS,),
        (DENIED_ANSWER.removesuffix("RA") + "SA",),
        (
            "The recording may begin in the middle of this flow, but no inbound rule would have let it open."
            " What this packet answers would never have arrived, so it would not have been sent: it is "
            "skipped."
        ),
        RECORDED,
    ),
    Case(
        "recorded: not presumed",
        (HTTPS,),
        (DENIED.removesuffix("S") + "A",),
        (
            "The recording may begin in the middle of this flow, but no inbound rule would have let it open."
            " So nothing is presumed, and this packet must be admitted by itself."
        ),
        RECORDED,
    ),
    Case(
        "rules: admitted",
        (HTTPS, "tcp all from 0.0.0.0/0"),
        (SYN,),
        ("Inbound rule 'tcp 443 from 198.51.100.0/24' of sg-web admits it; so does 1 other rule."),
    ),
    Case(
        "rules: admitted",
        (HTTPS,),
        (SYN,),
        ("Inbound rule 'tcp 443 from 198.51.100.0/24' of sg-web admits it."),
    ),
    Case(
        "rules: denied",
        (HTTPS, "tcp 22 from 10.0.0.0/8"),
        (DENIED,),
        (
            "None of the 2 inbound rules of sg-web admits tcp port 22 from 203.0.113.9. What no rule admits "
            "is dropped without an answer."
        ),
    ),
    Case(
        "rules: denied",
        ("all to 0.0.0.0/0",),
        ("icmp 203.0.113.1 -> 192.0.2.10",),
        "sg-web has no inbound rule at all, so nothing is admitted.",
    ),
    Case(
        "rules: denied",
        (HTTPS,),
        ("47 192.0.2.10 -> 203.0.113.1",),
        ("sg-web has no outbound rule at all, so nothing is admitted."),
    ),
    Case(
        "bypass: open_rules",
        OPEN,
        (SYN,),
        (
            "The flow is untracked: inbound rule 'tcp 443 from 0.0.0.0/0' and outbound rule 'all traffic to "
            "0.0.0.0/0' are open to everyone, outbound on all ports, so no entry is made. Each of its "
            "packets is judged by these rules, and a change that closes one cuts it."
        ),
    ),
    Case(
        "bypass: protocol",
        ("icmp all from 0.0.0.0/0",),
        ("icmp 203.0.113.1 -> 192.0.2.10",),
        "The flow is tracked: ICMP always is; open rules leave only TCP and UDP untracked.",
    ),
    Case(
        "bypass: protocol",
        ("47 from 0.0.0.0/0",),
        ("47 203.0.113.1 -> 192.0.2.10",),
        ("The flow is tracked: protocol 47 always is; open rules leave only TCP and UDP untracked."),
    ),
    Case(
        "bypass: protocol",
        (HTTPS,),
        (SYN,),
        "The flow is tracked: this profile tracks every flow.",
        {"profile": LINUX},
    ),
    Case(
        "bypass: path",
        (behind_nat(),),
        (SYN,),
        ("The flow is tracked: the peer is reached over nat-gateway, where AWS tracks every flow whatever the rules."),
    ),
    Case(
        "bypass: opening_rule",
        (HTTPS, "all to 0.0.0.0/0"),
        (SYN,),
        "The flow is tracked: no inbound rule that admits it is open to everyone (0.0.0.0/0).",
    ),
    Case(
        "bypass: return_rule",
        ("tcp 443 from 0.0.0.0/0",),
        (SYN,),
        ("The flow is tracked: no outbound rule is open to everyone (0.0.0.0/0) on all ports."),
    ),
    Case(
        "bypass: return_rule",
        ("tcp 443 from 0.0.0.0/0", "tcp all to 0.0.0.0/0"),
        (SYN,),
        (
            "The flow is tracked: no outbound rule is open to everyone (0.0.0.0/0) on all ports, with "
            "open_own_protocol=false."
        ),
        {"profile": AWS_NITRO.given("open_own_protocol", value=False)},
    ),
    Case(
        "opening: no query",
        ("icmp all from 0.0.0.0/0",),
        (ERROR,),
        "An ICMP message that is no query opens no flow: a rule admits it, and nothing is remembered.",
    ),
    Case(
        "opening: opens",
        (HTTPS,),
        (SYN,),
        "A SYN opens a connection.",
    ),
    Case(
        "opening: opens",
        (HTTPS,),
        (ACK,),
        "It is no SYN, but the profile takes up flows in the middle (midstream=pickup, documented).",
        {"profile": LINUX},
    ),
    Case(
        "opening: cannot be picked up",
        (HTTPS,),
        (RST,),
        "No flow can be taken up in the middle at an RST; nothing is entered.",
        {"profile": LINUX},
    ),
    Case(
        "opening: mid-stream",
        (HTTPS,),
        (ACK,),
        (
            "Only a SYN opens a tracked connection, and this is an ACK. It is denied although a rule admits "
            "it (midstream=deny, assumed). It would have passed with an entry: that is, after the SYN that "
            "opens the connection, and before the entry ran out."
        ),
    ),
    Case(
        "opening: mid-stream",
        OPEN,
        (ACK,),
        (
            "Only a SYN opens a connection, also one that open rules leave untracked (midstream_untracked=true, given), "
            "and this is an ACK. It is denied although a rule admits it (midstream=deny, assumed)."
        ),
        {"profile": AWS_NITRO.given("midstream_untracked", value=True)},
    ),
    Case(
        "opening: opens",
        OPEN,
        (SYN, ACK),
        (
            "It is no SYN, but the profile takes up in the middle what a change has just cut "
            "(midstream_after_cut=pickup, given)."
        ),
        {"profile": AWS_NITRO.given("midstream_after_cut", "pickup")},
        changed=(HTTPS,),
    ),
    Case("room: yes", (HTTPS,), (SYN,), "There is room: no capacity is given, so the table has no limit."),
    Case(
        "room: yes",
        (HTTPS,),
        (SYN,),
        ("There is room: 0 of the table's 3 places are taken, and the flow takes 1 place."),
        {"capacity": 3},
    ),
    Case(
        "room: full",
        (HTTPS, "all to 0.0.0.0/0"),
        (SYN, OUT_SYN),
        (
            "The table is full: 1 of the table's 1 place is taken, and the flow would take 1 place. The "
            "packet is dropped and counted in conntrack_allowance_exceeded; flows that have an entry go on. "
            "If its flows stay silent, the next place is free in 119 s."
        ),
        {"capacity": 1},
    ),
    Case(
        "room: full",
        (HTTPS, "all to 0.0.0.0/0"),
        (SYN, "tcp 192.0.2.10:443 -> 198.51.100.9:40001 SA"),
        (
            "The table is full: 1 of the table's 1 place is taken, and the flow would take 1 place. The "
            "packet is dropped and counted in conntrack_allowance_exceeded; flows that have an entry go on. "
            "If its flows stay silent, the next place is free in 119 s."
        ),
        RECORDED | {"capacity": 1},
    ),
    Case(
        "room: full",
        (*OPEN, "icmp 8 from 0.0.0.0/0"),
        ("icmp 198.51.100.7 -> 192.0.2.10 type 8 code 0", SYN),
        (
            "The table is full: 1 of the table's 1 place is taken. It refuses new untracked flows too "
            "(full_untracked=true, given): the packet is dropped and counted in conntrack_allowance_exceeded."
        ),
        {"capacity": 1, "profile": AWS_NITRO.given("full_untracked", value=True)},
    ),
    Case(
        "enter: entered",
        (HTTPS,),
        (SYN,),
        (
            "The flow gets an entry in state SYN_SENT: from now on its packets pass both ways, whatever the "
            "rules say. It runs out after 120 s of silence."
        ),
    ),
    Case(
        "enter: entered",
        ("udp 53 to 0.0.0.0/0",),
        (UDP,),
        (
            "The flow gets an entry: from now on its packets pass both ways, whatever the rules say. It runs"
            " out after 30 s of silence."
        ),
    ),
    Case(
        "enter: entered",
        (HTTPS,),
        (SYN,),
        (
            "The flow gets an entry in state SYN_SENT: once the other side has answered its packets pass "
            "both ways, whatever the rules say. It runs out after 120 s of silence."
        ),
        {"profile": LINUX},
    ),
    Case(
        "rules: denied",
        (HTTPS,),
        (DENIED,),
        (
            "The only inbound rule of sg-web does not admit tcp port 22 from 203.0.113.9. What no rule admits is "
            "dropped without an answer."
        ),
    ),
]
"""At least one for each outcome."""
