"""The choices of a profile, as options take them."""

import pytest

from sgsim.conntrack import policies


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (policies.Midstream, "deny pickup"),
        (policies.InvalidSegment, "pass rules deny"),
        (policies.Unanswered, "established rules"),
        (policies.RelatedIcmp, "never automatic-or-untracked always"),
        (policies.Fragments, "deny rules"),
        (policies.UdpStream, "second-request answered-and-old"),
        (policies.TimeoutChange, "next-packet at-once"),
        (policies.ExemptList, "named implied wide"),
        (policies.BypassProtocols, "none tcp-udp tcp-udp-icmpv6 all-but-icmp"),
    ],
)
def test_a_policy_is_written_as_options_take_it(kind, words):
    assert words.split() == [str(choice) for choice in kind]
    assert list(kind) == [kind(word) for word in words.split()]
