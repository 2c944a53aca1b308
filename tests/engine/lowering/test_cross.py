"""`a cell == the first rule with the class of peers and that of services`, for any rules."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgsim.engine.lowering import cross as lowering_cross
from sgsim.engine.lowering.cross import Claims, Runs, cross

CLASSES = 300
CUTS = [0, 100, 101]
edges = st.one_of(st.sampled_from([0, 1, *CUTS, CLASSES - 1, CLASSES]), st.integers(0, CLASSES))
ranges = st.tuples(edges, edges).map(sorted).filter(lambda pair: pair[0] < pair[1])
services = st.lists(ranges, min_size=1, max_size=2)


@st.composite
def rules(draw):
    """Services, and for each rule its set of peers and its service."""
    made = draw(st.lists(services, min_size=1, max_size=4))
    rule = st.tuples(st.integers(-1, 4), st.integers(0, len(made) - 1))
    return made, draw(st.lists(rule, max_size=8))


def rows_of(runs: Runs) -> list[list[int]]:
    """All cells of some rows."""
    rows = []
    for begin, end in zip(runs.rows_from[:-1], runs.rows_from[1:], strict=True):
        ends = [*runs.begins[begin + 1 : end].tolist(), CLASSES]
        assert runs.begins[begin] == 0
        rows.append(np.repeat(runs.values[begin:end], np.diff([0, *ends])).tolist())
    return rows


@given(
    made=rules(),
    members=st.lists(st.integers(0, 31), min_size=1, max_size=4),
    at_once=st.sampled_from([1, 4, 1 << 18]),
)
def test_cells_have_the_first_rule(made, members, at_once):
    of_services, of_rules = made
    flat = [pair for each in of_services for pair in each]
    claims = Claims(
        np.array([peers for peers, _ in of_rules], dtype=np.int64),
        np.array([service for _, service in of_rules], dtype=np.int64),
        np.cumsum([0, *(len(each) for each in of_services)]),
        np.array([begin for begin, _ in flat]),
        np.array([end for _, end in flat]),
        CLASSES,
        np.array(CUTS),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lowering_cross, "_AT_ONCE", at_once)
        parts = list(cross(claims, np.array(members, dtype=np.uint64).reshape(-1, 1)))

    def first(peer: int, kind: int) -> int:
        admits = (
            row
            for row, (peers, service) in enumerate(of_rules)
            if peers >= 0 and members[peer] >> peers & 1 and any(b <= kind < e for b, e in of_services[service])
        )
        return next(admits, len(of_rules))

    rows = [row for runs in parts for row in rows_of(runs)]
    expected = [[first(peer, kind) for kind in range(CLASSES)] for peer in range(len(members))]
    assert expected == rows
    assert rows == [row for runs in parts for row in rows_of(runs.merged())]
    assert all({*CUTS} <= {*runs.begins[runs.rows == row].tolist()} for runs in parts for row in {*runs.rows.tolist()})
    full = np.logical_and.reduce([runs.has_everywhere(runs.values < len(of_rules), CLASSES) for runs in parts])
    assert [all(row[kind] < len(of_rules) for row in expected) for kind in range(CLASSES)] == full.tolist()


@given(cells=st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), min_size=1, max_size=5))
def test_different_rows_are_there_once(cells):
    every = Runs(np.arange(len(cells) + 1) * 3, np.tile(np.arange(3), len(cells)), np.array(cells).reshape(-1)).merged()
    found, which = every.distinct()
    assert len({*map(tuple, cells)}) == len(found.rows_from) - 1
    for row, number in enumerate(which.tolist()):
        for name in ("begins", "values"):
            expected, actual = (
                getattr(runs, name)[runs.rows_from[at] : runs.rows_from[at + 1]].tolist()
                for runs, at in ((every, row), (found, number))
            )
            assert expected == actual
