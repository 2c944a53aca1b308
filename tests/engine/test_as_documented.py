"""What AWS's documentation says, as its reader would try it out. Source: `[aws-ct]`."""

import pytest
from engine.walking import HOST, HOST_V6, host

from sgsim.conntrack.profile import AWS_NITRO, AWS_NITRO_V6
from sgsim.engine.firewall import Firewall
from sgsim.engine.options import EngineOptions
from sgsim.model.decision import Reason, Verdict
from sgsim.model.states import Tracking

INBOUND = (
    "tcp 22 from 203.0.113.1/32",
    "tcp 80 from 0.0.0.0/0",
    "tcp 80 from ::/0",
    "icmp all from 0.0.0.0/0",
)
OUTBOUND_IPV4, OUTBOUND_IPV6 = "all to 0.0.0.0/0", "all to ::/0"

SSH = f"tcp 203.0.113.1:40000 -> {HOST}:22"
HTTP = f"tcp 198.51.100.7:40000 -> {HOST}:80"
HTTP_IPV6 = f"tcp [2001:db8::99]:40000 -> [{HOST_V6}]:80"
PING = f"icmp 198.51.100.7 -> {HOST} type 8 code 0"


def tracking(*outbound: str) -> dict[str, Tracking]:
    """How each connection of the worked example is remembered."""
    found = {}
    for name, text in (("ssh", SSH), ("http", HTTP), ("http over ipv6", HTTP_IPV6), ("icmp", PING)):
        firewall = Firewall(host(*INBOUND, *outbound))
        assert firewall.send(text).verdict is Verdict.ALLOW
        (entry,) = firewall.table
        found[name] = entry.tracking
    return found


def test_the_worked_example():
    """SSH comes from one address; HTTP is open to everyone both ways; ICMP is always tracked."""
    assert tracking(OUTBOUND_IPV4, OUTBOUND_IPV6) == {
        "ssh": Tracking.TRACKED,
        "http": Tracking.UNTRACKED,
        "http over ipv6": Tracking.UNTRACKED,
        "icmp": Tracking.TRACKED,
    }


def test_without_the_outbound_rule_for_ipv4_every_ipv4_connection_is_tracked():
    assert tracking(OUTBOUND_IPV6) == {
        "ssh": Tracking.TRACKED,
        "http": Tracking.TRACKED,
        "http over ipv6": Tracking.UNTRACKED,
        "icmp": Tracking.TRACKED,
    }


def test_without_the_outbound_rule_for_ipv6_every_ipv6_connection_is_tracked():
    assert tracking(OUTBOUND_IPV4) == {
        "ssh": Tracking.TRACKED,
        "http": Tracking.UNTRACKED,
        "http over ipv6": Tracking.TRACKED,
        "icmp": Tracking.TRACKED,
    }


def test_the_outbound_rule_may_name_the_protocol_but_must_leave_out_no_port():
    """`tcp 0-65535` does as well as all traffic; one port less does not."""
    assert tracking("tcp all to 0.0.0.0/0")["http"] is Tracking.UNTRACKED
    assert tracking("tcp 1-65535 to 0.0.0.0/0")["http"] is Tracking.TRACKED
    assert tracking("udp all to 0.0.0.0/0")["http"] is Tracking.TRACKED


REQUEST, RESPONSE = f"udp 198.51.100.7:40000 -> {HOST}:53", f"udp {HOST}:53 -> 198.51.100.7:40000"


def dns() -> Firewall:
    """A resolver for one network: it may answer, and send nothing of its own."""
    return Firewall(host("udp 53 from 198.51.100.0/24"))


@pytest.mark.parametrize(("silence_s", "verdict"), [(29, Verdict.ALLOW), (31, Verdict.DENY)])
def test_udp_is_forgotten_after_thirty_seconds_without_an_answer(silence_s, verdict):
    firewall = dns()
    firewall.send(REQUEST)
    firewall.wait(silence_s)
    assert firewall.send(RESPONSE).verdict is verdict


@pytest.mark.parametrize(("silence_s", "verdict"), [(29, Verdict.ALLOW), (31, Verdict.DENY)])
def test_udp_is_forgotten_after_thirty_seconds_after_one_request_and_response(silence_s, verdict):
    firewall = dns()
    firewall.send(REQUEST)
    firewall.send(RESPONSE)
    firewall.wait(silence_s)
    assert firewall.send(RESPONSE).verdict is verdict


