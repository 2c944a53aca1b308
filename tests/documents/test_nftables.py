"""Rules as nftables; what the kernel makes of them is asked in tests/conformance/kernel."""

import re

import pytest
from builders import group, interface, inventory, prefix_list, rule

from sgsim.documents.nftables import LIMITS, Hook, write_nftables
from sgsim.documents.nftables_syntax import COMMENT_BYTES
from sgsim.errors import ConfigError, UnresolvedReferenceError

HOST, HOST_V6 = "192.0.2.10", "2001:db8::10"


def rules_of(text, chain="ingress"):
    """The lines of a chain without indentation, but for its frame."""
    return [line.strip() for line in text.partition(f"chain {chain} {{\n")[2].partition("\n    }")[0].split("\n")]


def written(*rules, addresses=(HOST, HOST_V6), others=(), **options):
    text = write_nftables(inventory(group(*rules), interface(*addresses), *others, **options))
    return [line for line in rules_of(text) if not line.startswith("#")][1:-1]


def accepts(*rules, **options):
    """What is accepted on the way in, without comments."""
    return [line.partition(" comment ")[0] for line in written(*rules, **options)]


EVERYTHING = inventory(
    group(
        rule("tcp 443 from 0.0.0.0/0", rule_id="sgr-1", description="web"),
        "tcp 22-30 from 10.0.0.0/8",
        "udp all from sg-app",
        "icmp 8/0 from 0.0.0.0/0",
        "icmp 8/0 from ::/0",
        "icmpv6 128 from 2001:db8::/32",
        "icmpv6 all from ::/0",
        "47 from pl-1",
        "all from sg-none",
        "icmp 3 to 0.0.0.0/0",
        "all to pl-1",
        "all to ::/0",
    ),
    group("all from sg-web", group_id="sg-app"),
    group(group_id="sg-none"),
    prefix_list("pl-1", "203.0.113.0/25", "198.51.100.0/24", "2001:db8:5::/48"),
    interface(HOST, HOST_V6, "192.0.2.64/28"),
    interface("192.0.2.11", "192.0.2.12", "2001:db8::11", interface_id="eni-b", groups=("sg-app",)),
)


@pytest.mark.parametrize("hook", Hook)
def test_a_whole_file(golden, hook):
    text = write_nftables(EVERYTHING, "eni-a", hook)
    assert text == write_nftables(EVERYTHING, "eni-a", hook)
    golden(f"nftables-{hook.value}.nft", text)


def test_the_limits_stand_at_the_top():
    head = write_nftables(EVERYTHING, "eni-a").partition("\nadd table")[0]
    flat = re.sub(r"\n# +", " ", head)
    for limit in LIMITS:
        assert limit in flat


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all from 0.0.0.0/0", "meta nfproto ipv4 accept"),
        ("all from ::/0", "meta nfproto ipv6 accept"),
        ("all from 10.0.0.0/8", "ip saddr 10.0.0.0/8 accept"),
        ("all from 10.0.0.9/32", "ip saddr 10.0.0.9 accept"),
        ("all from 2001:db8:9::1/128", "ip6 saddr 2001:db8:9::1 accept"),
        ("tcp 443 from 10.0.0.0/8", "ip saddr 10.0.0.0/8 tcp dport 443 accept"),
        ("udp 53-55 from 10.0.0.0/8", "ip saddr 10.0.0.0/8 udp dport 53-55 accept"),
        ("tcp 0-65535 from 10.0.0.0/8", "ip saddr 10.0.0.0/8 meta l4proto tcp accept"),
        ("tcp 0-65534 from 10.0.0.0/8", "ip saddr 10.0.0.0/8 tcp dport 0-65534 accept"),
        ("icmp all from 10.0.0.0/8", "ip saddr 10.0.0.0/8 meta l4proto icmp accept"),
        ("icmp 0 from 10.0.0.0/8", "ip saddr 10.0.0.0/8 icmp type 0 accept"),
        ("icmp 3/4 from 10.0.0.0/8", "ip saddr 10.0.0.0/8 icmp type 3 icmp code 4 accept"),
        ("icmp 8/0 from 10.0.0.0/8", "ip saddr 10.0.0.0/8 icmp type 8 icmp code 0 accept"),
        ("icmpv6 128/0 from ::/0", "meta nfproto ipv6 icmpv6 type 128 icmpv6 code 0 accept"),
        ("icmpv6 all from ::/0", "meta nfproto ipv6 meta l4proto ipv6-icmp accept"),
        ("0 from 10.0.0.0/8", "ip saddr 10.0.0.0/8 meta l4proto 0 accept"),
        ("132 from 10.0.0.0/8", "ip saddr 10.0.0.0/8 meta l4proto 132 accept"),
    ],
)
def test_a_rule_is_one_line(text, expected):
    assert accepts(text) == [expected]


