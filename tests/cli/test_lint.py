import json

import pytest

RULES = {
    "groups": {
        "sg-web": {
            "ingress": [
                {"protocol": "tcp", "ports": 22, "from": "0.0.0.0/0"},
                {"protocol": "tcp", "ports": 80, "from": "10.0.0.0/8"},
                {"protocol": "tcp", "ports": 80, "from": "10.1.0.0/16"},
                {"protocol": "tcp", "ports": 443, "from": "0.0.0.0/0"},
            ]
        }
    },
    "interfaces": {"eni-a": {"addresses": ["192.0.2.10"], "groups": ["sg-web"], "public": ["203.0.113.1"]}},
}


@pytest.fixture
def bad(here):
    (here / "bad.json").write_text(json.dumps(RULES), encoding="utf-8")
    return ("lint", "-r", "bad.json")


def ids(result):
    return [each["id"] for each in json.loads(result.stdout)["findings"]]


ALL = ["open-admin-port", "implied-rule", "forces-tracking", "forces-tracking"]


def test_findings_are_exit_code_1(sgsim, bad):
    result = sgsim(*bad, "--format", "json")
    assert (result.exit_code, result.stderr) == (1, "")
    assert ids(result) == ALL
    assert sgsim(*bad).stdout.startswith("Looked at\n  rules  4 rules of 1 group, 1 interface\n")


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--fail-on", "never"), 0),
        (("--exit-zero",), 0),
        (("--disable", "open-admin-port", "--disable", "implied-rule"), 0),
        (("--disable", "open-admin-port", "--disable", "implied-rule", "--fail-on", "note"), 1),
        (("--disable", "open-admin-port", "--fail-on", "error"), 0),
        (("--fail-on", "error"), 1),
    ],
)
def test_what_fails_is_chosen(sgsim, bad, args, code):
    assert sgsim(*bad, *args).exit_code == code


def test_a_baseline_takes_all_of_today_and_expires(sgsim, bad, here):
    assert sgsim(*bad, "--write-baseline", "accepted.yaml", "--reason", "known").exit_code == 0
    result = sgsim(*bad, "--baseline", "accepted.yaml", "--format", "json")
    assert (result.exit_code, ids(result)) == (0, [])
    text = (here / "accepted.yaml").read_text(encoding="utf-8")
    (here / "accepted.yaml").write_text(
        text.replace("reason: 'known'", "reason: 'known'\n    expires: '2027-01-31'"), encoding="utf-8"
    )
    assert sgsim(*bad, "--baseline", "accepted.yaml", "--today", "2027-01-31").exit_code == 0
    assert sgsim(*bad, "--baseline", "accepted.yaml", "--today", "2027-02-01").exit_code == 1


def test_traffic_tells_what_tracking_costs(sgsim, bad, web):
    result = sgsim(*bad, "-t", "web.pcap", "--format", "json")
    saved = {each["rule"]: each["saved_entries"] for each in json.loads(result.stdout)["findings"]}
    assert saved["tcp 443 from 0.0.0.0/0"] == 1
    assert web


def test_other_forms(sgsim, bad):
    assert json.loads(sgsim(*bad, "--format", "sarif").stdout)["version"] == "2.1.0"
    assert sgsim(*bad, "--format", "github").stdout.startswith("::error file=bad.json,title=")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--admin-ports", "22,x"), "--admin-ports must be ports with commas between them, got '22,x'"),
        (("--today", "soon"), "--today must be a day such as 2027-01-31, got 'soon'"),
        (
            ("--write-baseline", "no/such.yaml"),
            "--write-baseline must be a file that can be written, got 'no/such.yaml': ",
        ),
        (("--baseline", "nowhere.yaml"), "nowhere.yaml: document must be a readable file, got: "),
        (("--disable", "nothing"), "finding must be one of open-admin-port, "),
    ],
)
def test_bad_options_are_one_line(refused, bad, args, message):
    assert refused(*bad, *args).startswith(message)


def test_markdown_has_one_row_for_each_finding(sgsim, bad, here, monkeypatch):
    told = sgsim(*bad, "--format", "markdown")
    assert told.exit_code == 1
    rows = [line for line in told.stdout.splitlines() if line.startswith("| bad.json")]
    assert len(rows) == len(ALL)
    assert rows[0] == (
        "| bad.json, groups.sg-web.ingress\\[0\\] | sg-web  tcp 22 from 0.0.0.0/0 | the Internet may reach port 22 (SSH) of "
        "eni-a | Narrow the peer to the addresses that need it, or to a group. |"
    )
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    assert sgsim(*bad, "--format", "github").stdout.count("::error") == 1
    assert (here / "summary.md").read_text() == told.stdout


@pytest.mark.parametrize("form", ["text", "json"])
def test_lint_tells_what_a_template_leaves_out(sgsim, here, form):
    template = {
        "Resources": {
            "Web": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "web"}},
            "Eni": {"Type": "AWS::EC2::NetworkInterface", "Properties": {"SubnetId": "subnet-1", "GroupSet": ["Web"]}},
        }
    }
    (here / "template.json").write_text(json.dumps(template), encoding="utf-8")
    expected = "template.json: interfaces whose addresses are not known yet are left out: Eni."
    assert expected in " ".join(sgsim("lint", "-r", "template.json", "--exit-zero", "--format", form).stdout.split())
