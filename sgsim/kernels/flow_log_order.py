"""The order of events in time.

Compiled twin of `sgsim.sources.flow_log_order.time_order` for whole seconds, as logs have them: a count of how many
events there are of each second and rank says where each of them goes.
"""

from numba import types

from sgsim.kernels.flow_log_arrays import IS_DONE, IS_ORDERED, IS_UNFIT, MOST_KEYS, RANK_BITS
from sgsim.kernels.flow_log_events import events_at
from sgsim.kernels.jit import kernel
from sgsim.kernels.structs import struct

order_at = struct("order", {"order": "int64", "keys": "uint16", "places": "int64"})
"""The order, (events,); the key of each event, (events,); where the next one of each key goes, (`MOST_KEYS`,)."""

_SECOND_NS = 1_000_000_000
_WORD = types.int64


@kernel(signature=_WORD(_WORD, _WORD, _WORD))
def order_events(events: int, order: int, rows: int) -> int:
    """Order events by their times, then by their ranks, stable.

    Args:
        events: Address of the list of addresses of `Events`; so the next one of the group of `order_at`.
        order: See `events`. Changed.
        rows: How many events there are; at least one.
    """
    e, o = events_at(events), order_at(order)
    least_ns = most_ns = e.time_ns[0]
    is_ordered = True
    before_ns, before_rank = least_ns, e.rank[0]
    for row in range(rows):
        time_ns, rank = e.time_ns[row], e.rank[row]
        is_ordered &= before_ns < time_ns or (before_ns == time_ns and before_rank <= rank)
        least_ns, most_ns = min(least_ns, time_ns), max(most_ns, time_ns)
        before_ns, before_rank = time_ns, rank
    if is_ordered:
        return IS_ORDERED
    keys = ((most_ns - least_ns) // _SECOND_NS + 1) << RANK_BITS
    if keys > MOST_KEYS:
        return IS_UNFIT
    for key in range(keys):
        o.places[key] = 0
    is_whole = True
    for row in range(rows):
        after_ns = e.time_ns[row] - least_ns
        second = after_ns // _SECOND_NS
        is_whole &= second * _SECOND_NS == after_ns
        key = second << RANK_BITS | e.rank[row]
        o.keys[row] = key
        o.places[key] += 1
    if not is_whole:
        return IS_UNFIT
    place = 0
    for key in range(keys):
        count = o.places[key]
        o.places[key] = place
        place += count
    for row in range(rows):
        key = o.keys[row]
        o.order[o.places[key]] = row
        o.places[key] += 1
    return IS_DONE
