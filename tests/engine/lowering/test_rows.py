"""`the way of a service == the cell of its class`, for any rows."""

import numpy as np
import pytest
from engine.lowering.tree_walks import Walk
from hypothesis import given
from hypothesis import strategies as st

from sgsim.engine.lowering.cross import Runs
from sgsim.engine.lowering.nodes import Nodes
from sgsim.engine.lowering.rows import put_rows
from sgsim.kernels.rule_layout import LINE, MOST_KEYS


def runs_of(cells: list[list[int]]) -> Runs:
    """Rows from their cells, each a run."""
    classes = len(cells[0])
    begins = np.tile(np.arange(classes), len(cells))
    return Runs(np.arange(len(cells) + 1) * classes, begins, np.array(cells, dtype=np.int64).reshape(-1)).merged()


def check(cells: list[list[int]], starts: list[int]) -> tuple[list[int], Nodes]:
    nodes = Nodes()
    references, further = put_rows(nodes, runs_of(cells), np.array(starts, dtype=np.int64))
    walk = Walk(nodes, 1 + max(map(max, cells)))
    for row, reference, behind in zip(cells, references.tolist(), further.tolist(), strict=True):
        assert row == [walk.cell(reference, start) for start in starts]
        assert row == [walk.cell(reference, end - 1, behind) for end in [*starts[1:], 1 << 18]]
        assert row[:50] == [walk.cell(reference, start, behind + 2) for start in starts[:50]]
    return further.tolist(), nodes


@given(
    classes=st.sampled_from([1, 2, 7, 8, 16, 17, 100, 257, 700]),
    changes=st.lists(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 5))), min_size=1, max_size=4),
    is_dense=st.booleans(),
)
def test_a_service_leads_to_its_cell(classes, changes, is_dense):
    cells = []
    for of_row in changes:
        row = [at * 7 % 5 for at in range(classes)] if is_dense else [0] * classes
        for place, value in of_row:
            begin = int(place * classes)
            row[begin : begin + 1 + classes // 9] = [value] * len(row[begin : begin + 1 + classes // 9])
        cells.append(row)
    check(cells, [at * 13 for at in range(classes)])


@pytest.mark.parametrize(
    ("classes", "expected"),
    [(1, 0), (MOST_KEYS + 1, 0), (MOST_KEYS + 2, 1), (256, 1), (257, 2), (4_096, 2), (4_097, 3), (9_000, 3)],
)
def test_a_row_has_no_more_nodes_than_it_needs(classes, expected):
    further, _ = check([[at % 3 for at in range(classes)]], list(range(classes)))
    assert [expected] == further


def test_equal_rows_and_equal_parts_of_rows_are_stored_once():
    row = [at % 3 for at in range(256)]
    other = [*row[:250], 9, *row[251:]]
    starts = list(range(256))
    (_, one), (_, both), (_, unlike) = check([row], starts), check([row, row], starts), check([row, other], starts)
    assert one.size == both.size
    assert 4 * LINE == unlike.size - one.size  # a node of parts, and that of the part with the difference


def test_a_few_long_rows_make_the_others_no_longer():
    further, _ = check([[at % 2 for at in range(100)], [0] * 99 + [1]], list(range(100)))
    assert [1, 0] == further
