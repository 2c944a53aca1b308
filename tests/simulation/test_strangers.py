import numpy as np
import pytest
from builders import group, interface, inventory
from simulation.batches import decisions, packets

from sgsim.errors import NoTrafficError
from sgsim.model.decision import Reason
from sgsim.simulation.strangers import Strangers

WEB = "tcp 198.51.100.7:40000 -> 10.0.0.5:443 S"
OTHER = "tcp 203.0.113.9:40000 -> 10.0.0.5:443 S"


def message(known, *texts) -> str:
    strangers = Strangers()
    strangers.add(packets(*texts), decisions(*[Reason.NO_INTERFACE] * len(texts), interface=-1))
    with pytest.raises(NoTrafficError) as caught:
        strangers.check(known)
    return str(caught.value)


def test_one_group_ends_in_a_line_to_paste():
    assert message(inventory(group(group_id="sg-1")), WEB, OTHER) == (
        "traffic must touch a known interface, got 2 packets whose commonest addresses are 10.0.0.5 (2 packets), "
        "198.51.100.7 (1 packet), 203.0.113.9 (1 packet); no interface is given: add --interface 10.0.0.5=sg-1"
    )


def test_among_equals_private_addresses_come_first():
    assert message(inventory(group(group_id="sg-1")), WEB).endswith("add --interface 10.0.0.5=sg-1")


def test_a_packet_to_its_own_sender_counts_once():
    to_itself = "tcp 10.0.0.5:40000 -> 10.0.0.5:443 S"
    assert "got 1 packet whose commonest addresses are 10.0.0.5 (1 packet);" in message(inventory(), to_itself)


def test_several_groups_are_listed():
    known = inventory(*(group(group_id=f"sg-{number}") for number in range(7)))
    assert message(known, WEB).endswith(
        "add --interface 10.0.0.5=GROUP, where groups are sg-0, sg-1, sg-2, sg-3, sg-4 and 2 more"
    )


def test_known_interfaces_are_listed():
    known = inventory(group(), interface("192.0.2.10", "2001:db8::10"))
    assert message(known, WEB).endswith("; known are eni-a (192.0.2.10, 2001:db8::10)")


def test_public_addresses_are_recognised():
    known = inventory(group(), interface("10.9.9.9", public_addresses=("198.51.100.7",)))
    assert (
        "; 198.51.100.7 is the public address of eni-a, which groups never see: capture at the instance, where it is "
        "10.9.9.9; known are eni-a (10.9.9.9)"
    ) in message(known, WEB)


def test_five_addresses_are_named_at_most():
    texts = [f"udp 203.0.113.{host}:1 -> 198.51.100.{host}:2" for host in range(9)]
    assert message(inventory(), *texts).count(" (1 packet)") == 5


def test_of_flow_logs_the_interfaces_that_they_name_are_told():
    strangers = Strangers()
    strangers.add(
        packets(WEB, WEB, OTHER), decisions(*[Reason.NO_INTERFACE] * 3, interface=-1), np.array([1, 0, 1], bool)
    )
    with pytest.raises(NoTrafficError) as caught:
        strangers.check(inventory(group(), interface("192.0.2.10")), {f"eni-{at}": at for at in range(1, 8)})
    assert str(caught.value) == (
        "traffic must touch a known interface, got 2 records of interfaces that no document describes, eni-7 (7 records), "
        "eni-6 (6 records), eni-5 (5 records), eni-4 (4 records), eni-3 (3 records) and 2 more interfaces; known are eni-a "
        "(192.0.2.10)"
    )
    with pytest.raises(NoTrafficError, match=r"got 2 records whose commonest addresses are 10\.0\.0\.5 \(2 records\)"):
        strangers.check(inventory(), {})


def test_one_packet_at_an_interface_is_enough():
    strangers = Strangers()
    strangers.add(packets(WEB, WEB), decisions(Reason.NO_INTERFACE, Reason.RULE, interface=[-1, 0]))
    strangers.check(inventory())


def test_traffic_without_any_address_says_so_in_its_summary():
    strangers = Strangers()
    strangers.add(packets("-"), decisions(Reason.NOT_IP, interface=-1))
    strangers.check(inventory())
