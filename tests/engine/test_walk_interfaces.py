"""Where and when a packet is judged."""

import pytest
from builders import group, interface, inventory, packet, vpc
from engine.walking import HOST, HOST_V6, Walk, words

from sgsim.errors import RuleError
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.states import Direction
from sgsim.rules.inventory import Instance, Subnet

A, B = "192.0.2.10", "192.0.2.20"
TALK, REPLY = f"tcp {A}:40000 -> {B}:443", f"tcp {B}:443 -> {A}:40000 SA"


def two_interfaces(
    a_rules: tuple[str, ...] = ("tcp 443 to 192.0.2.20/32",),
    b_rules: tuple[str, ...] = ("tcp 443 from 192.0.2.10/32",),
    instance_ids: tuple[str | None, str | None] = (None, None),
    **options: object,
) -> Walk:
    known = inventory(
        group(*a_rules, group_id="sg-a"),
        group(*b_rules, group_id="sg-b"),
        interface(A, groups=("sg-a",), instance_id=instance_ids[0]),
        interface(B, groups=("sg-b",), interface_id="eni-b", instance_id=instance_ids[1]),
    )
    return Walk(known, **options)


def test_a_packet_is_judged_at_its_sender_and_then_at_its_receiver():
    stops = two_interfaces().stops(TALK)
    assert [(stop.interface_id, stop.direction, words(stop)) for stop in stops] == [
        ("eni-a", Direction.EGRESS, "allow rule new"),
        ("eni-b", Direction.INGRESS, "allow rule new"),
    ]


def test_a_packet_that_its_sender_may_not_send_never_comes_to_its_receiver():
    walk = two_interfaces(a_rules=())
    stops = walk.stops(TALK)
    assert [(stop.interface_id, words(stop)) for stop in stops] == [("eni-a", "deny no_rule new")]
    assert walk.entries() == []


def test_one_five_tuple_at_two_interfaces_is_two_flows():
    walk = two_interfaces()
    assert [stop.flow for stop in walk.stops(TALK)] == [1, 2]
    assert [stop.flow for stop in walk.stops(REPLY)] == [2, 1]
    assert walk.count == 2


def test_each_interface_forgets_a_flow_after_its_own_timeout():
    known = inventory(
        group("udp 53 from 0.0.0.0/0", "udp 53 to 192.0.2.20/32"),
        interface(A, timeouts=TimeoutOverrides(udp_s=60)),
        interface(B, interface_id="eni-b", timeouts=TimeoutOverrides(udp_s=40)),
    )
    walk = Walk(known)
    walk.stops(f"udp {A}:40000 -> {B}:53", 0)
    walk.wait_until(40)
    assert [entry.key.interface_id for entry in walk.entries()] == ["eni-a"]
    walk.wait_until(60)
    assert walk.entries() == []


def test_two_interfaces_of_one_instance_share_one_pool():
    walk = two_interfaces(instance_ids=("i-1", "i-1"), capacity=1)
    assert walk.say_all(TALK) == ["allow rule new", "deny table_full new"]
    assert list(walk.engine.tables) == ["i-1"]
    assert (walk.count, walk.exceeded) == (1, 1)


def test_interfaces_of_two_instances_have_a_pool_each():
    walk = two_interfaces(instance_ids=("i-1", "i-2"), capacity=1)
    assert walk.say_all(TALK) == ["allow rule new", "allow rule new"]
    assert {table_id: table.count for table_id, table in walk.engine.tables.items()} == {"i-1": 1, "i-2": 1}


def test_a_capacity_of_the_instance_holds_where_no_option_beats_it():
    known = inventory(
        group("tcp 443 from 198.51.100.0/24"),
        interface(instance_id="i-1"),
        Instance(instance_id="i-1", capacity=1),
    )
    texts = [f"tcp 198.51.100.7:{port} -> {HOST}:443" for port in (40000, 40001)]
    by_instance, by_option = Walk(known), Walk(known, capacity=2)
    assert [by_instance.say(text) for text in texts] == ["allow rule new", "deny table_full new"]
    assert [by_option.say(text) for text in texts] == ["allow rule new", "allow rule new"]


