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

SPACE_BITS: Final = 16
"""Numbers that differ in so many last bits are a space: the services of one protocol. TCP is the first, and even."""

LINE: Final = 16
"""Places in a line of the cache; a node begins with one."""
FEW_KEYS: Final = 7
"""Most keys of a node that takes one line; what it has for each number of them follows in the same line."""
MOST_KEYS: Final = 15
"""Most keys of a node of two lines."""
KEY_BITS: Final = 31
"""Low bits of a number that keys are about."""
KEY: Final = 1 << KEY_BITS
"""What keys are above these, and so above all references."""

WIDE_KEYS: Final = 5
"""Keys of a node for the last bits of IPv6 addresses, of 64 bits each; it takes one line."""
WIDE_FIRST: Final = 2 * WIDE_KEYS
"""How many places behind its begin such a node has its first reference."""

TREE_WORDS: Final = 16
"""Words of `Rules.trees` for each tree."""
(
    TREE_HEADS,
    TREE_SHIFT,
    TREE_FURTHER,
    TREE_FROM_HI,
    TREE_FROM_LO,
    TREE_MOST_HI,
    TREE_MOST_LO,
    TREE_WIDE_SHIFT,
    TREE_PIECES,
    TREE_PIECE_BITS,
    TREE_PIECE_FURTHER,
    TREE_ROW,
    TREE_ROW_FURTHER,
    TREE_ENOUGH,
    TREE_HINGE_ROW,
    TREE_HINGED,
) = range(TREE_WORDS)
"""Of a tree: where its heads begin in `Rules.heads`, how many low bits of a number these do not look at, and how many nodes
come after the first.

Of IPv6: from which address on numbers count, and how far at most; how many low bits the first number does without, how many
numbers with some more come after it, with how many, and how many nodes each of these has after its first.

Of rows: that of all peers, `BY_PEER` if each has its own; how many nodes most rows have after the first; and, if they have
none, how many leaves there are: where a row's first node leads to less, that is a leaf. Of what hinges on unknown peers: the row of all peers, and where its counters begin in `Rules.hinged`."""
BY_PEER: Final = -1
