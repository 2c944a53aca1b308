import pytest
from netaddr import IPNetwork

from sgsim.documents import load, parse_interface_option, parse_members_option, parse_path_option
from sgsim.errors import SgsimError
from sgsim.model.path import PathLabel
from sgsim.rules.address_set import AddressSet
from sgsim.rules.paths import PathRule


@pytest.fixture
def inventory(write):
    return load(
        write(
            "lesson.yaml",
            """\
            vpc: {id: vpc-1}
            groups:
              sg-1: {name: web, ingress: [{protocol: all, from: [sg-9, pl-9]}]}
              sg-2: {name: db}
              sg-3: {name: db}
            interfaces:
              eni-a: {addresses: [10.0.0.6, 10.0.0.16/28]}
              "2001:db8::5": {addresses: "2001:db8::5"}
              "eni-a:b": {addresses: 10.0.0.7}
            subnets: {subnet-1: 10.0.0.0/24}
            prefix_lists: {pl-1: [198.51.100.0/24]}
            """,
        )
    )


def test_an_interface_is_named_by_its_first_address(inventory):
    found = parse_interface_option("10.0.0.5,2001:db8::9=web,sg-2,sg-1", inventory)
    assert found.interface_id == "10.0.0.5"
    assert [str(network) for network in found.addresses] == ["10.0.0.5/32", "2001:db8::9/128"]
    assert found.group_ids == ("sg-1", "sg-2")
    assert found.vpc_id == "vpc-1"
    assert found.origin == "--interface"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.0.0.5=", "value must be ADDRESS[,ADDRESS]=GROUP[,GROUP] with nothing left out, got '10.0.0.5='"),
        ("10.0.0.5", "value must be ADDRESS[,ADDRESS]=GROUP[,GROUP] with nothing left out, got '10.0.0.5'"),
        ("=web", "value must be ADDRESS[,ADDRESS]=GROUP[,GROUP] with nothing left out, got '=web'"),
        ("10.0.0.5,=web", "value must be ADDRESS[,ADDRESS]=GROUP[,GROUP] with nothing left out, got '10.0.0.5,=web'"),
        ("10.0.0.500=web", "address must be IPv4 or IPv6, got '10.0.0.500'"),
        ("10.0.0.0/24=web", "address must be IPv4 or IPv6, got '10.0.0.0/24'"),
        ("10.0.0.5=none", "group must be one that a document describes, got 'none'; known are sg-1, sg-2, sg-3"),
        ("10.0.0.5=db", "group name must be unique, got 'db', the name of sg-2, sg-3: give the id"),
        ("10.0.0.6=web", "address must be one that nothing else gives, got 10.0.0.6, which lesson.yaml gives to eni-a"),
        (
            "10.0.0.5,10.0.0.17=web",
            "address must be one that nothing else gives, got 10.0.0.17, which lesson.yaml gives to eni-a",
        ),
    ],
)
def test_interface_options_that_are_refused(inventory, text, message):
    with pytest.raises(SgsimError) as refusal:
        parse_interface_option(text, inventory)
    assert str(refusal.value) == f"--interface {text}: {message}"


def test_an_address_of_another_option_is_refused(write):
    path = write("lesson.yaml", "groups: {sg-1: {}}\n")
    with pytest.raises(SgsimError) as refusal:
        load(path, interfaces=["10.0.0.5=sg-1", "10.0.0.6,10.0.0.5=sg-1"])
    assert str(refusal.value) == (
        "--interface 10.0.0.6,10.0.0.5=sg-1: address must be one that nothing else gives, got 10.0.0.5, which --interface "
        "gives to 10.0.0.5"
    )


