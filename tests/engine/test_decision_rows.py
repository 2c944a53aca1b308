import pytest

from sgsim.engine.decision_rows import DecisionPool


def test_decisions_never_change_while_somebody_holds_one_of_their_arrays():
    pool = DecisionPool()
    first = pool.take(10)
    first.columns.rule[:] = 7
    held = first.first(4).rule
    del first
    second = pool.take(10)
    second.columns.rule[:] = 8
    assert [7] * 4 == held.tolist()


def test_memory_is_used_again():
    pool = DecisionPool()
    place = pool.take(10).addresses.tolist()
    assert place == pool.take(5).addresses.tolist()
    assert place != pool.take(11).addresses.tolist()


@pytest.mark.parametrize("size", [0, 1, 63, 64])
def test_columns_do_not_overlap(size):
    rows = DecisionPool().take(size)
    for number, column in enumerate(rows.columns):
        column[:] = number
    assert all((column == number).all() and len(column) == size for number, column in enumerate(rows.columns))
