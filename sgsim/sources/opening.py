"""What a user calls traffic becomes a source."""

import os
import sys
from collections.abc import Iterable
from typing import Any, cast

from sgsim.errors import SourceError
from sgsim.sources.base import Source
from sgsim.sources.merge import merged
from sgsim.sources.pcap import PcapSource
from sgsim.sources.scapy_packets import ScapySource


def open_source(traffic: Any, *, native: bool = False) -> Source:  # noqa: ANN401 - takes what users have
    """Make a source of what the user gives.

    Args:
        traffic: A path (`-` is standard input), a binary stream, an iterable of scapy packets, or a source.
        native: Whether compiled code decodes captures: the same rows, some hundred times as fast once it is loaded.

    Raises:
        SourceError: If it is none of these, or a path that is no capture.
    """
    if isinstance(traffic, str | os.PathLike):
        if os.fspath(traffic) == "-":
            return _capture(sys.stdin.buffer, native=native, name="standard input")
        PcapSource(cast("str | os.PathLike[str]", traffic)).check()
        return _capture(traffic, native=native)
    if hasattr(traffic, "batches"):
        return cast("Source", traffic)
    if hasattr(traffic, "read"):
        return _capture(traffic, native=native)
    if isinstance(traffic, Iterable) and not isinstance(traffic, bytes | bytearray):
        return ScapySource(traffic, name=str(getattr(traffic, "listname", "packets")))
    raise SourceError(f"traffic must be a path, a binary stream or scapy packets, got {type(traffic).__name__}")


def _capture(file: Any, *, native: bool, **name: str) -> Source:  # noqa: ANN401 - as above
    if native:
        from sgsim.sources.native import NativePcapSource  # noqa: PLC0415  # numba is loaded only for this

        return NativePcapSource(file, **name)
    return PcapSource(file, **name)


def open_sources(traffic: Iterable[Any]) -> Source:
    """Make one source of several, merged by time.

    Raises:
        SourceError: As `open_source` does, and if there are none.
    """
    sources = [open_source(each) for each in traffic]
    if not sources:
        raise SourceError("traffic must be at least one input, got none")
    return merged(sources)
