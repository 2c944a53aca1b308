"""When a UDP flow has become a stream.

Source: `[aws-ct]`: 30 s for one-way traffic or a single request and response, 180 s for more than one. Which packet
makes the second exchange is not said; `UdpStream` has the choices.
"""

from typing import Final

from sgsim.conntrack.policies import UdpStream
from sgsim.model.states import ConntrackDirection

STREAM_AGE_NS: Final = 2_000_000_000
"""How old a flow must be for Linux to call it a stream (observed)."""


def becomes_stream(policy: UdpStream, direction: ConntrackDirection, age_ns: int, *, answered: bool) -> bool:
    """Whether a packet makes its flow a stream.

    Args:
        policy: The profile's choice.
        direction: Which way the packet goes.
        age_ns: Time since the flow's first packet.
        answered: Whether the other side had answered before this packet.
    """
    if not answered:
        return False
    if policy is UdpStream.SECOND_REQUEST:
        return direction is ConntrackDirection.ORIGINAL
    return age_ns > STREAM_AGE_NS
