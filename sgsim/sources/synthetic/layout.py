"""What the packets of flows are: handshake, exchanges of requests and responses, keep-alives, the end.

Times are those of a place half way between both sides: what one side sends comes half a round trip after what it answers.
Segments of one answer follow each other after 12 us, the time of 1,500 bytes at 1 Gbit/s; every second one is acknowledged.
Sequence numbers are right, windows are not modelled, nothing is lost or sent twice, and nothing reacts to what a filter
lets through: the traffic is what it would be on a network without one.
"""

from typing import Final, NamedTuple

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from sgsim.model.protocol import TcpFlags
from sgsim.sources.synthetic.draws import Numbers
from sgsim.sources.synthetic.rows import ROW, Rows

SEGMENT_BYTES: Final = 1460
DATAGRAM_BYTES: Final = 1472
SPACING_NS: Final = 12_000
_STEP_NS: Final = 1_000
"""From what a side hears to what it says to it, where it does not have to think."""

SYN: Final = int(TcpFlags.SYN)
SYN_ACK: Final = int(TcpFlags.SYN | TcpFlags.ACK)
ACK: Final = int(TcpFlags.ACK)
PUSH: Final = int(TcpFlags.PSH | TcpFlags.ACK)
FIN: Final = int(TcpFlags.FIN | TcpFlags.ACK)
RST: Final = int(TcpFlags.RST)
RST_ACK: Final = int(TcpFlags.RST | TcpFlags.ACK)


class Flows(NamedTuple):
    """Flows that begin together, axis `(flows,)`."""

    start_ns: Numbers
    half_rtt_ns: Numbers
    to_server: Rows
    """A packet of the client without time, flags and payload; `seq` and `ack` are both sides' first numbers."""
    to_client: Rows
    """The same of the server."""


class Exchanges(NamedTuple):
    """Requests with their responses, axis `(exchanges,)`."""

    flow: Numbers
    """Row of `Flows`."""
    at_ns: Numbers
    """When the request is sent."""
    request_bytes: Numbers
    response_bytes: Numbers
    """0: TCP acknowledges, UDP and ICMP are silent."""
    service_ns: Numbers
    sent: Numbers
    """Bytes of the client before it."""
    received: Numbers
    """Bytes of the server before it."""


def durations_ns(half_rtt_ns: Numbers, request_bytes: Numbers, response_bytes: Numbers, service_ns: Numbers) -> Numbers:
    """From the request of an exchange to its last packet."""
    segments = _segments(request_bytes, SEGMENT_BYTES) + _segments(response_bytes, SEGMENT_BYTES) - 2
    return segments * SPACING_NS + 2 * half_rtt_ns + service_ns + 2 * _STEP_NS


