"""The most memory that a replay takes, as a whole process, and that it does not grow with the packets.

    python benchmarks/memory.py [--copies N ...] [--no-decisions]

The capture is corpus `a` some times over, each copy 200 seconds after the last; it is written to a temporary folder, 1.7 GB
for ten copies, and deleted in the end. Each replay is `sgsim replay -q --engine compiled --decisions d.parquet` (without
`--decisions` where none are wanted), with a report in JSON besides: it must have read as many packets as there are, and
each must have its row of decisions.
"""

import argparse
import json
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import corpora
import numpy as np
import peers
import polars as pl
from processes import Command, Run, run

_APART_S: Final = 200
"""From the first packet of a copy to that of the next; a copy lasts 184 s."""
_FILE_HEADER_BYTES: Final = 24
_RECORD_HEADER_BYTES: Final = 16
_RECORDS_AT_ONCE: Final = 1 << 17


class Capture(NamedTuple):
    """A capture to be copied."""

    path: Path
    starts: corpora.Column
    """Where each record begins, and where the last one ends, bytes."""

    @property
    def packets(self) -> int:
        """How many there are."""
        return len(self.starts) - 1


def capture(path: Path) -> Capture:
    """Find the records of a capture of `corpora`."""
    starts, place = [], _FILE_HEADER_BYTES
    with path.open("rb") as file:
        file.seek(place)
        while header := file.read(_RECORD_HEADER_BYTES):
            starts.append(place)
            (kept_bytes,) = struct.unpack_from("<I", header, 8)
            place = file.seek(place + _RECORD_HEADER_BYTES + kept_bytes)
    return Capture(path, np.array([*starts, place], np.int64))


def append_copies(target: Path, original: Capture, first: int, last: int) -> None:
    """Add the copies `first` to `last` (not included) to a capture, one after the other, some records at a time."""
    with original.path.open("rb") as source, target.open("ab") as out:
        if not first:
            out.write(source.read(_FILE_HEADER_BYTES))
        for copy in range(first, last):
            for records in _moved(original, copy * _APART_S):
                out.write(records)


def _moved(original: Capture, seconds: int) -> Iterator[bytes]:
    with original.path.open("rb") as source:
        for row in range(0, original.packets, _RECORDS_AT_ONCE):
            starts = original.starts[row : row + _RECORDS_AT_ONCE + 1]
            source.seek(starts[0])
            records = np.frombuffer(source.read(starts[-1] - starts[0]), np.uint8).copy()
            places = (starts[:-1] - starts[0])[:, None] + np.arange(4)
            records[places] = (records[places].view("<u4") + np.uint32(seconds)).view(np.uint8)
            yield records.tobytes()


def measure(target: Path, rules: Path, packets: int, *, decisions: bool) -> Run:
    """Replay a capture in a process of its own, and refuse figures of one that left something out."""
    with tempfile.TemporaryDirectory() as folder:
        report, rows = Path(folder) / "summary.json", Path(folder) / "d.parquet"
        wanted = ["--report", str(report), *(["--decisions", str(rows)] if decisions else [])]
        taken = run(Command(peers.sgsim(rules, target, *wanted), Path(folder)))
        if taken.exit_code:
            sys.exit(f"sgsim must replay {target} with exit code 0, got {taken.exit_code}")
        read = json.loads(report.read_text())["packets"]["read"]
        if read != packets:
            sys.exit(f"sgsim must read {packets} packets of {target}, got {read}")
        if decisions and (written := pl.scan_parquet(rows).select(pl.len()).collect().item()) != packets:
            sys.exit(f"sgsim must write {packets} decisions on {target}, got {written}")
    return taken


def main() -> None:
    """Print a line for each number of copies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--copies", type=int, nargs="+", default=[10, 20])
    parser.add_argument("--no-decisions", action="store_true", help="write none")
    given = parser.parse_args()
    original = capture(corpora.path("a"))
    with tempfile.TemporaryDirectory() as folder:
        rules, target, there = peers.documents(Path(folder), 60), Path(folder) / "copies.pcap", 0
        measure(original.path, rules, original.packets, decisions=not given.no_decisions)  # to warm up, and to compile
        print(f"{'copies':>6}{'packets':>12}{'GB':>6}{'wall s':>9}{'cpu s':>9}{'peak MiB':>10}")
        for copies in sorted(set(given.copies)):
            append_copies(target, original, there, copies)
            there, packets = copies, copies * original.packets
            taken = measure(target, rules, packets, decisions=not given.no_decisions)
            size = target.stat().st_size / 1e9
            print(
                f"{copies:6}{packets:12,}{size:6.2f}{taken.wall_s:9.1f}{taken.cpu_s:9.1f}{taken.peak_mib:10.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
