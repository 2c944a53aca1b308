"""What the readable decoder knows about protocols, as the tables that compiled code looks up.

No fact is written here: each is taken from the module of the readable decoder that has it.
"""

import functools
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels import decode_layout as layout
from sgsim.model.protocol import ICMP_ANSWERS, ICMP_ERRORS, ICMP_QUERIES, Protocol
from sgsim.sources import ip_headers, links
from sgsim.sources.odd_links import SCAPY_LAYERS

_KIND_OF_READER: Final = {
    links.read_loopback: layout.LINK_LOOPBACK,
    links.read_ethernet: layout.LINK_ETHERNET,
    links.read_raw: layout.LINK_RAW,
    links.read_raw_ipv4: layout.LINK_RAW_IPV4,
    links.read_raw_ipv6: layout.LINK_RAW_IPV6,
    links.read_cooked: layout.LINK_COOKED,
    links.read_cooked_v2: layout.LINK_COOKED_V2,
}

LINK_OF_TYPE: Final[dict[int, int]] = {
    link_type: layout.FIRST_ODD_LINK + place for place, link_type in enumerate(sorted(SCAPY_LAYERS))
} | {link_type: _KIND_OF_READER[reader] for link_type, reader in links.LINK_READERS.items()}
"""What kernels call a link type; `LINK_UNKNOWN` for all others."""

TYPE_OF_LINK: Final = {link: link_type for link_type, link in LINK_OF_TYPE.items()}
"""A link type that kernels call so; the only one, where they may ask the readable decoder."""


@functools.cache
def decoding_facts() -> NDArray[np.uint8]:
    """Give the array `facts` of the decoding kernels."""
    facts = np.zeros(layout.FACT_BYTES, np.uint8)
    versions = {
        ethertype: layout.CARRIER if version == links.CARRIED else version
        for ethertype, version in links.VERSION_OF_ETHERTYPE.items()
    }
    _put(facts, layout.ETHERTYPES, versions | dict.fromkeys(links.VLAN_TAGS, layout.TAG))
    _put(facts, layout.FAMILIES, links.VERSION_OF_FAMILY)
    _put(facts, layout.COOKED_DIRECTIONS, links.DIRECTION_OF_COOKED)
    forms = {ip_headers.FRAGMENT_HEADER: layout.FRAGMENT, ip_headers.AUTHENTICATION_HEADER: layout.BY_FOURS}
    _put(facts, layout.EXTENSIONS, dict.fromkeys(ip_headers.EXTENSION_HEADERS, layout.BY_EIGHTS) | forms)
    for base, protocol in ((0, Protocol.ICMP), (256, Protocol.ICMPV6)):
        kinds = (
            dict.fromkeys(ICMP_QUERIES[protocol], layout.QUERY)
            | dict.fromkeys(ICMP_ANSWERS[protocol], layout.ANSWER)
            | dict.fromkeys(ICMP_ERRORS[protocol], layout.ERROR)
        )
        _put(facts, layout.ICMP_KINDS + base, kinds)
    return facts


def _put(facts: NDArray[np.uint8], base: int, values: Mapping[int, int]) -> None:
    for key, value in values.items():
        facts[base + key] = value
