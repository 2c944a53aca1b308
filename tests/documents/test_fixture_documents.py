"""Every rule document that others published loads, or is refused in one line with file, place and reason."""

import os
from pathlib import Path

import pytest
from attrs import evolve

from sgsim.analysis.diff import diff_rules
from sgsim.documents import load
from sgsim.documents.aws_writer import write_describe
from sgsim.documents.yaml_writer import write_yaml
from sgsim.errors import SgsimError

FOLDER = Path(os.environ.get("SGSIM_FIXTURES") or Path(__file__).parents[2].parent / "shared" / "fixtures") / "sg"
SUFFIXES = {".json", ".yaml", ".yml"}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no fixtures at {FOLDER}")

NOT_OURS = "document must be one of: output of aws ec2 "

REFUSED = {
    "awscli/authorize-security-group-ingress.3.json": "SecurityGroupRules[1].FromPort: first port must be 0..65535, got -1",
    "awscli/describe-security-group-vpc-associations.1.json": NOT_OURS,
    "awscli/describe-security-groups.1.json": "line 53, column 13: document must be well-formed JSON, got an error here: ",
    "awscli/describe-stale-security-groups.1.json": "line 23, column 28: document must be well-formed JSON, got an error here: ",
    "awscli/get-managed-prefix-list-associations.1.json": NOT_OURS,
    "awscli/modify-security-group-rules.1.json": NOT_OURS,
    "batfish/networks__hybrid-cloud-aws__aws_configs__us-west-2__VpcPeeringConnections.json": NOT_OURS,
    "batfish/projects__batfish__src__test__resources__org__batfish__representation__aws__SecurityGroupTest.json": (
        "SecurityGroups[6].IpPermissions[0].FromPort: first port must be 0..65535, got -1"
    ),
    "batfish/projects__batfish__src__test__resources__org__batfish__representation__aws__test-vpc-peering__aws_configs__"
    "VpcPeeringConnections.json": NOT_OURS,
    "botocore/ec2-examples-security-groups.json": NOT_OURS,
    "c7n/tests__data__placebo__sg_used_cross_ref__ec2.DescribeSecurityGroupReferences_1.json": NOT_OURS,
    "c7n/tests__data__placebo__test_network_interface_delete__ec2.DescribeNetworkInterfaces_2.json": (
        "data.Error: recorded response must be a success, got InvalidNetworkInterfaceID.NotFound: "
    ),
    "c7n/tests__data__placebo__test_prefix_list_entry__ec2.GetManagedPrefixListEntries_1.json": (
        "file of prefix list entries must have the list's id in its name, such as pl-0123.json, "
    ),
    "cfnlint/test__fixtures__templates__bad__properties_sg_ingress.yaml": (
        "line 58, column 15: value must be known, got {{resolve:ssm:mysubnet}}, "
    ),
    "cfnlint/test__fixtures__templates__integration__aws-ec2-networkinterface.yaml": (
        "line 16, column 24: address must be IPv4 or IPv6, got 'abc'"
    ),
    "cfntpl/Solutions__GitLab__GitLabServer-pkg.yaml": "value must be known, got AWS::Region, a pseudo parameter: ",
    "cfntpl/Solutions__VPCPeering__templates__VPCPeering-Updates.cfn.yaml": (
        "line 260, column 16: value must be known, got 2SecurityGroupCondition, "
    ),
    "index.json": NOT_OURS,
}
"""Which documents are refused, and why; all others load."""

EMPTY = {"cfnlint/test__fixtures__templates__quickstart__config-rules.json"}
"""Templates that describe nothing of ours."""

ASSUMED = {
    "cfntpl/Solutions__GitLab__GitLabServer-pkg.yaml": ["AWS::Region=eu-central-1"],
    "cfntpl/Solutions__VPCPeering__templates__VPCPeering-Updates.cfn.yaml": [
        "NumberOfSecurityGroups=1", "NumberOfRouteTables=1", "SecurityGroupIds=sg-1", "PeerVPCCIDR=10.1.0.0/16",
    ],
}  # fmt: skip
"""What must be assumed for a document to load."""

NAMES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.suffix in SUFFIXES)


@pytest.mark.parametrize("name", NAMES)
def test_a_published_document_loads_or_is_refused_for_its_reason(name):
    reason = REFUSED.get(name)
    if reason is None:
        found = load(FOLDER / name)
        assert name in EMPTY or any(
            (found.groups, found.prefix_lists, found.interfaces, found.vpcs, found.subnets, found.instances)
        )
        return
    with pytest.raises(SgsimError) as refusal:
        load(FOLDER / name)
    text = str(refusal.value)
    assert text.startswith(str(FOLDER / name))
    assert "\n" not in text
    for part in reason.split("..."):
        assert part.strip() in text


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {*REFUSED, *EMPTY}])
def test_a_published_document_differs_from_its_other_forms_in_neither_direction(name, tmp_path):
    """diff(document, other form) == diff(other form, document) == nothing"""
    known = load(FOLDER / name)
    if any(group_id not in known.groups for each in known.interfaces.values() for group_id in each.group_ids):
        known = evolve(known, interfaces={})  # their groups are in another document
    for other, write in {"rules.yaml": write_yaml, "rules.json": write_describe}.items():
        (tmp_path / other).write_text(write(known), encoding="utf-8")
        written = load(tmp_path / other)
        for old, new in ((known, written), (written, known)):
            found = diff_rules(old, new)
            assert not [each.shown_id for each in (*found.groups, *found.interfaces) if each.differs]


@pytest.mark.parametrize("name", ASSUMED)
def test_a_template_loads_once_what_it_leaves_open_is_assumed(name):
    assert load(FOLDER / name, assume=ASSUMED[name]).groups


def test_every_refusal_of_the_table_is_about_a_published_document():
    assert set(REFUSED) <= set(NAMES)


SNAPSHOTS = sorted({name.partition("__aws_configs__")[0] for name in NAMES if "__aws_configs__" in name})


@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_documents_of_one_network_join_into_one_inventory(snapshot):
    parts = [name for name in NAMES if name.startswith(f"{snapshot}__") and name not in REFUSED]
    found = load(*(FOLDER / name for name in parts))
    assert found.groups
    assert found.vpcs
    assert found.has_interface_document == any(name.endswith("NetworkInterfaces.json") for name in parts)


@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_groups_by_themselves_differ_in_nothing_from_those_of_a_whole_network(snapshot):
    parts = [name for name in NAMES if name.startswith(f"{snapshot}__") and name not in REFUSED]
    whole = load(*(FOLDER / name for name in parts))
    alone = load(*(FOLDER / name for name in parts if name.endswith("SecurityGroups.json")))
    for old, new in ((whole, alone), (alone, whole)):
        found = diff_rules(old, new)
        assert not [each.shown_id for each in found.groups if each.differs]
