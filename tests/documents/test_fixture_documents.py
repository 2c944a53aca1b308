"""Every rule document that others published loads, or is refused in one line with file, place and reason."""

import os
from pathlib import Path

import pytest

from sgsim.documents import load
from sgsim.errors import SgsimError

FOLDER = Path(os.environ.get("SGSIM_FIXTURES") or Path(__file__).parents[2].parent / "shared" / "fixtures") / "sg"
SUFFIXES = {".json", ".yaml", ".yml"}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no fixtures at {FOLDER}")

NOT_OURS = "document must be one of: output of aws ec2 "
TEMPLATE = f"{NOT_OURS}... got a CloudFormation template with keys "
STATE = f"{NOT_OURS}... got Terraform's state with keys "

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
    "c7n/tests__terraform__aws_code_build_vpc__tf_resources.json": STATE,
    "c7n/tests__terraform__ec2_security_group_filter_multi_enis__tf_resources.json": STATE,
    "cfnlint/test__fixtures__templates__bad__properties_sg_ingress.yaml": TEMPLATE,
    "cfnlint/test__fixtures__templates__good__resources__properties__exclusive.yaml": TEMPLATE,
    "cfnlint/test__fixtures__templates__integration__aws-ec2-networkinterface.yaml": TEMPLATE,
    "cfnlint/test__fixtures__templates__quickstart__config-rules.json": TEMPLATE,
    "cfnlint/test__fixtures__templates__quickstart__nist_vpc_management.yaml": TEMPLATE,
    "cfntpl/AutoScaling__AutoScalingMultiAZWithNotifications.yaml": TEMPLATE,
    "cfntpl/EC2__ec2_with_waitcondition_template.yaml": TEMPLATE,
    "cfntpl/ECS__EC2LaunchType__clusters__private-vpc.yaml": TEMPLATE,
    "cfntpl/ECS__ECS_Schedule_Example.yaml": TEMPLATE,
    "cfntpl/RainModules__load-balancer.yml": TEMPLATE,
    "cfntpl/Solutions__GitLab__GitLabServer-pkg.yaml": TEMPLATE,
    "cfntpl/Solutions__VPCPeering__templates__VPCPeering-Updates.cfn.yaml": TEMPLATE,
    "cfntpl/VPC__VPC_EC2_Instance_With_Multiple_Static_IPAddresses.json": TEMPLATE,
    "index.json": NOT_OURS,
}
"""Which documents are refused, and why; all others load."""

NAMES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.suffix in SUFFIXES)


@pytest.mark.parametrize("name", NAMES)
def test_a_published_document_loads_or_is_refused_for_its_reason(name):
    reason = REFUSED.get(name)
    if reason is None:
        found = load(FOLDER / name)
        assert any((found.groups, found.prefix_lists, found.interfaces, found.vpcs, found.subnets, found.instances))
        return
    with pytest.raises(SgsimError) as refusal:
        load(FOLDER / name)
    text = str(refusal.value)
    assert text.startswith(str(FOLDER / name))
    assert "\n" not in text
    for part in reason.split("..."):
        assert part.strip() in text


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