def _segments(size: Numbers, most: int) -> Numbers:
    return np.maximum(1, -(-size // most))


@define
class Sheet:
    """Rows that are being laid out."""

    _parts: list[Rows] = field(factory=list)

    def put(
        self,
        template: Rows,
        flow: Numbers,
        time_ns: Numbers,
        flags: int | NDArray[np.uint8] = 0,
        seq: Numbers | int = 0,
        ack: Numbers | int = 0,
        payload: Numbers | int = 0,
    ) -> None:
        """Add packets, all of one side: one for each element of `flow`; seq and ack count from the first numbers."""
        words = template.view(np.uint64).reshape(-1, ROW.itemsize // 8)
        rows = words.take(flow, axis=0).view(ROW).reshape(-1)
        rows["time_ns"] = time_ns
        rows["tcp_flags"] = flags
        rows["seq"] += np.asarray(seq).astype(np.uint32)
        rows["ack"] += np.asarray(ack).astype(np.uint32)
        rows["payload_bytes"] = payload
        self._parts.append(rows)

    def rows(self) -> Rows:
        """All of them, in the order of their addition."""
        return np.concatenate(self._parts) if self._parts else np.empty(0, ROW)


def put_openings(sheet: Sheet, flows: Flows, flow: Numbers, *, is_answered: bool, is_completed: bool) -> None:
    """Add the handshakes of some flows, as far as they go."""
    start_ns, half = flows.start_ns[flow], flows.half_rtt_ns[flow]
    sheet.put(_without_ack(flows.to_server), flow, start_ns, SYN)
    if is_answered:
        sheet.put(flows.to_client, flow, start_ns + half + _STEP_NS, SYN_ACK, 0, 1)
    if is_completed:
        sheet.put(flows.to_server, flow, start_ns + 2 * half + 2 * _STEP_NS, ACK, 1, 1)


def opened_at_ns(flows: Flows) -> Numbers:
    """When the handshake of each flow is done."""
    return flows.start_ns + 2 * flows.half_rtt_ns + 3 * _STEP_NS


def put_refusals(sheet: Sheet, flows: Flows, flow: Numbers) -> None:
    """Add a server's resets, in answer to SYNs."""
    template = flows.to_client.copy()
    template["seq"] = 0
    sheet.put(template, flow, flows.start_ns[flow] + flows.half_rtt_ns[flow] + _STEP_NS, RST_ACK, 0, 1)


def put_aborts(sheet: Sheet, flows: Flows, flow: Numbers) -> None:
    """Add a client's resets, in answer to SYN-ACKs."""
    at_ns = flows.start_ns[flow] + 2 * flows.half_rtt_ns[flow] + 2 * _STEP_NS
    sheet.put(_without_ack(flows.to_server), flow, at_ns, RST, 1)


def _without_ack(template: Rows) -> Rows:
    """A segment without ACK has 0 where its acknowledgement would stand."""
    template = template.copy()
    template["ack"] = 0
    return template


def put_exchanges(sheet: Sheet, flows: Flows, exchanges: Exchanges) -> None:
    """Add requests, responses and acknowledgements over TCP."""
    flow, half = exchanges.flow, flows.half_rtt_ns[exchanges.flow]
    requests, responses = (
        _segments(size, SEGMENT_BYTES) for size in (exchanges.request_bytes, exchanges.response_bytes)
    )
    which, place = _each(requests)
    payload = np.minimum(SEGMENT_BYTES, exchanges.request_bytes[which] - place * SEGMENT_BYTES)
    sent, received = 1 + exchanges.sent[which], 1 + exchanges.received[which]
    time_ns = exchanges.at_ns[which] + place * SPACING_NS
    sheet.put(flows.to_server, flow[which], time_ns, PUSH, sent + place * SEGMENT_BYTES, received, payload)

    answer_ns = exchanges.at_ns + (requests - 1) * SPACING_NS + half + exchanges.service_ns + _STEP_NS
    which, place = _each(responses)
    size = exchanges.response_bytes[which]
    payload = np.minimum(SEGMENT_BYTES, size - place * SEGMENT_BYTES)
    flags = np.where(payload > 0, np.where(place + 1 == responses[which], PUSH, ACK), ACK).astype(np.uint8)
    sent, received = 1 + (exchanges.sent + exchanges.request_bytes)[which], 1 + exchanges.received[which]
    time_ns = answer_ns[which] + place * SPACING_NS
    sheet.put(flows.to_client, flow[which], time_ns, flags, received + place * SEGMENT_BYTES, sent, payload)

    which, place = _each(np.where(exchanges.response_bytes > 0, (responses + 1) // 2, 0))
    last = np.minimum(2 * place + 1, responses[which] - 1)
    heard = np.minimum((last + 1) * SEGMENT_BYTES, exchanges.response_bytes[which])
    time_ns = answer_ns[which] + last * SPACING_NS + half[which] + _STEP_NS
    sent, received = 1 + (exchanges.sent + exchanges.request_bytes)[which], 1 + exchanges.received[which]
    sheet.put(flows.to_server, flow[which], time_ns, ACK, sent, received + heard)


def put_keep_alives(sheet: Sheet, flows: Flows, exchanges: Exchanges) -> None:
    """Add TCP keep-alives: a segment with the number before the next, and its acknowledgement (RFC 9293, 3.8.4)."""
    flow, half = exchanges.flow, flows.half_rtt_ns[exchanges.flow]
    sent, received = exchanges.sent, 1 + exchanges.received
    sheet.put(flows.to_server, flow, exchanges.at_ns, ACK, sent, received)
    sheet.put(flows.to_client, flow, exchanges.at_ns + half + _STEP_NS, ACK, received, sent + 1)


def put_datagrams(sheet: Sheet, flows: Flows, exchanges: Exchanges, number: Numbers) -> None:
    """Add requests and responses over UDP or ICMP; `number` is the place of each exchange in its flow."""
    half = flows.half_rtt_ns[exchanges.flow]
    requests = _segments(exchanges.request_bytes, DATAGRAM_BYTES)
    which, place = _each(requests)
    payload = np.minimum(DATAGRAM_BYTES, exchanges.request_bytes[which] - place * DATAGRAM_BYTES)
    time_ns = exchanges.at_ns[which] + place * SPACING_NS
    sheet.put(flows.to_server, exchanges.flow[which], time_ns, 0, number[which], 0, payload)

    which, place = _each(np.where(exchanges.response_bytes > 0, _segments(exchanges.response_bytes, DATAGRAM_BYTES), 0))
    payload = np.minimum(DATAGRAM_BYTES, exchanges.response_bytes[which] - place * DATAGRAM_BYTES)
    answer_ns = exchanges.at_ns + (requests - 1) * SPACING_NS + half + exchanges.service_ns + _STEP_NS
    time_ns = answer_ns[which] + place * SPACING_NS
    sheet.put(flows.to_client, exchanges.flow[which], time_ns, 0, number[which], 0, payload)


def put_endings(sheet: Sheet, flows: Flows, flow: Numbers, at_ns: Numbers, sent: Numbers, received: Numbers) -> None:
    """Add FIN, FIN and ACK; the client closes first."""
    half = flows.half_rtt_ns[flow]
    sheet.put(flows.to_server, flow, at_ns, FIN, 1 + sent, 1 + received)
    sheet.put(flows.to_client, flow, at_ns + half + _STEP_NS, FIN, 1 + received, 2 + sent)
    sheet.put(flows.to_server, flow, at_ns + 2 * half + 2 * _STEP_NS, ACK, 2 + sent, 2 + received)


def put_resets(sheet: Sheet, flows: Flows, flow: Numbers, at_ns: Numbers, sent: Numbers, received: Numbers) -> None:
    """Add one reset of the client."""
    sheet.put(flows.to_server, flow, at_ns, RST_ACK, 1 + sent, 1 + received)


def _each(counts: Numbers) -> tuple[Numbers, Numbers]:
    """For counts 2, 1: which element 0, 0, 1 and the place in it 0, 1, 0."""
    which = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    return which, place
