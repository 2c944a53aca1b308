"""VPC flow logs of traffic that was judged: what AWS would have logged at each interface.

A record joins the packets of one five-tuple in one direction at one interface with one verdict, within a window of 60 or
600 seconds of the clock. Windows begin at whole multiples since the epoch, where AWS begins them when it likes; `start`
and `end` are the first and the last packet's second. Bytes are those of IP packets. What groups never filter is not
logged, nor is what would not have been sent. The own side is written as the interface's primary IPv4 address, the real
one as `pkt-srcaddr` and `pkt-dstaddr`; ICMP has ports 0; fields that nobody knows are `-`.

Memory: the records of the windows that are not over, one or two.

Source: `[aws-flr]`, `[aws-fll]`, `[aws-fle]`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import polars as pl
from attrs import define, field

from sgsim.engine.base import Engine
from sgsim.errors import ConfigError
from sgsim.model.columns import DecisionColumns, PacketColumns
from sgsim.model.decision import Reason, Verdict
from sgsim.model.protocol import PORT_PROTOCOLS, Protocol, TcpFlags
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory
from sgsim.simulation.frames import address_texts
from sgsim.simulation.sinks import Parquet
from sgsim.sources.flow_log_fields import NO_VALUE, FieldType, TcpFlagsField
from sgsim.sources.flow_log_format import DEFAULT_FORMAT, FlowLogFormat
from sgsim.sources.output_file import STDOUT, ending_of, gzipped, standard_output

WINDOWS_S: Final = (60, 600)
ENDINGS: Final = (".log", ".txt", ".parquet")
ACCOUNT: Final = "123456789012"
"""Of records whose account nobody knows, as in AWS's own examples."""

_NS_PER_S: Final = 1_000_000_000
_LINK_BYTES: Final = 14
_KEY: Final = (
    "window", "interface", "direction", "family", "src_hi", "src_lo", "dst_hi", "dst_lo", "protocol", "srcport",
    "dstport", "is_accepted",
)  # fmt: skip
_DTYPES: Final = {FieldType.INT32: pl.Int32, FieldType.INT64: pl.Int64, FieldType.STRING: pl.String}


def is_flow_log_name(path: str | Path) -> bool:
    """Whether a file of this name is to be a flow log."""
    return ending_of(path) in ENDINGS


@define
class FlowLogWriter:
    """Writes one flow log, under a temporary name until it is complete, or as text to standard output, `-`."""

    path: Path = field(converter=Path)
    inventory: Inventory
    format: FlowLogFormat = DEFAULT_FORMAT
    window_s: int = 60
    is_zipped: bool = False
    """Whether standard output is gzipped; the name of a file tells it by itself."""
    records: int = field(default=0, init=False)
    ip_bytes: int = field(default=0, init=False)
    _interface_ids: Sequence[str] = field(default=(), init=False)
    _held: dict[int, list[pl.DataFrame]] = field(factory=dict, init=False)
    _partial: Path | None = field(default=None, init=False)
    _stream: IO[bytes] | None = field(default=None, init=False)
    _parquet: Parquet | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        """Make the file.

        Raises:
            ConfigError: If the window is none, or the file cannot be made.
        """
        if self.window_s not in WINDOWS_S:
            raise ConfigError(f"window must be one of {', '.join(map(str, WINDOWS_S))} seconds, got {self.window_s}")
        if str(self.path) == STDOUT:
            self._begin_text(standard_output(is_zipped=self.is_zipped))
            return
        self._partial = self.path.with_name(f".{self.path.name}.partial")
        try:
            plain = self._partial.open("wb")
        except OSError as error:
            raise ConfigError(
                f"flow log must be a file that can be written, got {str(self.path)!r}: {error.strerror}"
            ) from error
        if ending_of(self.path) == ".parquet":
            plain.close()
            self._parquet = Parquet(self._partial, self.schema)
        else:
            self._begin_text(gzipped(plain, self.path))

    def _begin_text(self, stream: IO[bytes]) -> None:
        self._stream = stream
        stream.write(self.format.header.encode() + b"\n")

    @property
    def schema(self) -> pl.Schema:
        """The columns of its Parquet form."""
        return pl.Schema({each.column: _DTYPES[each.type] for each in self.format.fields})

    def see(self, packets: PacketColumns, decisions: DecisionColumns, engine: Engine) -> None:
        """Log a batch with its decisions."""
        self._interface_ids = engine.interface_ids
        frame = _packets_frame(packets, decisions, self.window_s)
        for (window,), part in frame.group_by("window", maintain_order=True):
            self._held.setdefault(int(str(window)), []).append(_joined(part))
        if len(packets.time_ns):
            now = int(packets.time_ns[-1]) // _NS_PER_S // self.window_s
            self._write(window for window in list(self._held) if window < now)

    def close(self, *, complete: bool) -> None:
        """End; a log that is not complete is removed."""
        try:
            if complete:
                self._write(list(self._held))
            if self._stream is not None:
                self._stream.close()
            if self._parquet is not None:
                self._parquet.close(complete=complete)
            if complete and self._partial is not None:
                self._partial.replace(self.path)
        finally:
            if self._partial is not None:
                self._partial.unlink(missing_ok=True)

    def _write(self, windows: Any) -> None:  # noqa: ANN401  # an iterable of numbers
        for window in sorted(windows):
            joined = _joined(pl.concat(self._held.pop(window))).sort("start_ns", *_KEY)
            self.records += len(joined)
            self.ip_bytes += int(joined["bytes"].sum())
            named = self._named(joined)
            if self._parquet is not None:
                self._parquet.write(named.cast(dict(self.schema), strict=False))  # type: ignore[arg-type]  # polars takes it
            elif self._stream is not None:
                words = [pl.col(each.column).cast(pl.String).fill_null(NO_VALUE) for each in self.format.fields]
                lines = named.select(pl.concat_str(words, separator=" ")).to_series()
                self._stream.write(("\n".join(lines.to_list()) + "\n").encode())

    def _named(self, joined: pl.DataFrame) -> pl.DataFrame:
        """The records with the fields of the format, null where nobody knows a value."""
        columns = dict(self._columns(joined))
        none = pl.Series([None], dtype=pl.String).new_from_index(0, len(joined))
        chosen = [columns.get(each.name, none).alias(each.column) for each in self.format.fields]
        return pl.DataFrame(chosen)

    def _columns(self, joined: pl.DataFrame) -> Iterator[tuple[str, pl.Series]]:
        count = len(joined)
        src, dst = (
            address_texts(joined[f"{side}_hi"].to_numpy(), joined[f"{side}_lo"].to_numpy(), joined["family"].to_numpy())
            for side in ("src", "dst")
        )
        interfaces = [self.inventory.interfaces.get(each) for each in self._interface_ids]
        index = joined["interface"]

        def of_interface(values: Sequence[str | None]) -> pl.Series:
            return pl.Series(list(values), dtype=pl.String).gather(index)

        primary = of_interface([_primary(each) for each in interfaces])
        is_egress = joined["direction"] == Direction.EGRESS
        is_rewritten = (joined["family"] == 4) & primary.is_not_null()
        yield "version", pl.Series([self.format.version]).new_from_index(0, count)
        yield "account-id", pl.Series([ACCOUNT]).new_from_index(0, count)
        yield "interface-id", of_interface(self._interface_ids)
        yield "srcaddr", primary.zip_with(is_egress & is_rewritten, src)
        yield "dstaddr", primary.zip_with(~is_egress & is_rewritten, dst)
        yield "pkt-srcaddr", src
        yield "pkt-dstaddr", dst
        for name in ("srcport", "dstport", "protocol", "packets", "bytes"):
            yield name, joined[name]
        yield "start", joined["start_ns"] // _NS_PER_S
        yield "end", joined["end_ns"] // _NS_PER_S
        yield "action", _either(joined["is_accepted"], "ACCEPT", "REJECT")
        yield "log-status", pl.Series(["OK"]).new_from_index(0, count)
        yield "vpc-id", of_interface([each.vpc_id if each else None for each in interfaces])
        yield "subnet-id", of_interface([each.subnet_id if each else None for each in interfaces])
        yield "instance-id", of_interface([each.instance_id if each else None for each in interfaces])
        yield "tcp-flags", joined["tcp_flags"]
        yield "type", _either(joined["family"] == 4, "IPv4", "IPv6")
        yield "flow-direction", _either(is_egress, "egress", "ingress")


