"""The verdicts that Batfish's tests assert for AWS security groups.

Groups are in the shape of describe-security-groups, and are read as such. The first group is the interface's, unless the
case names interfaces.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from builders import interface, packet
from engine.walking import Walk

from sgsim.documents.load import load
from sgsim.errors import SgsimError
from sgsim.model.decision import Verdict
from sgsim.model.interface import Interface
from sgsim.rules.inventory import Inventory

NOT_OF_SECURITY_GROUPS = "region-antispoof-"
"""Source/destination check: it looks at who sends, not at rules."""

REFUSED = "sgt-ports-30-minus1-"
"""TCP with an end port of -1, which EC2 does not let anyone create; Batfish reads it as no end, we refuse it."""


def _fixtures() -> Path:
    """As the fixture `fixtures_path`, which cannot be asked while cases are collected."""
    default = Path(__file__).parents[2].parent / "shared" / "fixtures"
    return Path(os.environ.get("SGSIM_FIXTURES") or default)


def _cases() -> list[dict[str, Any]]:
    path = _fixtures() / "batfish_cases.json"
    return json.loads(path.read_text())["cases"] if path.is_file() else []


CASES = {case["id"]: case for case in _cases()}
JUDGED = [name for name in CASES if not name.startswith((NOT_OF_SECURITY_GROUPS, REFUSED))]


def known(case: dict[str, Any], folder: Path) -> Inventory:
    """The documents of a case, its interfaces, and the members of its groups."""
    (folder / "groups.json").write_text(json.dumps({"SecurityGroups": case["security_groups"]}))
    if "prefix_lists" in case:
        (folder / "lists.json").write_text(json.dumps({"PrefixLists": case["prefix_lists"]}))
    members = [f"{group_id}={','.join(found)}" for group_id, found in case.get("group_members", {}).items()]
    return load(folder, interfaces=interfaces(case), members=members)


def interfaces(case: dict[str, Any]) -> list[Interface]:
    if "destination_eni" not in case:
        here = case["flow"]["dst_ip" if case["direction"] == "ingress" else "src_ip"]
        return [interface(here, groups=(case["security_groups"][0]["GroupId"],))]
    found = (case["source_eni"], case["destination_eni"])
    return [interface(*eni["private_ips"], interface_id=eni["id"], groups=eni["groups"]) for eni in found if eni]


def sent(flow: dict[str, Any]) -> str:
    """The packet of a case, in one line; where it passes an address translation, as the interface sees it."""
    dst = flow.get("dst_after_nat", flow["dst_ip"])
    if "dst_port" in flow:
        src, dst = (f"[{address}]" if ":" in address else address for address in (flow["src_ip"], dst))
        flags = f" {flow['tcp_flags']}" if "tcp_flags" in flow else ""
        return f"{flow['protocol']} {src}:{flow['src_port']} -> {dst}:{flow['dst_port']}{flags}"
    message = f" type {flow['icmp_type']} code {flow['icmp_code']}" if "icmp_type" in flow else ""
    return f"{flow['protocol']} {flow['src_ip']} -> {dst}{message}"


@pytest.mark.usefixtures("fixtures_path")
def test_there_are_cases():
    assert len(CASES) == 46
    assert len(JUDGED) == 46 - 2 - 3


@pytest.mark.parametrize("name", JUDGED)
def test_the_case_holds(name, tmp_path):
    case = CASES[name]
    stops = Walk(known(case, tmp_path)).stops(packet(sent(case["flow"])))
    delivered = all(stop.verdict is Verdict.ALLOW for stop in stops)
    assert Verdict.SKIP not in {stop.verdict for stop in stops}
    assert ("permit" if delivered else "deny") == case["expected"]


@pytest.mark.parametrize("name", [name for name in JUDGED if CASES[name].get("batfish_disposition") == "DENIED_IN"])
def test_what_batfish_denies_on_the_way_in_passes_its_sender(name, tmp_path):
    case = CASES[name]
    stops = Walk(known(case, tmp_path)).stops(packet(sent(case["flow"])))
    assert stops[-1].interface_id == case["destination_eni"]["id"]
    assert [stop.verdict for stop in stops] == [Verdict.ALLOW] * (len(stops) - 1) + [Verdict.DENY]


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith(REFUSED)])
def test_an_end_port_of_minus_one_is_refused_with_its_place(name, tmp_path):
    with pytest.raises(SgsimError) as refusal:
        known(CASES[name], tmp_path)
    assert "groups.json" in str(refusal.value)
    assert "ToPort" in str(refusal.value)
    assert str(refusal.value).endswith("got -1")
