"""`keys smaller than an address, level by level == intervals that end before it`, for any intervals."""

from bisect import bisect_right

from hypothesis import example, given
from hypothesis import strategies as st

from sgsim.engine.lowering.wide_tree import wide_levels_of
from sgsim.kernels.rule_layout import WIDE_KEYS, WIDE_LEVELS

LAST = (1 << 128) - 1
addresses = st.one_of(st.sampled_from([1, 1 << 64, (1 << 64) - 1, LAST]), st.integers(1, 300), st.integers(1, LAST))


def interval_at(levels, address):
    """As `sgsim.kernels.match.wide_peer_row` goes down."""
    node = 0
    for depth, (upper, lower) in enumerate(levels, 1):
        keys = [hi << 64 | lo for hi, lo in zip(upper.tolist(), lower.tolist(), strict=True)]
        smaller = sum(key < address for key in keys[node * WIDE_KEYS : (node + 1) * WIDE_KEYS])
        node = node * (WIDE_KEYS + (depth < len(levels))) + smaller
    return node


@given(cuts=st.sets(addresses, max_size=200), asked=st.lists(addresses, max_size=5))
@example(cuts=set(range(1, 730)), asked=[728, 729, 730, LAST])  # nine full nodes of nine full nodes, and one more
@example(cuts=set(range(LAST - 71, LAST + 1)), asked=[])
def test_the_interval_of_an_address(cuts, asked):
    starts = [0, *sorted(cuts)]
    levels = wide_levels_of(starts)
    for address in {0, LAST, *asked, *list(cuts)[:20], *(cut - 1 for cut in list(cuts)[:20])}:
        assert bisect_right(starts, address) - 1 == interval_at(levels, address)


def test_levels_are_enough_for_any_list():
    assert WIDE_KEYS * (WIDE_KEYS + 1) ** (WIDE_LEVELS - 1) > 1e9
    assert [1, 2, 3, 4] == [len(wide_levels_of(range(size))) for size in (9, 10, 74, 730)]
