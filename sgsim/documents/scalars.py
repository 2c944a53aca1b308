"""Addresses, ports and ICMP types as documents write them, read at their place.

What a value must be is said by the nouns of `sgsim.rules`; here it is only tied to the member that is wrong.
"""

from typing import Final

from netaddr import IPNetwork

from sgsim.documents.node import Node
from sgsim.errors import RuleError
from sgsim.model.address import Family, parse_address
from sgsim.rules.address_set import parse_cidr
from sgsim.rules.port_range import LAST_PORT, PortRange
from sgsim.rules.rule import IcmpMatch

HOST_BITS: Final = "host bits of CIDR blocks are cleared, as EC2 does"


def read_cidr(node: Node, family: Family | None = None) -> IPNetwork:
    """Read a CIDR block; host bits are cleared and counted.

    Args:
        node: The text.
        family: The one that the member is for; None for either.

    Raises:
        RuleError: If it is no CIDR block, or one of the other family.
    """
    text = node.as_text()
    with node.at():
        network = parse_cidr(text)
        if family is not None and network.version != family:
            raise RuleError(f"{node.name} must be an IPv{family:d} block, got {text!r}")
    if parse_address(text.partition("/")[0])[0] != network.first:
        node.count(HOST_BITS, f"{text} is {network}")
    return network


def read_address(node: Node) -> IPNetwork:
    """Read a single address.

    Raises:
        RuleError: If it is no whole IPv4 or IPv6 address.
    """
    with node.at():
        return network_of(node.as_text())


def network_of(address: str) -> IPNetwork:
    """The network that holds one address alone.

    Raises:
        RuleError: If it is no whole IPv4 or IPv6 address.
    """
    number, family = parse_address(address)
    return IPNetwork((number, family.bits), version=family)


def read_ports(first: Node, last: Node) -> PortRange:
    """Read an interval of ports, each end at its place.

    Raises:
        RuleError: If an end is no port, or the interval is empty.
    """
    first_port, last_port = first.as_whole_number(), last.as_whole_number()
    with first.at():
        PortRange(first_port, LAST_PORT)
    with last.at():
        PortRange(0, last_port)
    with first.at():
        return PortRange(first_port, last_port)


def read_icmp(icmp_type: Node | None, icmp_code: Node | None) -> IcmpMatch:
    """Read a type and a code of ICMP, each at its place; missing and -1 mean any.

    Raises:
        RuleError: If one is out of range, or a code is given for any type.
    """
    type_number, code_number = _any_or_number(icmp_type), _any_or_number(icmp_code)
    if icmp_type is not None:
        with icmp_type.at():
            IcmpMatch(type_number)
    if icmp_code is None:
        return IcmpMatch(type_number)
    with icmp_code.at():
        return IcmpMatch(type_number, code_number)


def _any_or_number(node: Node | None) -> int | None:
    if node is None:
        return None
    number = node.as_whole_number()
    return None if number == -1 else number
