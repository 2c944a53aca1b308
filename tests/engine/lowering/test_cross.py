"""`a cell == the first rule with the class of peers and that of services`, for any rules."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgsim.engine.lowering import cross as lowering_cross
from sgsim.engine.lowering.cross import Claims, Cross, cross
from sgsim.kernels.rule_layout import BLOCK, BLOCK_BITS, BLOCKS, GROUP_BITS, LEAF, NODE_AT

CLASSES = 2 * (1 << GROUP_BITS) + 3
edges = st.one_of(
    st.sampled_from([0, 1, BLOCK - 1, BLOCK, BLOCK + 1, BLOCK * BLOCKS - 1, BLOCK * BLOCKS, CLASSES]),
    st.integers(0, CLASSES),
)
ranges = st.tuples(edges, edges).map(sorted).filter(lambda pair: pair[0] < pair[1])
services = st.lists(ranges, min_size=1, max_size=2)


@st.composite
def rules(draw):
    """Services, and for each rule its set of peers and its service."""
    made = draw(st.lists(services, min_size=1, max_size=4))
    rule = st.tuples(st.integers(-1, 4), st.integers(0, len(made) - 1))
    return made, draw(st.lists(rule, max_size=8))


def cell(table: Cross, peer: int, kind: int) -> int:
    """What kernels read: `sgsim.kernels.match.first_rule`."""
    node = int(table.rows[peer, kind >> GROUP_BITS])
    if node & LEAF == 0:
        node = int(table.nodes[(node >> NODE_AT) + (kind >> BLOCK_BITS) % BLOCKS])
    if node & LEAF == 0:
        return int(table.cells[(node >> NODE_AT) + kind % BLOCK])
    return (node >> NODE_AT) - 1


@given(
    made=rules(),
    members=st.lists(st.integers(0, 31), min_size=1, max_size=4),
    at_once=st.sampled_from([1, 100, 1 << 21]),
    data=st.data(),
)
def test_cells_have_the_first_rule(made, members, at_once, data):
    of_services, of_rules = made
    flat = [pair for each in of_services for pair in each]
    claims = Claims(
        np.array([peers for peers, _ in of_rules], dtype=np.int64),
        np.array([service for _, service in of_rules], dtype=np.int64),
        np.cumsum([0, *(len(each) for each in of_services)]),
        np.array([begin for begin, _ in flat]),
        np.array([end for _, end in flat]),
        CLASSES,
    )
    named = np.array([*(100 + row for row in range(len(of_rules))), -1], dtype=np.int32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lowering_cross, "_AT_ONCE", at_once)
        table = cross(claims, np.array(members, dtype=np.uint64).reshape(-1, 1), named)

    def first(peer: int, kind: int) -> int:
        admits = (
            100 + row
            for row, (peers, service) in enumerate(of_rules)
            if peers >= 0 and members[peer] >> peers & 1 and any(b <= kind < e for b, e in of_services[service])
        )
        return next(admits, -1)

    ends = {end + step for pair in flat for end in pair for step in (-1, 0)} & set(range(CLASSES))
    kinds = sorted(ends | set(data.draw(st.lists(st.integers(0, CLASSES - 1), max_size=5))))
    for peer in range(len(members)):
        assert [first(peer, kind) for kind in kinds] == [cell(table, peer, kind) for kind in kinds]
    full = table.is_full(CLASSES)
    assert [all(first(peer, kind) >= 0 for peer in range(len(members))) for kind in kinds] == full[kinds].tolist()
