"""One line of a flow log, read by plain Python: the specification of the compiled reader.

A line is values between blanks, one for each field of the format; `-` stands for no value. Times are seconds since the
epoch; beyond `MOST_SECONDS`, the year 2261, they are taken for milliseconds, as some exporters write them.

Law: a line gives a row, or `LineError` says what is wrong with it; what a replay does not need is not looked at.

Source: `[aws-flr]`, `[aws-fle]`.
"""

import socket
from collections.abc import Mapping
from typing import Any, Final

from attrs import define, field

from sgsim.model.decision import Reason, Verdict
from sgsim.model.line_columns import MOST_SECONDS, MOST_TIME, NO_FLAGS, NO_NAME, RefusedBy
from sgsim.model.states import Direction
from sgsim.sources.flow_log_fields import NO_VALUE
from sgsim.sources.flow_log_format import FlowLogFormat

SECOND_NS: Final = 1_000_000_000
MOST_COUNT: Final = (1 << 62) - 1

Row = tuple[Any, ...]
"""In the order of `LINE_DTYPES`."""


class LineError(ValueError):
    """A line cannot be read; the text says what must be there and what is."""


ACTIONS: Final[Mapping[bytes, int]] = {b"ACCEPT": int(Verdict.ALLOW), b"REJECT": int(Verdict.DENY), b"-": 0}
STATUSES: Final[Mapping[bytes, int]] = {
    b"OK": 0,
    b"NODATA": int(Reason.NO_DATA),
    b"SKIPDATA": int(Reason.SKIP_DATA),
    b"-": 0,
}
DIRECTIONS: Final[Mapping[bytes, int]] = {
    b"ingress": int(Direction.INGRESS),
    b"egress": int(Direction.EGRESS),
    b"-": 0,
}
REFUSALS: Final[Mapping[bytes, int]] = {b"BPA": int(RefusedBy.BPA), b"EC": int(RefusedBy.EC)}
_NONE: Final = NO_VALUE.encode()
_WORD: Final = (1 << 64) - 1

_NO_ADDRESS: Final = (0, 0)


@define
class LineReader:
    """Reads lines of one format; interfaces get numbers in the order in which they are first seen."""

    format: FlowLogFormat
    names: list[str] = field(factory=list)
    """Interface ids by their number."""
    _numbers: dict[bytes, int] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        """Go on counting interfaces that are known."""
        self._numbers = {name.encode(): number for number, name in enumerate(self.names)}

    def read(self, line: bytes, number: int) -> Row:
        """Read a line.

        Args:
            line: Without its end.
            number: Its place in the file.

        Raises:
            LineError: If it cannot be read.
        """
        words = line.split()
        if len(words) != len(self.format.names):
            raise LineError(f"line must have {len(self.format.names)} fields, got {len(words)}")
        return self.row(dict(zip(self.format.names, words, strict=True)), number)

    def row(self, values: Mapping[str, bytes], number: int) -> Row:
        """Read the values of a line by their names.

        Raises:
            LineError: If one of them cannot be read.
        """
        skip = _one_of(values, "log-status", STATUSES)
        start_ns, end_ns = _time(values, "start"), _time(values, "end")
        if end_ns < start_ns:
            raise LineError(f"end must be at least start, {_shown(values['start'])}, got {_shown(values['end'])}")
        interface = self.number_of(values.get("interface-id", _NONE))
        if skip:
            return _no_traffic(number, start_ns, end_ns, interface, skip)
        src, dst, family = _addresses(values, "srcaddr", "dstaddr")
        pkt_src, pkt_dst, pkt_family = _addresses(values, "pkt-srcaddr", "pkt-dstaddr")
        if not family and not pkt_family:
            return _no_traffic(number, start_ns, end_ns, interface, int(Reason.NOT_IP))
        return (
            number,
            start_ns,
            end_ns,
            *src,
            *dst,
            family,
            *pkt_src,
            *pkt_dst,
            pkt_family,
            _number(values, "srcport", 65_535, absent=0),
            _number(values, "dstport", 65_535, absent=0),
            _number(values, "protocol", 255),
            _number(values, "tcp-flags", 254, absent=NO_FLAGS),
            _one_of(values, "flow-direction", DIRECTIONS),
            _number(values, "packets", MOST_COUNT, absent=1),
            _number(values, "bytes", MOST_COUNT, absent=0),
            _one_of(values, "action", ACTIONS),
            REFUSALS.get(values.get("reject-reason", _NONE), 0),
            interface,
            0,
        )

    def number_of(self, name: bytes) -> int:
        """The number of an interface id; a new one if it was not seen before, `NO_NAME` for no id."""
        if name == _NONE:
            return NO_NAME
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.names)
            self.names.append(_shown_name(name))
        return number


def malformed_row(number: int) -> Row:
    """The row of a line that cannot be read."""
    return _no_traffic(number, 0, 0, NO_NAME, int(Reason.MALFORMED))


def _no_traffic(number: int, start_ns: int, end_ns: int, interface: int, skip: int) -> Row:
    return (
        number, start_ns, end_ns, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NO_FLAGS, 0, 0, 0, 0, 0, interface, skip,
    )  # fmt: skip


def _time(values: Mapping[str, bytes], name: str) -> int:
    time = _number(values, name, MOST_TIME)
    return time * (SECOND_NS // 1000) if time > MOST_SECONDS else time * SECOND_NS


def _number(values: Mapping[str, bytes], name: str, most: int, *, absent: int | None = None) -> int:
    word = values.get(name, _NONE)
    if word == _NONE and absent is not None:
        return absent
    if not word.isdigit() or len(word) > 19 or int(word) > most:
        raise LineError(f"{name} must be a number 0..{most}, got {_shown(word)}")
    return int(word)


def _one_of(values: Mapping[str, bytes], name: str, known: Mapping[bytes, int]) -> int:
    word = values.get(name, _NONE)
    if word not in known:
        raise LineError(f"{name} must be one of {', '.join(map(bytes.decode, known))}, got {_shown(word)}")
    return known[word]


def _addresses(
    values: Mapping[str, bytes], src_name: str, dst_name: str
) -> tuple[tuple[int, int], tuple[int, int], int]:
    """Both addresses and their family; of family 0 if one of them is not told."""
    src, src_family = _address(values, src_name)
    dst, dst_family = _address(values, dst_name)
    if not src_family or not dst_family:
        return _NO_ADDRESS, _NO_ADDRESS, 0
    if src_family != dst_family:
        raise LineError(
            f"{dst_name} must be of the same family as {src_name}, {_shown(values[src_name])}, "
            f"got {_shown(values[dst_name])}"
        )
    return src, dst, src_family


def _address(values: Mapping[str, bytes], name: str) -> tuple[tuple[int, int], int]:
    return read_address(values.get(name, _NONE), name)


def read_address(word: bytes, name: str) -> tuple[tuple[int, int], int]:
    """The two halves of an address and its family, which is 0 for no address.

    Raises:
        LineError: If it is none.
    """
    if word == _NONE:
        return _NO_ADDRESS, 0
    kind, family = (socket.AF_INET6, 6) if b":" in word else (socket.AF_INET, 4)
    try:
        packed = socket.inet_pton(kind, word.decode("ascii"))
    except (OSError, ValueError) as error:
        raise LineError(f"{name} must be an address, got {_shown(word)}") from error
    address = int.from_bytes(packed, "big")
    return (address >> 64, address & _WORD), family


def _shown(word: bytes) -> str:
    return repr(word.decode("utf-8", "replace"))


def _shown_name(name: bytes) -> str:
    return name.decode("utf-8", "replace")
