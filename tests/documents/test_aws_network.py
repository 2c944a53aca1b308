import pytest

from sgsim.documents import load
from sgsim.errors import SgsimError
from sgsim.rules.inventory import Note


def networks(item):
    return [str(network) for network in item.networks]


def test_a_vpc_has_its_primary_block_first_and_only_blocks_in_use(write):
    vpc = {
        "VpcId": "vpc-1",
        "CidrBlock": "10.1.0.0/16",
        "CidrBlockAssociationSet": [
            {"CidrBlock": "10.0.0.0/16", "CidrBlockState": {"State": "associated"}},
            {"CidrBlock": "10.1.0.0/16", "CidrBlockState": {"State": "associated"}},
            {"CidrBlock": "10.2.0.0/16", "CidrBlockState": {"State": "disassociated"}},
        ],
        "Ipv6CidrBlockAssociationSet": [
            {"Ipv6CidrBlock": "2001:db8::/56", "Ipv6CidrBlockState": {"State": "associated"}}
        ],
    }
    found = load(write("vpcs.json", {"Vpcs": [vpc]}))
    assert networks(found.vpcs["vpc-1"]) == ["10.1.0.0/16", "10.0.0.0/16", "2001:db8::/56"]


def test_a_subnet_knows_its_vpc(write):
    subnet = {"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "Ipv6CidrBlockAssociationSet": []}
    found = load(write("subnets.json", {"Subnets": [subnet]})).subnets["subnet-1"]
    assert (found.vpc_id, networks(found)) == ("vpc-1", ["10.0.1.0/24"])


def test_a_block_that_is_none_is_refused(write):
    with pytest.raises(SgsimError) as refusal:
        load(write("vpcs.json", {"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0"}]}))
    assert str(refusal.value) == (
        "vpcs.json, Vpcs[0].CidrBlock: CIDR must be an IPv4 or IPv6 block such as 10.0.0.0/16, got '10.0.0.0'"
    )


def test_unknown_members_of_a_subnet_are_counted(write):
    found = load(write("subnets.json", {"Subnets": [{"SubnetId": "subnet-1", "Brand": "new"}]}))
    assert found.notes == (Note("unknown members are ignored: Brand", 1, "subnets.json"),)
