"""Which rules admit a packet, and which flows they leave untracked.

The property: `list(matcher.admitting(header)) == [rule for rule in union of groups if plainly_admits(rule, header)]`.
"""

import pytest
import strategies
from attrs import evolve
from builders import group, header, interface, inventory, matcher, networks, prefix_list, rule
from hypothesis import example, given
from hypothesis import strategies as st
from netaddr import IPAddress, IPNetwork

from sgsim.errors import UnresolvedReferenceError
from sgsim.model.address import Family
from sgsim.model.states import Direction
from sgsim.rules.address_set import AddressSet
from sgsim.rules.header import Header
from sgsim.rules.match import ResolvedRule, RuleMatcher
from sgsim.rules.openness import Openness, OpenRules
from sgsim.rules.rule import Cidr, Rule

IN, OUT = Direction.INGRESS, Direction.EGRESS
WEB_4 = "tcp 198.51.100.7:40000 -> 192.0.2.10:80"
WEB_6 = "tcp [2001:db8:1::7]:40000 -> [2001:db8::10]:80"
SSH_4 = "tcp 203.0.113.1:40000 -> 192.0.2.10:22"
PING_4 = "icmp 198.51.100.7 -> 192.0.2.10 type 8 code 0"


def texts(rules: list[ResolvedRule]) -> list[str]:
    return [each.rule.text for each in rules]


def of_rules(*rules: str | Rule, **fields) -> RuleMatcher:
    """The rules of an interface with one group."""
    return matcher(inventory(group(*rules), interface("192.0.2.10", "2001:db8::10")), **fields)


def open_text(at: RuleMatcher, text: str, direction: Direction = IN) -> str | None:
    found = at.open_rule(header(text, direction))
    return found.rule.text if found else None


class TestDecidingRule:
    def test_rules_of_all_groups_are_one_union_in_the_order_of_the_groups_then_of_their_rules(self):
        first = group("tcp 22 from 0.0.0.0/0", "tcp 80 from 198.51.100.0/24", group_id="sg-1")
        second = group("tcp 80 from 0.0.0.0/0", "all from 198.51.100.7/32", group_id="sg-2")
        for order in (["sg-1", "sg-2"], ["sg-2", "sg-1"]):
            at = matcher(inventory(first, second, interface(groups=order)))
            by_group = {
                "sg-1": ["tcp 80 from 198.51.100.0/24"],
                "sg-2": ["tcp 80 from 0.0.0.0/0", "all traffic from 198.51.100.7/32"],
            }
            expected = [text for group_id in order for text in by_group[group_id]]
            assert expected == texts(list(at.admitting(header(WEB_4))))
            deciding = at.first_admitting(header(WEB_4))
            assert deciding is not None
            assert expected[0] == deciding.ref.text

    def test_no_rule_admits_what_none_names(self):
        at = of_rules("tcp 443 from 0.0.0.0/0", "tcp 80 to 0.0.0.0/0", "tcp 80 from ::/0", "udp 80 from 0.0.0.0/0")
        assert at.first_admitting(header(WEB_4)) is None

    def test_duplicate_rules_all_admit(self):
        at = of_rules("tcp 80 from 0.0.0.0/0", "tcp 80 from 0.0.0.0/0")
        assert texts(list(at.admitting(header(WEB_4)))) == ["tcp 80 from 0.0.0.0/0"] * 2

    def test_rules_of_one_family_never_admit_the_other(self):
        at = of_rules("tcp 80 from 0.0.0.0/0", "all to ::/0")
        assert at.first_admitting(header(WEB_6)) is None
        assert at.first_admitting(header(WEB_4, OUT)) is None

    def test_ingress_rules_look_at_the_source_and_egress_rules_at_the_destination(self):
        at = of_rules("tcp 80 from 198.51.100.7/32", "tcp 80 to 192.0.2.10/32")
        assert at.first_admitting(header(WEB_4, IN)) is not None
        assert at.first_admitting(header(WEB_4, OUT)) is not None
        assert of_rules("tcp 80 from 192.0.2.10/32").first_admitting(header(WEB_4, IN)) is None

    def test_an_interface_without_groups_has_no_rules(self):
        at = matcher(inventory(interface(groups=[])))
        assert at.rules == {IN: (), OUT: ()}


