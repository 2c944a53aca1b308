import json
from copy import deepcopy
from typing import Any

import pytest

from sgsim.errors import SgsimError
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.packet import Fragment
from sgsim.model.standing import Standing
from sgsim.testing.vector_files import bundled_files, load_vectors
from sgsim.testing.vectors import Answer, Counters

HOST = {
    "NetworkInterfaces": [
        {"NetworkInterfaceId": "eni-a", "PrivateIpAddress": "10.0.0.5", "Groups": [{"GroupId": "sg-a"}]}
    ]
}
RULES = {
    "SecurityGroups": [
        {
            "GroupId": "sg-a",
            "IpPermissions": [
                {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "198.51.100.0/24"}]}
            ],
        }
    ]
}
SYN = "tcp 198.51.100.7:40000 -> 10.0.0.5:443 S"
STEP = {"at_s": 0.5, "packet": SYN, "verdict": "allow", "reason": "rule", "state": "new", "live": 1}
VECTOR = {
    "id": "web",
    "title": "A SYN that a rule admits",
    "proves": ["mine"],
    "profile": "aws-nitro",
    "documents": ["host", "rules"],
    "steps": [STEP],
}
STATEMENT = {"id": "mine", "section": "1.1", "text": "So it is.", "standing": "observed", "sources": ["o-me"]}
FILE = {
    "schema_version": 1,
    "topic": "mine",
    "title": "Of my own",
    "statements": [STATEMENT],
    "documents": {"host": HOST, "rules": RULES},
    "vectors": [VECTOR],
}


@pytest.fixture
def read(tmp_path):
    """Write a file of vectors, with what a test changes in its one vector, and read it."""

    def read(change=lambda _: None, **members):
        content: dict[str, Any] = deepcopy(FILE | members)
        change(content["vectors"][0])
        (tmp_path / "mine.json").write_text(json.dumps(content), encoding="utf-8")
        return load_vectors([tmp_path / "mine.json"])

    return read


def test_a_vector_as_it_is_written(read):
    suite = read()
    (vector,) = suite.vectors
    assert (vector.name, vector.proves, vector.options.profile.name) == ("mine/web", ("mine",), "aws-nitro")
    assert list(vector.inventory.interfaces) == ["eni-a"]
    (step,) = vector.steps
    assert (step.time_ns, str(step.packet), step.counters) == (500_000_000, SYN, Counters(1))
    assert step.answers == (Answer("allow", "rule", "new"),)
    assert suite.statements["mine"].standing is Standing.OBSERVED
    assert suite.proofs() == {"mine": ["mine/web"]}


def test_settings_and_options(read):
    (vector,) = read(
        lambda vector: (
            vector.update(settings={"udp_s": 60, "midstream": "pickup"}, capacity=3, remember=2, recorded=True),
            vector["steps"][0].update(available=2, exceeded=0),
        )
    ).vectors
    settings = dict(vector.options.profile.settings())
    assert (settings["udp_s"].value, str(settings["midstream"].value)) == (60, "pickup")
    assert (vector.options.capacity, vector.options.remember, vector.options.recorded) == (3, 2, True)
    assert vector.steps[0].counters == Counters(1, 2, 0)


def test_timeouts_that_beat_all_others(read):
    (vector,) = read(lambda vector: vector.update(timeouts={"tcp_established_s": 100, "udp_s": 30.5})).vectors
    assert vector.options.timeouts == TimeoutOverrides(tcp_established_s=100.0, udp_s=30.5)


def test_fragments_and_quotes_and_where_a_packet_is_judged(read):
    (vector,) = read(
        lambda vector: vector["steps"][0].update(
            fragment={"identification": 7, "offset_bytes": 0, "more": True}, at="eni-a", length_bytes=60, quotes=SYN
        )
    ).vectors
    packet = vector.steps[0].packet
    assert packet.fragment == Fragment(7, 0, more=True)
    assert (packet.taken_at, packet.length_bytes, packet.quote.five_tuple) == ("eni-a", 60, packet.five_tuple)


