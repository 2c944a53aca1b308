"""The arrays that kernels work on, grouped by who owns them.

All are one-dimensional and contiguous, so that an address is one shift and one addition; `layout` names the positions.
Axes in brackets; `int64` unless said. `groups` has the functions with which kernels find them.
"""

from typing import Any, Final, NamedTuple

from numpy.typing import NDArray

from sgsim.kernels.layout import CHUNK, CLOCK_WORDS, FORGET_QUEUE, LANES, OPTION_WORDS, ROUNDS, SLOTS
from sgsim.model.columns import PACKET_DTYPES, QUOTED_DTYPES

Column = NDArray[Any]


class Rules(NamedTuple):
    """What rules say, as tables. A unit is the rules of one set of groups in one direction."""

    trees: Column
    """(units * 4 * TREE_WORDS,): by unit, family and whether it is about what stays untracked, see `rule_layout`."""
    heads: Column
    """uint64 (heads,): the first nodes for some addresses, one in each half."""
    nodes: Column
    """uint32 (places,): leaves, of which each is its own place, then nodes; begins with a line of the cache."""
    hinged: Column
    """By unit, family and leaf of its row: how often nothing admitted a packet that rules with an unknown peer might. Changed
    in place."""
    open_back: Column
    """uint8 (units * 512,): whether a unit is open to everyone on all ports, by family and protocol."""


class Network(NamedTuple):
    """Who owns which address, and what belongs to each interface."""

    sizes: Column
    """(3,): mask of `owners`, mask of `wide_owner`, number of prefixes."""
    owners: Column
    """uint64 (slots,): IPv4 address in the upper half; below it the service + 1 in 8, the owner + 1 in 24 bits."""
    wide_owner_hi: Column
    """uint64 (slots,): IPv6 address, upper half."""
    wide_owner_lo: Column
    """uint64 (slots,): lower half."""
    wide_owner: Column
    """int64 (slots,): service and owner as in `owners`, 0 for an empty slot."""
    prefix_first_hi: Column
    """uint64 (prefixes,): first address of each delegated prefix; IPv4 first, each family in order."""
    prefix_first_lo: Column
    """uint64 (prefixes,)."""
    prefix_last_hi: Column
    """uint64 (prefixes,)."""
    prefix_last_lo: Column
    """uint64 (prefixes,)."""
    prefix_family: Column
    """uint8 (prefixes,)."""
    prefix_owner: Column
    """(prefixes,)."""
    service_protocol: Column
    """(services,): protocol that an exempt service is limited to, -1 for none."""
    service_port: Column
    """(services,): port that it is limited to, -1 for none."""
    interfaces: Column
    """(interfaces * IF_WORDS,); one row of zeros if there is none."""
    timeouts: Column
    """(interfaces * TIMEOUT_WORDS,), nanoseconds."""
    path_first_hi: Column
    """uint64 (paths,): labelled blocks, the one that wins first."""
    path_first_lo: Column
    """uint64 (paths,)."""
    path_last_hi: Column
    """uint64 (paths,)."""
    path_last_lo: Column
    """uint64 (paths,)."""
    path_family: Column
    """uint8 (paths,)."""
    path_automatic: Column
    """uint8 (paths,): whether flows on it are tracked whatever the rules."""
    path_places: Column
    """(paths,): places that a flow on it takes."""


class Facts(NamedTuple):
    """The profile and the tables of protocols."""

    options: Column
    """(OPTION_WORDS,)."""
    segments: Column
    """uint8 (256,): segment by TCP flags."""
    transitions: Column
    """uint8 (2 * 16 * 8,): by direction, state and segment."""
    pickup: Column
    """uint8 (8,): state of a flow that begins with a segment, 0 if none may."""
    first_states: Column
    """uint8 (8,): state of a flow without an entry, by its first segment."""
    roles: Column
    """uint8 (512,): ICMP then ICMPv6 by type: 1 a query, 2 an answer."""
    query_of: Column
    """uint8 (512,): type of the query that a query is or an answer answers."""
    errors: Column
    """uint8 (512,): 1 if a message of the type quotes a packet."""
    neighbours: Column
    """uint8 (256,): 1 if an ICMPv6 type is neighbour discovery or the like."""
    verdicts: Column
    """uint8 (32,): by reason."""
    bypass: Column
    """uint8 (256,): by protocol, 1 if open rules can leave its flows untracked."""
    timeout_places: Column
    """uint8 (256,): by protocol, where its timeouts begin in a row of `Network.timeouts`."""
    longest_places: Column
    """uint8 (256,): by protocol, which of its timeouts in a row of `Network.timeouts` is the longest."""
    steps: Column
    """uint16 (2 * 2 * 16 * 8,): by whether it was answered, direction, state and segment, what a packet does to a tracked
    flow that goes on in peace. Kernels fill it in from the others."""


