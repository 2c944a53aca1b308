"""Packets that scapy holds: a `PacketList`, a list, a generator, or one packet.

A packet is turned into bytes and read as a captured frame is, so that a packet gives the same row from memory as from
a file. It may begin with a link layer that sgsim or scapy reads, or with IP or IPv6.
"""

import functools
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_FLOOR, Context, Decimal
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from sgsim.errors import SourceError
from sgsim.model.columns import PacketColumns
from sgsim.model.states import Direction
from sgsim.sources.base import BATCH_ROWS, Record, batches_of

if TYPE_CHECKING:
    from scapy.packet import Packet

_NO_LINK_TYPE: Final = -1
"""Of a packet that begins with a layer that no link type stands for; it is unsupported."""
_RAW: Final = 101
_LINK_TYPES: Final = {
    "scapy.layers.l2": {
        "Ether": 1,
        "Dot3": 1,
        "CookedLinux": 113,
        "CookedLinuxV2": 276,
        "Loopback": 0,
        "LoopbackOpenBSD": 108,
    },
    "scapy.layers.inet": {"IP": _RAW},
    "scapy.layers.inet6": {"IPv6": _RAW},
    "scapy.layers.ppp": {"PPP": 9, "HDLC": 50, "PPPoE": 51, "DIR_PPP": 204},
    "scapy.layers.dot11": {"Dot11": 105, "PrismHeader": 119, "RadioTap": 127},
    "scapy.layers.ppi": {"PPI": 192},
    "scapy.layers.pflog": {"PFLog": 117},
}
"""By module and name, so that asking imports nothing."""

_ETHERNETS: Final = frozenset({"Ethernet", "802.3"})
_ETHERNET_ADDRESSES: Final = frozenset({"src", "dst"})

_EXACT: Final = Context(prec=60)
_MAX_TIME_NS: Final = (1 << 63) - 1

_DIRECTIONS: Final = {1: int(Direction.INGRESS), 2: int(Direction.EGRESS)}  # as scapy reads the flags of pcapng


@frozen
class ScapySource:
    """The packets of an iterable; an iterator gives them once."""

    packets: Iterable["Packet"]
    name: str = field(default="packets", kw_only=True)
    """What messages call them."""

    @property
    def files(self) -> tuple[str, ...]:
        """Its name."""
        return (self.name,)

    def batches(self, taken_at: Sequence[int] = (), *, batch_rows: int = BATCH_ROWS) -> Iterator[PacketColumns]:
        """Yield the packets, as `Source.batches` says.

        Raises:
            SourceError: At the first element that is no scapy packet, and at the end if not one has a layer.
        """
        try:
            yield from batches_of(self.records(), taken_at, batch_rows)
        except SourceError as error:
            error.add_note(self.name)
            raise

    def records(self) -> Iterator[Record]:
        """Yield the packets as they would stand in a capture."""
        number, raw = 0, 0
        for number, packet in enumerate(self.packets, 1):
            raw += packet.__class__.__name__ == "Raw"
            yield number, *_read(packet, number)
        if number and raw == number:
            raise SourceError(
                "packets must have layers, got bytes alone (Raw): import scapy.layers.l2 and scapy.layers.inet before "
                "scapy reads them"
            )


def _read(packet: Any, number: int) -> tuple[int, int, bytes, int, int]:  # noqa: ANN401 - whatever the user's iterable gives
    # `fields_desc` is what makes a scapy packet; asking for the class would import scapy.
    if isinstance(packet, type) or not hasattr(packet, "fields_desc"):
        raise _misplaced(f"traffic must be scapy packets, got {packet!r:.60}", number)
    time_ns = _time_ns(packet.time)
    if time_ns is None:
        raise _misplaced(f"time must be seconds since the epoch, before the year 2262, got {packet.time!r}", number)
    link_type = _link_type(packet.__class__)
    try:
        frame = bytes(_addressed(packet))
    except Exception:  # noqa: BLE001 - fields that no bytes can hold raise whatever they raise; see the row's reason
        link_type, frame = _NO_LINK_TYPE, b""
    wire_bytes = getattr(packet, "wirelen", None)
    direction = _DIRECTIONS.get(getattr(packet, "direction", None) or 0, 0)
    return time_ns, link_type, frame, len(frame) if wire_bytes is None else wire_bytes, direction


def _addressed(packet: Any) -> Any:  # noqa: ANN401 - scapy has no types
    """Give a packet all its Ethernet addresses: for those that are not set scapy would ask the network, for seconds."""
    if all(layer.fields.keys() >= _ETHERNET_ADDRESSES for layer in packet.iterpayloads() if layer.name in _ETHERNETS):
        return packet
    packet = packet.copy()
    for layer in packet.iterpayloads():
        if layer.name in _ETHERNETS:
            layer.fields = {**dict.fromkeys(_ETHERNET_ADDRESSES, "00:00:00:00:00:00"), **layer.fields}
    return packet


@functools.cache
def _link_type(layer: type) -> int:
    """Tell the link type that begins with this layer; subclasses of a layer count as it."""
    for each in layer.__mro__:
        link_type = _LINK_TYPES.get(each.__module__, {}).get(each.__name__)
        if link_type is not None:
            return link_type
    return _NO_LINK_TYPE


def _time_ns(time: Any) -> int | None:  # noqa: ANN401 - scapy gives a Decimal from files, a float from elsewhere
    """Turn seconds into nanoseconds, exactly for a Decimal; of a float the digits that it prints count.

    Returns:
        None if they are no number, or one that does not fit.
    """
    try:
        seconds = Decimal(time) if isinstance(time, Decimal | int) else Decimal(str(time))
        time_ns = int(_EXACT.scaleb(seconds, 9).to_integral_value(ROUND_FLOOR))
    except (ArithmeticError, ValueError):
        return None
    return time_ns if -_MAX_TIME_NS <= time_ns <= _MAX_TIME_NS else None


def _misplaced(problem: str, number: int) -> SourceError:
    error = SourceError(problem)
    error.add_note(f"packet {number}")
    return error
