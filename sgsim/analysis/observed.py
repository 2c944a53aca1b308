"""What rules were asked: the openings that they let pass, out of the batches of a replay.

Rules judge the packet that opens a tracked flow and every packet of an untracked one (design of the way of a packet,
steps 6 to 9). Each such packet is written here as its flow's opener would send it, so that an answer counts for the rule
that lets the flow be opened: direction of the opener, peer, and the service that is asked for.
"""

from typing import Final, NamedTuple

import numpy as np

from sgsim.model.columns import Column, DecisionColumns, PacketColumns
from sgsim.model.decision import Reason, Verdict
from sgsim.model.protocol import ICMP_ANSWERS, PORT_PROTOCOLS
from sgsim.model.states import Direction
from sgsim.rules.service import DETAILS

JUDGED: Final = (Reason.RULE, Reason.UNTRACKED, Reason.PRESUMED)
"""Reasons that say that rules judged the packet and let it pass."""


class Openings(NamedTuple):
    """Packets that rules let pass, axis `(openings,)`."""

    row: Column
    """int32, row of the packet in its batch."""
    interface: Column
    """int32, index in the engine's `interface_ids`."""
    direction: Column
    """uint8, `Direction` of the opener's packets."""
    family: Column
    """uint8, 4 or 6."""
    peer_hi: Column
    """uint64, upper half of the other side's address; 0 for IPv4."""
    peer_lo: Column
    """uint64, lower half, or the whole IPv4 address."""
    service: Column
    """int64, protocol and destination port (or ICMP type and code) as `sgsim.rules.service` counts them."""
    rule: Column
    """int32, the deciding rule, index in the engine's `rules`."""
    flow: Column
    """int64, number of its flow, 0 if it makes none; numbers grow as flows begin."""


def openings(packets: PacketColumns, decisions: DecisionColumns) -> Openings:
    """The packets of a batch that rules let pass."""
    chosen = np.flatnonzero(
        np.isin(decisions.reason, JUDGED) & (decisions.rule >= 0) & (decisions.verdict == Verdict.ALLOW)
    )
    row = decisions.row[chosen]
    passing = decisions.direction[chosen]
    opener = np.where(decisions.opener[chosen] == 0, passing, decisions.opener[chosen])
    is_ingress = passing == Direction.INGRESS
    return Openings(
        row=row,
        interface=decisions.interface[chosen],
        direction=opener,
        family=packets.family[row],
        peer_hi=np.where(is_ingress, packets.src_hi[row], packets.dst_hi[row]),
        peer_lo=np.where(is_ingress, packets.src_lo[row], packets.dst_lo[row]),
        service=_services(packets, row, passing == opener),
        rule=decisions.rule[chosen],
        flow=decisions.flow[chosen],
    )


def _services(packets: PacketColumns, row: Column, is_from_opener: Column) -> Column:
    """The service that the opener asks for: of its packets the destination port, of answers the source port."""
    protocol = packets.protocol[row].astype(np.int64)
    port = np.where(is_from_opener, packets.dst_port[row], packets.src_port[row]).astype(np.int64)
    icmp_type = packets.icmp_type[row].astype(np.int64)
    detail = np.where(np.isin(protocol, list(PORT_PROTOCOLS)), port, 0)
    for number, answers in ICMP_ANSWERS.items():
        of_protocol = protocol == number
        asked = icmp_type.copy()
        for answer, query in answers.items():
            asked[~is_from_opener & (icmp_type == answer)] = query
        detail = np.where(of_protocol, asked * 256 + packets.icmp_code[row], detail)
    return protocol * DETAILS + detail
