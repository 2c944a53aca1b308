"""`kernel cell == first rule that admits`, for representatives of all classes, their edges, and any headers."""

import random

import numba
import numpy as np
import pytest
import strategies
from attrs import evolve
from builders import group, interface, inventory, prefix_list, rule
from equivalence.random_setups import random_rule
from hypothesis import given
from hypothesis import strategies as st
from netaddr import IPAddress, IPNetwork

from sgsim.engine.lowering.rules import RuleLowering
from sgsim.engine.lowering.services import header_of_service
from sgsim.kernels import match, rule_layout
from sgsim.kernels.addresses import addresses
from sgsim.kernels.groups import rules_at
from sgsim.model.address import Family
from sgsim.model.states import Direction
from sgsim.rules.header import Header
from sgsim.rules.match import RuleMatcher
from sgsim.rules.openness import LITERALLY, Openness, OpenRules
from sgsim.rules.port_range import PortRange
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule import Cidr, GroupReference, Rule
from sgsim.rules.security_group import SecurityGroup

_WORD = (1 << 64) - 1


@numba.njit
def _look_up(place, unit, is_ipv6, his, los, services, first, opened):
    """The first rule, and the rule that leaves it untracked, of each header."""
    rules = rules_at(place)
    for row in range(len(his)):
        first[row] = match.first_rule(rules, unit, is_ipv6, his[row], los[row], services[row])
        opened[row] = match.open_rule(rules, unit, is_ipv6, his[row], los[row], services[row])


@numba.njit
def _number(protocol, port, icmp_type, icmp_code):
    return match.service_number(protocol, port, icmp_type, icmp_code)


@numba.njit
def _is_open_back(place, unit, is_ipv6, protocol):
    return match.is_open_back(rules_at(place), unit, is_ipv6, protocol)


@numba.njit
def _hinges(place, unit, is_ipv6, service):
    return match.hinges(rules_at(place), unit, is_ipv6, service)


def service_of(header: Header) -> int:
    """The number that kernels give the service of a header."""
    has_service = header.port is not None or header.icmp_type is not None
    return _number(
        header.protocol, header.port or 0 if has_service else -1, header.icmp_type or 0, header.icmp_code or 0
    )


class Lowered:
    """A matcher beside its tables."""

    def __init__(self, matcher: RuleMatcher) -> None:
        self.matcher, self.lowering = matcher, RuleLowering()
        self.rules = self.lowering.lower([matcher]).rules
        self.place = addresses(self.rules)

    def compiled(self, headers: list[Header]) -> list[tuple[str | None, str | None]]:
        """The ids of the first rule that admits each header, and of that which leaves its flow untracked."""
        family, direction = headers[0].family, headers[0].direction
        his, los = (np.array([each.peer >> shift & _WORD for each in headers], dtype=np.uint64) for shift in (64, 0))
        services = np.array([service_of(each) for each in headers])
        first, opened = np.zeros(len(headers), np.int64), np.zeros(len(headers), np.int64)
        unit = int(direction is Direction.EGRESS)
        _look_up(self.place.ctypes.data, unit, int(family is Family.IPV6), his, los, services, first, opened)
        found = []
        for at, header in enumerate(headers):
            back = _is_open_back(self.place.ctypes.data, 1 - unit, int(family is Family.IPV6), header.protocol)
            found.append((self._name(first[at]), self._name(opened[at]) if back else None))
        return found

    def _name(self, number: int) -> str | None:
        return None if number < 0 else self.lowering.refs[number].rule_id

    def reference(self, headers: list[Header]) -> list[tuple[str | None, str | None]]:
        """The same by the rules one after the other."""
        found = []
        for header in headers:
            first, opened = next(self.matcher.admitting(header), None), self.matcher.open_rule(header)
            found.append((first and first.ref.rule_id, opened and opened.ref.rule_id))
        return found

    def check(self, headers: list[Header]) -> None:
        for family in Family:
            for direction in Direction:
                some = [each for each in headers if each.family is family and each.direction is direction]
                if some:
                    assert self.reference(some) == self.compiled(some)


def lowered(*rules, openness=LITERALLY, **parts) -> Lowered:
    known = inventory(group(*rules), interface("192.0.2.10", "2001:db8::10"), *parts.values(), allow_unresolved=True)
    return Lowered(RuleMatcher(known.interfaces["eni-a"], Resolver(known), openness))


def in_two_groups(rules, openness) -> Lowered:
    """Every other rule in another group, and a prefix list of all IPv4 addresses."""
    groups = [
        SecurityGroup(group_id=name, rules=[evolve(each, group_id=name) for each in rules[at::2]])
        for at, name in enumerate(("sg-web", "sg-2"))
    ]
    known = inventory(
        *groups,
        interface("192.0.2.10", "2001:db8::10", groups=["sg-web", "sg-2"]),
        prefix_list("pl-1", "0.0.0.0/0", "2001:db8::/64"),
        allow_unresolved=True,
    )
    return Lowered(RuleMatcher(known.interfaces["eni-a"], Resolver(known), openness))


