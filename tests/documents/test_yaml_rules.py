import pytest
from hypothesis import given
from hypothesis import strategies as st
from netaddr import IPNetwork

from sgsim.documents import load
from sgsim.documents.json_syntax import read_json
from sgsim.documents.node import Document
from sgsim.documents.yaml_doc import read_own_form
from sgsim.errors import RuleError, SgsimError
from sgsim.rules.port_range import PortRange
from sgsim.rules.rule import Cidr, GroupReference, IcmpMatch, PrefixListReference


def rules_of(write, *lines, direction="ingress"):
    rules = "".join(f"      - {line}\n" for line in lines)
    document = f"groups:\n  sg-1:\n    {direction}:\n{rules}  sg-2: {{name: db}}\nprefix_lists: {{office: []}}\n"
    return load(write("lesson.yaml", document)).groups["sg-1"].rules


@pytest.mark.parametrize(
    ("line", "ports", "icmp"),
    [
        ("{protocol: tcp, ports: 80, from: 0.0.0.0/0}", PortRange(80, 80), None),
        ("{protocol: udp, ports: 22-30, from: 0.0.0.0/0}", PortRange(22, 30), None),
        ("{protocol: 6, ports: '80', from: 0.0.0.0/0}", PortRange(80, 80), None),
        ("{protocol: tcp, ports: 0 - 65535, from: 0.0.0.0/0}", PortRange.all(), None),
        ("{protocol: icmp, from: 0.0.0.0/0}", None, IcmpMatch()),
        ("{protocol: icmp, icmp: {}, from: 0.0.0.0/0}", None, IcmpMatch()),
        ("{protocol: icmp, icmp: {type: 8, code: 0}, from: 0.0.0.0/0}", None, IcmpMatch(8, 0)),
        ("{protocol: icmpv6, icmp: {type: 128}, from: '::/0'}", None, IcmpMatch(128)),
        ("{protocol: all, from: 0.0.0.0/0}", None, None),
        ("{protocol: -1, from: 0.0.0.0/0}", None, None),
        ("{protocol: 47, from: 0.0.0.0/0}", None, None),
    ],
)
def test_services(write, line, ports, icmp):
    (found,) = rules_of(write, line)
    assert (found.ports, found.icmp) == (ports, icmp)


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("10.0.0.0/8", Cidr(IPNetwork("10.0.0.0/8"))),
        ("203.0.113.1", Cidr(IPNetwork("203.0.113.1/32"))),
        ('"2001:db8::1"', Cidr(IPNetwork("2001:db8::1/128"))),
        ("2001:db8::/32", Cidr(IPNetwork("2001:db8::/32"))),
        ("office", PrefixListReference("office")),
        ("pl-elsewhere", PrefixListReference("pl-elsewhere")),
        ("sg-1", GroupReference("sg-1")),
        ("db", GroupReference("sg-2")),
        ("sg-elsewhere", GroupReference("sg-elsewhere")),
    ],
)
def test_peers(write, peer, expected):
    (found,) = rules_of(write, f"{{protocol: all, to: {peer}}}", direction="egress")
    assert found.peer == expected


def test_a_list_of_peers_makes_one_rule_for_each(write):
    found = rules_of(write, "{protocol: tcp, ports: 22, from: [10.0.0.0/8, db, office], description: ssh}")
    assert [rule.text for rule in found] == ["tcp 22 from 10.0.0.0/8", "tcp 22 from sg-2", "tcp 22 from office"]
    assert {rule.description for rule in found} == {"ssh"}


def test_a_rule_with_one_peer_may_have_an_id(write):
    assert rules_of(write, "{protocol: all, from: [10.0.0.0/8], id: sgr-1}")[0].name == "sgr-1"


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ("{protocol: tcp, from: db}", 9, "tcp must have ports, got none: all of them are 0-65535"),
        ("{protocol: tcp, ports: 70000, from: db}", 32, "first port must be 0..65535, got 70000"),
        ("{protocol: tcp, ports: 30-22, from: db}", 32, "first port must be at most the last, got 30 > 22"),
        ("{protocol: tcp, ports: 80-70000, from: db}", 32, "last port must be 0..65535, got 70000"),
        ("{protocol: tcp, ports: -1, from: db}", 32, "first port must be 0..65535, got -1"),
        (
            "{protocol: tcp, ports: http, from: db}",
            32,
            "ports must be a port such as 80 or a range such as 22-30, got 'http'",
        ),
        (
            "{protocol: tcp, ports: [80, 443], from: db}",
            32,
            "ports must be a port such as 80 or a range such as 22-30, got a list of 2: write one rule for each",
        ),
        ("{protocol: all, ports: 80, from: db}", 32, "ports must be given for tcp and udp alone, got 80 for all"),
        ("{protocol: icmp, ports: 8, from: db}", 33, "ports must be given for tcp and udp alone, got 8 for icmp"),
        (
            "{protocol: tcp, ports: 8, icmp: {type: 8}, from: db}",
            41,
            "icmp must be given for icmp and icmpv6 alone, got it for tcp",
        ),
        ("{protocol: icmp, icmp: {type: 300}, from: db}", 39, "icmp type must be 0..255 or -1 for any, got 300"),
        ("{protocol: icmp, icmp: {code: 0}, from: db}", 39, "icmp code must be -1 where the type is -1, got 0"),
        ("{protocol: icmp, icmp: {kind: 8}, from: db}", 33, "key must be one of type, code, got 'kind'"),
        ("{protocol: icmp, icmp: 8, from: db}", 32, "icmp must be an object, got 8"),
        (
            "{protocol: bogus, from: db}",
            20,
            "protocol must be tcp, udp, icmp, icmpv6, -1, all or a number 0..255, got 'bogus'",
        ),
        ("{protocol: true, from: db}", 20, "protocol must be a name such as tcp, or a number, got true"),
        ("{from: db}", 9, "ingress[0] must have protocol, got only from"),
        ("{protocol: all}", 9, "ingress[0] must have from, got only protocol"),
        ("{protocol: all, from: []}", 9, "from must name at least one peer, got an empty list"),
        (
            "{protocol: all, to: db}",
            25,
            "key must be one of protocol, ports, icmp, from, id, description, got 'to': ingress rules say from",
        ),
        (
            "{protocol: all, from: db, port: 80}",
            35,
            "key must be one of protocol, ports, icmp, from, id, description, got 'port'",
        ),
        (
            "{protocol: all, from: [db, sg-1], id: sgr-1}",
            47,
            "id must stand at a rule with one peer, got 'sgr-1' for 2",
        ),
        (
            "{protocol: all, from: 10.0.0.0/33}",
            31,
            "CIDR must be an IPv4 or IPv6 block such as 10.0.0.0/16, got '10.0.0.0/33'",
        ),
        ("{protocol: all, from: 10.0.0}", 31, "address must be IPv4 or IPv6, got '10.0.0'"),
        ("{protocol: all, from: 10.0.0.0.1}", 31, "address must be IPv4 or IPv6, got '10.0.0.0.1'"),
        ("{protocol: all, from: 10}", 31, "from must be a non-empty text, got 10"),
        ("{protocol: all, from: [db, yes]}", 36, "text must be quoted where YAML reads it as a boolean, got yes"),
        ("{protocol: all, from: db, description: 5}", 48, "description must be a non-empty text, got 5"),
        ("tcp 80", 9, "ingress[0] must be an object, got 'tcp 80'"),
    ],
)
def test_what_no_rule_can_say_is_refused_with_line_and_column(write, line, column, message):
    with pytest.raises(SgsimError) as refusal:
        rules_of(write, line)
    text = str(refusal.value)
    assert text.endswith(f": {message}")
    assert text.startswith("lesson.yaml, line 4, column ")
    assert text.split(":", maxsplit=1)[0].endswith(f"column {column}")


