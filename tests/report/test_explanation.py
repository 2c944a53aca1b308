"""Whole explanations as a terminal shows them."""

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from attrs import evolve
from builders import group, interface, inventory, packet, rule
from engine.walking import Walk
from report.telling import explained

from sgsim.analysis.explain import explain_packet
from sgsim.analysis.explanation import Explanation, Frame
from sgsim.engine.options import EngineOptions
from sgsim.model.decision import Decision, Reason, Verdict
from sgsim.model.states import Direction
from sgsim.report.explanation import explanation_text
from sgsim.report.explanation_json import check_document, explanation_document
from sgsim.report.sentences import SENTENCES

POSTGRES = "tcp 10.0.2.9:40000 -> 192.0.2.10:5432"
FOOTER = "Numbers are those of the twelve steps; steps that do not concern this packet are left out.\n"


def database(*rules: str, **fields: object):
    described = evolve(rule("tcp 5432 from 10.0.1.0/24"), description="the application")
    return inventory(group(described, *rules, group_id="sg-db", name="db"), interface(groups=("sg-db",)), **fields)


def test_a_denial_is_told_with_its_nearest_rules_and_what_would_help():
    known = database("tcp 22 from 10.0.0.0/8", "udp 53 from 0.0.0.0/0", "tcp 443 from 10.0.0.0/8")
    assert (
        explanation_text(explain_packet(known, packet(POSTGRES)))
        == f"""\
DENY  {POSTGRES}

eni-a, inbound: DENY (no_rule)
  {SENTENCES[Reason.NO_RULE]}
  eni-a owns the destination 192.0.2.10. Its group is sg-db (db).

   1  exempt     No. Groups never filter the network's own DNS, DHCP, metadata, time and neighbour services;
                 this is none.
   2  expire     No entry has run out at this moment; the table is empty.
   5  tracked    No flow with these addresses and ports is remembered: the packet must be admitted by itself.
   8  rules      None of the 4 inbound rules of sg-db (db) admits tcp port 5432 from 10.0.2.9. What no rule
                 admits is dropped without an answer.

  Rules that come nearest to admitting it:
    - tcp 5432 from 10.0.1.0/24, "the application": source 10.0.2.9 is not in 10.0.1.0/24
      sg-db:ingress:tcp:5432:10.0.1.0/24, of sg-db (db)
    - tcp 443 from 10.0.0.0/8: port 5432 is not in 443
      sg-db:ingress:tcp:443:10.0.0.0/8, of sg-db (db)
    - tcp 22 from 10.0.0.0/8: port 5432 is not in 22
      sg-db:ingress:tcp:22:10.0.0.0/8, of sg-db (db)
    and 1 more, further away

  The smallest rule that would let it pass here: inbound, tcp 5432 from 10.0.2.9/32.

{FOOTER}"""
    )


def test_a_new_flow_is_told_from_rules_to_entry():
    told = explanation_text(explain_packet(database(), packet("tcp 10.0.1.5:40000 -> 192.0.2.10:5432")))
    assert (
        told
        == f"""\
ALLOW  tcp 10.0.1.5:40000 -> 192.0.2.10:5432

eni-a, inbound: ALLOW (rule, state new)
  {SENTENCES[Reason.RULE]}
  eni-a owns the destination 192.0.2.10. Its group is sg-db (db).

   1  exempt     No. Groups never filter the network's own DNS, DHCP, metadata, time and neighbour services;
                 this is none.
   2  expire     No entry has run out at this moment; the table is empty.
   5  tracked    No flow with these addresses and ports is remembered: the packet must be admitted by itself.
   8  rules      Inbound rule 'tcp 5432 from 10.0.1.0/24' of sg-db (db) admits it.
   9  bypass     The flow is tracked: no outbound rule is open to everyone (0.0.0.0/0) on all ports.
  10  opening    A SYN opens a connection.
  11  room       There is room: no capacity is given, so the table has no limit.
  12  enter      The flow gets an entry in state SYN_SENT: from now on its packets pass both ways, whatever
                 the rules say. It runs out after 120 s of silence.

{FOOTER}"""
    )


def test_data_after_silence_is_told_with_the_end_of_its_flow():
    walk = Walk(database())
    for second, flags in enumerate(("S", "A")):
        walk.send(f"tcp 10.0.1.5:40000 -> 192.0.2.10:5432 {flags}", second)
    told = explanation_text(explained(walk, "tcp 10.0.1.5:40000 -> 192.0.2.10:5432 PA", 500))
    assert (
        "   5  tracked    No flow with these addresses and ports is remembered any more. The last one ended in state\n"
        "                 SYN_SENT 379 s before: it had been silent for its timeout, 120 s. Nobody is told of that.\n"
    ) in told
    assert "DENY (midstream)" in told