opennesses = st.builds(
    Openness,
    rules=st.sampled_from(OpenRules),
    own_protocol=st.booleans(),
    across_groups=st.booleans(),
    beside_narrow=st.booleans(),
)
OPENNESSES = [
    *(Openness(rules=rules) for rules in OpenRules),
    Openness(own_protocol=False),
    Openness(across_groups=False),
    Openness(beside_narrow=False),
    Openness(rules=OpenRules.COVERED, across_groups=False, own_protocol=False),
]


def edge_headers(at: Lowered, services: list[int]) -> list[Header]:
    """Headers of these services from the edges of all blocks, and from beside them."""
    found = []
    for family in Family:
        edges = {0, (1 << family.bits) - 1}
        for direction in Direction:
            for each in at.matcher.rules[direction]:
                edges |= {end for pair in (each.addresses.ranges(family) if each.addresses else ()) for end in pair}
        peers = {edge + step for edge in edges for step in (-1, 0, 1)} & _Range(family)
        found += [
            header._replace(peer=peer) if hasattr(header, "_replace") else _with_peer(header, peer)
            for direction in Direction
            for service in services
            for header in [header_of_service(service, direction, family)]
            for peer in sorted(peers)
        ]
    return found


class _Range:
    def __init__(self, family):
        self.family = family

    def __rand__(self, values):
        return {value for value in values if 0 <= value < 1 << self.family.bits}


def _with_peer(header, peer):
    return Header(
        header.direction, header.family, peer, header.protocol, header.port, header.icmp_type, header.icmp_code
    )


SERVICES = [0, 21, 22, 80, 443, 444, 32767, 32768, 65535, 65536, 65589, 131071, 131072, 131072 + 8 * 256,
            131072 + 3 * 256 + 4, 196608, 196608 + 128 * 256, 262144, 262144 + 6, 262144 + 47, 262144 + 255]  # fmt: skip