class Memory(NamedTuple):
    """What changes with every packet. All changed in place."""

    clock: Column
    """(CLOCK_WORDS,)."""
    pool: Column
    """(entries * 8,)."""
    extra: Column
    """(entries * 8,) where flows are recorded, else (0,)."""
    wide: Column
    """uint64 (entries * 4,) once IPv6 was seen, else (0,): local and remote address, upper half first."""
    index: Column
    """uint64 (slots,): tag in the upper, entry + 1 in the lower half; 0 is empty."""
    heads: Column
    """int32 (6 * 256 * 8,): first entry + 1 of each chain of each slot of the calendar."""
    occupied: Column
    """uint64 (6 * 4,): a bit for each slot."""
    early: Column
    """int32 (records,): new entries, see `sgsim.kernels.early`."""
    due: Column
    """(due * DUE_WORDS,): entries of the current tick, in order of time and flow."""
    tables: Column
    """(tables * TABLE_WORDS,)."""
    bins: Column
    """(tables * 4096 * BIN_WORDS,)."""
    by_state: Column
    """(tables * STATE_CLASSES,): places at the peak."""
    state_since: Column
    """(tables * STATE_CLASSES,): what has changed since the peak."""
    state_touched: Column
    """int32 (tables * STATE_CLASSES,): classes that have."""
    state_is_touched: Column
    """uint8 (tables * STATE_CLASSES,)."""
    departed_rule: Column
    """(tables * rules,): places of entries that were there at the peak and are no more."""
    departed_rule_peak: Column
    """(tables * rules,): the peak that `departed_rule` is about."""
    departed: Column
    """uint64 (slots * 4,): table and family (0 is empty), peer block, peak, places."""
    fragments: Column
    """(slots * 12,): what was decided for first fragments."""
    ended: Column
    """uint64 (slots * 2,): fingerprints of ended flows, this generation and the last."""
    kinds: Column
    """(8,): how many flows ended, by kind."""
    forget: Column
    """(FORGET_QUEUE * 2,): the oldest flows beside a table: flow, entry."""
    flows_out: Column
    """(rows * FLOW_WORDS,) where flows are recorded, else (0,): flows that have ended."""


class Packets(NamedTuple):
    """`PacketColumns`, with those of the quoted packets beside the others."""

    time_ns: Column
    number: Column
    file: Column
    src_hi: Column
    src_lo: Column
    dst_hi: Column
    dst_lo: Column
    family: Column
    protocol: Column
    src_port: Column
    dst_port: Column
    tcp_flags: Column
    icmp_type: Column
    icmp_code: Column
    length_bytes: Column
    direction: Column
    taken_at: Column
    skip: Column
    vlan: Column
    fragment_id: Column
    fragment_offset: Column
    more_fragments: Column
    quote: Column
    quoted_src_hi: Column
    quoted_src_lo: Column
    quoted_dst_hi: Column
    quoted_dst_lo: Column
    quoted_family: Column
    quoted_protocol: Column
    quoted_src_port: Column
    quoted_dst_port: Column
    quoted_icmp_type: Column
    quoted_icmp_code: Column


class Items(NamedTuple):
    """What is known of a packet at an interface before it is judged, axis `(2 * CHUNK,)`."""

    row: Column
    """int32, of the packet in its batch."""
    interface: Column
    """int32, -1 for none."""
    source: Column
    """int64, of what may be plain, what `sgsim.kernels.locate.owner` tells of the source address; `target` likewise."""
    target: Column
    """int64."""
    direction: Column
    """uint8."""
    skip: Column
    """uint8, the reason why it is not judged, 0 if it is."""
    has_key: Column
    """uint8, whether it belongs to a flow or may open one."""
    is_exempt: Column
    """uint8."""
    is_plain: Column
    """uint8, whether a tracked flow answers it whatever else it is: IPv4, whole, quotes nothing, at one interface."""
    has_second: Column
    """uint8, whether its packet has a second item, `CHUNK` places further on."""
    addresses: Column
    """int64, word of the key."""
    service: Column
    """int64, word of the key."""
    hashed: Column
    """uint64."""
    entry: Column
    """int32, the entry that its flow most likely has, -1 if there is none yet."""
    opening: Column
    """int32, the items of which there is no entry yet, in order."""
    rule: Column
    """int32, of those that are plain and of TCP or UDP, the first rule that admits them, -1 if none does."""