def test_only_what_is_given_is_compared(read):
    (vector,) = read(lambda vector: vector["steps"][0].update(tcp_state="syn_sent", rule="sgr-1")).vectors
    (answer,) = vector.steps[0].answers
    assert answer.asked == ("verdict", "reason", "state", "tcp_state", "rule")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda v: v.update(profile="gcp"),
            "vectors[0]: profile must be one of aws-nitro, aws-nitro-v6, linux, got 'gcp'",
        ),
        (lambda v: v.update(proves=["yours"]), "mine/web must prove a statement that is there, got 'yours'"),
        (lambda v: v.pop("proves"), "vectors[0]: vector must prove a statement or hinge on a setting, got neither"),
        (lambda v: v.update(hinges_on=["udp"]), "vectors[0].hinges_on[0]: setting must be one of tcp_established_s, "),
        (lambda v: v.update(documents=["rule"]), "document must be one of host, rules, got rule"),
        (lambda v: v.update(settings={"udp_s": 61}), "vectors[0]: udp_s must be 30..60 seconds, got 61.0"),
        (lambda v: v.update(timeouts={"udp_s": 61}), "vectors[0]: udp_s must be 30..60 seconds, got 61.0"),
        (lambda v: v.update(timeouts={"udp_s": "1"}), "vectors[0]: udp_s must be a number, got '1'"),
        (lambda v: v.update(timeouts={"udp_s": None}), "udp_s must be a number of seconds, got null"),
        (
            lambda v: v.update(timeouts={"icmp_s": 1}),
            "vectors[0].timeouts.icmp_s: key must be one of tcp_established_s, ",
        ),
        (lambda v: v.update(colour="red"), "vectors[0].colour: key must be one of id, title, "),
        (lambda v: v.update(capacity=1), "vectors[0].steps[0]: available must be there with a capacity, got none"),
        (lambda v: v["steps"][0].update(exceeded=1), "exceeded must be left out without a capacity, got exceeded"),
        (lambda v: v["steps"][0].pop("live"), "steps[0] must have live, got only at_s, packet, verdict, reason, state"),
        (
            lambda v: v["steps"][0].update(at_s="1"),
            "vectors[0].steps[0].at_s: at_s must be a number of seconds, got '1'",
        ),
        (lambda v: v["steps"][0].update(packet="tcp a"), "vectors[0].steps[0]: packet must be PROTOCOL SOURCE"),
        (lambda v: v["steps"][0].pop("packet"), "key must stand in a step with a packet, got 'verdict' without one"),
        (lambda v: v.update(recorded="yes"), "vectors[0].recorded: recorded must be true or false, got 'yes'"),
    ],
)
def test_what_no_vector_can_say_is_refused_with_its_place(read, change, message):
    with pytest.raises(SgsimError) as refusal:
        read(change)
    assert str(refusal.value).count("\n") == 0
    assert "mine.json" in str(refusal.value)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"schema_version": 2}, "schema_version must be 1, got 2"),
        ({"vectors": [VECTOR, VECTOR]}, "id must be used once, got vector mine/web again"),
        ({"statements": [STATEMENT, STATEMENT]}, "id must be used once, got statement mine again"),
        (
            {"statements": [STATEMENT | {"standing": "given"}]},
            "standing must be one of documented, standard, observed, ",
        ),
        (
            {"documents": {"host": HOST, "rules": {"SecurityGroup": []}}},
            "rules: document must be one of: output of aws",
        ),
    ],
)
def test_what_no_file_can_say_is_refused(read, members, message):
    content = deepcopy(FILE | members)
    with pytest.raises(SgsimError) as refusal:
        read(**content)
    assert message in str(refusal.value)


def test_files_that_are_none(tmp_path):
    for text, message in (
        ("{", "document must be well-formed JSON"),
        ("{}{}", "vectors must be one JSON document, got several"),
        ("[]", "document must be an object, got a list of 0"),
    ):
        (tmp_path / "mine.json").write_text(text, encoding="utf-8")
        with pytest.raises(SgsimError, match=message):
            load_vectors([tmp_path / "mine.json"])
    with pytest.raises(SgsimError, match="vectors must be a readable file, got: No such file"):
        load_vectors([tmp_path / "none.json"])


def test_a_directory_is_its_files_of_vectors(read, tmp_path):
    read()
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    assert [vector.name for vector in load_vectors([tmp_path]).vectors] == ["mine/web"]
    (tmp_path / "mine.json").unlink()
    with pytest.raises(SgsimError, match="directory must hold files of vectors"):
        load_vectors([tmp_path])


def test_statements_of_the_package_may_be_proved(read):
    suite = read(lambda vector: vector.update(proves=["entry-first"]))
    assert [vector.proves for vector in suite.vectors] == [("entry-first",)]


def test_the_bundled_files_are_found():
    assert {"tcp", "untracked", "timeouts"} < {path.stem for path in bundled_files()}
