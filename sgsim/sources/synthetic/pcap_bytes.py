"""Synthetic packets as the bytes of a classic capture, many at once.

Ethernet, IPv4 or IPv6, and TCP, UDP or ICMP headers without options, with right lengths and checksums. Payloads are
zeros, but for DNS questions and answers for `example.com`; what is longer than the snapshot length is cut, as tcpdump does.
Packets are written side by side at full width, then each is cut to its length.
"""

import struct
from typing import Any, Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from sgsim.model.protocol import Protocol
from sgsim.sources.synthetic.dns_payload import LEAST_BYTES, dns_messages
from sgsim.sources.synthetic.rows import Rows, frame_bytes, icmp_types, transport_bytes

DEFAULT_SNAP_BYTES: Final = 128
_RECORD_BYTES: Final = 16
_MAGIC: Final = {1: 0xA1B2_3C4D, 1000: 0xA1B2_C3D4}
_ETHERNET: Final = 1
_MAC_OF_SERVER: Final = 0x0200_0000_0002
_MAC_OF_CLIENT: Final = 0x0200_0000_0001  # both locally administered
_WINDOW: Final = 0xFFFF
_TTL: Final = 64
_NS_PER_S: Final = 10**9

Column = NDArray[Any]


@frozen
class PcapBytes:
    """Turns rows into records of one capture."""

    unit_ns: int = 1
    """Nanoseconds per unit of time: 1 or 1000."""
    snap_bytes: int = DEFAULT_SNAP_BYTES
    """The most bytes of a frame that are written; at least all headers: 74."""

    def header(self) -> bytes:
        """The header of the file."""
        return struct.pack("<IHHiIII", _MAGIC[self.unit_ns], 2, 4, 0, 0, self.snap_bytes, _ETHERNET)

    def records(self, rows: Rows) -> bytes:
        """The records of some packets."""
        wire_bytes = frame_bytes(rows)
        captured = np.minimum(wire_bytes, self.snap_bytes)
        width = _RECORD_BYTES + int(captured.max(initial=0))
        page = np.zeros((len(rows), width), np.uint8)
        self._put_record(page, rows, captured, wire_bytes)
        for family, start in ((4, 34), (6, 54)):
            chosen = np.flatnonzero(rows["family"] == family)
            if len(chosen) == len(rows):
                self._put_packets(page, rows, family, start)
            elif len(chosen):
                part = page[chosen]
                self._put_packets(part, rows[chosen], family, start)
                page[chosen] = part
        if len(rows) and int(captured.min()) + _RECORD_BYTES == width:
            return page.tobytes()
        return page[np.arange(width) < (_RECORD_BYTES + captured)[:, None]].tobytes()

    def _put_record(self, page: NDArray[np.uint8], rows: Rows, captured: Column, wire_bytes: Column) -> None:
        time_ns = rows["time_ns"]
        words = (time_ns // _NS_PER_S, time_ns % _NS_PER_S // self.unit_ns, captured, wire_bytes)
        for place, values in enumerate(words):
            _put(page, 4 * place, "<u4", values)
        is_reply = rows["is_reply"] > 0
        to_mac = np.where(is_reply, _MAC_OF_CLIENT, _MAC_OF_SERVER)
        from_mac = np.where(is_reply, _MAC_OF_SERVER, _MAC_OF_CLIENT)
        _put(page, 14, ">u8", to_mac)  # two bytes too many before, which the record's length takes back
        _put(page, 12, "<u4", wire_bytes)
        _put(page, 22, ">u2", from_mac >> 32)
        _put(page, 24, ">u4", from_mac & 0xFFFF_FFFF)

    def _put_packets(self, page: NDArray[np.uint8], rows: Rows, family: int, start: int) -> None:
        """Write packets of one family; `start` is where in a frame the transport header begins."""
        length = transport_bytes(rows) + rows["payload_bytes"]
        addresses = _put_ipv4(page, rows, length) if family == 4 else _put_ipv6(page, rows, length)
        at = _RECORD_BYTES + start
        total = addresses + rows["protocol"] + (length & 0xFFFF)
        is_tcp, is_udp = rows["protocol"] == Protocol.TCP, rows["protocol"] == Protocol.UDP
        if is_tcp.any():
            _choose(page, rows, is_tcp, total, at, _put_tcp)
        if is_udp.any():
            _choose(page, rows, is_udp, total, at, _put_udp)
        is_icmp = ~(is_tcp | is_udp)
        if is_icmp.any():
            # ICMP sums itself alone, ICMPv6 also addresses, length and protocol (RFC 4443, 2.3).
            _choose(page, rows, is_icmp, total if family == 6 else np.zeros_like(total), at, _put_icmp)


def _choose(page: NDArray[np.uint8], rows: Rows, chosen: Column, total: Column, at: int, put: Any) -> None:  # noqa: ANN401  # one of the functions below
    if chosen.all():
        put(page, rows, total, at)
        return
    part = page[chosen]
    put(part, rows[chosen], total[chosen], at)
    page[chosen] = part


def _put_udp(page: NDArray[np.uint8], rows: Rows, total: Column, at: int) -> None:
    length = 8 + rows["payload_bytes"].astype(np.int64)
    for place, values in enumerate((rows["src_port"], rows["dst_port"], length)):
        _put(page, at + 2 * place, ">u2", values)
    total = total + rows["src_port"] + rows["dst_port"] + length + _put_dns(page, rows, at + 8)
    checksum = _folded(total)
    _put(page, at + 6, ">u2", np.where(checksum == 0, 0xFFFF, checksum))  # RFC 768: 0 means that there is none


def _put_dns(page: NDArray[np.uint8], rows: Rows, at: int) -> Column:
    """Write the payloads of port 53 where there is room, and give what they add to the checksum."""
    added = np.zeros(len(rows), np.int64)
    is_reply = rows["is_reply"] > 0
    port = np.where(is_reply, rows["src_port"], rows["dst_port"])
    is_dns = (port == 53) & (rows["payload_bytes"] >= LEAST_BYTES[0])
    is_dns &= ~is_reply | (rows["payload_bytes"] >= LEAST_BYTES[1])
    chosen = np.flatnonzero(is_dns)
    if not len(chosen):
        return added
    payloads = dns_messages()[is_reply[chosen].astype(np.int64), rows["payload_bytes"][chosen]]
    identifier = rows["ident"][chosen] & 0xFFFF
    _put(payloads, 0, ">u2", identifier)
    room = min(payloads.shape[1], page.shape[1] - at)
    page[chosen, at : at + room] = payloads[:, :room]
    added[chosen] = payloads.reshape(len(chosen), -1).view(">u2").sum(axis=1, dtype=np.int64)
    return added


def _put(page: NDArray[np.uint8], place: int, dtype: str, values: Column | int) -> None:
    """Write one number of each packet."""
    kind = np.dtype(dtype)
    column = np.empty(len(page), kind)
    column[:] = values
    page[:, place : place + kind.itemsize] = column.view(np.uint8).reshape(len(page), -1)


def _put_ipv4(page: NDArray[np.uint8], rows: Rows, length: Column) -> Column:
    """Write IPv4 headers, and give the sum of the addresses."""
    source, target = rows["src_lo"].astype(np.int64), rows["dst_lo"].astype(np.int64)
    total_bytes, identification = 20 + length, rows["ident"].astype(np.int64) + rows["seq"] & 0xFFFF
    addresses = _halves(source) + _halves(target)
    checksum = _folded(addresses + 0x4500 + total_bytes + identification + 0x4000 + (_TTL << 8) + rows["protocol"])
    at = _RECORD_BYTES + 14
    for place, dtype, values in (
        (-2, ">u2", 0x0800), (0, ">u2", 0x4500), (2, ">u2", total_bytes), (4, ">u2", identification), (6, ">u2", 0x4000),
        (8, "u1", _TTL), (9, "u1", rows["protocol"]), (10, ">u2", checksum), (12, ">u4", source), (16, ">u4", target),
    ):  # fmt: skip
        _put(page, at + place, dtype, values)
    return addresses


def _put_ipv6(page: NDArray[np.uint8], rows: Rows, length: Column) -> Column:
    """Write IPv6 headers, and give the sum of the addresses."""
    at = _RECORD_BYTES + 14
    for place, dtype, values in (
        (-2, ">u2", 0x86DD), (0, ">u4", 0x6000_0000), (4, ">u2", length), (6, "u1", rows["protocol"]), (7, "u1", _TTL),
        (8, ">u8", rows["src_hi"]), (16, ">u8", rows["src_lo"]), (24, ">u8", rows["dst_hi"]), (32, ">u8", rows["dst_lo"]),
    ):  # fmt: skip
        _put(page, at + place, dtype, values)
    words = [rows[name] for name in ("src_hi", "src_lo", "dst_hi", "dst_lo")]
    parts = (_halves((word >> shift & 0xFFFF_FFFF).astype(np.int64)) for word in words for shift in (0, 32))
    total = np.zeros(len(rows), np.int64)
    for part in parts:
        total += part
    return total


def _put_tcp(page: NDArray[np.uint8], rows: Rows, total: Column, at: int) -> None:
    seq, ack, flags = (rows[name].astype(np.int64) for name in ("seq", "ack", "tcp_flags"))
    total = total + rows["src_port"] + rows["dst_port"] + _halves(seq) + _halves(ack) + 0x5000 + flags + _WINDOW
    for place, dtype, values in (
        (0, ">u2", rows["src_port"]), (2, ">u2", rows["dst_port"]), (4, ">u4", seq), (8, ">u4", ack),
        (12, ">u2", 0x5000 | flags), (14, ">u2", _WINDOW), (16, ">u2", _folded(total)),
    ):  # fmt: skip
        _put(page, at + place, dtype, values)


def _put_icmp(page: NDArray[np.uint8], rows: Rows, total: Column, at: int) -> None:
    kind = icmp_types(rows).astype(np.int64) << 8
    identifier, number = rows["src_port"].astype(np.int64) + rows["dst_port"], rows["seq"].astype(np.int64) & 0xFFFF
    for place, values in enumerate((kind, _folded(total + kind + identifier + number), identifier, number)):
        _put(page, at + 2 * place, ">u2", values)


def _halves(values: Column) -> Column:
    """Both halves of 32-bit numbers, added."""
    return (values >> 16) + (values & 0xFFFF)


def _folded(total: Column) -> Column:
    """The Internet checksum of words that were added up (RFC 1071)."""
    total = (total >> 16) + (total & 0xFFFF)
    total = (total >> 16) + (total & 0xFFFF)
    return total ^ 0xFFFF
