"""One packet as a filter sees it."""

import pytest
from builders import packet

from sgsim.model.packet import Fragment


@pytest.mark.parametrize(
    "text",
    [
        "tcp 198.51.100.7:40000 -> 192.0.2.10:443 SA",
        "udp 198.51.100.7:40000 -> 192.0.2.10:53",
        "icmp 198.51.100.7 -> 192.0.2.10 type 3 code 4",
        "icmpv6 2001:db8::1 -> 2001:db8::5 type 128 code 0",
        "47 198.51.100.7 -> 192.0.2.10",
    ],
)
def test_a_packet_is_written_as_the_command_line_takes_it(text):
    assert text == str(packet(text))


def test_a_first_fragment_has_ports_and_a_later_one_has_none():
    assert not packet("udp 198.51.100.7:1 -> 192.0.2.10:2", fragment=Fragment(7, 0, more=True)).is_later_fragment
    assert packet("udp 198.51.100.7:1 -> 192.0.2.10:2", fragment=Fragment(7, 8, more=False)).is_later_fragment
    assert not packet("udp 198.51.100.7:1 -> 192.0.2.10:2").is_later_fragment


def test_a_later_fragment_is_written_without_flags():
    later = packet("tcp 198.51.100.7:0 -> 192.0.2.10:0", fragment=Fragment(7, 8, more=False))
    assert str(later) == "tcp 198.51.100.7:0 -> 192.0.2.10:0"
