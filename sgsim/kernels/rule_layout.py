"""Where things stand in the arrays of `Rules`, and how services are numbered.

Services are numbered: TCP ports from 0, UDP ports from 65536, ICMP type * 256 + code from 131072, ICMPv6 from 196608, and
from 262144 each protocol by its number: for protocols without ports, and for later fragments.
"""

from typing import Final

UDP_FROM: Final = 65536
ICMP_FROM: Final = 131072
ICMPV6_FROM: Final = 196608
PROTOCOL_FROM: Final = 262144
SERVICES: Final = PROTOCOL_FROM + 256
"""Numbers of services, each less than this."""

PAGE_BITS: Final = 10
PAGE_WORDS: Final = (1 << PAGE_BITS) // 64
"""Words of `Rules.marks` in a page."""
PAGE_AT: Final = 32
"""A reference to a page: its first word from this bit on; below, how many marks stand before it."""
SERVICE_PAGES: Final = -(-SERVICES >> PAGE_BITS)
HEAD_PAGES: Final = 65536 >> PAGE_BITS
"""Pages for the upper half of an IPv4 address; they follow those for services."""
UNIT_PAGES: Final = SERVICE_PAGES + HEAD_PAGES

NODE_AT: Final = 6
"""A reference to a node: its position in `Rules.nodes` from this bit on; below, how many low bits it does not look at."""
LEAF: Final = 6
"""A leaf looks at no bits; what it is a leaf for is its position."""
STEPS: Final = (5, 5, 6)
"""Bits of the lower half of an IPv4 address that each node looks at."""

BLOCK_BITS: Final = 4
GROUP_BITS: Final = 9
BLOCK: Final = 1 << BLOCK_BITS
"""Classes of services in a block of cells of the cross table."""
BLOCKS: Final = 1 << GROUP_BITS - BLOCK_BITS
"""Blocks in a group."""
ROW_AFTER: Final = 1
"""A row begins so many places after its leaf."""
WIDE_KEYS: Final = 8
"""Keys in each node of a tree of IPv6 addresses."""
WIDE_LEVELS: Final = 10
"""Most levels of such a tree."""
OPEN_BY_PEER: Final = -2
"""In `Rules.open`: it depends on the peer, and is in the other row of that."""