@pytest.mark.parametrize(("silence_s", "verdict"), [(179, Verdict.ALLOW), (181, Verdict.DENY)])
def test_a_udp_stream_is_forgotten_after_three_minutes(silence_s, verdict):
    """More than one request-response transaction makes a stream."""
    firewall = dns()
    for text in (REQUEST, RESPONSE, REQUEST, RESPONSE):
        firewall.send(text)
    firewall.wait(silence_s)
    assert firewall.send(RESPONSE).verdict is verdict


def test_the_fourth_flow_at_capacity_three_is_dropped_and_the_others_go_on():
    firewall = Firewall(host("tcp 443 from 198.51.100.0/24"), options=EngineOptions(capacity=3))
    for port in (40001, 40002, 40003):
        assert firewall.send(f"tcp 198.51.100.7:{port} -> {HOST}:443").verdict is Verdict.ALLOW
    assert firewall.exceeded == 0

    fourth = firewall.send(f"tcp 198.51.100.7:40004 -> {HOST}:443")
    assert (fourth.verdict, fourth.reason) == (Verdict.DENY, Reason.TABLE_FULL)
    assert (firewall.count, firewall.exceeded) == (3, 1)

    for port in (40001, 40002, 40003):
        assert firewall.send(f"tcp {HOST}:443 -> 198.51.100.7:{port} SA").verdict is Verdict.ALLOW


def logged_in(*rules: str) -> Firewall:
    """A host with an SSH connection from 203.0.113.1 that has exchanged its handshake."""
    firewall = Firewall(host(*rules))
    for text in (f"{SSH} S", f"tcp {HOST}:22 -> 203.0.113.1:40000 SA", f"{SSH} A"):
        assert firewall.send(text).verdict is Verdict.ALLOW
    return firewall


def test_a_tracked_ssh_connection_goes_on_after_its_rule_is_removed():
    firewall = logged_in("tcp 22 from 203.0.113.1/32", OUTBOUND_IPV4)
    firewall.change(host(OUTBOUND_IPV4))
    assert firewall.send(f"{SSH} A").reason is Reason.ESTABLISHED
    assert firewall.send(f"tcp 203.0.113.1:40001 -> {HOST}:22 S").reason is Reason.NO_RULE


def test_an_untracked_ssh_connection_is_cut_when_its_rule_is_removed():
    firewall = logged_in("tcp 22 from 0.0.0.0/0", OUTBOUND_IPV4)
    firewall.change(host(OUTBOUND_IPV4))
    assert firewall.send(f"{SSH} A").reason is Reason.CUT


def test_an_untracked_ssh_connection_is_cut_when_it_is_narrowed_to_another_address():
    firewall = logged_in("tcp 22 from 0.0.0.0/0", OUTBOUND_IPV4)
    firewall.change(host("tcp 22 from 203.0.113.2/32", OUTBOUND_IPV4))
    assert firewall.send(f"{SSH} A").reason is Reason.CUT


@pytest.mark.parametrize(("silence_s", "verdict"), [(599, Verdict.ALLOW), (600, Verdict.DENY)])
def test_outbound_gre_lets_inbound_gre_of_the_same_peer_in_for_ten_minutes(silence_s, verdict):
    firewall = Firewall(host("47 to 203.0.113.5/32"))
    assert firewall.send(f"47 {HOST} -> 203.0.113.5").verdict is Verdict.ALLOW
    firewall.wait(silence_s)
    assert firewall.send(f"47 203.0.113.5 -> {HOST}").verdict is verdict
    assert firewall.send(f"47 203.0.113.6 -> {HOST}").verdict is Verdict.DENY


@pytest.mark.parametrize(("profile", "idle_s"), [(AWS_NITRO_V6, 350), (AWS_NITRO, 5 * 86400)])
def test_an_idle_connection_is_forgotten_after_350_seconds_on_nitro_v6_and_five_days_on_others(profile, idle_s):
    for silence_s, verdict in ((idle_s - 1, Verdict.ALLOW), (idle_s, Verdict.DENY)):
        firewall = Firewall(host("tcp 22 from 203.0.113.1/32"), options=EngineOptions(profile=profile))
        for text in (f"{SSH} S", f"tcp {HOST}:22 -> 203.0.113.1:40000 SA", f"{SSH} A"):
            firewall.send(text)
        firewall.wait(silence_s)
        assert firewall.send(f"{SSH} PA").verdict is verdict
