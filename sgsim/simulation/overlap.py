"""Captures that hold the same packets: two ends of one wire, given together without their interfaces.

Each packet would then be judged twice. Packets are compared by what both ends see alike: addresses, ports, protocol,
flags and length, at most a second apart. The first `MOST` packets of several files are looked at, then one of 64 by its
fingerprint; so the cost is bounded, and as packets of one flow have few fingerprints, counts are only an estimate.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from attrs import define, field

from sgsim.engine.base import Engine
from sgsim.model.columns import Column, DecisionColumns, PacketColumns

MOST: Final = 65_536
_SHARE: Final = 0.2
"""Of the smaller capture's packets; less is chance, such as a router's own repeated messages."""
_APART_NS: Final = 10**9
_SAMPLE: Final = np.uint64(63)
_FIELDS: Final = ("src_hi", "src_lo", "dst_hi", "dst_lo", "protocol", "src_port", "dst_port", "tcp_flags", "icmp_type")
_MIX: Final = np.uint64(0x9E37_79B9_7F4A_7C15)


@define
class Overlaps:
    """What unbound files have in common."""

    files: Sequence[str]
    taken_at: Sequence[int]
    given_twice: Sequence[tuple[int, ...]] = ()
    """Files that are the same one, which is told otherwise."""
    _seen: dict[int, tuple[int, int]] = field(factory=dict, init=False)
    """Fingerprint: which file had it last, and when."""
    _looked: int = field(default=0, init=False)
    _counts: Counter[int] = field(factory=Counter, init=False)
    """Packets compared, by file."""
    _shared: Counter[tuple[int, int]] = field(factory=Counter, init=False)
    _span_ns: dict[int, tuple[int, int]] = field(factory=dict, init=False)

    @property
    def is_possible(self) -> bool:
        """Whether at least two files are bound to no interface."""
        return sum(index < 0 for index in self.taken_at) > 1

    def see(self, packets: PacketColumns, _decisions: DecisionColumns, _engine: Engine) -> None:
        """Look at a batch."""
        rows = np.flatnonzero((packets.skip == 0) & (packets.taken_at < 0))
        if not len(rows):
            return
        self._note_spans(packets, rows)
        prints = _fingerprints(packets, rows)
        if self._looked >= MOST:
            chosen = prints & _SAMPLE == 0
            rows, prints = rows[chosen], prints[chosen]
        self._looked += len(rows)
        found = zip(prints.tolist(), packets.file[rows].tolist(), packets.time_ns[rows].tolist(), strict=True)
        for fingerprint, file, time_ns in found:
            self._compare(fingerprint, file, time_ns)

    def _note_spans(self, packets: PacketColumns, rows: Column) -> None:
        files, times = packets.file[rows], packets.time_ns[rows]
        for file in np.unique(files).tolist():
            own = times[files == file]
            first, last = self._span_ns.get(file, (int(own[0]), int(own[0])))
            self._span_ns[file] = (min(first, int(own.min())), max(last, int(own.max())))

    def _compare(self, fingerprint: int, file: int, time_ns: int) -> None:
        self._counts[file] += 1
        other = self._seen.get(fingerprint)
        if other is not None and other[0] != file and time_ns - other[1] <= _APART_NS:
            self._shared[min(other[0], file), max(other[0], file)] += 1
        if other is None and len(self._seen) >= MOST:
            del self._seen[next(iter(self._seen))]
        self._seen[fingerprint] = (file, time_ns)

    def notes(self) -> Iterator[str]:
        """One for each pair of files that seem to hold the same packets."""
        for (one, other), shared in sorted(self._shared.items()):
            if any({one, other} <= set(same) for same in self.given_twice):
                continue
            (begin, end), (other_begin, other_end) = self._span_ns[one], self._span_ns[other]
            least = min(self._counts[one], self._counts[other])
            if max(begin, other_begin) < min(end, other_end) and shared >= _SHARE * least:
                names = f"{self.files[one]} and {self.files[other]}"
                yield (
                    f"{names} seem to hold the same packets, taken at both ends: {min(shared, least)} of {least} that were compared. "
                    "Each is judged twice; say where each capture was taken, as INTERFACE=FILE"
                )


def _fingerprints(packets: PacketColumns, rows: Column) -> Column:
    value = packets.length_bytes[rows].astype(np.uint64)
    for name in _FIELDS:
        value = (value ^ getattr(packets, name)[rows].astype(np.uint64)) * _MIX
        value ^= value >> np.uint64(29)
    return value