class TestReferences:
    def test_a_group_admits_private_addresses_of_members_and_never_public_ones(self):
        known = inventory(
            group("tcp 80 from sg-db"),
            group(group_id="sg-db"),
            interface("192.0.2.10"),
            interface(
                "198.51.100.7",
                "2001:db8:1::7",
                groups=["sg-db"],
                interface_id="eni-b",
                public_addresses=["203.0.113.1"],
            ),
        )
        at = matcher(known)
        assert at.first_admitting(header(WEB_4)) is not None
        assert at.first_admitting(header(WEB_6)) is not None
        assert at.first_admitting(header("tcp 203.0.113.1:40000 -> 192.0.2.10:80")) is None

    def test_a_prefix_list_admits_its_entries(self):
        at = matcher(inventory(group("tcp 80 from pl-1"), prefix_list("pl-1", "198.51.100.0/24"), interface()))
        assert at.first_admitting(header(WEB_4)) is not None
        assert at.first_admitting(header("tcp 203.0.113.1:40000 -> 192.0.2.10:80")) is None

    def test_a_verdict_that_hinges_on_an_unknown_group_stops_with_the_ways_out(self):
        at = matcher(inventory(group("tcp 80 from sg-db"), interface()))
        with pytest.raises(UnresolvedReferenceError) as stopped:
            at.first_admitting(header(WEB_4))
        assert str(stopped.value) == (
            "the verdict hinges on sg-db, whose addresses nobody gave, in rule sg-web:ingress:tcp:80:sg-db "
            "(tcp 80 from sg-db) of sg-web: add an interface document (aws ec2 describe-network-interfaces), or "
            "--members sg-db=ADDRESS[,...], or --allow-unresolved to count it as empty"
        )

    def test_a_verdict_that_hinges_on_an_unknown_prefix_list_asks_for_its_document(self):
        at = matcher(inventory(group("tcp 80 from pl-1"), interface()))
        with pytest.raises(UnresolvedReferenceError) as stopped:
            at.first_admitting(header(WEB_4))
        assert str(stopped.value) == (
            "the verdict hinges on pl-1, whose addresses nobody gave, in rule sg-web:ingress:tcp:80:pl-1 "
            "(tcp 80 from pl-1) of sg-web: add a prefix list document, or --members pl-1=ADDRESS[,...], or "
            "--allow-unresolved to count it as empty"
        )

    def test_a_verdict_that_does_not_hinge_on_it_stands(self):
        at = matcher(inventory(group("tcp 80 from sg-db", "tcp 80 from 198.51.100.0/24"), interface()))
        assert texts(list(at.admitting(header(WEB_4)))) == ["tcp 80 from 198.51.100.0/24"]
        assert at.first_admitting(header(WEB_4)) is not None
        assert at.first_admitting(header("tcp 198.51.100.7:40000 -> 192.0.2.10:22")) is None
        assert at.first_admitting(header("icmp 203.0.113.1 -> 192.0.2.10")) is None

    def test_what_counts_as_empty_is_counted_where_the_verdict_hinged_on_it(self):
        at = matcher(inventory(group("tcp 80 from sg-db"), interface(), allow_unresolved=True))
        assert at.first_admitting(header(WEB_4)) is None
        assert at.first_admitting(header(SSH_4)) is None
        assert at.assumed_empty == {"sg-web:ingress:tcp:80:sg-db": 1}
        assert at.first_admitting(header(WEB_4)) is None
        assert at.assumed_empty == {"sg-web:ingress:tcp:80:sg-db": 2}

    def test_a_group_of_the_interface_that_no_document_describes_stops_the_run(self):
        with pytest.raises(UnresolvedReferenceError) as stopped:
            matcher(inventory(interface(groups=["sg-9"])))
        assert str(stopped.value) == (
            "groups of eni-a must be described by a document, got sg-9, which none describes: add it, or take "
            "--allow-unresolved to treat it as a group without rules"
        )

    def test_or_counts_as_a_group_without_rules(self):
        at = matcher(inventory(interface(groups=["sg-9"]), allow_unresolved=True))
        assert at.first_admitting(header(WEB_4)) is None

    def test_and_the_groups_after_it_keep_their_rules(self):
        known = inventory(group("tcp 80 from 0.0.0.0/0"), interface(groups=["sg-9", "sg-web"]), allow_unresolved=True)
        assert matcher(known).first_admitting(header(WEB_4)) is not None


