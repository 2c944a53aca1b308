"""Synthetic traffic written to a capture, and what was written."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from attrs import frozen

from sgsim.errors import ConfigError
from sgsim.sources.output_file import STDOUT, ending_of, output_file, standard_output
from sgsim.sources.synthetic.pcap_bytes import DEFAULT_SNAP_BYTES, PcapBytes
from sgsim.sources.synthetic.rows import frame_bytes
from sgsim.sources.synthetic.traffic import SyntheticSource

CAPTURE_ENDINGS: Final = (".pcap", ".cap")
UNITS_NS: Final = {"ns": 1, "us": 1000}
LEAST_SNAP_BYTES: Final = 74
"""Ethernet, IPv6 and TCP."""
MOST_SNAP_BYTES: Final = 65_535
_PAGE_ROWS: Final = 1 << 14
"""So many packets are written at once that the cost of a page vanishes, and so few that it stays in the cache."""


@frozen(kw_only=True)
class Written:
    """What was written."""

    file: str
    packets: int
    bytes: int
    """On the wire; in a flow log those of IP packets, once for each interface."""
    records: int | None = None
    """Of a flow log."""
    first_ns: int | None
    """None if there were no packets."""
    last_ns: int | None
    notes: tuple[str, ...] = ()
    """What should be known of the traffic."""


def write_capture(
    source: SyntheticSource,
    target: str | Path,
    *,
    unit: str = "ns",
    snap_bytes: int = DEFAULT_SNAP_BYTES,
    is_zipped: bool = False,
) -> Written:
    """Write traffic as a classic capture; `-` is standard output, and a name that ends in `.gz` is gzipped.

    Args:
        source: The traffic.
        target: Where to.
        unit: Of times: `ns` or `us`.
        snap_bytes: The most bytes of a frame that are written; its length on the wire is written whole.
        is_zipped: Whether standard output is gzipped.

    Raises:
        ConfigError: If a value is not right, or the file cannot be written.
    """
    if unit not in UNITS_NS:
        raise ConfigError(f"unit must be one of {', '.join(UNITS_NS)}, got {unit!r}")
    if not LEAST_SNAP_BYTES <= snap_bytes <= MOST_SNAP_BYTES:
        raise ConfigError(f"snaplen must be {LEAST_SNAP_BYTES}..{MOST_SNAP_BYTES} bytes, got {snap_bytes}")
    if str(target) != STDOUT and ending_of(target) not in CAPTURE_ENDINGS:
        raise ConfigError(f"capture must end in .pcap, .pcap.gz, or be '-', got {str(target)!r}")
    writer = PcapBytes(UNITS_NS[unit], snap_bytes)
    packets = size = 0
    first_ns = last_ns = None
    with _opened(target, is_zipped=is_zipped) as stream:
        stream.write(writer.header())
        for rows in source.rows(_PAGE_ROWS):
            stream.write(writer.records(rows))
            packets += len(rows)
            size += int(frame_bytes(rows).sum())
            first_ns = int(rows["time_ns"][0]) if first_ns is None else first_ns
            last_ns = int(rows["time_ns"][-1])
    return Written(file=str(target), packets=packets, bytes=size, first_ns=first_ns, last_ns=last_ns)


@contextlib.contextmanager
def _opened(target: str | Path, *, is_zipped: bool) -> Iterator[IO[bytes]]:
    if str(target) != STDOUT:
        with output_file(target) as stream:
            yield stream
        return
    with contextlib.closing(standard_output(is_zipped=is_zipped)) as stream:
        yield stream
