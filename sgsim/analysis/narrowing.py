"""One rule made narrower: rules inside it that carry what it let pass.

The law: every new rule lies inside the old one, and together they admit every peer and service that was seen (or, with a
least count, that was seen often enough).
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from attrs import define, evolve, field, frozen
from netaddr import IPNetwork, cidr_merge

from sgsim.errors import ConfigError
from sgsim.model.address import Family
from sgsim.model.protocol import CLIENT_PORT, ICMP_PROTOCOLS, PORT_PROTOCOLS
from sgsim.rules.port_range import LAST_PORT, PortRange
from sgsim.rules.rule import Cidr, IcmpMatch, Peer, Rule
from sgsim.rules.service import DETAILS

Service = tuple[int, PortRange | None, IcmpMatch | None]


@frozen(kw_only=True)
class Knobs:
    """How narrow is narrow enough."""

    prefix4: int = field(default=32)
    """Peers are widened to blocks of this length, IPv4."""
    prefix6: int = field(default=128)
    """The same for IPv6."""
    port_gap: int = field(default=0)
    """Ports with at most this many unseen ports between them are one range."""
    ephemeral: int = field(default=4)
    """From this many ephemeral ports on, a rule keeps all of its ephemeral ports; 0 switches this off."""
    most: int = field(default=10)
    """How many rules may take the place of one; blocks are widened until they fit, in the end to the old peer."""
    least: int = field(default=1)
    """Peers and services of fewer flows are left out."""

    def __attrs_post_init__(self) -> None:
        """Refuse what means nothing."""
        for name, low, high in (
            ("prefix4", 0, 32), ("prefix6", 0, 128), ("port_gap", 0, LAST_PORT), ("ephemeral", 0, LAST_PORT),
            ("most", 1, 1000), ("least", 1, 1 << 62),
        ):  # fmt: skip
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name} must be {low}..{high}, got {value!r}")


DEFAULT_KNOBS = Knobs()
"""The narrowest."""


@define
class Seen:
    """What one rule let pass: flows by peer and service."""

    counts: Counter[tuple[int, int, int]] = field(factory=Counter)
    """By family, address and service."""

    @property
    def flows(self) -> int:
        """How many flows."""
        return sum(self.counts.values())

    def add(self, family: int, peer: int, service: int, flows: int) -> None:
        """Count flows."""
        self.counts[family, peer, service] += flows

    def often(self, least: int) -> list[tuple[int, int, int]]:
        """Peers and services with enough flows, in order."""
        return sorted(key for key, flows in self.counts.items() if flows >= least)


def narrowed(rule: Rule, seen: Seen, knobs: Knobs) -> tuple[Rule, ...]:
    """Rules that take the place of one; none if it let nothing pass, itself if nothing narrower is found."""
    keys = seen.often(knobs.least)
    if not keys:
        return ()
    new = (
        _by_block(rule, keys, knobs)
        if isinstance(rule.peer, Cidr)
        else _with_services(rule, (s for *_, s in keys), knobs)
    )
    if len(new) > knobs.most and isinstance(rule.peer, Cidr):
        new = _with_services(rule, (service for *_, service in keys), knobs)
    return (rule,) if len(new) > knobs.most or rule in new else tuple(new)


def _by_block(rule: Rule, keys: list[tuple[int, int, int]], knobs: Knobs) -> list[Rule]:
    """One rule for each block and service, with blocks just wide enough that there are not too many."""
    family = Family(keys[0][0])
    own = rule.peer.network if isinstance(rule.peer, Cidr) else IPNetwork("0.0.0.0/0")
    start = max(own.prefixlen, knobs.prefix4 if family is Family.IPV4 else knobs.prefix6)
    best: list[Rule] = []
    for length in range(start, own.prefixlen - 1, -1):
        best = list(_at_length(rule, keys, family, length, knobs))
        if len(best) <= knobs.most:
            return best
    return best


def _at_length(
    rule: Rule, keys: list[tuple[int, int, int]], family: Family, length: int, knobs: Knobs
) -> Iterator[Rule]:
    """Rules for blocks of one length; blocks with the same services are joined where they are one larger block."""
    shift = family.bits - length
    services: dict[int, set[int]] = {}
    for _, peer, service in keys:
        services.setdefault(peer >> shift << shift, set()).add(service)
    blocks: dict[tuple[Service, ...], list[IPNetwork]] = {}
    for first, asked in services.items():
        made = tuple(_services(rule, asked, knobs))
        blocks.setdefault(made, []).append(IPNetwork((first, length), version=family))
    for made, networks in blocks.items():
        for network in cidr_merge(networks):
            yield from (_inside(rule, Cidr(network), each) for each in made)


def _with_services(rule: Rule, asked: Iterable[int], knobs: Knobs) -> list[Rule]:
    """The rule's own peer, with the services that were asked for."""
    return [_inside(rule, rule.peer, service) for service in _services(rule, set(asked), knobs)]


def _inside(rule: Rule, peer: Peer, service: Service) -> Rule:
    """The rule with another peer and service; if it says something else, it has no id of AWS yet."""
    protocol, ports, icmp = service
    new = evolve(rule, peer=peer, protocol=protocol, ports=ports, icmp=icmp)
    return new if new == rule else evolve(new, rule_id=None)


def _services(rule: Rule, asked: set[int], knobs: Knobs) -> Iterator[Service]:
    """The services that are needed, as rules say them, inside the rule's own."""
    by_protocol: dict[int, list[int]] = {}
    for service in sorted(asked):
        by_protocol.setdefault(service // DETAILS, []).append(service % DETAILS)
    for protocol, details in by_protocol.items():
        if protocol in PORT_PROTOCOLS:
            own = rule.ports or PortRange.all()
            yield from ((protocol, ports, None) for ports in _port_ranges(details, own, knobs))
        elif protocol in ICMP_PROTOCOLS:
            yield from ((protocol, None, IcmpMatch(*divmod(detail, 256))) for detail in details)
        else:
            yield protocol, None, None


def _port_ranges(ports: list[int], own: PortRange, knobs: Knobs) -> Iterator[PortRange]:
    ephemeral = [port for port in ports if port >= CLIENT_PORT]
    guarded = PortRange(max(CLIENT_PORT, own.first), own.last) if own.last >= CLIENT_PORT else None
    if guarded is not None and knobs.ephemeral and len(ephemeral) >= knobs.ephemeral:
        ports = sorted({*(port for port in ports if port < CLIENT_PORT), guarded.first})
        last_of = {guarded.first: guarded.last}
    else:
        last_of = {}
    first, last = ports[0], last_of.get(ports[0], ports[0])
    for port in ports[1:]:
        if port - last - 1 > knobs.port_gap:
            yield PortRange(first, last)
            first = port
        last = max(last, last_of.get(port, port))
    yield PortRange(first, last)