class TestBypass:
    """AWS's own example, `[aws-ct]`."""

    RULES = (
        "tcp 22 from 203.0.113.1/32",
        "tcp 80 from 0.0.0.0/0",
        "tcp 80 from ::/0",
        "icmp all from 0.0.0.0/0",
        "all to 0.0.0.0/0",
        "all to ::/0",
    )

    def test_the_worked_example(self):
        at = of_rules(*self.RULES)
        assert open_text(at, SSH_4) is None
        assert open_text(at, WEB_4) == "tcp 80 from 0.0.0.0/0"
        assert open_text(at, WEB_6) == "tcp 80 from ::/0"

    def test_without_the_ipv4_outbound_rule_only_ipv4_is_tracked(self):
        at = of_rules(*(text for text in self.RULES if text != "all to 0.0.0.0/0"))
        assert open_text(at, WEB_4) is None
        assert open_text(at, WEB_6) == "tcp 80 from ::/0"

    def test_without_the_ipv6_outbound_rule_only_ipv6_is_tracked(self):
        at = of_rules(*(text for text in self.RULES if text != "all to ::/0"))
        assert open_text(at, WEB_4) == "tcp 80 from 0.0.0.0/0"
        assert open_text(at, WEB_6) is None

    def test_what_the_host_opens_itself_is_tracked_as_not_all_ports_are_open_back(self):
        at = of_rules(*self.RULES)
        assert open_text(at, "tcp 192.0.2.10:40000 -> 198.51.100.7:80", OUT) is None

    def test_the_way_back_must_be_open_on_all_ports_and_the_way_there_need_not(self):
        assert open_text(of_rules("tcp 80 from 0.0.0.0/0", "tcp 0-65535 to 0.0.0.0/0"), WEB_4) is not None
        assert open_text(of_rules("tcp 80 from 0.0.0.0/0", "tcp 0-65534 to 0.0.0.0/0"), WEB_4) is None
        assert open_text(of_rules("tcp 80 from 0.0.0.0/0", "udp all to 0.0.0.0/0"), WEB_4) is None

    def test_the_rule_that_opens_the_way_back_is_of_the_flows_own_family_and_protocol(self):
        back = (
            "udp all to 0.0.0.0/0",
            "tcp all to ::/0",
            "tcp all to 0.0.0.0/0",
            "udp all to ::/0",
            "icmp all to ::/0",
        )
        at = of_rules(*back)
        found = [at.way_back(header(text)) for text in (WEB_4, WEB_6, PING_4)]
        assert [each and each.rule for each in found] == [rule(back[2]), rule(back[1]), None]

    def test_one_family_each_way_does_not_pair(self):
        assert open_text(of_rules("tcp 80 from 0.0.0.0/0", "all to ::/0"), WEB_4) is None

    def test_the_two_rules_may_be_of_two_groups(self):
        known = inventory(
            group("tcp 80 from 0.0.0.0/0"),
            group("all to 0.0.0.0/0", group_id="sg-out"),
            interface(groups=["sg-web", "sg-out"]),
        )
        assert open_text(matcher(known), WEB_4) == "tcp 80 from 0.0.0.0/0"

    def test_the_open_rule_counts_where_a_narrower_one_stands_first(self):
        at = of_rules("tcp 80 from 198.51.100.7/32", "tcp 80 from 0.0.0.0/0", "all to 0.0.0.0/0")
        assert open_text(at, WEB_4) == "tcp 80 from 0.0.0.0/0"

    @pytest.mark.parametrize("peer", ["sg-web", "pl-all", "198.51.100.0/24", "0.0.0.0/1"])
    def test_references_and_narrower_blocks_give_tracked_flows(self, peer):
        known = inventory(
            group(f"tcp 80 from {peer}", "all to 0.0.0.0/0"),
            prefix_list("pl-all", "0.0.0.0/0"),
            interface("192.0.2.10", "198.51.100.0/24"),
        )
        at = matcher(known)
        text = "tcp 198.51.100.7:40000 -> 192.0.2.10:80"
        assert (at.first_admitting(header(text)) is not None) == (peer != "0.0.0.0/1")
        assert open_text(at, text) is None