def test_two_interfaces_are_told_one_after_the_other():
    known = inventory(
        group("tcp 5432 from sg-app", group_id="sg-db"),
        group("tcp all to sg-db", group_id="sg-app"),
        interface("10.0.2.9", interface_id="eni-app", groups=("sg-app",)),
        interface(groups=("sg-db",)),
    )
    told = explanation_text(explain_packet(known, packet(POSTGRES))).splitlines()
    titles = [line for line in told if line.startswith("eni-")]
    assert titles == ["eni-app, outbound: ALLOW (rule, state new)", "eni-a, inbound: ALLOW (rule, state new)"]
    back = explanation_text(explain_packet(known, packet("udp 10.0.2.9:40000 -> 192.0.2.10:5432")))
    assert "\nIt is denied before it comes to eni-a, whose rules are not asked.\n" in back


def test_a_packet_that_no_rule_alone_would_help_is_told_so():
    told = explanation_text(explain_packet(database(), packet(f"{POSTGRES} A")))
    assert (
        "  No rule alone would let it pass: only a SYN opens a tracked connection, and this is an ACK. Its connection\n"
        "  must be in the table.\n"
    ) in told
    full = explanation_text(explain_packet(database(), packet(POSTGRES), EngineOptions(capacity=0)))
    assert "  No rule alone would let it pass: the table has no room for its flow.\n" in full


def test_a_bound_capture_is_told_as_such():
    sent = evolve(packet("tcp 203.0.113.1:1 -> 203.0.113.2:2"), taken_at="eni-a", direction=Direction.EGRESS)
    told = explanation_text(explain_packet(database(), sent))
    assert "  The capture was taken at eni-a and says that the packet is outbound. Its group is sg-db (db).\n" in told


def unread(reason: Reason) -> Explanation:
    """A frame that no interface judged."""
    return Explanation(
        packet=None,
        verdict=Verdict.SKIP,
        decisions=(Decision(Verdict.SKIP, reason),),
        profile=EngineOptions().profile,
        stops=(),
        frame=Frame(file="web.pcap", number=3, after_ns=1_500_000_000, late_ns=0),
        group_names={},
    )


def test_a_frame_that_is_not_read_says_why():
    assert (
        explanation_text(unread(Reason.NOT_IP))
        == """\
SKIP  no packet that can be read
      packet 3 of web.pcap, 1.5 s after the first

It is not an IP packet: ARP, LLDP and the like. No filter judges it.
"""
    )


def test_a_late_packet_is_told_so():
    late = evolve(unread(Reason.TRUNCATED), frame=Frame(file="a", number=1, after_ns=0, late_ns=2_500_000))
    told = explanation_text(late)
    assert "its time is 2.5 ms before that of an earlier packet; it is judged at the later time" in told


@pytest.mark.parametrize("reason", [Reason.NO_INTERFACE, Reason.LOCAL])
def test_a_packet_that_no_interface_judges_says_why(reason):
    told = explanation_text(evolve(unread(reason), packet=packet(POSTGRES)))
    assert SENTENCES[reason] in told


def schema(name: str) -> Any:
    return json.loads((files("sgsim.data") / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))


def walked(*steps: str, **options: object) -> Explanation:
    """An explanation of the last of some packets, a second apart."""
    walk = Walk(database("all from 0.0.0.0/0", "icmp all from 0.0.0.0/0"), recorded=True, **options)
    for second, text in enumerate(steps[:-1]):
        walk.send(text, second)
    return explained(walk, steps[-1], len(steps))


@pytest.mark.parametrize(
    "explanation",
    [
        explain_packet(database(), packet(POSTGRES)),
        explain_packet(database("all to 0.0.0.0/0", "tcp all from 0.0.0.0/0"), packet(POSTGRES)),
        walked(POSTGRES, POSTGRES),
        walked(POSTGRES, "tcp 192.0.2.10:5432 -> 10.0.2.9:40000 SA"),
        walked("tcp 192.0.2.10:1 -> 10.0.2.9:2 S", "tcp 10.0.2.9:2 -> 192.0.2.10:1 SA"),
        walked(POSTGRES, "tcp 10.0.2.9:40001 -> 192.0.2.10:5432", capacity=1),
        walked("icmp 10.0.2.9 -> 192.0.2.10 type 3 code 1"),
        walked("tcp 192.0.2.10:5432 -> 10.0.2.9:40000 SA"),
        unread(Reason.MALFORMED),
    ],
)
def test_json_is_what_the_schemas_say(explanation):
    for name, document in (("check", check_document(explanation)), ("explain", explanation_document(explanation))):
        jsonschema.Draft202012Validator.check_schema(schema(name))
        jsonschema.validate(json.loads(json.dumps(document)), schema(name))


def test_json_has_each_step_with_its_sentence_and_facts():
    (decision,) = explanation_document(walked(POSTGRES, "tcp 192.0.2.10:5432 -> 10.0.2.9:40000 SA"))["decisions"]
    tracked = next(step for step in decision["steps"] if step["step"] == "tracked")
    assert (tracked["number"], tracked["outcome"]) == (5, "moved")
    assert (tracked["facts"]["before"], tracked["facts"]["after"]) == ("syn_sent", "syn_recv")
    assert tracked["facts"]["entry"]["remaining_s"] == 118
    assert decision["flow_after"]["remaining_s"] == 60
    assert tracked["sentence"] in " ".join(
        explanation_text(walked(POSTGRES, "tcp 192.0.2.10:5432 -> 10.0.2.9:40000 SA")).split()
    )
