"""Whether AWS tracks a flow, and why; the worked example of `[aws-ct]`."""

import pytest
from builders import group, header, interface, inventory, matcher

from sgsim.conntrack.entry import TrackingCause
from sgsim.conntrack.policies import BypassProtocols
from sgsim.conntrack.tracking import choose_tracking, may_bypass
from sgsim.model.path import PathLabel
from sgsim.model.states import Direction

SSH = "tcp 203.0.113.1:40000 -> 192.0.2.10:22"
HTTP = "tcp 198.51.100.7:40000 -> 192.0.2.10:80"
HTTP_6 = "tcp [2001:db8:1::7]:40000 -> [2001:db8::10]:80"
PING = "icmp 198.51.100.7 -> 192.0.2.10 type 8 code 0"

RULES = [
    "tcp 22 from 203.0.113.1/32",
    "tcp 80 from 0.0.0.0/0",
    "tcp 80 from ::/0",
    "icmp all from 0.0.0.0/0",
    "all to 0.0.0.0/0",
    "all to ::/0",
]


def cause(text, *, rules=RULES, direction=Direction.INGRESS, path=PathLabel.DIRECT, policy=BypassProtocols.TCP_UDP):
    at = matcher(inventory(group(*rules), interface("192.0.2.10", "2001:db8::10")))
    choice = choose_tracking(policy, at, header(text, direction), path)
    assert (choice.open_rule is not None) == (choice.cause is TrackingCause.OPEN_RULES)
    return choice.cause


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SSH, TrackingCause.OPENING_RULE),
        (HTTP, TrackingCause.OPEN_RULES),
        (HTTP_6, TrackingCause.OPEN_RULES),
        (PING, TrackingCause.PROTOCOL),
    ],
)
def test_ssh_is_tracked_http_is_not_icmp_is(text, expected):
    assert expected is cause(text)


@pytest.mark.parametrize(
    ("dropped", "text", "expected"),
    [
        ("all to 0.0.0.0/0", HTTP, TrackingCause.RETURN_RULE),
        ("all to 0.0.0.0/0", HTTP_6, TrackingCause.OPEN_RULES),
        ("all to ::/0", HTTP, TrackingCause.OPEN_RULES),
        ("all to ::/0", HTTP_6, TrackingCause.RETURN_RULE),
    ],
)
def test_dropping_an_outbound_rule_flips_its_family_only(dropped, text, expected):
    assert expected is cause(text, rules=[each for each in RULES if each != dropped])


def test_a_connection_that_the_web_server_opens_itself_is_tracked():
    assert cause("tcp 192.0.2.10:40000 -> 198.51.100.7:80", direction=Direction.EGRESS) is TrackingCause.RETURN_RULE


@pytest.mark.parametrize("path", [label for label in PathLabel if label.is_automatic])
def test_on_an_automatic_path_every_flow_is_tracked(path):
    assert cause(HTTP, path=path) is TrackingCause.PATH


@pytest.mark.parametrize(
    ("policy", "tcp", "gre", "ping"),
    [
        (BypassProtocols.NONE, TrackingCause.PROTOCOL, TrackingCause.PROTOCOL, TrackingCause.PROTOCOL),
        (BypassProtocols.TCP_UDP, TrackingCause.OPEN_RULES, TrackingCause.PROTOCOL, TrackingCause.PROTOCOL),
        (BypassProtocols.ALL_BUT_ICMP, TrackingCause.OPEN_RULES, TrackingCause.OPEN_RULES, TrackingCause.PROTOCOL),
    ],
)
def test_open_rules_leave_only_some_protocols_untracked(policy, tcp, gre, ping):
    everything = ["all from 0.0.0.0/0", "all to 0.0.0.0/0"]
    texts = (HTTP, "47 198.51.100.7 -> 192.0.2.10", PING)
    assert [tcp, gre, ping] == [cause(text, rules=everything, policy=policy) for text in texts]


def test_where_everything_is_tracked_no_protocol_may_bypass():
    """Of no protocol, whichever it is, may a flow be left untracked."""
    assert {may_bypass(BypassProtocols.NONE, protocol) for protocol in range(256)} == {False}
