"""What compiled code is told about a capture before it follows its records, and what it cannot take itself.

A capture is followed by one of two: `PcapRecords` and `PcapngRecords` offer the same.
"""

from typing import Final

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from sgsim.kernels import decode_layout as layout
from sgsim.sources.base import Record
from sgsim.sources.byte_window import ByteWindow
from sgsim.sources.native_facts import LINK_OF_TYPE, TYPE_OF_LINK
from sgsim.sources.pcap_file import MAX_CAPTURED_BYTES, PcapHeader, records_after
from sgsim.sources.pcapng_file import (
    MAX_BLOCK_BYTES,
    MAX_TIME_NS,
    NUMBERED_BLOCKS,
    CaptureInterface,
    Section,
    next_block,
)

Numbers = NDArray[np.int64]

_NS_PER_S: Final = 1_000_000_000
_MAX_SHIFT: Final = 62
"""The finest binary resolution that kernels compute with; nobody's clock is finer."""


@define
class PcapRecords:
    """The records of a classic capture."""

    _header: PcapHeader
    interfaces: Numbers = field(factory=lambda: np.zeros(0, np.int64), init=False)
    """None."""

    def begin(self, state: Numbers) -> None:
        """Tell compiled code what the header says."""
        state[layout.FORMAT] = layout.PCAP
        state[layout.IS_SWAPPED] = self._header.order == ">"
        state[layout.UNIT_NS] = self._header.unit_ns
        state[layout.LINK] = LINK_OF_TYPE.get(self._header.link_type, layout.LINK_UNKNOWN)
        state[layout.MAX_RECORD_BYTES] = MAX_CAPTURED_BYTES

    def take(self, window: ByteWindow, state: Numbers) -> Record | None:
        """Take what compiled code has left: a record that breaks the format.

        Raises:
            SourceError: That it does.
        """
        return next(records_after(window, self._header, int(state[layout.NUMBER]) - 1), None)

    def link_type(self, _link: int) -> int:
        """Give the link type of a packet."""
        return self._header.link_type

    def link_types(self, state: Numbers) -> set[int]:
        """Give the link types of all packets so far."""
        return {self._header.link_type} if state[layout.NUMBER] > 1 else set()


@define
class PcapngRecords:
    """The blocks of a capture of the newer format."""

    _section: Section = field(factory=Section, init=False)
    interfaces: Numbers = field(factory=lambda: np.zeros(layout.INTERFACE_WORDS, np.int64), init=False)
    """`INTERFACE_WORDS` for each interface of the section; room for more behind them."""
    _seen: set[int] = field(factory=set, init=False)
    """Link types of packets of earlier sections, and of those that were taken here."""

    def begin(self, state: Numbers) -> None:
        """Tell compiled code what holds for all sections."""
        state[layout.FORMAT] = layout.PCAPNG
        state[layout.MAX_RECORD_BYTES] = MAX_BLOCK_BYTES
        state[layout.NUMBERED_BLOCKS :] = -1
        state[layout.NUMBERED_BLOCKS :][: len(NUMBERED_BLOCKS)] = sorted(NUMBERED_BLOCKS)

    def take(self, window: ByteWindow, state: Numbers) -> Record | None:
        """Take what compiled code has left: a description of a section or interface, a time too odd for it, an error.

        Returns:
            The packet of the block, None if it has none.

        Raises:
            SourceError: If it breaks the format.
        """
        before = self._section.interfaces
        block = next_block(window, self._section, int(state[layout.NUMBER]), int(state[layout.LAST_TIME_NS]))
        if self._section.interfaces is not before:
            self._seen |= self._used(before)
            self.interfaces[:] = 0
            state[layout.INTERFACES] = 0
            state[layout.IS_SWAPPED] = self._section.order == ">"
        for interface in self._section.interfaces[state[layout.INTERFACES] :]:
            self._describe(interface, state)
        if block is None or block[1] is None:
            return None
        self._seen.add(block[1][1])
        return int(state[layout.NUMBER]), *block[1]

    def link_type(self, link: int) -> int:
        """Give the link type of a packet, from what kernels call it."""
        return TYPE_OF_LINK[link]

    def link_types(self, _state: Numbers) -> set[int]:
        """Give the link types of all packets so far."""
        return self._seen | self._used(self._section.interfaces)

    def _used(self, described: list[CaptureInterface]) -> set[int]:
        is_used = self.interfaces[layout.INTERFACE_IS_USED :: layout.INTERFACE_WORDS]
        return {described[place].link_type for place in np.flatnonzero(is_used)}

    def _describe(self, interface: CaptureInterface, state: Numbers) -> None:
        begin = int(state[layout.INTERFACES]) * layout.INTERFACE_WORDS
        while begin + layout.INTERFACE_WORDS > len(self.interfaces):
            self.interfaces = np.concatenate([self.interfaces, np.zeros_like(self.interfaces)])
        self.interfaces[begin : begin + layout.INTERFACE_WORDS] = interface_words(interface)
        state[layout.INTERFACES] += 1


def interface_words(interface: CaptureInterface) -> list[int]:
    """Describe an interface to compiled code.

    Times that kernels cannot compute in 64 bits are beyond `INTERFACE_MAX_UNITS`; those that no clock has are too.
    """
    words = [0] * layout.INTERFACE_WORDS
    words[layout.INTERFACE_LINK] = LINK_OF_TYPE.get(interface.link_type, layout.LINK_UNKNOWN)
    words[layout.INTERFACE_SNAP_BYTES] = interface.snap_bytes
    units_per_s, offset_ns = interface.units_per_s, interface.offset_s * _NS_PER_S
    shift = units_per_s.bit_length() - 1
    is_known = True
    if _NS_PER_S % units_per_s == 0:
        words[layout.INTERFACE_FACTOR] = _NS_PER_S // units_per_s
    elif units_per_s % _NS_PER_S == 0 and units_per_s // _NS_PER_S <= MAX_TIME_NS:
        words[layout.INTERFACE_DIVISOR] = units_per_s // _NS_PER_S
    elif units_per_s == 1 << shift and shift <= _MAX_SHIFT:
        words[layout.INTERFACE_SHIFT] = shift
    else:
        is_known = False
    if is_known and abs(offset_ns) <= MAX_TIME_NS:
        most_ns = MAX_TIME_NS - max(offset_ns, 0)
        words[layout.INTERFACE_OFFSET_NS] = offset_ns
        words[layout.INTERFACE_MAX_UNITS] = min(most_ns * units_per_s // _NS_PER_S, MAX_TIME_NS)
    else:
        words[layout.INTERFACE_MAX_UNITS] = -1
    return words
