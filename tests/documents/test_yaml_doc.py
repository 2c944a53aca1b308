import pytest
from netaddr import IPNetwork

from sgsim.documents import load
from sgsim.errors import SgsimError
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.path import PathLabel
from sgsim.rules.inventory import Instance, Subnet, Vpc
from sgsim.rules.paths import PathRule
from sgsim.rules.prefix_list import PrefixList


def networks(*texts):
    return tuple(IPNetwork(text) for text in texts)


@pytest.mark.parametrize(
    ("text", "vpc"),
    [
        ("10.0.0.0/16", Vpc(vpc_id="vpc", networks=networks("10.0.0.0/16"))),
        ('[10.0.0.0/16, "2001:db8::/56"]', Vpc(vpc_id="vpc", networks=networks("10.0.0.0/16", "2001:db8::/56"))),
        ("{id: vpc-1, cidr: 10.0.0.0/16}", Vpc(vpc_id="vpc-1", networks=networks("10.0.0.0/16"))),
        ("{id: vpc-1}", Vpc(vpc_id="vpc-1")),
    ],
)
def test_a_vpc(write, text, vpc):
    found = load(write("lesson.yaml", f"vpc: {text}\ngroups: {{sg-1: {{}}}}\n"))
    assert found.vpcs == {vpc.vpc_id: vpc}
    assert found.groups["sg-1"].vpc_id == (None if vpc.vpc_id == "vpc" else vpc.vpc_id)


def test_an_interface(write):
    found = load(
        write(
            "lesson.yaml",
            """\
            groups: {sg-web: {name: web}}
            interfaces:
              eni-a:
                addresses: [10.0.0.5, "2001:db8::5", 10.0.0.16/28]
                public: 203.0.113.9
                groups: web
                instance: i-1
                subnet: subnet-1
                timeouts: {tcp_established: 350, udp: 30.5}
              eni-b: {addresses: 10.0.0.6}
            """,
        )
    )
    interface = found.interfaces["eni-a"]
    assert interface.addresses == networks("10.0.0.5/32", "2001:db8::5/128", "10.0.0.16/28")
    assert interface.public_addresses == networks("203.0.113.9/32")
    assert interface.group_ids == ("sg-web",)
    assert (interface.instance_id, interface.subnet_id) == ("i-1", "subnet-1")
    assert interface.timeouts == TimeoutOverrides(tcp_established_s=350, udp_s=30.5)
    assert found.interfaces["eni-b"].group_ids == ()
    assert found.has_interface_document


def test_a_document_without_interfaces_does_not_say_that_there_are_none(write):
    assert not load(write("lesson.yaml", "groups: {sg-1: {}}\n")).has_interface_document
    assert load(write("none.yaml", "groups: {sg-1: {}}\ninterfaces:\n")).has_interface_document


def test_prefix_lists(write):
    found = load(
        write(
            "lesson.yaml",
            """\
            prefix_lists:
              pl-1: {name: offices, entries: [198.51.100.0/24], max_entries: 10, owner: AWS}
              pl-2: [198.51.100.0/24, 203.0.113.0/24]
              pl-3: {name: unknown}
              pl-4: []
            """,
        )
    )
    offices = networks("198.51.100.0/24")
    assert found.prefix_lists == {
        "pl-1": PrefixList(prefix_list_id="pl-1", name="offices", entries=offices, max_entries=10, owner_id="AWS"),
        "pl-2": PrefixList(prefix_list_id="pl-2", entries=networks("198.51.100.0/24", "203.0.113.0/24")),
        "pl-3": PrefixList(prefix_list_id="pl-3", name="unknown", entries=None),
        "pl-4": PrefixList(prefix_list_id="pl-4", entries=()),
    }


def test_instances_subnets_and_paths(write):
    found = load(
        write(
            "lesson.yaml",
            """\
            instances: {i-1: {type: m7i.large, capacity: 50_000}, i-2: {}}
            subnets: {subnet-1: {cidr: 10.0.0.0/24, vpc: vpc-1}, subnet-2: 10.0.1.0/24}
            prefix_lists: {pl-1: [198.51.100.0/24]}
            paths:
              - {peer: 10.0.9.0/24, label: network-load-balancer, at: subnet-1}
              - {peer: 10.0.9.9, label: nat-gateway}
              - {peer: pl-1, label: dynamodb}
            """,
        )
    )
    assert found.instances == {
        "i-1": Instance(instance_id="i-1", instance_type="m7i.large", capacity=50_000),
        "i-2": Instance(instance_id="i-2"),
    }
    assert found.subnets == {
        "subnet-1": Subnet(subnet_id="subnet-1", vpc_id="vpc-1", networks=networks("10.0.0.0/24")),
        "subnet-2": Subnet(subnet_id="subnet-2", networks=networks("10.0.1.0/24")),
    }
    assert found.paths == (
        PathRule(PathLabel.NETWORK_LOAD_BALANCER, network=IPNetwork("10.0.9.0/24"), scope="subnet-1"),
        PathRule(PathLabel.NAT_GATEWAY, network=IPNetwork("10.0.9.9/32")),
        PathRule(PathLabel.DYNAMODB, prefix_list_id="pl-1"),
    )