def nearly_open_rule(rng):
    """A rule that is open to everyone, or nearly."""
    service = rng.choice(["all", "all", "tcp all", "tcp 80", "tcp 0-79", "tcp 80-65535", "udp all", "47"])
    peers = ["0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "pl-1", "::/0", "198.51.100.7/32"]
    return rule(f"{service} {rng.choice(['from', 'to'])} {rng.choice(peers)}")


@pytest.mark.parametrize("openness", OPENNESSES, ids=str)
@pytest.mark.parametrize("make", [nearly_open_rule, lambda rng: random_rule(rng, "sg-web")], ids=["open", "any"])
@pytest.mark.parametrize("seed", range(6))
def test_representatives_of_all_classes(seed, make, openness):
    rng = random.Random(seed)
    made = [make(rng) for _ in range(rng.randint(0, 12))]
    at = in_two_groups(made, openness)
    at.check(edge_headers(at, SERVICES))


@given(
    made=st.lists(strategies.rules(), max_size=8),
    headers=st.lists(strategies.headers(), min_size=1, max_size=20),
    openness=opennesses,
)
def test_any_rules_and_headers(made, headers, openness):
    in_two_groups(made, openness).check(headers)


@given(header=strategies.headers())
def test_a_service_has_one_number(header):
    number = service_of(header)
    again = header_of_service(number, header.direction, header.family)
    assert (header.protocol, header.port) == (again.protocol, again.port)
    if header.icmp_type is not None:
        assert (header.icmp_type, header.icmp_code) == (again.icmp_type, again.icmp_code)


@pytest.mark.parametrize("family", Family)
def test_ten_thousand_prefix_entries(family):
    rng = random.Random(int(family))
    if family is Family.IPV4:
        blocks = {f"{rng.randrange(1, 224)}.{rng.randrange(256)}.{rng.randrange(256)}.0/24" for _ in range(10_500)}
    else:
        blocks = {f"2001:db8:{rng.randrange(1 << 16):x}:{rng.randrange(1 << 16):x}::/64" for _ in range(10_500)}
    entries = prefix_list("pl-1", *sorted(blocks)[:10_000])
    at = lowered("tcp 443 from pl-1", "tcp 22-443 from 0.0.0.0/1", entries=entries)
    edges = sorted({end for net in entries.entries for end in (net.first - 1, net.first, net.last, net.last + 1)})
    headers = [Header(Direction.INGRESS, family, peer, 6, 443) for peer in rng.sample(edges, 600)]
    at.check(headers)


@st.composite
def blocks(draw):
    """A block of IPv6 or IPv4: of any size, the first or last of all, or one of many that begin alike."""
    bits = draw(st.sampled_from([32, 128, 128]))
    length = draw(st.one_of(st.integers(0, bits), st.just(bits)))
    begin = draw(
        st.sampled_from([0, (1 << bits) - 1, 0x2001_0DB8 << bits - 32, 0x2001_0DB8 << bits - 32 | 7 << bits // 2])
    )
    last = draw(st.integers(0, 3) | st.integers(0, (1 << bits // 2) - 1))
    address = (begin ^ last) >> bits - length << bits - length
    return IPNetwork(f"{IPAddress(address, 4 if bits == 32 else 6)}/{length}")


@given(made=st.lists(st.lists(blocks(), min_size=1, max_size=12), min_size=1, max_size=4), data=st.data())
def test_lists_of_any_blocks(made, data):
    rules = [
        rule(f"{data.draw(st.sampled_from(['all', 'tcp 443', 'udp 0-443', 'tcp 22-443']))} from pl-{number}")
        for number in range(len(made))
    ]
    lists = {f"entries_{at}": prefix_list(f"pl-{at}", *map(str, each)) for at, each in enumerate(made)}
    at = lowered(*rules, **lists)
    at.check(edge_headers(at, [22, 443, 65536, 196608 + 128 * 256]))


def test_hosts_of_few_networks():
    """What tells them apart are the last bits of their addresses, which take nodes of their own."""
    rng = random.Random(6)
    hosts = [
        f"2001:db8:0:{rng.randrange(3)}:{rng.getrandbits(16):x}::{rng.getrandbits(16):x}/128" for _ in range(3_000)
    ]
    at = lowered(*(rule(f"tcp {rng.randrange(400)}-443 from {host}") for host in hosts[:400]),
                 "tcp 443 from pl-1", "all from ::/0", entries=prefix_list("pl-1", *sorted(set(hosts))))  # fmt: skip
    assert at.rules.trees[2 * rule_layout.TREE_WORDS + rule_layout.TREE_PIECES] == 1
    peers = [IPNetwork(host).first + step for host in hosts for step in (-1, 0, 1)]
    peers += [0, _WORD, _WORD + 1, (1 << 128) - 1]
    at.check(
        [Header(Direction.INGRESS, Family.IPV6, peer, 6, rng.choice([1, 300, 443])) for peer in rng.sample(peers, 500)]
    )


@pytest.mark.parametrize("count", [7, 8, 200, 2_000])
def test_many_services_of_one_peer(count):
    """Rows with a node or several; only one in a hundred is long where others have rules of their own."""
    rng = random.Random(count)
    ports = sorted(rng.sample(range(1, 65_534), count))
    few = [rule(f"tcp {rng.randrange(65_535)} from 10.0.{number}.0/24") for number in range(100)]
    at = lowered(
        *few, *(rule(f"{rng.choice(['tcp', 'udp'])} {port} from 192.0.2.0/24") for port in ports), "tcp 1 to ::/0"
    )
    services = [rng.choice(ports) + rng.choice([-1, 0, 1]) + rng.choice([0, 65_536]) for _ in range(500)]
    headers = [header_of_service(each, Direction.INGRESS, Family.IPV4) for each in services]
    at.check([_with_peer(header, IPNetwork(rng.choice(["192.0.2.9", "10.0.7.1"])).first) for header in headers])


def test_ten_thousand_random_rules_take_few_megabytes():
    rng = random.Random(10)
    made = [random_narrow_rule(rng) for _ in range(10_000)]
    at = lowered(*made, "udp all from 0.0.0.0/1", "all from 128.0.0.0/1")
    assert sum(column.nbytes for column in at.rules) < 3e6
    within = [rng.choice(made) for _ in range(300)]
    headers = [
        Header(Direction.INGRESS, Family.IPV4, rule.peer.network.first + rng.randrange(rule.peer.network.size),
               rng.choice([6, rule.protocol]), rng.choice([rule.ports.first, rule.ports.last, rng.randrange(65536)]))
        for rule in within
    ]  # fmt: skip
    at.check(headers)


def random_narrow_rule(rng: random.Random) -> Rule:
    """A range of ports from a block of addresses."""
    first = rng.randrange(60_000)
    block = IPNetwork(f"{rng.randrange(1, 224)}.{rng.randrange(256)}.{rng.randrange(256)}.0/{rng.randint(8, 25)}")
    return Rule(
        group_id="sg-web",
        direction=Direction.INGRESS,
        protocol=rng.choice([6, 17]),
        peer=Cidr(block),
        ports=PortRange(first, first + rng.randrange(2_000)),
    )


def test_hinges_are_told_by_service_and_family():
    known = inventory(group("tcp 443 from sg-x", "icmp all from pl-x"), interface(), has_interface_document=False,
                      allow_unresolved=True)  # fmt: skip
    matcher = RuleMatcher(known.interfaces["eni-a"], Resolver(known))
    assert isinstance(matcher.rules[Direction.INGRESS][0].rule.peer, GroupReference)
    result = RuleLowering().lower([matcher])
    place = addresses(result.rules)
    for family in Family:
        for service in (443, 442, rule_layout.ICMP_FROM + 8 * 256, rule_layout.ICMPV6_FROM + 128 * 256):
            header = header_of_service(service, Direction.INGRESS, family)
            expected = [each.ref.rule_id for each in matcher.hinging(header)]
            assert bool(expected) == _hinges(place.ctypes.data, 0, int(family is Family.IPV6), service)
            counted = np.flatnonzero(result.rules.hinged).tolist()
            assert [expected] * bool(expected) == [result.hinge_rules[at] for at in counted]
            result.rules.hinged[:] = 0


def test_no_rules_admit_nothing():
    lowered().check(edge_headers(lowered(), SERVICES))
    assert rule("tcp 443 from 0.0.0.0/0").is_open_to(Family.IPV4)
