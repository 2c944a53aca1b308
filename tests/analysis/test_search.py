"""Searching for a packet, against the engine on every packet of a small question."""

import pytest
from analysis.random_networks import networks
from attrs import evolve
from builders import group, interface, inventory
from hypothesis import given, settings
from hypothesis import strategies as st

from sgsim.analysis.question import Question, Wording
from sgsim.analysis.search import search
from sgsim.analysis.witness import opening_packet
from sgsim.errors import ConfigError, UnresolvedReferenceError
from sgsim.model.address import Family, parse_address
from sgsim.model.decision import Reason, Verdict
from sgsim.rules.address_set import AddressSet
from sgsim.rules.ranges import merged
from sgsim.simulation.check import check_packet

SOURCES = ["192.0.2.10", "192.0.2.11", "203.0.113.5", "198.51.100.9", "0.0.0.1", "169.254.169.253"]
DESTINATIONS = ["192.0.2.10", "192.0.2.11", "203.0.113.5", "255.255.255.255", "169.254.169.254"]
SERVICES = [(6 << 16) + 80, (6 << 16) + 22, (17 << 16) + 53, (1 << 16) + 8 * 256, 47 << 16]


def addresses(texts):
    return AddressSet(merged((parse_address(text)[0],) * 2 for text in texts))


@settings(max_examples=60)
@given(
    networks(),
    st.lists(st.sampled_from(SOURCES), min_size=1, unique=True),
    st.lists(st.sampled_from(DESTINATIONS), min_size=1, unique=True),
    st.lists(st.sampled_from(SERVICES), min_size=1, unique=True),
    st.sampled_from([Verdict.ALLOW, Verdict.DENY]),
)
def test_a_packet_is_found_exactly_if_there_is_one(known, sources, destinations, services, verdict):
    """search(question) finds a packet exactly if the engine gives one of all packets of the question this verdict."""
    question = Question(
        sources=addresses(sources),
        destinations=addresses(destinations),
        services=merged((service, service) for service in services),
    )
    owners = {str(net.ip): each for each in known.interfaces.values() for net in each.addresses}
    if all(owners.get(source) is owners.get(destination) for source in sources for destination in destinations):
        with pytest.raises(ConfigError, match="question must have a known interface at one end"):
            search(known, question, verdict)
        return
    found = search(known, question, verdict)
    wanted = [
        opening_packet(parse_address(source)[0], parse_address(destination)[0], Family.IPV4, service, 40000)
        for source in sources
        for destination in destinations
        for service in services
        if judged(known, source, destination, service) is verdict
    ]
    assert (found.answer is not None) == bool(wanted)
    assert found.answer is None or found.answer.packet in wanted
    assert found.pairs <= 8


def judged(known, source, destination, service):
    """The verdict of one packet; None if no interface judges it, or groups never filter it somewhere on its way."""
    packet = opening_packet(parse_address(source)[0], parse_address(destination)[0], Family.IPV4, service, 40000)
    owners = {address: at for at in known.interfaces.values() for net in at.addresses for address in [str(net.ip)]}
    here, there = owners.get(source), owners.get(destination)
    if here is there:
        return None
    answer = check_packet(known, packet)
    return None if Reason.EXEMPT in {each.reason for each in answer.decisions} else answer.verdict


@settings(max_examples=40)
@given(networks(), st.sampled_from([Verdict.ALLOW, Verdict.DENY]))
def test_the_largest_question_has_an_answer(known, verdict):
    """Of all packets there is one that is denied; if none is allowed, the interfaces' own rules admit nothing."""
    found = search(known, Question(), verdict)
    if verdict is Verdict.DENY:
        assert found.answer is None or found.answer.verdict is Verdict.DENY
    if verdict is Verdict.ALLOW and any(each.rules for each in known.groups.values()):
        assert found.answer is None or found.answer.verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("known", "sources", "listed"),
    [
        (inventory(group()), ["any"], "known are none: add a document that has it, or --interface ADDRESS=GROUP"),
        (inventory(group(), interface()), ["198.51.100.7"], "known are eni-a: add"),
    ],
)
def test_a_proof_about_nobody_is_refused(known, sources, listed):
    with pytest.raises(ConfigError, match=listed):
        search(known, Wording(sources=sources, destinations=["198.51.100.9"]).question(known), Verdict.ALLOW)


def test_nobody_reaches_a_group_without_members():
    known = evolve(inventory(group(), group(group_id="sg-empty"), interface()), has_interface_document=True)
    found = search(known, Wording(destinations=["sg-empty"]).question(known), Verdict.ALLOW)
    assert (found.answer, found.pairs) == (None, 0)


def two_tier(*db_rules):
    return inventory(
        group("tcp 443 from 0.0.0.0/0", "all to 10.0.0.0/8", group_id="sg-web"),
        group(*db_rules, group_id="sg-db"),
        interface("10.0.1.5", interface_id="eni-web", groups=("sg-web",), instance_id="i-web"),
        interface("10.0.2.9", interface_id="eni-db", groups=("sg-db",)),
    )


def found(known, verdict=Verdict.ALLOW, **words):
    outcome = search(known, Wording(**words).question(known), verdict)
    return outcome.answer and str(outcome.answer.packet)


def test_both_ends_must_allow_it():
    known = two_tier("tcp 5432 from sg-web", "tcp 22 from 0.0.0.0/0")
    assert found(known, sources=["i-web"], destinations=["sg-db"]) == "tcp 10.0.1.5:40000 -> 10.0.2.9:22 S"
    assert found(known, sources=["sg-db"], destinations=["sg-web"]) is None
    assert found(known, destinations=["eni-db"], not_sources=["any"]) is None
    assert found(known, destinations=["eni-db"], not_ports=["22"], not_sources=["sg-web"]) is None


def test_what_is_denied_at_the_sender_is_denied():
    known = two_tier("tcp 5432 from sg-web")
    assert found(known, Verdict.DENY, sources=["eni-db"], destinations=["198.51.100.7"]) is not None
    assert (
        found(known, Verdict.DENY, sources=["eni-web"], destinations=["eni-db"], ports=["5432"], protocols=["tcp"])
        is None
    )


def test_what_nobody_filters_is_not_found():
    known = two_tier("tcp 5432 from sg-web")
    assert found(known, sources=["eni-db"]) is None
    assert found(known, sources=["169.254.169.254"], destinations=["eni-db"]) is None
    assert found(known, Verdict.DENY, sources=["eni-db"], destinations=["169.254.169.253"]) is None


def test_an_answer_that_hinges_on_unknown_members_is_refused():
    known = two_tier("tcp 22 from sg-x", "tcp 80 from 10.0.0.0/8")
    assert found(known, destinations=["eni-db"], ports=["80"]) is not None
    with pytest.raises(UnresolvedReferenceError, match="the answer hinges on sg-x, whose addresses nobody gave"):
        found(known, destinations=["eni-db"], ports=["22"])
    with pytest.raises(UnresolvedReferenceError, match="the answer hinges on sg-x"):
        found(known, Verdict.DENY, destinations=["eni-db"], sources=["198.51.100.7"], ports=["22"], protocols=["tcp"])
    assert found(known, destinations=["eni-db"], ports=["23"]) is None


def test_the_packet_is_one_that_people_know():
    known = two_tier("all from 0.0.0.0/0")
    assert found(known, destinations=["eni-db"], not_sources=["10.0.0.0/8"]) == (
        "tcp 198.51.100.7:40000 -> 10.0.2.9:443 S"
    )
    assert found(known, destinations=["eni-db"], sources=["any"], src_ports=["53"], protocols=["udp"]).startswith("udp")