def test_what_goes_out_is_matched_by_where_it_goes():
    text = write_nftables(inventory(group("tcp 443 to 10.0.0.0/8"), interface(HOST)))
    assert rules_of(text, "egress")[2].startswith("ip daddr 10.0.0.0/8 tcp dport 443 accept ")
    assert rules_of(text) == ["ct state established,related accept", "drop"]


@pytest.mark.parametrize(
    ("text", "addresses", "why"),
    [
        ("icmp 8/0 from ::/0", (HOST, HOST_V6), "icmp is of the other family"),
        ("icmpv6 128 from 10.0.0.0/8", (HOST, HOST_V6), "icmpv6 is of the other family"),
        ("all from ::/0", (HOST,), "the interface has no address of that family"),
        ("all from sg-none", (HOST,), "no address of sg-none is known"),
    ],
)
def test_a_rule_that_admits_nobody_is_said_to(text, addresses, why):
    nobody = group(group_id="sg-none")
    lines = rules_of(write_nftables(inventory(group(text), nobody, interface(*addresses))))
    assert lines[1:] == [f"# {rule(text).text}", f"# (admits nobody: {why})", "drop"]


def test_the_order_is_that_of_groups_and_rules():
    known = inventory(
        group("tcp 1 from ::/0", "tcp 2 from ::/0", group_id="sg-b"),
        group("tcp 3 from ::/0", group_id="sg-a"),
        interface(HOST_V6, groups=("sg-b", "sg-a")),
    )
    ports = re.findall(r"tcp dport (\d)", write_nftables(known))
    assert ports == ["1", "2", "3"]


def test_a_reference_is_a_set_for_each_family():
    peers = interface("10.0.0.9", "2001:db8::9", interface_id="eni-b", groups=("sg-app",))
    text = write_nftables(
        inventory(
            group("tcp 1 from sg-app", "udp 2 from sg-app"), group(group_id="sg-app"), interface(HOST, HOST_V6), peers
        ),
        "eni-a",
    )
    assert text.count("set sg_app_v4 {") == text.count("set sg_app_v6 {") == 1
    assert text.count("ip saddr @sg_app_v4 ") == text.count("ip6 saddr @sg_app_v6 ") == 2
    assert "elements = { 10.0.0.9 }" in text


def test_a_long_set_is_broken_into_lines():
    blocks = [f"10.{number}.0.0/24" for number in range(60)]
    text = write_nftables(inventory(group("all from pl-1"), interface(HOST), prefix_list("pl-1", *blocks)))
    elements = text.partition("elements = { ")[2].partition(" }")[0]
    assert [block.strip() for block in elements.split(",")] == blocks
    assert max(map(len, text.splitlines())) <= 120