def test_our_form_as_json(write):
    path = write(
        "lesson.json", {"groups": {"sg-1": {"ingress": [{"protocol": "tcp", "ports": 70000, "from": "sg-1"}]}}}
    )
    with pytest.raises(SgsimError) as refusal:
        load(path)
    assert str(refusal.value) == "lesson.json, groups.sg-1.ingress[0].ports: first port must be 0..65535, got 70000"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "groups: {}\nintefaces: {}\n",
            (
                "line 2, column 1: key must be one of vpc, groups, prefix_lists, interfaces, instances, subnets, network_acls, paths, got "
                "'intefaces'"
            ),
        ),
        ("groups: [sg-1]\n", "line 1, column 9: groups must be an object, got a list of 1"),
        (
            "groups: {sg-1: {rules: []}}\n",
            "line 1, column 17: key must be one of name, description, vpc, owner, ingress, egress, got 'rules'",
        ),
        ("groups: {sg-1: {name: 5}}\n", "line 1, column 23: name must be a non-empty text, got 5"),
        (
            "groups: {sg-1: {name: no}}\n",
            "line 1, column 23: text must be quoted where YAML reads it as a boolean, got no",
        ),
        ("vpc: {cird: 10.0.0.0/16}\n", "line 1, column 7: key must be one of id, cidr, got 'cird'"),
        ("vpc: 10.0.0.0\n", "line 1, column 6: CIDR must be an IPv4 or IPv6 block such as 10.0.0.0/16, got '10.0.0.0'"),
        ("interfaces: {eni-a: {}}\n", "line 1, column 21: eni-a must have addresses, got nothing"),
        (
            "interfaces: {eni-a: {addresses: 10.0.0.5/24}}\n",
            "line 1, column 33: address must be single, or a prefix without host bits, got '10.0.0.5/24'",
        ),
        ("interfaces: {eni-a: {addresses: web}}\n", "line 1, column 33: address must be IPv4 or IPv6, got 'web'"),
        (
            "interfaces: {eni-a: {addresses: [], timeouts: {udp: 0}}}\n",
            "line 1, column 53: udp must be a number of seconds above 0, got 0",
        ),
        (
            "interfaces: {eni-a: {addresses: [], timeouts: {tcp: 5}}}\n",
            "line 1, column 48: key must be one of tcp_established, udp, udp_stream, got 'tcp'",
        ),
        ("instances: {i-1: {capacity: 0}}\n", "line 1, column 29: capacity must be at least 1, got 0"),
        ("instances: {i-1: {capacity: many}}\n", "line 1, column 29: capacity must be a whole number, got 'many'"),
        (
            "prefix_lists: {pl-1: [198.51.100.0]}\n",
            "line 1, column 23: CIDR must be an IPv4 or IPv6 block such as 10.0.0.0/16, got '198.51.100.0'",
        ),
        (
            "paths: [{peer: 10.0.0.0/8, label: teleport}]\n",
            (
                "line 1, column 35: label must be one of direct, egress-only-internet-gateway, global-accelerator, nat-gateway, "
                "network-firewall, network-load-balancer, privatelink, lambda, dynamodb, got 'teleport'"
            ),
        ),
        ("paths: [{peer: 10.0.0.0/8}]\n", "line 1, column 9: paths[0] must have label, got only peer"),
        ("paths: {peer: 10.0.0.0/8}\n", "line 1, column 8: paths must be a list, got an object"),
    ],
)
def test_what_our_form_does_not_have_is_refused_with_line_and_column(write, text, message):
    with pytest.raises(SgsimError) as refusal:
        load(write("lesson.yaml", text))
    assert str(refusal.value) == f"lesson.yaml, {message}"


def test_a_path_at_nothing_known_is_noted(write):
    found = load(write("lesson.yaml", "paths: [{peer: 10.0.0.0/8, label: lambda, at: eni-x}]\n"))
    assert [(note.text, note.count) for note in found.notes] == [
        ("paths at interfaces or subnets that no document describes apply nowhere: eni-x", 1)
    ]
