"""Where things stand in the arrays that kernels share.

Only positions are here, no facts: every value that means something about AWS or TCP comes in arrays that
`sgsim.engine.lowering` builds from the tables that the reference engine reads too.

An entry of the pool is one cache line of eight 64-bit words:

| Word | Content |
|---|---|
| `KEY_ADDRESSES` | local address in the low, remote in the high half; IPv6: 32 bits of a hash of each, the rest is in `wide` |
| `KEY_SERVICE` | local port 16, remote port 16, protocol 8, ICMP query type 8, ICMP code 8, `KEY_*` flags 8 |
| `OWNER` | interface in the low, rule + 1 in the high half |
| `EXPIRES` | nanoseconds |
| `FLOW` | number of the flow; 0, as is `STATE`, is a free entry |
| `STATE` | see the bit positions below |
| `LINKS` | neighbours in the calendar: previous in the low, next in the high half; where it stands among `early` |
| `OPENED` | nanoseconds |
"""

from typing import Final

KEY_ADDRESSES: Final = 0
KEY_SERVICE: Final = 1
OWNER: Final = 2
EXPIRES: Final = 3
FLOW: Final = 4
STATE: Final = 5
LINKS: Final = 6
OPENED: Final = 7
ENTRY_WORDS: Final = 8

# What an entry also has where flows are recorded.
PACKETS_ORIGINAL: Final = 0
PACKETS_REPLY: Final = 1
BYTES_ORIGINAL: Final = 2
BYTES_REPLY: Final = 3
ALLOWED: Final = 4
DENIED: Final = 5
LAST_SEEN: Final = 6
EXTRA_WORDS: Final = 8

# Flags in the top byte of `KEY_SERVICE`.
KEY_IPV6: Final = 1 << 56
KEY_QUERY: Final = 1 << 57
KEY_QUERY_EGRESS: Final = 1 << 58

# Bits of `STATE`: position and mask.
TCP_STATE_AT: Final = 0
TRACKING_AT: Final = 4
OPENER_EGRESS_AT: Final = 6
ANSWERED_AT: Final = 7
STREAM_AT: Final = 8
PRESUMED_AT: Final = 9
BY_FIN_AT: Final = 10
LAST_SEGMENT_AT: Final = 11
LAST_REPLY_AT: Final = 14
CHALLENGE_AT: Final = 15
SIMULTANEOUS_AT: Final = 16
PLACES_AT: Final = 17
AUTOMATIC_AT: Final = 19
CAUSE_AT: Final = 20
BARRED_AT: Final = 24
EARLY_AT: Final = 25  # whether it stands among `early`
VERSION_AT: Final = 26

# Positions in `Clock`.
NOW: Final = 0
START: Final = 1
STARTED: Final = 2
VERSION: Final = 3
NEXT_FLOW: Final = 4
LATE: Final = 5
STEP_BACK: Final = 6
TICK: Final = 7
DUE_AT: Final = 8
DUE_COUNT: Final = 9
FREE_HEAD: Final = 10  # entry + 1 that was freed last
POOL_USED: Final = 11
INDEX_USED: Final = 12
FRAGMENTS_USED: Final = 13
ENDED_USED: Final = 14
FLOWS_OUT: Final = 15
DEPARTED_USED: Final = 16
HINGE_INTERFACE: Final = 17  # where and for which service a verdict hinges on an unknown peer
ENDED_BEFORE: Final = 18  # how many the last generation of ended flows has
FREE_COUNT: Final = 19
FORGET_TABLE: Final = 20  # table + 1 whose oldest flows `forget` has
FORGET_AT: Final = 21
FORGET_COUNT: Final = 22
BASE: Final = 23  # where the calendar begins
HAS_BASE: Final = 24
POOL_SIZE: Final = 25  # sizes: how much the arrays of `Memory` hold
HAS_EXTRA: Final = 26
HAS_WIDE: Final = 27
INDEX_MASK: Final = 28
DUE_SIZE: Final = 29
DEPARTED_MASK: Final = 30
FRAGMENTS_MASK: Final = 31
ENDED_MASK: Final = 32
FLOWS_OUT_SIZE: Final = 33
RULE_COUNT: Final = 34
HINGE_DIRECTION: Final = 35
HINGE_SERVICE: Final = 36
HINGE_FAMILY: Final = 37
HAS_EDGES: Final = 38  # whether a network ACL was ever known
BARRED_BY: Final = 39  # entry + 1 of a network ACL that keeps the packet from leaving its subnet, 0 for none
EARLY_HEAD: Final = 40  # the oldest record of `early`; its place is that modulo the size
EARLY_TAIL: Final = 41  # the one behind the youngest
EARLY_MASK: Final = 42
CLOCK_WORDS: Final = 43

# Positions in `sizes` of `Network`.
OWNERS_MASK: Final = 0
WIDE_OWNERS_MASK: Final = 1
PREFIXES: Final = 2

# Positions in a row of `tables`.
COUNT: Final = 0
CAPACITY: Final = 1
EXCEEDED: Final = 2
INSERTED: Final = 3
PEAK: Final = 4
PEAK_TIME: Final = 5
PEAK_FLOW: Final = 6
FIRST_REFUSED: Final = 7
BESIDE: Final = 8
FORGOTTEN: Final = 9
BIN_NS: Final = 10
BIN_START: Final = 11
BIN_AT: Final = 12  # where the bin of now begins in `bins`
BIN_END: Final = 13  # when it ends; before all times while there is none
HAS_BINS: Final = 14
TOUCHED: Final = 15
IN_USE: Final = 16  # whether a packet has come to an interface of the table
TABLE_WORDS: Final = 17