class TestCovered:
    """`OpenRules.COVERED`: rules that together leave out no address and no port."""

    HALVES = ("tcp 80 from 0.0.0.0/1", "tcp 80 from 128.0.0.0/1")

    def test_split_blocks_count_only_if_covering_does(self):
        rules = (*self.HALVES, "all to 0.0.0.0/0")
        assert open_text(of_rules(*rules), WEB_4) is None
        at = of_rules(*rules, openness=Openness(rules=OpenRules.COVERED))
        assert open_text(at, WEB_4) == "tcp 80 from 128.0.0.0/1"
        assert open_text(at, "tcp 10.0.0.7:40000 -> 192.0.2.10:80") == "tcp 80 from 0.0.0.0/1"

    def test_halves_of_another_service_do_not_help(self):
        at = of_rules(
            "tcp 80 from 0.0.0.0/1",
            "tcp 81 from 128.0.0.0/1",
            "all to 0.0.0.0/0",
            openness=Openness(rules=OpenRules.COVERED),
        )
        assert open_text(at, "tcp 10.0.0.7:40000 -> 192.0.2.10:80") is None

    @pytest.mark.parametrize(
        ("back", "expected"),
        [
            (["tcp 0-1023 to 0.0.0.0/0", "tcp 1024-65535 to 0.0.0.0/0"], True),
            (["tcp 0-1023 to 0.0.0.0/0", "tcp 1025-65535 to 0.0.0.0/0"], False),
            (["tcp 0-65534 to 0.0.0.0/0"], False),
            (["tcp 1-65535 to 0.0.0.0/0"], False),
            (["all to 0.0.0.0/1", "all to 128.0.0.0/1"], True),
            (["all to 0.0.0.0/1", "tcp 0-99 to 128.0.0.0/1", "tcp 100-65535 to 128.0.0.0/1"], True),
            (["all to 0.0.0.0/1", "tcp 0-99 to 128.0.0.0/1", "tcp 100-65535 to 192.0.0.0/2"], False),
            (["all to pl-all"], True),
            (["all to sg-web"], False),
            (["all to ::/0"], False),
        ],
    )
    def test_split_ports_on_the_way_back_count_if_none_is_left_out(self, back, expected):
        known = inventory(
            group("tcp 80 from 0.0.0.0/0", *back), prefix_list("pl-all", "0.0.0.0/0"), interface("0.0.0.0/0")
        )
        at = matcher(known, openness=Openness(rules=OpenRules.COVERED))
        assert expected == at.is_open_back(header(WEB_4))
        assert (back == ["all to 0.0.0.0/0"]) == matcher(known).is_open_back(header(WEB_4))


LISTED_ONES = ("tcp 80 from pl-all", "all to pl-all")


