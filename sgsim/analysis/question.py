"""Which packets a search is about, and how people write it.

A question is a set of packets: those from some addresses to some addresses that ask for some services. Ends are written
as interfaces, instances, groups, prefix lists, addresses, blocks, or `any`.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import field, frozen
from netaddr import IPNetwork

from sgsim.analysis.openings import ORDINARY_PORT
from sgsim.errors import ConfigError, SgsimError, UnresolvedReferenceError
from sgsim.model.address import parse_address
from sgsim.model.protocol import ANY_PROTOCOL, ICMP_PROTOCOLS, PORT_PROTOCOLS, protocol_name, protocol_number
from sgsim.rules.address_set import AddressSet, parse_cidr
from sgsim.rules.inventory import Inventory
from sgsim.rules.port_range import LAST_PORT
from sgsim.rules.ranges import Ranges, difference, intersection, merged
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule_region import EVERYONE
from sgsim.rules.service import ALL_SERVICES, protocol_services

ANY: Final = "any"


@frozen(kw_only=True)
class Question:
    """A set of packets that might open flows."""

    sources: AddressSet = field(default=EVERYONE)
    destinations: AddressSet = field(default=EVERYONE)
    services: Ranges = ALL_SERVICES
    src_port: int = ORDINARY_PORT
    """The source port of the packets, where they have one; no rule looks at it."""


@frozen(kw_only=True)
class Wording:
    """A question as it is written; each list is what any of may hold, and nothing given is any."""

    sources: Sequence[str] = ()
    not_sources: Sequence[str] = ()
    destinations: Sequence[str] = ()
    not_destinations: Sequence[str] = ()
    protocols: Sequence[str] = ()
    ports: Sequence[str] = ()
    not_ports: Sequence[str] = ()
    src_ports: Sequence[str] = ()
    icmp_type: int | None = None
    icmp_code: int | None = None

    def question(self, inventory: Inventory) -> Question:
        """What it means in one network.

        Raises:
            ConfigError: If a part is not right, or names what no document describes.
            UnresolvedReferenceError: If it names a group or list whose addresses nobody gave.
        """
        return Question(
            sources=_ends(self.sources, self.not_sources, inventory),
            destinations=_ends(self.destinations, self.not_destinations, inventory),
            services=self._services(),
            src_port=_src_port(self.src_ports),
        )

    def _services(self) -> Ranges:
        numbers = [_protocol(text) for text in self.protocols]
        has_ports, has_icmp = bool(self.ports or self.not_ports), self.icmp_type is not None
        if has_ports and has_icmp:
            raise ConfigError("question must have ports or an ICMP type, got both")
        if not numbers:
            numbers = sorted(PORT_PROTOCOLS if has_ports else ICMP_PROTOCOLS if has_icmp else {ANY_PROTOCOL})
        wrong = (has_ports and set(numbers) - PORT_PROTOCOLS) or (has_icmp and set(numbers) - ICMP_PROTOCOLS)
        if wrong:
            kind, kinds = ("ports", "tcp and udp") if has_ports else ("an ICMP type", "icmp and icmpv6")
            raise ConfigError(f"{kind} must go with {kinds} alone, got {protocol_name(min(wrong))}")
        if self.icmp_code is not None and not has_icmp:
            raise ConfigError(f"an ICMP code must go with a type, got code {self.icmp_code} alone")
        if ANY_PROTOCOL in numbers:
            return ALL_SERVICES
        details = self._details(has_ports=has_ports, has_icmp=has_icmp)
        return merged(protocol_services(number, *detail) for number in numbers for detail in details)

    def _details(self, *, has_ports: bool, has_icmp: bool) -> Ranges:
        everything: Ranges = ((0, LAST_PORT),)
        if has_ports:
            wanted = merged(map(_ports, self.ports)) if self.ports else everything
            return difference(wanted, merged(map(_ports, self.not_ports)))
        if not has_icmp or self.icmp_type is None:
            return everything
        first = _octet(self.icmp_type, "ICMP type") * 256
        if self.icmp_code is None:
            return ((first, first + 255),)
        return ((first + _octet(self.icmp_code, "ICMP code"),) * 2,)


def _protocol(text: str) -> int:
    return ANY_PROTOCOL if text == ANY else protocol_number(text)


def _octet(number: int, what: str) -> int:
    if not 0 <= number <= 255:
        raise ConfigError(f"{what} must be 0..255, got {number}")
    return number


def _ports(text: str) -> tuple[int, int]:
    """Read `22` or `1000-2000`."""
    first, separator, last = text.partition("-")
    if not separator:
        last = first
    if not (
        (first + last).isascii() and first.isdecimal() and last.isdecimal() and int(first) <= int(last) <= LAST_PORT
    ):
        raise ConfigError(f"ports must be a port such as 22 or a range such as 1000-2000, got {text!r}")
    return int(first), int(last)


def _src_port(texts: Sequence[str]) -> int:
    """One of the source ports: the ordinary one if it is among them."""
    wanted = merged(map(_ports, texts))
    if not wanted or intersection(wanted, ((ORDINARY_PORT, ORDINARY_PORT),)):
        return ORDINARY_PORT
    return wanted[0][0]


def _ends(texts: Sequence[str], excluded: Sequence[str], inventory: Inventory) -> AddressSet:
    wanted = _union(_addresses(text, inventory) for text in texts) if texts else EVERYONE
    without = _union(_addresses(text, inventory) for text in excluded)
    return AddressSet(difference(wanted.ipv4, without.ipv4), difference(wanted.ipv6, without.ipv6))


def _union(sets: Iterable[AddressSet]) -> AddressSet:
    sets = list(sets)
    return AddressSet(
        merged(each for one in sets for each in one.ipv4), merged(each for one in sets for each in one.ipv6)
    )


def _addresses(text: str, inventory: Inventory) -> AddressSet:
    """The addresses that one end stands for."""
    if text == ANY:
        return EVERYONE
    if text in inventory.interfaces:
        return AddressSet.of(inventory.interfaces[text].addresses)
    attached = [each for each in inventory.interfaces.values() if each.instance_id == text]
    if attached:
        return _union(AddressSet.of(each.addresses) for each in attached)
    if text in inventory.prefix_lists:
        return _known(Resolver(inventory).prefix_list(text), text, inventory)
    try:
        return AddressSet.of([parse_cidr(text) if "/" in text else _single(text)])
    except SgsimError:
        return _members(text, inventory)


def _single(text: str) -> IPNetwork:
    number, family = parse_address(text)
    return IPNetwork((number, family.bits), version=family)


def _members(text: str, inventory: Inventory) -> AddressSet:
    try:
        group_id = inventory.find_group(text).group_id
    except SgsimError as error:
        known = ", ".join(list({**inventory.interfaces, **inventory.groups})[:8]) or "none"
        raise ConfigError(
            f"end must be any, an address, a block, or an interface, instance, group or prefix list that a document "
            f"describes, got {text!r}; known are {known}"
        ) from error
    return _known(Resolver(inventory).members(group_id), text, inventory)


def _known(addresses: AddressSet | None, text: str, inventory: Inventory) -> AddressSet:
    if addresses is None and not inventory.allow_unresolved:
        raise UnresolvedReferenceError(
            f"the question hinges on {text}, whose addresses nobody gave: add a document that has them, or --members "
            f"{text}=ADDRESS[,...], or --allow-unresolved to count it as empty"
        )
    return AddressSet() if addresses is None else addresses
