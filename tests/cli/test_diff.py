"""`sgsim diff` as a user meets it."""

import json
from importlib.resources import files

import jsonschema
import pytest
from cli.web_traffic import capture

import sgsim as package

OLD = """
groups:
  sg-web:
    name: web
    ingress:
      - {protocol: tcp, ports: 22, from: 10.0.0.0/27, id: sgr-1, description: SSH}
      - {protocol: tcp, ports: 80, from: 0.0.0.0/0}
    egress:
      - {protocol: all, to: 0.0.0.0/0}
"""
NEW = OLD.replace("10.0.0.0/27", "10.0.0.0/26").replace("all, to", "udp, ports: 0-65535, to")
INTERFACES = "interfaces: {eni-a: {addresses: 10.0.1.5, groups: sg-web}}"
INTENDED = """
allow: {web: {ingress: [{protocol: tcp, ports: 20-25, from: 10.0.0.0/24}, {protocol: udp, ports: 53, from: sg-web}]}}
deny: {any: {egress: [{protocol: all, to: 0.0.0.0/0}]}}
track: {eni-a: {ingress: [{protocol: tcp, ports: 80, from: 0.0.0.0/0}]}}
"""


@pytest.fixture
def sides(here):
    for name, text in (
        ("old.yaml", OLD), ("new.yaml", NEW), ("eni.yaml", INTERFACES), ("intended.yaml", INTENDED)
    ):  # fmt: skip
        (here / name).write_text(text, encoding="utf-8")
    return here


SCHEMA = json.loads((files("sgsim.data") / "schemas" / "diff.schema.json").read_text(encoding="utf-8"))


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.usefixtures("sides")
def test_text_tells_what_differs(sgsim, golden):
    result = sgsim("diff", "-r", "eni.yaml", "old.yaml", "new.yaml")
    assert result.exit_code == 1
    golden("diff.txt", result.stdout)


@pytest.mark.usefixtures("sides")
def test_markdown_is_for_pull_requests(sgsim, golden):
    result = sgsim("diff", "--format", "markdown", "-r", "eni.yaml", "old.yaml", "new.yaml")
    assert result.exit_code == 1
    golden("diff.md", result.stdout)


@pytest.mark.usefixtures("sides")
def test_json_is_what_the_schema_says(sgsim):
    result = sgsim("diff", "--format", "json", "-r", "eni.yaml", "old.yaml", "new.yaml")
    document = json.loads(result.stdout)
    jsonschema.validate(document, SCHEMA)
    assert result.exit_code == 1
    assert document["differs"] is True
    assert document["summary"] == {"newly_allowed": 1, "newly_denied": 1, "now_tracked": 1, "now_untracked": 0}
    allowed = document["groups"][0]["differences"][0]
    assert allowed["addresses"] == ["10.0.0.32/27"]
    assert allowed["services"] == [{"text": "tcp 22", "protocol": 6, "first": 22, "last": 22}]
    assert allowed["example"] == {"packet": "tcp 10.0.0.33:40000 -> 10.0.1.5:22 S", "at": None, "member_of": None}
    assert document["interfaces"][0]["differences"][0]["example"]["at"] == "eni-a"


