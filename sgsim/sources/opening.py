"""What a user calls traffic becomes a source."""

import os
import sys
from collections.abc import Iterable
from typing import Any, BinaryIO, cast

from sgsim.errors import SourceError
from sgsim.sources.base import Source
from sgsim.sources.merge import merged
from sgsim.sources.pcap import PcapSource
from sgsim.sources.scapy_packets import ScapySource


def open_source(traffic: Any) -> Source:  # noqa: ANN401 - takes what users have
    """Make a source of what the user gives.

    Args:
        traffic: A path (`-` is standard input), a binary stream, an iterable of scapy packets, or a source.

    Raises:
        SourceError: If it is none of these, or a path that is no capture.
    """
    if isinstance(traffic, str | os.PathLike):
        if os.fspath(traffic) == "-":
            return PcapSource(sys.stdin.buffer, name="standard input")
        source = PcapSource(cast("str | os.PathLike[str]", traffic))
        source.check()
        return source
    if hasattr(traffic, "batches"):
        return cast("Source", traffic)
    if hasattr(traffic, "read"):
        return PcapSource(cast("BinaryIO", traffic))
    if isinstance(traffic, Iterable) and not isinstance(traffic, bytes | bytearray):
        return ScapySource(traffic, name=str(getattr(traffic, "listname", "packets")))
    raise SourceError(f"traffic must be a path, a binary stream or scapy packets, got {type(traffic).__name__}")


def open_sources(traffic: Iterable[Any]) -> Source:
    """Make one source of several, merged by time.

    Raises:
        SourceError: As `open_source` does, and if there are none.
    """
    sources = [open_source(each) for each in traffic]
    if not sources:
        raise SourceError("traffic must be at least one input, got none")
    return merged(sources)