def test_a_name_of_two_groups_is_refused(write):
    with pytest.raises(SgsimError) as refusal:
        load(
            write(
                "lesson.yaml",
                """\
                groups:
                  sg-1: {name: web}
                  sg-2: {name: web}
                  sg-3:
                    ingress: [{protocol: all, from: web}]
                """,
            )
        )
    assert str(refusal.value) == (
        "lesson.yaml, line 5, column 37: group name must be unique, got 'web', the name of sg-1, sg-2: give the id"
    )


def test_the_same_group_in_json_and_in_yaml_is_equal(write):
    in_json = {
        "SecurityGroups": [
            {
                "GroupId": "sg-web",
                "GroupName": "web",
                "Description": "for the web",
                "VpcId": "vpc-1",
                "OwnerId": "123456789012",
                "IpPermissions": [
                    {
                        "IpProtocol": "tcp",
                        "FromPort": 22,
                        "ToPort": 30,
                        "IpRanges": [{"CidrIp": "203.0.113.1/32", "Description": "ssh"}],
                        "PrefixListIds": [{"PrefixListId": "pl-1", "Description": "ssh"}],
                        "UserIdGroupPairs": [{"GroupId": "sg-admin", "Description": "ssh"}],
                    },
                    {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
                ],
                "IpPermissionsEgress": [{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}],
            }
        ]
    }
    in_yaml = """\
        vpc: {id: vpc-1}
        groups:
          sg-web:
            name: web
            description: for the web
            owner: "123456789012"
            ingress:
              - {protocol: tcp, ports: 22-30, from: [203.0.113.1, pl-1, sg-admin], description: ssh}
              - {protocol: icmp, icmp: {type: 8}, from: 0.0.0.0/0}
            egress:
              - {protocol: all, to: "::/0"}
        """
    paths = write("groups.json", in_json), write("lesson.yaml", in_yaml)
    assert len(load(*paths).groups) == 1, "merging would refuse two versions"


def one_rule(**members):
    rule = {"protocol": "tcp", "ports": 80, "from": "0.0.0.0/0"} | members
    document = Document("lesson", {"groups": {"sg-1": {"ingress": [rule]}}}, next(read_json("{}", "")).place_of)
    return read_own_form(document.root).inventory.groups["sg-1"].rules[0]


@given(st.integers(-2, 65537), st.integers(-2, 65537))
def test_a_port_range_loads_exactly_if_it_is_one(first, last):
    if 0 <= first <= last <= 65535:
        assert one_rule(ports=f"{first}-{last}").ports == PortRange(first, last)
    else:
        with pytest.raises(SgsimError):
            one_rule(ports=f"{first}-{last}")


@given(st.ip_addresses(), st.integers(0, 128))
def test_a_block_loads_with_its_host_bits_cleared(address, length):
    length = min(length, address.max_prefixlen)
    peer = one_rule(**{"from": f"{address}/{length}"}).peer
    assert isinstance(peer, Cidr)
    network = peer.network
    assert (network.version, network.prefixlen) == (address.version, length)
    assert network.first == int(address) >> (address.max_prefixlen - length) << (address.max_prefixlen - length)


@given(st.text(alphabet="0123456789./:abcdef", min_size=1, max_size=12))
def test_what_looks_like_an_address_is_one_or_is_refused(text):
    """Never a group: a slip in an address must not become a name that matches nothing."""
    try:
        peer = one_rule(**{"from": text}).peer
    except RuleError:
        return
    looks_like_one = set(text) & set("/:") or set(text) <= set("0123456789.")
    assert isinstance(peer, Cidr if looks_like_one else GroupReference)
