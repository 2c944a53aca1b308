"""What a user calls traffic becomes a source, or a file of a flow log, which is one of many that make a source."""

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from sgsim.errors import SourceError
from sgsim.sources.base import Source
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.merge import merged
from sgsim.sources.pcap import PcapSource, is_capture, naming, opened
from sgsim.sources.scapy_packets import ScapySource

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from sgsim.sources.flow_log_file import FlowLogFile
    from sgsim.sources.flow_log_format import FlowLogFormat
    from sgsim.sources.flow_log_problems import FlowLogProblems


def open_source(traffic: Any, *, native: bool = False) -> Source:  # noqa: ANN401 - takes what users have
    """Make a source of what the user gives, but of a flow log: `open_traffic` knows what that needs.

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


def open_file(
    traffic: Any,  # noqa: ANN401 - as above
    problems: "FlowLogProblems",
    *,
    given: "FlowLogFormat | None" = None,
    native: bool = False,
) -> "Source | FlowLogFile":
    """Make a source of what the user gives, or a flow log, by the first bytes.

    Args:
        traffic: As `open_source` takes it.
        problems: Where lines are noted that cannot be read.
        given: The format of flow logs, if the user has told it.
        native: Whether compiled code reads.

    Raises:
        SourceError: If it is neither capture nor flow log nor packets.
    """
    if isinstance(traffic, str | os.PathLike) and os.fspath(traffic) != "-":
        name = os.fspath(cast("str | os.PathLike[str]", traffic))
        with naming(name), opened(cast("str | os.PathLike[str]", traffic)) as stream:
            reader = ByteReader(stream).unzipped()
            is_log = not is_capture(reader) and _is_flow_log(reader, given)
        if not is_log:
            return open_source(traffic, native=native)
        return _flow_log(traffic, name, given, problems, native=native)
    if traffic != "-" and not hasattr(traffic, "read"):
        return open_source(traffic, native=native)
    stream = sys.stdin.buffer if traffic == "-" else cast("BinaryIO", traffic)
    name = "standard input" if traffic == "-" else str(getattr(traffic, "name", "stream"))
    with naming(name):
        reader = ByteReader(stream).unzipped()
        if is_capture(reader) or not _is_flow_log(reader, given):
            return _capture(reader.rest(), native=native, name=name)
        return _flow_log(reader.rest(), name, given, problems, native=native)


def is_log_file(opened: "Source | FlowLogFile") -> "TypeIs[FlowLogFile]":
    """Whether `open_file` gave a file of a flow log, which is no source; asked without loading what reads it."""
    return not hasattr(opened, "files")


def _is_flow_log(reader: ByteReader, given: "FlowLogFormat | None") -> bool:
    from sgsim.sources.flow_log_file import is_flow_log  # noqa: PLC0415  # what reads flow logs takes long to load

    return is_flow_log(reader, given)


def _flow_log(
    file: Any,  # noqa: ANN401 - as above
    name: str,
    given: "FlowLogFormat | None",
    problems: "FlowLogProblems",
    *,
    native: bool,
) -> "FlowLogFile":
    from sgsim.sources.flow_log_file import FlowLogFile  # noqa: PLC0415  # as above

    return FlowLogFile(file, name, given, problems, native)


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
