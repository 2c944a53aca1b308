import pytest
from builders import group, header, interface, inventory, network_acl, networks
from hypothesis import given
from hypothesis import strategies as st

from sgsim.errors import RuleError
from sgsim.model.decision import Verdict
from sgsim.model.states import Direction
from sgsim.rules.inventory import Subnet
from sgsim.rules.subnet_edge import acls_by_subnet, subnet_edges, subnet_id_of

OPEN = ("100 allow all from 0.0.0.0/0", "100 allow all to 0.0.0.0/0")


def edge(*entries, **fields):
    known = inventory(group(), interface(subnet_id="subnet-1"), network_acl(*entries), **fields)
    return subnet_edges(known)["eni-a"]


def decided(acl_edge, packet, direction=Direction.INGRESS):
    return acl_edge.deciding(header(packet, direction)).entry.text


SYN = "tcp 198.51.100.7:40000 -> 192.0.2.10:443"


def test_the_first_entry_that_fits_decides():
    first = edge("100 allow tcp 443 from 198.51.100.0/24", "200 deny all from 0.0.0.0/0")
    assert "100: allow tcp 443 from 198.51.100.0/24" == decided(first, SYN)
    other = edge("100 deny all from 198.51.100.7/32", "200 allow all from 0.0.0.0/0")
    assert "100: deny all traffic from 198.51.100.7/32" == decided(other, SYN)


def test_what_no_entry_is_about_the_star_denies():
    assert "*: deny all traffic from 0.0.0.0/0" == decided(edge(), SYN)
    assert "*: deny all traffic from ::/0" == decided(edge(*OPEN), "tcp [2001:db8::7]:1 -> [2001:db8::1]:2")


@pytest.mark.parametrize(
    ("entry", "packet", "fits"),
    [
        ("allow tcp 80-90 from 0.0.0.0/0", "tcp 198.51.100.7:1 -> 192.0.2.10:90", True),
        ("allow tcp 80-90 from 0.0.0.0/0", "tcp 198.51.100.7:1 -> 192.0.2.10:91", False),
        ("allow udp 53 from 0.0.0.0/0", "tcp 198.51.100.7:1 -> 192.0.2.10:53", False),
        ("allow 47 from 0.0.0.0/0", "47 198.51.100.7 -> 192.0.2.10", True),
        ("allow icmp 8/0 from 0.0.0.0/0", "icmp 198.51.100.7 -> 192.0.2.10 type 8 code 0", True),
        ("allow icmp 8 from 0.0.0.0/0", "icmp 198.51.100.7 -> 192.0.2.10 type 8 code 3", True),
        ("allow icmp 8/0 from 0.0.0.0/0", "icmp 198.51.100.7 -> 192.0.2.10 type 0 code 0", False),
        ("allow all from ::/0", SYN, False),
    ],
)
def test_what_an_entry_fits(entry, packet, fits):
    assert decided(edge(f"100 {entry}"), packet).startswith("100") is fits


def test_the_other_way_has_entries_of_its_own():
    out = edge("100 allow tcp 443 to 0.0.0.0/0")
    assert "100: allow tcp 443 to 0.0.0.0/0" == decided(out, SYN, Direction.EGRESS)
    assert decided(out, SYN).startswith("*")


def test_inside_are_the_blocks_of_the_subnet_and_the_interfaces_in_it():
    known = inventory(
        interface("192.0.2.10", subnet_id="subnet-1"),
        interface("198.51.100.9", interface_id="eni-b", subnet_id="subnet-1"),
        interface("198.51.100.5", interface_id="eni-c", subnet_id="subnet-2"),
        Subnet(subnet_id="subnet-1", networks=networks("192.0.2.0/24")),
        network_acl(),
    )
    here = subnet_edges(known)["eni-a"]
    inside = {peer: here.is_inside(header(f"tcp {peer}:1 -> 192.0.2.10:2")) for peer in (
        "192.0.2.77", "198.51.100.9", "198.51.100.5", "203.0.113.1",
    )}  # fmt: skip
    assert {"192.0.2.77": True, "198.51.100.9": True, "198.51.100.5": False, "203.0.113.1": False} == inside


def test_an_interface_without_a_subnet_is_in_the_smallest_that_has_its_address():
    known = inventory(
        Subnet(subnet_id="wide", networks=networks("192.0.2.0/24")),
        Subnet(subnet_id="narrow", networks=networks("192.0.2.0/28", "2001:db8::/64")),
    )
    assert "narrow" == subnet_id_of(interface(), known)
    assert "wide" == subnet_id_of(interface("192.0.2.200"), known)
    assert subnet_id_of(interface("203.0.113.1"), known) is None
    assert "told" == subnet_id_of(interface(subnet_id="told"), known)
    for address, subnet_id in (("192.0.2.0", "narrow"), ("192.0.2.15", "narrow"), ("192.0.2.255", "wide")):
        assert subnet_id == subnet_id_of(interface(address), known)


def test_each_interface_behind_an_acl_has_the_edge_of_its_subnet():
    known = inventory(
        interface("203.0.113.1", interface_id="eni-0"),
        interface("192.0.2.10"),
        Subnet(subnet_id="subnet-1", networks=networks("192.0.2.0/24")),
        network_acl(*OPEN),
    )
    edges = subnet_edges(known)
    assert {"eni-a": "subnet-1"} == {key: each.subnet_id for key, each in edges.items()}
    line = edges["eni-a"].deciding(header(SYN))
    assert "acl-1:ingress:100" == line.fits.ref.rule_id


def test_without_an_acl_before_its_subnet_an_interface_has_no_edge():
    assert {} == subnet_edges(inventory(interface(subnet_id="subnet-2"), network_acl()))
    assert {} == subnet_edges(inventory(interface(subnet_id="subnet-1")))


def test_two_acls_before_one_subnet_are_refused():
    known = inventory(network_acl(), network_acl(network_acl_id="acl-2"))
    with pytest.raises(RuleError, match="subnet must have one network ACL, got acl-1 and acl-2 for subnet-1"):
        acls_by_subnet(known)


def test_a_change_puts_another_acl_before_a_subnet():
    before = inventory(network_acl(subnets=("subnet-1", "subnet-2")))
    after = before.replaced_by(inventory(network_acl(network_acl_id="acl-2")))
    assert {"subnet-1": "acl-2", "subnet-2": "acl-1"} == {
        key: acl.network_acl_id for key, acl in acls_by_subnet(after).items()
    }


NUMBERED = st.lists(
    st.tuples(st.sampled_from(["allow", "deny"]), st.sampled_from(["tcp 0-100", "tcp 100-443", "all", "udp 443"]),
              st.sampled_from(["0.0.0.0/0", "198.51.100.0/24", "198.51.100.7/32"])), max_size=5,
)  # fmt: skip


@given(entries=NUMBERED)
def test_entries_behind_the_deciding_one_never_matter(entries):
    """deciding(a + b) == deciding(a), if some entry of a fits."""
    written = [f"{number} {verdict} {what} from {whom}" for number, (verdict, what, whom) in enumerate(entries, 1)]
    whole = edge(*written).deciding(header(SYN)).entry
    if whole.is_star:
        assert whole.verdict is Verdict.DENY
        return
    assert whole == edge(*written[: whole.number]).deciding(header(SYN)).entry
    assert edge(*written[: whole.number - 1]).deciding(header(SYN)).entry.is_star