class TestOpenness:
    """Each question that AWS's text leaves open, answered the other way."""

    @pytest.mark.parametrize(
        ("rules", "expected"), [(OpenRules.LITERAL, None), (OpenRules.LISTED, "tcp 80 from pl-all")]
    )
    def test_a_prefix_list_of_everyone(self, rules, expected):
        known = inventory(group(*LISTED_ONES), prefix_list("pl-all", "0.0.0.0/1", "128.0.0.0/1"), interface())
        assert open_text(matcher(known, openness=Openness(rules=rules)), WEB_4) == expected

    @pytest.mark.parametrize("entries", [["0.0.0.0/1"], ["::/0"]])
    def test_a_prefix_list_that_leaves_out_somebody_of_the_family(self, entries):
        known = inventory(group(*LISTED_ONES), prefix_list("pl-all", *entries), interface())
        assert open_text(matcher(known, openness=Openness(rules=OpenRules.LISTED)), WEB_4) is None

    def test_split_blocks_are_no_list(self):
        at = of_rules(*TestCovered.HALVES, "all to 0.0.0.0/0", openness=Openness(rules=OpenRules.LISTED))
        assert open_text(at, WEB_4) is None

    @pytest.mark.parametrize(("back", "expected"), [("tcp all", None), ("all", "tcp 80 from 0.0.0.0/0")])
    def test_a_way_back_of_the_own_protocol_alone(self, back, expected):
        rules = ("tcp 80 from 0.0.0.0/0", f"{back} to 0.0.0.0/0")
        assert open_text(of_rules(*rules), WEB_4) == "tcp 80 from 0.0.0.0/0"
        assert open_text(of_rules(*rules, openness=Openness(own_protocol=False)), WEB_4) == expected

    def test_blocks_of_the_own_protocol_cover_no_way_back_for_all(self):
        rules = ("tcp 80 from 0.0.0.0/0", "tcp all to 0.0.0.0/1", "tcp all to 128.0.0.0/1")
        covered = Openness(rules=OpenRules.COVERED)
        assert open_text(of_rules(*rules, openness=covered), WEB_4) is not None
        assert open_text(of_rules(*rules, openness=evolve(covered, own_protocol=False)), WEB_4) is None

    @pytest.mark.parametrize("rules", OpenRules)
    def test_a_rule_there_and_a_rule_back_of_two_groups(self, rules):
        there, back = group("tcp 80 from 0.0.0.0/0"), group("all to 0.0.0.0/0", group_id="sg-out")
        apart = inventory(there, back, interface(groups=["sg-web", "sg-out"]))
        openness = Openness(rules=rules, across_groups=False)
        assert open_text(matcher(apart, openness=openness), WEB_4) is None
        assert matcher(apart, openness=openness).is_open_back(header(WEB_4))
        both = evolve(back, rules=(*back.rules, rule("tcp 80 from 0.0.0.0/0", group_id="sg-out")))
        at = matcher(inventory(there, both, interface(groups=["sg-web", "sg-out"])), openness=openness)
        found = at.open_rule(header(WEB_4))
        assert found is not None
        assert (found.ref.group_id, at.way_back(header(WEB_4), "sg-web")) == ("sg-out", None)

    def test_halves_of_two_groups_cover_nobody_if_groups_do_not_pair(self):
        halves = [group("all from 0.0.0.0/1", "all to 0.0.0.0/0"), group("all from 128.0.0.0/1", group_id="sg-2")]
        known = inventory(*halves, interface(groups=["sg-web", "sg-2"]))
        covered = Openness(rules=OpenRules.COVERED)
        assert open_text(matcher(known, openness=covered), WEB_4) is not None
        apart = matcher(known, openness=evolve(covered, across_groups=False))
        assert open_text(apart, WEB_4) is None
        assert open_text(apart, "tcp 10.0.0.7:40000 -> 192.0.2.10:80") is None

    def test_halves_of_two_groups_open_no_way_back_if_groups_do_not_pair(self):
        halves = [group("all to 0.0.0.0/1"), group("all to 128.0.0.0/1", group_id="sg-2")]
        known = inventory(*halves, interface(groups=["sg-web", "sg-2"]))
        covered = Openness(rules=OpenRules.COVERED)
        assert matcher(known, openness=covered).is_open_back(header(WEB_4))
        assert not matcher(known, openness=evolve(covered, across_groups=False)).is_open_back(header(WEB_4))

    def test_halves_of_icmp_open_a_way_back_for_icmp_of_their_family(self):
        at = of_rules("icmp all to 0.0.0.0/1", "icmp all to 128.0.0.0/1", openness=Openness(rules=OpenRules.COVERED))
        assert at.is_open_back(header(PING_4))
        assert not at.is_open_back(header(WEB_4))

    def test_a_narrow_rule_beside_an_open_one(self):
        rules = ("tcp 80 from 0.0.0.0/0", "tcp 80 from 198.51.100.7/32", "all to 0.0.0.0/0")
        at = of_rules(*rules, openness=Openness(beside_narrow=False))
        assert open_text(of_rules(*rules), WEB_4) == "tcp 80 from 0.0.0.0/0"
        assert open_text(at, WEB_4) is None
        assert open_text(at, WEB_4.replace("198.51.100.7", "198.51.100.8")) == "tcp 80 from 0.0.0.0/0"


MEMBERS = networks("192.0.2.8/29", "2001:db8::8/125")
LISTED = networks("0.0.0.0/1", "192.0.2.4/32", "2001:db8::/124")


def plainly_admits(each: Rule, sent: Header) -> bool:
    """What `[aws-api]` says, in as many words."""
    if each.direction is not sent.direction or each.protocol not in {-1, sent.protocol}:
        return False
    if each.protocol in {1, 58} and (each.protocol == 1) != (sent.family == 4):
        return False
    if each.ports and not (
        each.ports.first <= sent.port <= each.ports.last if sent.port is not None else each.ports.is_all
    ):
        return False
    if each.icmp and each.icmp.icmp_type is not None:
        if each.icmp.icmp_type != sent.icmp_type:
            return False
        if each.icmp.icmp_code is not None and each.icmp.icmp_code != sent.icmp_code:
            return False
    blocks = {"sg-2": MEMBERS, "pl-1": LISTED}.get(str(each.peer)) or [IPNetwork(str(each.peer))]
    return any(IPAddress(sent.peer, int(sent.family)) in block for block in blocks)