def _primary(interface: Any) -> str | None:  # noqa: ANN401  # an interface or None
    return next((str(net.ip) for net in interface.addresses if net.version == 4), None) if interface else None


def _either(condition: pl.Series, yes: str, no: str) -> pl.Series:
    return pl.select(pl.when(condition).then(pl.lit(yes)).otherwise(pl.lit(no))).to_series()


def _packets_frame(packets: PacketColumns, decisions: DecisionColumns, window_s: int) -> pl.DataFrame:
    """What AWS would log, a row for each packet and interface."""
    is_logged = (decisions.interface >= 0) & (decisions.verdict != Verdict.SKIP) & (decisions.reason != Reason.EXEMPT)
    rows = decisions.row[is_logged]
    has_ports = np.isin(packets.protocol[rows], list(PORT_PROTOCOLS))
    flags = packets.tcp_flags[rows]
    is_syn_ack = flags & (TcpFlags.SYN | TcpFlags.ACK) == TcpFlags.SYN | TcpFlags.ACK
    shown = (flags & 7) | np.where(is_syn_ack, TcpFlagsField.SYN_ACK, 0).astype(np.uint8)
    shown[packets.protocol[rows] != Protocol.TCP] = 0
    time_ns = packets.time_ns[rows]
    return pl.DataFrame(
        {
            "window": time_ns // _NS_PER_S // window_s,
            "interface": decisions.interface[is_logged],
            "direction": decisions.direction[is_logged],
            **{name: getattr(packets, name)[rows] for name in ("family", "src_hi", "src_lo", "dst_hi", "dst_lo")},
            "protocol": packets.protocol[rows],
            "srcport": np.where(has_ports, packets.src_port[rows], 0).astype(np.int32),
            "dstport": np.where(has_ports, packets.dst_port[rows], 0).astype(np.int32),
            "is_accepted": decisions.verdict[is_logged] == Verdict.ALLOW,
            "packets": np.ones(len(rows), np.int64),
            "bytes": np.maximum(packets.length_bytes[rows].astype(np.int64) - _LINK_BYTES, 0),
            "start_ns": time_ns,
            "end_ns": time_ns,
            "tcp_flags": shown,
        }
    )


def _joined(frame: pl.DataFrame) -> pl.DataFrame:
    """Join what belongs to one record."""
    return frame.group_by(*_KEY, maintain_order=True).agg(
        pl.col("packets").sum(),
        pl.col("bytes").sum(),
        pl.col("start_ns").min(),
        pl.col("end_ns").max(),
        pl.col("tcp_flags").bitwise_or(),
    )