# Positions in a bin.
BIN_LEAST: Final = 0
BIN_GREATEST: Final = 1
BIN_LAST: Final = 2
BIN_INSERTED: Final = 3
BIN_EXPIRED: Final = 4
BIN_CLOSED: Final = 5
BIN_UNTRACKED: Final = 6
BIN_REFUSED: Final = 7
BIN_USED: Final = 8
BIN_WORDS: Final = 9

# Classes of `by_state`: TCP by state, then each protocol with three.
STATE_CLASSES: Final = 16 + 3 * 256

# Positions in a row of `interfaces`.
IF_TABLE: Final = 0
IF_UNIT: Final = 1  # the unit of its rules for INGRESS; that for EGRESS follows
IF_HAS_GROUPS: Final = 2  # 2 if one of them is unknown, -1 if a change has removed the interface
IF_PATHS_FROM: Final = 3
IF_PATHS_TO: Final = 4
IF_EDGE: Final = 5  # the unit + 1 of the network ACL before its subnet for INGRESS, 0 for none; that for EGRESS follows
IF_WORDS: Final = 6

# Positions in a row of `timeouts`: TCP by state, then these.
UDP_TIMEOUT: Final = 10
UDP_STREAM_TIMEOUT: Final = 11
ICMP_TIMEOUT: Final = 12
ICMPV6_TIMEOUT: Final = 13
OTHER_TIMEOUT: Final = 14
TCP_LONGEST: Final = 15  # the longest of all states
UDP_LONGEST: Final = 16
TIMEOUT_WORDS: Final = 17

# Positions in `options`.
UNTRACK_WHEN_OPENED: Final = 0
STREAM_BY_AGE: Final = 1
RELATED: Final = 2  # 0 never, 1 automatic or untracked, 2 always
PICKUP: Final = 3
INVALID: Final = 4  # 0 pass, 1 rules, 2 deny
UNANSWERED_RULES: Final = 5
FRAGMENTS_RULES: Final = 6
LATE_REFRESH: Final = 7
IGNORED_REFRESH: Final = 8
CODE_IN_KEY: Final = 9
LINUX_TCP: Final = 10
EXEMPT_TRAFFIC: Final = 11
FRAGMENT_NS: Final = 12
FRAGMENT_IPV6_NS: Final = 13
RECORDED: Final = 14
COLD_START: Final = 15
AS_RECORDED: Final = 16
REMEMBER: Final = 17
ALLOW_UNRESOLVED: Final = 18
RECORD_FLOWS: Final = 19
CLIENT_PORT: Final = 20
STREAM_AGE_NS: Final = 21
ENDED_MOST: Final = 22
ASKS_SENDER: Final = 23  # whether a packet recorded at its receiver was sent if its sender is known too
MIDSTREAM_UNTRACKED: Final = 24
PICKUP_AFTER_CUT: Final = 25
FULL_UNTRACKED: Final = 26
RELATED_REFRESH: Final = 27
OPTION_WORDS: Final = 28

# Why a kernel comes back before the end of its batch.
DONE: Final = 0
GROW_POOL: Final = 1
GROW_INDEX: Final = 2
GROW_DUE: Final = 3
GROW_FRAGMENTS: Final = 4
GROW_ENDED: Final = 5
GROW_EARLY: Final = 6
UNRESOLVED: Final = 7

# How flows are counted as they end; the reference counts them in the recorder.
KIND_TRACKED: Final = 0
KIND_UNTRACKED: Final = 1
KIND_REFUSED: Final = 2
KIND_PRESUMED: Final = 3
KIND_CUT: Final = 4
KIND_LIVE: Final = 5
KIND_FORGOTTEN: Final = 6

# A row of `flows_out`: the words of the entry, its extra words, its wide address, then these.
OUT_END: Final = 20
OUT_ENDED_AT: Final = 21
FLOW_WORDS: Final = 22

# Bits of what `sgsim.kernels.peak` tells of an entry: its places, the block of its peer, its table.
PEAK_PLACES_BITS: Final = 2
PEAK_TABLE_AT: Final = 26

FORGET_QUEUE: Final = 65536

CHUNK: Final = 256
"""How many packets are located at a time: enough for memory to come that is asked for, and few enough for their items,
slots and entries to stay in the first caches until they are judged."""

# The calendar of `heads` and `occupied`.
ROUNDS: Final = 6
SLOTS: Final = 256
LANES: Final = 8
"""How many chains a slot has."""

# A record of `due`: when the entry is due, the number of its flow, the entry, the hash of its key.
DUE_TIME: Final = 0
DUE_FLOW: Final = 1
DUE_ENTRY: Final = 2
DUE_HASH: Final = 3
DUE_WORDS: Final = 4

# A slot of `fragments`.
FRAGMENT_WORDS: Final = 12

# Cells of `transitions` that name no state.
CELL_INVALID: Final = 0
CELL_IGNORE: Final = 32
CELL_REOPEN: Final = 33