@pytest.mark.usefixtures("sides")
def test_no_difference_is_exit_code_0(sgsim):
    result = sgsim("diff", "old.yaml", "old.yaml")
    assert (result.exit_code, result.stdout) == (
        0, "No difference\n  1 group: the same packets pass, and the same flows are tracked.\n"
    )  # fmt: skip
    document = json.loads(sgsim("diff", "--format", "json", "old.yaml", "old.yaml").stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["differs"] is False


@pytest.mark.usefixtures("sides")
def test_what_was_passed_over_in_documents_is_noted(sgsim, here):
    template = {"Resources": {"Web": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupName": "web"}}}}
    (here / "template.json").write_text(json.dumps(template), encoding="utf-8")
    expected = (
        "template.json: groups without SecurityGroupEgress get CloudFormation's default: all traffic to 0.0.0.0/0 and "
        "::/0: Web."
    )
    assert json.loads(sgsim("diff", "--format", "json", "old.yaml", "template.json").stdout)["notes"] == [expected]
    assert expected in " ".join(sgsim("diff", "old.yaml", "template.json").stdout.split())


@pytest.mark.usefixtures("sides")
def test_what_is_intended_is_exit_code_0(sgsim, here):
    args = ("diff", "-r", "eni.yaml", "--intended", "intended.yaml", "old.yaml", "new.yaml")
    result = sgsim(*args)
    assert result.exit_code == 0
    assert "As intended\n  Nothing differs beyond what is intended.\n" in result.stdout
    assert "not part of it  allow sg-web ingress udp 53 from sg-web" in result.stdout
    (here / "intended.yaml").write_text(INTENDED.replace("10.0.0.0/24", "10.0.0.0/28"), encoding="utf-8")
    result = sgsim(*args)
    assert result.exit_code == 1
    assert "Not intended\n  2 differences beyond what is intended.\n" in result.stdout
    document = json.loads(sgsim(*args, "--format", "json").stdout)
    jsonschema.validate(document, SCHEMA)
    assert [(each["group_id"], each["interface_id"]) for each in document["intended"]["beyond"]] == [
        ("sg-web", None), (None, "eni-a")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("permit: {}", "key must be one of allow, deny, track, untrack, got 'permit'"),
        ("allow: {sg-no: {}}", "subject must be any, or a group or interface of either side, got 'sg-no'; known are"),
        ("allow: {web: {ingress: [{protocol: tcp, from: 10.0.0.0/8}]}}", "tcp must have ports, got none"),
        ("allow: {web: {rules: []}}", "key must be one of ingress, egress, got 'rules'"),
    ],
)
@pytest.mark.usefixtures("sides")
def test_a_wrong_intent_is_refused_with_its_place(refused, here, text, expected):
    (here / "intended.yaml").write_text(text, encoding="utf-8")
    line = refused("diff", "--intended", "intended.yaml", "old.yaml", "new.yaml")
    assert line.startswith("intended.yaml, line 1, column ")
    assert expected in line


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("--map", "sg-web", "old.yaml", "new.yaml"), "--map must be OLD=NEW with each group once, got 'sg-web'"),
        (
            ("--map", "sg-no=sg-web", "old.yaml", "new.yaml"),
            "--map sg-no=sg-web: group must be one that a document describes, got 'sg-no'; known are sg-web",
        ),
        (("old.yaml", "none.yaml"), "none.yaml: document must be a readable file, got: No such file or directory"),
        (("old.yaml",), "document must be a Terraform plan to have a side"),
    ],
)
@pytest.mark.usefixtures("sides")
def test_bad_input_is_refused(refused, args, expected):
    assert expected in refused("diff", *args)


TRAFFIC = (
    "tcp 10.0.0.40:40000 -> 10.0.1.5:22 S",
    "tcp 198.51.100.7:40000 -> 10.0.1.5:80 S",
    "tcp 10.0.1.5:80 -> 198.51.100.7:40000 SA",
    "tcp 198.51.100.7:40000 -> 10.0.1.5:80 A",
)


@pytest.fixture
def traffic(sides):
    (sides / "web.pcap").write_bytes(capture(*TRAFFIC))
    return ("diff", "-r", "eni.yaml", "-t", "web.pcap", "--cold-start", "old.yaml", "new.yaml")


def test_traffic_tells_what_breaks(sgsim, golden, traffic):
    result = sgsim(*traffic)
    assert result.exit_code == 1
    golden("diff-traffic.txt", "Recorded traffic" + result.stdout.partition("Recorded traffic")[2])
    result = sgsim(*traffic, "--at", "2.5")
    assert result.exit_code == 1
    golden("diff-traffic-at.txt", "Recorded traffic" + result.stdout.partition("Recorded traffic")[2])