rule_lists = st.lists(strategies.rules(references=("sg-2", "pl-1")), max_size=8)


def of_oracle(rules: list[Rule]) -> RuleMatcher:
    return matcher(
        inventory(
            group(*rules),
            interface("192.0.2.10"),
            prefix_list("pl-1", *map(str, LISTED)),
            members={"sg-2": AddressSet.of(MEMBERS)},
        )
    )


@given(rule_lists, strategies.headers())
def test_admitting_rules_are_those_that_plainly_admit(rules, sent):
    at = of_oracle(rules)
    expected = [each.text for each in rules if plainly_admits(each, sent)]
    assert expected == texts(list(at.admitting(sent)))
    first = at.first_admitting(sent)
    assert expected[:1] == ([first.rule.text] if first else [])


@given(rule_lists.filter(bool), st.data())
def test_a_packet_made_to_fit_a_rule_is_admitted_by_it(rules, data):
    each = data.draw(st.sampled_from(rules))
    blocks = {"sg-2": MEMBERS, "pl-1": LISTED}.get(str(each.peer)) or [IPNetwork(str(each.peer))]
    block = data.draw(st.sampled_from(blocks))
    protocol = 6 if each.protocol == -1 else each.protocol
    sent = Header(
        each.direction,
        Family(block.version),
        data.draw(st.sampled_from([block.first, block.last])),
        protocol,
        (data.draw(st.sampled_from([each.ports.first, each.ports.last])) if each.ports else 80)
        if protocol in {6, 17}
        else None,
        each.icmp.icmp_type if each.icmp and each.icmp.icmp_type is not None else 8,
        each.icmp.icmp_code if each.icmp and each.icmp.icmp_code is not None else 0,
    )
    if protocol in {1, 58} and (protocol == 1) != (block.version == 4):
        return
    assert each.text in texts(list(of_oracle(rules).admitting(sent)))


open_peers = st.sampled_from(["0.0.0.0/0", "::/0", "0.0.0.0/1", "2001:db8::/32", "192.0.2.0/24"])
open_services = st.sampled_from(["all", "tcp all", "tcp 80", "tcp 0-65534", "udp all", "udp 53", "47", "icmp all"])
near_open_rules = st.builds(
    lambda service, way, peer: rule(f"{service} {way} {peer}"),
    open_services,
    st.sampled_from(["from", "to"]),
    open_peers,
)


@given(st.lists(near_open_rules, max_size=6), strategies.headers())
@example([rule("tcp 80 from 0.0.0.0/0"), rule("all to 0.0.0.0/0")], header(WEB_4))
def test_a_flow_is_left_open_by_one_literal_rule_each_way(rules, sent):
    everyone = "0.0.0.0/0" if sent.family == 4 else "::/0"
    there = [each for each in rules if plainly_admits(each, sent) and str(each.peer) == everyone]
    back = [
        each
        for each in rules
        if each.direction is not sent.direction
        and str(each.peer) == everyone
        and each.protocol in {-1, sent.protocol}
        and (each.ports is None or (each.ports.first, each.ports.last) == (0, 65535))
    ]
    expected = there[0].text if there and back else None
    found = of_oracle(rules).open_rule(sent)
    assert expected == (found.rule.text if found else None)


@given(st.lists(near_open_rules, max_size=6), strategies.headers())
def test_whatever_is_literally_open_is_covered(rules, sent):
    known = inventory(group(*rules), interface())
    if matcher(known).open_rule(sent) is not None:
        assert matcher(known, openness=Openness(rules=OpenRules.COVERED)).open_rule(sent) is not None


def test_a_reference_is_shown_as_its_author_wrote_it():
    assert isinstance(rule("tcp 80 from 192.0.2.0/24").peer, Cidr)
    at = of_rules(rule("tcp 80 from 0.0.0.0/0", rule_id="sgr-1", description="web"))
    first = at.first_admitting(header(WEB_4))
    assert first is not None
    assert (first.ref.rule_id, first.ref.text, first.ref.description) == ("sgr-1", "tcp 80 from 0.0.0.0/0", "web")
