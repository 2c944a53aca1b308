"""Services as numbers: a protocol and what its header asks for, in one integer.

A service is `protocol * 65536 + detail`. The detail is the destination port of TCP and UDP, `type * 256 + code` of ICMP
and ICMPv6, and means nothing for all other protocols, whose rules admit all of it. So every rule admits *one* interval
of services, and sets of services are `Ranges`.
"""

from collections.abc import Iterator
from typing import Final

from sgsim.model.protocol import ANY_PROTOCOL, ICMP_PROTOCOLS, PORT_PROTOCOLS, protocol_name
from sgsim.rules.header import Header
from sgsim.rules.port_range import PortRange
from sgsim.rules.ranges import Ranges
from sgsim.rules.rule import IcmpMatch, Rule

DETAILS: Final = 1 << 16
"""How many services a protocol has."""

ALL_SERVICES: Final[Ranges] = ((0, 256 * DETAILS - 1),)
"""What a rule for all traffic admits."""


def protocol_services(protocol: int, first: int = 0, last: int = DETAILS - 1) -> tuple[int, int]:
    """The interval of a protocol's services whose details are `first` to `last`."""
    return protocol * DETAILS + first, protocol * DETAILS + last


def rule_services(rule: Rule) -> tuple[int, int]:
    """First and last service that a rule admits."""
    if rule.protocol == ANY_PROTOCOL:
        return ALL_SERVICES[0]
    if rule.ports is not None:
        return protocol_services(rule.protocol, rule.ports.first, rule.ports.last)
    if rule.icmp is None or rule.icmp.icmp_type is None:
        return protocol_services(rule.protocol)
    first = rule.icmp.icmp_type * 256
    if rule.icmp.icmp_code is None:
        return protocol_services(rule.protocol, first, first + 255)
    return protocol_services(rule.protocol, first + rule.icmp.icmp_code, first + rule.icmp.icmp_code)


def header_service(header: Header) -> int:
    """The service that a whole packet asks for."""
    if header.protocol in PORT_PROTOCOLS:
        return header.protocol * DETAILS + (header.port or 0)
    if header.protocol in ICMP_PROTOCOLS:
        return header.protocol * DETAILS + (header.icmp_type or 0) * 256 + (header.icmp_code or 0)
    return header.protocol * DETAILS


def by_protocol(services: Ranges) -> Iterator[tuple[int, int, int]]:
    """Cut services at the bounds of protocols: protocol, first and last detail of each piece, in order.

    Protocols that are in it with all they have, one after the other, are one piece only if *all* protocols are; it has
    protocol -1.
    """
    if services == ALL_SERVICES:
        yield ANY_PROTOCOL, 0, DETAILS - 1
        return
    for first, last in services:
        for protocol in range(first // DETAILS, last // DETAILS + 1):
            begin = protocol * DETAILS
            yield protocol, max(first - begin, 0), min(last - begin, DETAILS - 1)


def service_texts(services: Ranges) -> list[str]:
    """Services in words, as rules say them: `tcp 443`, `icmp 8/0`, `all traffic`; a run of protocols is one text."""
    texts: list[str] = []
    run: list[int] = []
    for protocol, first, last in by_protocol(services):
        if protocol not in {ANY_PROTOCOL, *PORT_PROTOCOLS, *ICMP_PROTOCOLS}:
            if run and run[-1] != protocol - 1:
                texts.append(_run_text(run))
                run = []
            run.append(protocol)
            continue
        if run:
            texts.append(_run_text(run))
            run = []
        texts.append(_service_text(protocol, first, last))
    return [*texts, _run_text(run)] if run else texts


def _run_text(protocols: list[int]) -> str:
    if len(protocols) == 1:
        return f"protocol {protocols[0]}"
    return f"protocols {protocols[0]}-{protocols[-1]}"


def _service_text(protocol: int, first: int, last: int) -> str:
    if protocol == ANY_PROTOCOL:
        return "all traffic"
    if protocol in PORT_PROTOCOLS:
        return f"{protocol_name(protocol)} {PortRange(first, last)}"
    return f"{protocol_name(protocol)} {_icmp_text(first, last)}"


def _icmp_text(first: int, last: int) -> str:
    """`all`, `8/any`, `8/0`, `8/0-3` or, across types, `3/4-5/2`."""
    (first_type, first_code), (last_type, last_code) = divmod(first, 256), divmod(last, 256)
    if (first, last) == (0, DETAILS - 1):
        return str(IcmpMatch())
    if first == last:
        return str(IcmpMatch(first_type, first_code))
    if (first_code, last_code) == (0, 255):
        return str(IcmpMatch(first_type)) if first_type == last_type else f"{first_type}-{last_type}/any"
    return f"{first_type}/{first_code}-{'' if first_type == last_type else f'{last_type}/'}{last_code}"