def test_traffic_in_json_is_what_the_schema_says(sgsim, traffic):
    for more in ((), ("--at", "2.5"), ("--at", "1000")):
        document = json.loads(sgsim(*traffic, *more, "--format", "json").stdout)
        jsonschema.validate(document, SCHEMA)
        assert document["traffic"]["packets"] == 4
    assert document["traffic"]["was_reached"] is False
    document = json.loads(sgsim(*traffic, "--format", "json").stdout)
    assert document["traffic"]["counts"]["newly_allowed"] == {"flows": 1, "packets": 1, "bytes": 54}
    assert document["traffic"]["counts"]["now_tracked"]["packets"] == 3


def test_the_same_rules_are_exit_code_0_with_traffic(sgsim, traffic):
    result = sgsim(*traffic[:-1], "old.yaml")
    assert result.exit_code == 0
    assert "difference  none: everything fares the same" in result.stdout


@pytest.mark.parametrize("names", [("none.yaml", "bound.yaml"), ("bound.yaml", "none.yaml")])
@pytest.mark.usefixtures("traffic")
def test_packets_at_an_interface_of_one_side_are_said_to_be_not_compared(sgsim, sides, names):
    """Found: of packets that one side alone judges it was said that everything fares the same."""
    (sides / "none.yaml").write_text("groups: {sg-other: {}}", encoding="utf-8")
    (sides / "bound.yaml").write_text(f"{OLD}\n{INTERFACES}", encoding="utf-8")
    args = ("diff", "-t", "web.pcap", "--cold-start", *names)
    result = sgsim(*args)
    assert result.exit_code == 1
    assert "difference    none at interfaces of both sides" in result.stdout
    assert "not compared  packets at eni-a, which only one side has" in result.stdout
    document = json.loads(sgsim(*args, "--format", "json").stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["traffic"]["one_sided"] == ["eni-a"]


def test_options_of_traffic_are_refused_where_they_make_no_sense(refused, traffic):
    assert refused("diff", "--at", "3", "old.yaml", "new.yaml") == "--at must go with -t TRAFFIC, got --at 3 alone"
    assert refused(*traffic, "--at", "noon").startswith("--at must be in seconds from the first packet or as")
    assert "none.pcap" in refused("diff", "-r", "eni.yaml", "-t", "none.pcap", "old.yaml", "new.yaml")


@pytest.mark.usefixtures("traffic")
def test_python_replays_too():
    sides = [package.load("eni.yaml", name) for name in ("old.yaml", "new.yaml")]
    diff = package.diff(*sides, traffic="web.pcap", at_s=2.5, cold_start=True)
    assert diff.traffic is not None
    assert diff.traffic.at_change is not None
    assert [each.fate for each in diff.traffic.at_change.fates] == ["cut"]
    assert "Recorded traffic" in str(diff)


@pytest.mark.usefixtures("sides")
def test_python_gives_the_same(sgsim):
    sides = [package.load("eni.yaml", name) for name in ("old.yaml", "new.yaml")]
    diff = package.diff(*sides, intended="intended.yaml")
    assert diff
    assert diff.is_as_intended
    assert not package.diff(*sides).is_as_intended
    assert str(package.diff(*sides)) + "\n" == sgsim("diff", "-r", "eni.yaml", "old.yaml", "new.yaml").stdout
    assert diff.document == json.loads(
        sgsim(
            "diff", "-r", "eni.yaml", "--intended", "intended.yaml", "--format", "json", "old.yaml", "new.yaml"
        ).stdout
    )
    assert [group.shown_id for group in diff.groups] == ["sg-web"]
    assert [interface.shown_id for interface in diff.interfaces] == ["eni-a"]


@pytest.mark.usefixtures("sides")
def test_github_shows_each_difference_at_the_new_rule(sgsim, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    result = sgsim("diff", "--format", "github", "-r", "eni.yaml", "old.yaml", "new.yaml")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.splitlines() == [
        '::error file=new.yaml,title=Newly allowed,line=6,col=9::sg-web: inbound tcp 22 from 10.0.0.32/27; new rule: tcp 22 from 10.0.0.0/26, "SSH" [sgr-1]; example: tcp 10.0.0.33:40000 -> 10.0.1.5:22',
        "::error file=new.yaml,title=Now tracked,line=7,col=9::sg-web: inbound tcp 80 from 0.0.0.0/0; rule: tcp 80 from 0.0.0.0/0 [sg-web]; example: tcp 198.51.100.7:40000 -> 10.0.1.5:80",
        "::error file=new.yaml,title=Newly denied::sg-web: outbound all traffic except udp 0-65535 to 0.0.0.0/0; old rule: all traffic to 0.0.0.0/0 [sg-web]; example: tcp 10.0.1.5:40000 -> 198.51.100.7:443",
    ]
    same = sgsim("diff", "--format", "github", "-r", "eni.yaml", "old.yaml", "old.yaml")
    assert (same.exit_code, same.stdout) == (0, "")


@pytest.mark.usefixtures("sides")
def test_github_takes_what_is_intended_for_a_notice(sgsim):
    args = ("diff", "--format", "github", "--intended", "intended.yaml", "-r", "eni.yaml", "old.yaml", "new.yaml")
    beyond = json.loads(sgsim(*args[:2], "json", *args[3:]).stdout)["intended"]
    lines = sgsim(*args).stdout.splitlines()
    assert sum(line.startswith("::error") for line in lines) == len(beyond["beyond"])
    assert sum(line.startswith("::notice") for line in lines) == 3 - len(beyond["beyond"])
    assert sum(line.startswith("::warning") for line in lines) == len(beyond["unmet"])


def test_github_tells_what_only_an_interface_has(sgsim, sides):
    (sides / "more.yaml").write_text(
        "groups: {sg-b: {ingress: [{protocol: tcp, ports: 25, from: 10.0.0.9}]}}\n"
        "interfaces: {eni-a: {addresses: 10.0.1.5, groups: [sg-web, sg-b]}, eni-b: {addresses: 10.0.1.6, groups: sg-b}}"
    )
    (sides / "less.yaml").write_text(
        "groups: {sg-b: {ingress: [{protocol: tcp, ports: 25, from: 10.0.0.9}]}}\n"
        "interfaces: {eni-a: {addresses: 10.0.1.5, groups: [sg-web]}}"
    )
    lines = sgsim("diff", "--format", "github", "-r", "old.yaml", "less.yaml", "more.yaml").stdout.splitlines()
    assert lines == [
        "::error file=more.yaml,title=Only on the new side::eni-b: only the new side has it",
        "::error file=more.yaml,title=Newly allowed,line=1,col=27::eni-a: inbound tcp 25 from 10.0.0.9; new rule: tcp 25 from 10.0.0.9/32 [sg-b]; example: tcp 10.0.0.9:40000 -> 10.0.1.5:25",
    ]


@pytest.mark.usefixtures("sides")
def test_the_step_s_summary_gets_the_tables(sgsim, here, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    (here / "summary.md").write_text("Before.\n")
    sgsim("diff", "--format", "github", "-r", "eni.yaml", "old.yaml", "new.yaml")
    told = sgsim("diff", "--format", "markdown", "-r", "eni.yaml", "old.yaml", "new.yaml").stdout
    assert (here / "summary.md").read_text() == f"Before.\n{told}"


@pytest.mark.usefixtures("sides")
def test_a_summary_that_cannot_be_written_is_named(refused, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "no/such.md")
    assert refused("diff", "--format", "github", "old.yaml", "new.yaml").startswith(
        "GITHUB_STEP_SUMMARY must name a file that can be written, got 'no/such.md': "
    )
