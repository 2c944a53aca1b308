"""A network interface."""

import pytest
from builders import interface, networks

from sgsim.errors import RuleError
from sgsim.model.address import Family
from sgsim.model.interface import Interface, TimeoutOverrides


def test_addresses_and_prefixes_are_owned_as_ranges():
    owner = interface("192.0.2.10", "192.0.2.128/28", "2001:db8::10")
    assert ((0xC000020A, 0xC000020A), (0xC0000280, 0xC000028F)) == owner.owned_ranges(Family.IPV4)
    assert (((0x20010DB8 << 96) + 16, (0x20010DB8 << 96) + 16),) == owner.owned_ranges(Family.IPV6)


def test_a_public_address_is_not_owned():
    owner = interface("192.0.2.10", public_addresses=["203.0.113.9"])
    assert networks("203.0.113.9/32") == owner.public_addresses
    assert ((0xC000020A, 0xC000020A),) == owner.owned_ranges(Family.IPV4)


def test_one_address_or_group_may_stand_without_a_list():
    owner = Interface(interface_id="eni-a", addresses="192.0.2.10", group_ids="sg-web")
    assert networks("192.0.2.10/32") == owner.addresses
    assert owner.group_ids == ("sg-web",)


@pytest.mark.parametrize("address", ["192.0.2", "192.0.2.10/33", "host", "", "10", 3221226000])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(RuleError) as refused:
        interface(address)
    assert f"address must be an IPv4 or IPv6 address or prefix, got {address!r}" == str(refused.value)


@pytest.mark.parametrize("interface_id", ["", None, 7])
def test_an_id_must_be_a_text(interface_id):
    with pytest.raises(RuleError) as refused:
        interface(interface_id=interface_id)
    assert f"interface_id must be a non-empty text, got {interface_id!r}" == str(refused.value)


def test_an_id_is_opaque():
    assert interface(interface_id="anything at all").interface_id == "anything at all"


def test_interfaces_of_an_instance_share_its_table():
    assert interface(instance_id="i-1").table_id == "i-1"


def test_an_interface_of_no_known_instance_has_a_table_of_its_own():
    assert interface(interface_id="eni-b").table_id == "eni-b"


def test_timeouts_that_are_set_win_over_others_one_by_one():
    option, document = TimeoutOverrides(udp_s=40), TimeoutOverrides(tcp_established_s=300, udp_s=50)
    assert TimeoutOverrides(tcp_established_s=300, udp_s=40) == option.over(document)


def test_a_timeout_of_zero_is_set():
    assert TimeoutOverrides(udp_s=0) == TimeoutOverrides(udp_s=0).over(TimeoutOverrides(udp_s=30))