@pytest.mark.parametrize(
    ("text", "peer_id", "networks"),
    [
        ("sg-2=10.0.3.0/24", "sg-2", ["10.0.3.0/24"]),
        ("web=10.0.3.1,2001:db8::/32", "sg-1", ["10.0.3.1/32", "2001:db8::/32"]),
        ("sg-9=10.0.3.1", "sg-9", ["10.0.3.1/32"]),
        ("pl-9=10.0.3.1", "pl-9", ["10.0.3.1/32"]),
        ("pl-1=10.0.3.1", "pl-1", ["10.0.3.1/32"]),
    ],
)
def test_members(inventory, text, peer_id, networks):
    assert parse_members_option(text, inventory) == (peer_id, AddressSet.of(map(IPNetwork, networks)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sg-2=", "value must be GROUP=ADDRESS|CIDR[,...] with nothing left out, got 'sg-2='"),
        ("sg-2", "value must be GROUP=ADDRESS|CIDR[,...] with nothing left out, got 'sg-2'"),
        ("sg-2=10.0.3.0/33", "CIDR must be an IPv4 or IPv6 block such as 10.0.0.0/16, got '10.0.3.0/33'"),
        ("sg-7=10.0.3.1", "group must be one that a document describes, got 'sg-7'; known are sg-1, sg-2, sg-3"),
    ],
)
def test_members_options_that_are_refused(inventory, text, message):
    with pytest.raises(SgsimError) as refusal:
        parse_members_option(text, inventory)
    assert str(refusal.value) == f"--members {text}: {message}"


@pytest.mark.parametrize(
    ("text", "network", "prefix_list_id", "scope"),
    [
        ("10.0.9.0/24=nat-gateway", "10.0.9.0/24", None, None),
        ("10.0.9.9=nat-gateway", "10.0.9.9/32", None, None),
        ("2001:db8:9::/48=nat-gateway", "2001:db8:9::/48", None, None),
        ("2001:db8::5=nat-gateway", "2001:db8::5/128", None, None),
        ("eni-a:10.0.9.0/24=nat-gateway", "10.0.9.0/24", None, "eni-a"),
        ("subnet-1:2001:db8:9::/48=nat-gateway", "2001:db8:9::/48", None, "subnet-1"),
        ("2001:db8::5:2001:db8:9::/48=nat-gateway", "2001:db8:9::/48", None, "2001:db8::5"),
        ("2001:db8::5:10.0.9.0/24=nat-gateway", "10.0.9.0/24", None, "2001:db8::5"),
        ("2001:db8::6:10.0.9.0/24=nat-gateway", "2001:d00::/24", None, None),
        ("eni-a:b:10.0.9.0/24=nat-gateway", "10.0.9.0/24", None, "eni-a:b"),
        ("eni-a:2001:db8:9::/48=nat-gateway", "2001:db8:9::/48", None, "eni-a"),
        ("pl-1=nat-gateway", None, "pl-1", None),
        ("eni-a:pl-1=nat-gateway", None, "pl-1", "eni-a"),
    ],
)
def test_paths(inventory, text, network, prefix_list_id, scope):
    expected = PathRule(PathLabel.NAT_GATEWAY, network and IPNetwork(network), prefix_list_id, scope)
    assert parse_path_option(text, inventory) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.0.9.0/24", "path must be [INTERFACE|SUBNET:]CIDR|PREFIX-LIST=LABEL, got '10.0.9.0/24'"),
        ("=lambda", "path must be [INTERFACE|SUBNET:]CIDR|PREFIX-LIST=LABEL, got '=lambda'"),
        (
            "10.0.9.0/24=teleport",
            (
                "label must be one of direct, egress-only-internet-gateway, global-accelerator, nat-gateway, network-firewall, "
                "network-load-balancer, privatelink, lambda, dynamodb, got 'teleport'"
            ),
        ),
        (
            "eni-x:10.0.9.0/24=lambda",
            (
                "path must begin with a known interface or subnet, or be one CIDR block, got 'eni-x:10.0.9.0/24'; known are eni-a, "
                "2001:db8::5, eni-a:b, subnet-1"
            ),
        ),
        ("pl-7=lambda", "peer must be a CIDR block, an address or a prefix list that a document describes, got 'pl-7'"),
        (
            "eni-a:10.0.9.0/40=lambda",
            "peer must be a CIDR block, an address or a prefix list that a document describes, got '10.0.9.0/40'",
        ),
    ],
)
def test_path_options_that_are_refused(inventory, text, message):
    with pytest.raises(SgsimError) as refusal:
        parse_path_option(text, inventory)
    assert str(refusal.value) == f"--path {text}: {message}"