def test_ids_that_look_the_same_have_sets_of_their_own():
    known = inventory(
        group("all from sg.a", "all from sg-a", "all from sg_a"),
        group(group_id="sg.a"), group(group_id="sg-a"), group(group_id="sg_a"),
        interface(HOST),
        *(
            interface(f"10.0.0.{number}", interface_id=f"eni-{number}", groups=(name,))
            for number, name in enumerate(("sg.a", "sg-a", "sg_a"))
        ),
    )  # fmt: skip
    text = write_nftables(known, "eni-a")
    assert re.findall(r"set (\w+) \{", text) == ["sg_a_v4", "sg_a_v4_2", "sg_a_v4_3"]
    assert re.findall(r"@(\w+)", text) == ["sg_a_v4", "sg_a_v4_2", "sg_a_v4_3"]


@pytest.mark.parametrize(
    ("interface_id", "table"), [("eni-1", "sgsim_eni_1"), ("10.0.0.5", "sgsim_10_0_0_5"), ("\xe4", "sgsim__")]
)
def test_the_table_is_named_after_the_interface(interface_id, table):
    text = write_nftables(inventory(group(), interface(HOST, interface_id=interface_id)))
    assert re.findall(r"table inet (\S+)", text) == [table] * 3


def test_an_interface_without_groups_is_not_filtered():
    text = write_nftables(inventory(interface(HOST, groups=())))
    assert rules_of(text) == rules_of(text, "egress") == ["# An interface without groups is not filtered.", "accept"]


def test_what_a_document_says_cannot_leave_its_comment():
    said = 'a"b\n} drop #'
    text = write_nftables(
        inventory(
            group(rule("tcp 1 from ::/0", rule_id=said, description=said)), interface(HOST_V6, interface_id="x\ny")
        )
    )
    for line in text.splitlines():
        assert not line.strip().startswith(("} drop", "y"))
    assert 'comment "a b } drop #"' in text


def test_a_long_id_is_cut_to_what_nftables_keeps():
    lines = written(rule("tcp 1 from ::/0", rule_id="sgr-" + "\xe4" * 100))
    kept = lines[0].partition(' comment "')[2].removesuffix('"')
    assert kept == "sgr-" + "\xe4" * 61
    assert len(kept.encode()) <= COMMENT_BYTES


def test_the_host_hook_leaves_loopback_and_neighbours_alone():
    lines = rules_of(write_nftables(inventory(group(), interface(HOST_V6)), hook=Hook.HOST), "input")
    assert lines[1] == 'iif "lo" accept'
    assert lines[2].startswith("icmpv6 type { 130, 131,")
    assert lines[3] == "jump ingress"
    assert len(rules_of(write_nftables(inventory(group(), interface(HOST)), hook=Hook.HOST), "input")) == 3


def test_one_of_several_interfaces_must_be_chosen():
    with pytest.raises(ConfigError, match=r"interface must be one of eni-a, eni-b, got None"):
        write_nftables(EVERYTHING)
    with pytest.raises(ConfigError, match=r"must be one of eni-a, eni-b, got 'eni-c'"):
        write_nftables(EVERYTHING, "eni-c")
    with pytest.raises(ConfigError, match=r"none is given"):
        write_nftables(inventory(group()))


def test_only_a_few_of_many_interfaces_are_listed():
    many = inventory(*(interface(f"10.0.0.{number}", interface_id=f"eni-{number}") for number in range(6)), group())
    with pytest.raises(ConfigError, match=r"eni-4 \.\.\., got None"):
        write_nftables(many)


def test_an_interface_must_have_an_address():
    with pytest.raises(ConfigError, match="interface must have an address"):
        write_nftables(inventory(group(), interface(addresses=())))


def test_a_reference_without_addresses_is_refused():
    known = group("tcp 1 from sg-far")
    with pytest.raises(UnresolvedReferenceError, match=r"addresses of sg-far must be given, for rule .* of sg-web"):
        write_nftables(inventory(known, interface(HOST), has_interface_document=False))
    text = write_nftables(inventory(known, interface(HOST), has_interface_document=False, allow_unresolved=True))
    assert "# (admits nobody: no address of sg-far is known)" in text
