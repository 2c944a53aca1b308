import pytest
from netaddr import IPNetwork

from sgsim.documents import load
from sgsim.errors import SgsimError
from sgsim.model.interface import TimeoutOverrides
from sgsim.rules.inventory import Instance


def interface(**members):
    return {
        "NetworkInterfaceId": "eni-a",
        "PrivateIpAddress": "10.0.0.5",
        "Groups": [{"GroupId": "sg-1", "GroupName": "web"}],
        "SubnetId": "subnet-1",
        "VpcId": "vpc-1",
        "Status": "in-use",
        **members,
    }


def interfaces(*items):
    return {"NetworkInterfaces": list(items)}


def reservations(*instances):
    return {"Reservations": [{"ReservationId": "r-1", "Instances": list(instances)}]}


def test_an_interface_owns_its_private_addresses_and_prefixes_and_never_a_public_one(write):
    public = {"PublicIp": "203.0.113.9", "IpOwnerId": "amazon"}
    document = interfaces(
        interface(
            PrivateIpAddresses=[
                {"PrivateIpAddress": "10.0.0.5", "Primary": True, "Association": public},
                {"PrivateIpAddress": "10.0.0.6", "Association": {"PublicIp": "203.0.113.10"}},
            ],
            Association=public,
            Ipv6Addresses=[{"Ipv6Address": "2001:db8::5"}],
            Ipv4Prefixes=[{"Ipv4Prefix": "10.0.0.16/28"}],
            Ipv6Prefixes=[{"Ipv6Prefix": "2001:db8:0:1::/80"}],
            Attachment={"InstanceId": "i-1", "DeviceIndex": 0},
        )
    )
    inventory = load(write("interfaces.json", document))
    found = inventory.interfaces["eni-a"]
    assert [str(network) for network in found.addresses] == [
        "10.0.0.5/32",
        "10.0.0.6/32",
        "2001:db8::5/128",
        "10.0.0.16/28",
        "2001:db8:0:1::/80",
    ]
    assert [str(network) for network in found.public_addresses] == ["203.0.113.9/32", "203.0.113.10/32"]
    assert (found.instance_id, found.subnet_id, found.vpc_id) == ("i-1", "subnet-1", "vpc-1")
    assert found.group_ids == ("sg-1",)
    assert found.origin == "interfaces.json"
    assert inventory.has_interface_document
    assert inventory.notes == ()


def test_an_unattached_interface_without_groups_loads(write):
    found = load(write("interfaces.json", interfaces(interface(Status="available", Groups=[]))))
    assert found.interfaces["eni-a"].group_ids == ()
    assert found.interfaces["eni-a"].table_id == "eni-a"


def test_timeouts_set_by_hand(write):
    settings = {"TcpEstablishedTimeout": 350, "UdpTimeout": 45}
    found = load(write("interfaces.json", interfaces(interface(ConnectionTrackingConfiguration=settings))))
    assert found.interfaces["eni-a"].timeouts == TimeoutOverrides(tcp_established_s=350, udp_s=45)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"PrivateIpAddress": "10.0.0.256"}, ".PrivateIpAddress: address must be IPv4 or IPv6, got '10.0.0.256'"),
        (
            {"Ipv6Addresses": [{"Ipv6Address": "2001:db8::/64"}]},
            ".Ipv6Addresses[0].Ipv6Address: address must be IPv4 or IPv6, got '2001:db8::/64'",
        ),
        (
            {"Ipv4Prefixes": [{"Ipv4Prefix": "10.0.0.16"}]},
            ".Ipv4Prefixes[0].Ipv4Prefix: CIDR must be an IPv4 or IPv6 block such as 10.0.0.0/16, got '10.0.0.16'",
        ),
        ({"Groups": [{"GroupName": "web"}]}, ".Groups[0]: Groups[0] must have GroupId, got only GroupName"),
        (
            {"ConnectionTrackingConfiguration": {"UdpTimeout": 0}},
            ".ConnectionTrackingConfiguration.UdpTimeout: UdpTimeout must be a number of seconds above 0, got 0",
        ),
        (
            {"ConnectionTrackingConfiguration": {"UdpTimeout": "30"}},
            ".ConnectionTrackingConfiguration.UdpTimeout: UdpTimeout must be a number of seconds above 0, got '30'",
        ),
        (
            {"NetworkInterfaceId": None},
            (
                ": NetworkInterfaces[0] must have NetworkInterfaceId, got only "
                "PrivateIpAddress, Groups, SubnetId, VpcId, Status"
            ),
        ),
    ],
)
def test_what_no_interface_can_be_is_refused_at_its_place(write, members, message):
    with pytest.raises(SgsimError) as refusal:
        load(write("interfaces.json", interfaces(interface(**members))))
    assert str(refusal.value) == f"interfaces.json, NetworkInterfaces[0]{message}"


def test_two_versions_of_an_interface_are_refused(write):
    with pytest.raises(SgsimError) as refusal:
        load(write("interfaces.json", interfaces(interface(), interface(Groups=[]))))
    assert str(refusal.value) == (
        "interfaces.json, NetworkInterfaces[1]: interface must be the same wherever it is described, got another eni-a"
    )


def test_instances_bring_their_type_and_their_interfaces(write):
    document = reservations({"InstanceId": "i-1", "InstanceType": "m7i.large", "NetworkInterfaces": [interface()]})
    found = load(write("instances.json", document))
    assert found.instances == {"i-1": Instance(instance_id="i-1", instance_type="m7i.large")}
    assert found.interfaces["eni-a"].instance_id == "i-1"
    assert found.interfaces["eni-a"].addresses == (IPNetwork("10.0.0.5/32"),)
    assert not found.has_interface_document


def test_interface_documents_know_better_than_instances(write):
    instances = reservations({"InstanceId": "i-1", "NetworkInterfaces": [interface(Groups=[])]})
    paths = write("a.json", instances), write("b.json", interfaces(interface()))
    assert load(*paths).interfaces["eni-a"].group_ids == ("sg-1",)
