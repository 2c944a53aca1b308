"""Link types and carriers that are not read here: scapy finds the IP packet in them.

Only the packet's place is taken from scapy; its bytes are then decoded as all others are. scapy is imported when the
first such frame comes.
"""

import functools
import importlib
from typing import TYPE_CHECKING, Any, Final

from sgsim.model.decision import Reason
from sgsim.sources.skips import SkipPacket

if TYPE_CHECKING:
    from scapy.packet import Packet

SCAPY_LAYERS: Final[dict[int, tuple[str, str]]] = {
    1: ("scapy.layers.l2", "Ether"),  # here only with MPLS or PPPoE inside
    9: ("scapy.layers.ppp", "PPP"),
    50: ("scapy.layers.ppp", "HDLC"),
    51: ("scapy.layers.ppp", "PPPoE"),
    105: ("scapy.layers.dot11", "Dot11"),
    113: ("scapy.layers.l2", "CookedLinux"),
    117: ("scapy.layers.pflog", "PFLog"),
    119: ("scapy.layers.dot11", "PrismHeader"),
    127: ("scapy.layers.dot11", "RadioTap"),
    192: ("scapy.layers.ppi", "PPI"),
    204: ("scapy.layers.ppp", "DIR_PPP"),
    276: ("scapy.layers.l2", "CookedLinuxV2"),
}
"""Module and class for each link type that may carry IP. Not scapy's own `conf.l2types`: that mixes LINKTYPE numbers
with ARPHRD numbers (144 is IrDA in a file, but a cooked capture in scapy) and depends on what is imported."""

_BINDINGS: Final = ("scapy.layers.inet", "scapy.layers.inet6", "scapy.layers.ppp", "scapy.contrib.mpls")
"""Imported for their side effect: they tell scapy what follows which header."""


def is_readable_by_scapy(link_type: int) -> bool:
    """Whether scapy reads this link type."""
    return link_type in SCAPY_LAYERS


def find_packet(link_type: int, frame: bytes) -> bytes:
    """Give the bytes of the outermost IP packet in a frame, to the end of what was captured.

    Raises:
        SkipPacket: If there is none: NOT_IP if scapy has read the frame through; UNSUPPORTED if it leaves bytes unread,
            fails on the frame, or does not know the link type.
    """
    if link_type not in SCAPY_LAYERS:
        raise SkipPacket(Reason.UNSUPPORTED)
    layer_class = _layer_class(link_type)
    try:
        layers = layer_class(frame)
    except Exception as error:  # scapy raises whatever a malformed frame makes it raise
        raise SkipPacket(Reason.UNSUPPORTED) from error
    return _packet_inside(layers)


def _packet_inside(layers: "Packet") -> bytes:
    from scapy.layers.inet import IP  # noqa: PLC0415 - scapy costs 0.2 s
    from scapy.layers.inet6 import IPv6  # noqa: PLC0415 - the same
    from scapy.packet import Raw  # noqa: PLC0415 - the same

    for layer_class in layers.layers():
        if issubclass(layer_class, (IP, IPv6)):
            return bytes(layers[layer_class].original)
    raise SkipPacket(Reason.UNSUPPORTED if Raw in layers else Reason.NOT_IP)


@functools.cache
def _layer_class(link_type: int) -> Any:  # noqa: ANN401 - scapy has no types
    for module in _BINDINGS:
        importlib.import_module(module)
    module, name = SCAPY_LAYERS[link_type]
    return getattr(importlib.import_module(module), name)