def test_a_hairpin_between_addresses_of_one_interface_is_local():
    walk = Walk(inventory(group("all from 0.0.0.0/0"), interface(A, B)))
    stop = walk.send(TALK)
    assert (words(stop), stop.interface_id) == ("skip local -", "eni-a")
    assert walk.entries() == []


def test_a_packet_between_strangers_touches_no_interface():
    stop = Walk("all from 0.0.0.0/0").send("tcp 198.51.100.7:40000 -> 203.0.113.9:443")
    assert (words(stop), stop.interface_id) == ("skip no_interface -", None)


def test_input_bound_to_an_interface_is_judged_there_alone():
    walk = two_interfaces()
    at_b = walk.send(TALK, taken_at="eni-b")
    assert (at_b.interface_id, at_b.direction) == ("eni-b", Direction.INGRESS)
    at_a = walk.send(TALK, taken_at="eni-a")
    assert (at_a.interface_id, at_a.direction) == ("eni-a", Direction.EGRESS)


def test_bound_input_between_strangers_goes_the_way_that_the_capture_tells():
    walk = Walk("tcp 443 from 198.51.100.0/24")
    forwarded = "tcp 198.51.100.7:40000 -> 203.0.113.9:443"
    assert walk.say(forwarded, taken_at="eni-a", direction=Direction.INGRESS) == "allow rule new"
    assert walk.say(forwarded, taken_at="eni-a", direction=Direction.EGRESS) == "deny no_rule new"
    assert walk.say(forwarded, taken_at="eni-a") == "skip no_interface -"


def test_addresses_tell_the_way_before_the_capture_does():
    stop = Walk().send(f"tcp 198.51.100.7:40000 -> {HOST}:443", taken_at="eni-a", direction=Direction.EGRESS)
    assert stop.direction is Direction.INGRESS


def test_input_bound_to_an_interface_that_a_change_took_away_touches_none():
    walk = two_interfaces()
    walk.change(inventory(group("all from 0.0.0.0/0", group_id="sg-a"), interface(A, groups=("sg-a",))))
    assert walk.say(TALK, taken_at="eni-b") == "skip no_interface -"


def test_an_interface_owns_secondary_ipv6_and_delegated_addresses():
    known = inventory(group("tcp 443 from ::/0", "tcp 443 from 0.0.0.0/0"), interface(A, B, HOST_V6, "192.0.2.64/28"))
    for dst in (A, B, "192.0.2.79"):
        assert Walk(known).say(f"tcp 198.51.100.7:40000 -> {dst}:443") == "allow rule new"
    assert Walk(known).say(f"tcp [2001:db8::99]:40000 -> [{HOST_V6}]:443") == "allow rule new"
    assert Walk(known).say("tcp 198.51.100.7:40000 -> 192.0.2.80:443") == "skip no_interface -"


def test_an_address_owned_twice_is_an_error_that_names_both():
    known = inventory(group(), interface(A), interface(A, interface_id="eni-b"))
    with pytest.raises(RuleError, match=r"got 192\.0\.2\.10 owned by eni-a and eni-b"):
        Walk(known)


def test_an_interface_without_groups_filters_nothing_and_remembers_nothing():
    walk = Walk(inventory(interface(groups=())))
    assert walk.say(f"tcp 198.51.100.7:40000 -> {HOST}:443 A") == "allow no_groups exempt"
    assert walk.say(f"udp {HOST}:40000 -> 198.51.100.7:53") == "allow no_groups exempt"
    assert walk.entries() == []


NETWORK = inventory(
    group(),
    interface(A, HOST_V6),
    vpc("192.0.2.0/24"),
    Subnet(subnet_id="subnet-1", networks=vpc("192.0.2.128/25").networks),
)
"""No rule at all; the VPC's DNS server is 192.0.2.2, the subnet's router 192.0.2.129."""

