"""The ways through trees and rows as `sgsim.kernels.match` goes them, in plain Python, for nodes of one unit."""

import numpy as np

from sgsim.engine.lowering.nodes import Nodes, moved
from sgsim.kernels import rule_layout
from sgsim.kernels.rule_layout import KEY, LINE

WORD = (1 << 64) - 1


class Walk:
    """Nodes that stand behind some leaves."""

    def __init__(self, nodes: Nodes, leaves: int) -> None:
        self.leaves = leaves + -leaves % LINE
        places = moved(nodes.array(), self.leaves)
        assert 0 <= places.min(initial=0)
        assert places.max(initial=0) < 2 * KEY
        self.places: list[int] = [*range(self.leaves), *places.tolist()]

    def moved(self, reference: int) -> int:
        return int(moved(np.array([reference]), self.leaves)[0])

    def next_node(self, node: int, number: int) -> int:
        line = node // LINE * LINE
        return self.places[node + sum(key > (number % KEY | KEY) for key in self.places[line : line + LINE])]

    def next_wide(self, node: int, number: int) -> int:
        halves = self.places[node : node + 2 * rule_layout.WIDE_KEYS]
        keys = [low | high << 32 for low, high in zip(halves[::2], halves[1::2], strict=True)]
        return self.places[node + rule_layout.WIDE_FIRST + sum(key > number for key in keys)]

    def cell(self, row: int, service: int, further: int = 0) -> int:
        """The leaf of a row, a reference within the unit; `further` nodes are taken in any case."""
        node = self.next_node(self.moved(row), service)
        while further > 0 or node >= self.leaves:
            node, further = self.next_node(node, service), further - 1
        return node

    def row(self, words: np.ndarray, heads: np.ndarray, address: int, is_odd: int) -> int:
        """The row of an IPv4 address, or of the first number of one of IPv6."""
        node = self.moved(heads[address >> words[rule_layout.TREE_SHIFT], is_odd])
        for _ in range(1 + words[rule_layout.TREE_FURTHER]):
            node = self.next_node(node, address)
        return node

    def wide_row(self, words: np.ndarray, heads: np.ndarray, address: int, is_odd: int) -> int:
        unsigned = words.view(np.uint64).tolist()
        first = unsigned[rule_layout.TREE_FROM_HI] << 64 | unsigned[rule_layout.TREE_FROM_LO]
        most = unsigned[rule_layout.TREE_MOST_HI] << 64 | unsigned[rule_layout.TREE_MOST_LO]
        number, shift = min(max(address - first, 0), most), unsigned[rule_layout.TREE_WIDE_SHIFT]
        node = self.row(words, heads, number >> shift, is_odd)
        for _ in range(words[rule_layout.TREE_PIECES]):
            shift -= unsigned[rule_layout.TREE_PIECE_BITS]
            for _ in range(1 + words[rule_layout.TREE_PIECE_FURTHER]):
                node = self.next_wide(node, number >> shift & WORD)
        return node
