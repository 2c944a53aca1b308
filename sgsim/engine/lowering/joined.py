"""Units put into common arrays, see `sgsim.kernels.arrays.Rules`.

What stands in `nodes`: a leaf for each rule that a cell may name, and one for none; of each unit and family the rows of its
cross tables, each after the leaf of its class of peers; tries; groups of blocks of the cross tables.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgsim.engine.lowering.cross import Cross
from sgsim.engine.lowering.marks import Marks
from sgsim.engine.lowering.nodes import MOST_PLACES, leaves_for, moved
from sgsim.engine.lowering.units import FamilyTables, Unit
from sgsim.errors import RuleError
from sgsim.kernels.arrays import Column, Rules
from sgsim.kernels.rule_layout import HEAD_PAGES, ROW_AFTER, SERVICE_PAGES, WIDE_LEVELS
from sgsim.model.address import Family


def joined(units: Sequence[Unit], numbers: int) -> Rules:
    """Put units into common arrays.

    Args:
        units: In order.
        numbers: How many rules cells may name.

    Raises:
        RuleError: If a reference has no room for so many nodes, a quarter of a gigabyte.
    """
    tables = [unit.families[family] for unit in units for family in Family]
    crosses = [(number, cross) for number, table in enumerate(tables) for cross in _crosses(table)]
    of_rules = numbers + 1
    widths = [ROW_AFTER + sum(cross.rows.shape[1] for cross in _crosses(table)) for table in tables]
    rows_from = of_rules + _starts([len(table.first.rows) * width for table, width in zip(tables, widths, strict=True)])
    heads_from = rows_from[-1] + _starts([len(unit.trie.nodes) for unit in units])
    groups_from = heads_from[-1] + _starts([len(cross.nodes) for _, cross in crosses])
    cells_from = of_rules + _starts([len(cross.cells) for _, cross in crosses])
    places = max(int(groups_from[-1]), int(cells_from[-1]))
    if places > MOST_PLACES:
        raise RuleError(f"rules must need at most {MOST_PLACES} places in tables, got {places}")

    row_of_class = [
        begin + np.arange(len(table.first.rows)) * width
        for table, width, begin in zip(tables, widths, rows_from.tolist()[:-1], strict=True)
    ]
    rows = [[leaves_for(each)] for each in row_of_class]
    for (number, cross), begin in zip(crosses, groups_from.tolist()[:-1], strict=True):
        rows[number].append(moved(cross.rows, begin))
    tries = [
        moved(unit.trie.nodes, begin, leaves)
        for unit, leaves, begin in zip(units, row_of_class[::2], heads_from.tolist()[:-1], strict=True)
    ]
    groups = [moved(cross.nodes, begin) for (_, cross), begin in zip(crosses, cells_from.tolist()[:-1], strict=True)]
    marks = Marks()
    pages = [
        page
        for unit, begin in zip(units, heads_from.tolist()[:-1], strict=True)
        for page in (
            marks.add(unit.services.starts[1:], SERVICE_PAGES),
            marks.add(unit.trie.halves, HEAD_PAGES) + begin,
        )
    ]
    wide = [unit.families[Family.IPV6].peers for unit in units]
    levels = [level for unit in units for level in unit.wide_levels]
    levels_from = iter(_starts([level.shape[1] for level in levels]).tolist())
    wide_from = np.zeros((len(units), WIDE_LEVELS), np.int64)
    for row, unit in zip(wide_from, units, strict=True):
        row[: len(unit.wide_levels)] = [next(levels_from) for _ in unit.wide_levels]
    hinge = np.zeros(2 * sum(len(unit.services) for unit in units), np.int32)
    hinge[list(hinge_rules(units))] = 1
    return Rules(
        pages=_flat(pages, np.int64),
        marks=marks.array(),
        nodes=_flat([leaves_for(np.arange(of_rules)), *map(np.column_stack, rows), *tries, *groups], np.uint32),
        wide_levels=np.array([len(unit.wide_levels) for unit in units], dtype=np.int64),
        wide_from=wide_from.reshape(-1),
        wide_hi=_flat([level[0] for level in levels], np.uint64),
        wide_lo=_flat([level[1] for level in levels], np.uint64),
        wide_rows_from=_starts([len(each.classes) for each in wide])[:-1],
        wide_row=_flat([leaves[each.classes] for leaves, each in zip(row_of_class[1::2], wide, strict=True)], np.int32),
        first=_flat([np.arange(of_rules) - 1, *(cross.cells for _, cross in crosses)], np.int32),
        kinds_from=_kinds_from(units),
        open=_flat([table.open for table in tables], np.int32),
        open_after=np.array([ROW_AFTER + table.first.rows.shape[1] for table in tables], dtype=np.int64),
        hinge=hinge,
        hinged=np.zeros(len(hinge), dtype=np.int64),
        open_back=_flat([table.open_back for table in tables], np.uint8),
    )


def hinge_rules(units: Sequence[Unit]) -> dict[int, list[str]]:
    """The rules with an unknown peer, by the position in `Rules.hinge` of what they admit."""
    tables = [unit.families[family] for unit in units for family in Family]
    return {
        int(begin) + kind: names
        for begin, table in zip(_kinds_from(units), tables, strict=True)
        for kind, names in table.hinging.items()
    }


def _crosses(table: FamilyTables) -> list[Cross]:
    return [table.first] if table.open_by_peer is None else [table.first, table.open_by_peer]


def _kinds_from(units: Sequence[Unit]) -> Column:
    return _starts([len(unit.services) for unit in units for _ in Family])[:-1]


def _starts(sizes: Sequence[int]) -> Column:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _flat(arrays: Sequence[NDArray[Any]], dtype: type) -> Column:
    return np.concatenate([array.reshape(-1) for array in arrays] or [np.zeros(0)]).astype(dtype)