SERVICES = [
    (f"udp {A}:40000", "192.0.2.2:53"),
    (f"tcp {A}:40000", "192.0.2.2:53"),
    (f"udp {A}:40000", "169.254.169.253:53"),
    (f"tcp {A}:40000", "169.254.169.254:80"),
    (f"tcp {A}:40000", "169.254.170.2:80"),
    (f"udp {A}:123", "169.254.169.123:123"),
    (f"tcp {A}:40000", "169.254.169.250:1688"),
    (f"udp {A}:68", "198.51.100.67:67"),
    (f"tcp [{HOST_V6}]:40000", "[fd00:ec2::254]:80"),
    (f"udp [{HOST_V6}]:546", "[fe80::1]:547"),
    (f"udp {A}:40000", "192.0.2.129:33434"),
]


@pytest.mark.parametrize(("local", "service"), SERVICES)
def test_exempt_services_are_filtered_in_neither_direction(local, service):
    protocol, _, here = local.partition(" ")
    walk = Walk(NETWORK)
    assert walk.say(f"{protocol} {here} -> {service}") == "allow exempt exempt"
    assert walk.say(f"{protocol} {service} -> {here}") == "allow exempt exempt"
    assert walk.entries() == []


@pytest.mark.parametrize("icmp_type", [133, 134, 135, 136, 137, 130, 131, 132, 143])
def test_neighbour_discovery_and_mld_are_exempt(icmp_type):
    walk = Walk(NETWORK)
    assert walk.say(f"icmpv6 {HOST_V6} -> ff02::1 type {icmp_type} code 0") == "allow exempt exempt"
    assert walk.say(f"icmpv6 fe80::1 -> {HOST_V6} type {icmp_type} code 0") == "allow exempt exempt"


@pytest.mark.parametrize(
    "text",
    [
        f"udp {A}:40000 -> 192.0.2.2:5353",
        f"tcp {A}:40000 -> 169.254.169.250:80",
        f"udp {A}:40000 -> 192.0.2.3:53",
        f"icmpv6 {HOST_V6} -> ff02::1 type 128 code 0",
    ],
)
def test_what_only_looks_like_an_exempt_service_is_filtered(text):
    assert Walk(NETWORK).say(text) == "deny no_rule new"


def test_a_packet_earlier_than_the_clock_is_judged_at_the_clock_and_counted_late():
    walk = Walk("udp 53 from 198.51.100.0/24")
    walk.say(f"udp 198.51.100.7:40000 -> {HOST}:53", 10)
    walk.say(f"udp 198.51.100.8:40000 -> {HOST}:53", 40)
    assert walk.say(f"udp {HOST}:53 -> 198.51.100.7:40000", 34) == "deny no_rule new"
    assert walk.say(f"udp {HOST}:53 -> 198.51.100.8:40000", 38) == "allow established established"
    assert (walk.engine.late_packets, walk.engine.largest_step_back_ns) == (2, 6_000_000_000)
    assert walk.engine.now_ns == 40_000_000_000


def test_a_late_packet_restarts_a_timeout_from_the_clock():
    walk = Walk("udp 53 from 198.51.100.0/24")
    walk.say(f"udp 198.51.100.7:40000 -> {HOST}:53", 0)
    walk.wait_until(20)
    walk.say(f"udp 198.51.100.7:40000 -> {HOST}:53", 5)
    (entry,) = walk.entries()
    assert entry.expires_at_ns == 50_000_000_000


def test_packets_of_one_instant_are_judged_in_input_order_and_none_is_late():
    walk = Walk("udp 53 from 198.51.100.0/24")
    reply = packet(f"udp {HOST}:53 -> 198.51.100.7:40000")
    assert walk.say(reply) == "deny no_rule new"
    assert walk.say(f"udp 198.51.100.7:40000 -> {HOST}:53") == "allow rule new"
    assert walk.say(reply) == "allow established established"
    assert walk.engine.late_packets == 0
