"""What is known of a packet before its first step."""

from builders import packet

from sgsim.engine.passage import Passage
from sgsim.model.packet import Fragment
from sgsim.model.states import Direction


def test_a_later_fragment_asks_for_no_service_that_is_known():
    """Whatever is written in their place, a later fragment has neither a port nor a type and a code."""
    for text in ("udp 198.51.100.7:7 -> 192.0.2.10:53", "icmp 198.51.100.7 -> 192.0.2.10 type 3 code 4"):
        later = packet(text, fragment=Fragment(1, 1480, more=False))
        header = Passage.of(later, Direction.INGRESS, 0, None, None).header
        assert (header.port, header.icmp_type, header.icmp_code) == (None, None, None)