class Counts(NamedTuple):
    """Counts of one batch; all int64, all changed in place."""

    evaluated: Column
    """(1,): packets that were judged at an interface."""
    decisions: Column
    """(32,): decisions by reason."""
    bytes: Column
    """(32,): bytes of their packets."""
    first: Column
    """(32,): the first decision with each reason; meaningless where there is none."""
    verdicts: Column
    """(1 + interfaces) * 4: decisions by interface + 1 and verdict."""
    is_hit: Column
    """(32,): 1 for reasons that say that a rule let the packet pass. Not changed."""
    hits: Column
    """(1 + rules,): hits by rule + 1."""
    hit_bytes: Column
    """(1 + rules,): bytes of their packets."""
    last_ns: Column
    """(1 + rules,): the latest of their times."""


RULES_DTYPES: Final[dict[str, str]] = {
    "trees": "int64", "heads": "uint64", "nodes": "uint32", "hinged": "int64", "open_back": "uint8",
}  # fmt: skip

NETWORK_DTYPES: Final[dict[str, str]] = {
    "sizes": "int64", "owners": "uint64", "wide_owner_hi": "uint64", "wide_owner_lo": "uint64", "wide_owner": "int64",
    "prefix_first_hi": "uint64", "prefix_first_lo": "uint64", "prefix_last_hi": "uint64", "prefix_last_lo": "uint64",
    "prefix_family": "uint8", "prefix_owner": "int64", "service_protocol": "int64", "service_port": "int64",
    "interfaces": "int64", "timeouts": "int64", "path_first_hi": "uint64", "path_first_lo": "uint64",
    "path_last_hi": "uint64", "path_last_lo": "uint64", "path_family": "uint8", "path_automatic": "uint8",
    "path_places": "int64",
}  # fmt: skip

FACTS_DTYPES: Final[dict[str, str]] = {
    "options": "int64", "segments": "uint8", "transitions": "uint8", "pickup": "uint8", "first_states": "uint8",
    "roles": "uint8", "query_of": "uint8", "errors": "uint8", "neighbours": "uint8", "verdicts": "uint8",
    "bypass": "uint8",
    "timeout_places": "uint8", "longest_places": "uint8", "steps": "uint16",
}  # fmt: skip

FACTS_LENGTHS: Final[dict[str, int]] = {
    "options": OPTION_WORDS, "segments": 256, "transitions": 2 * 16 * 8, "pickup": 8, "first_states": 8,
    "roles": 2 * 256, "query_of": 2 * 256, "errors": 2 * 256, "neighbours": 256, "verdicts": 32, "bypass": 256, "timeout_places": 256, "longest_places": 256,
    "steps": 2 * 2 * 16 * 8,
}  # fmt: skip
"""How long arrays are whose length never changes; so the next ones."""

MEMORY_DTYPES: Final[dict[str, str]] = {
    "clock": "int64", "pool": "int64", "extra": "int64", "wide": "uint64", "index": "uint64", "heads": "int32",
    "occupied": "uint64", "early": "int32", "due": "int64", "tables": "int64", "bins": "int64", "by_state": "int64",
    "state_since": "int64", "state_touched": "int32", "state_is_touched": "uint8", "departed_rule": "int64",
    "departed_rule_peak": "int64", "departed": "uint64", "fragments": "int64", "ended": "uint64", "kinds": "int64",
    "forget": "int64", "flows_out": "int64",
}  # fmt: skip

MEMORY_LENGTHS: Final[dict[str, int]] = {
    "clock": CLOCK_WORDS, "heads": ROUNDS * SLOTS * LANES, "occupied": ROUNDS * SLOTS // 64, "kinds": 8,
    "forget": FORGET_QUEUE * 2,
}  # fmt: skip

ITEMS_DTYPES: Final[dict[str, str]] = {
    "row": "int32", "interface": "int32", "source": "int64", "target": "int64", "direction": "uint8", "skip": "uint8", "has_key": "uint8",
    "is_exempt": "uint8", "is_plain": "uint8", "has_second": "uint8", "addresses": "int64", "service": "int64", "hashed": "uint64",
    "entry": "int32", "opening": "int32", "rule": "int32",
}  # fmt: skip

ITEMS_LENGTHS: Final[dict[str, int]] = dict.fromkeys(ITEMS_DTYPES, 2 * CHUNK)

PACKETS_DTYPES: Final[dict[str, str]] = PACKET_DTYPES | {f"quoted_{name}": kind for name, kind in QUOTED_DTYPES.items()}

COUNTS_DTYPES: Final[dict[str, str]] = dict.fromkeys(Counts._fields, "int64")
