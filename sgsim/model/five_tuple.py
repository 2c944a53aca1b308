"""The key of a flow."""

from typing import NamedTuple

from sgsim.model.address import Family, format_address
from sgsim.model.protocol import PORT_PROTOCOLS, protocol_name


class FiveTuple(NamedTuple):
    """Who sends to whom, as one packet's header says it.

    A tuple rather than an attrs class: it is the key of every look-up, and tuples hash several times faster.

    ICMP queries carry their identifier in place of a port: in `src_port` of a query, in `dst_port` of its answer, so
    that the answer's five-tuple is the query's, replied. Type and code stand beside the five-tuple, never in it.
    """

    src_addr: int
    src_port: int
    dst_addr: int
    dst_port: int
    protocol: int
    family: Family

    def reply(self) -> "FiveTuple":
        """The five-tuple of a packet that goes the other way."""
        return FiveTuple(self.dst_addr, self.dst_port, self.src_addr, self.src_port, self.protocol, self.family)

    def __str__(self) -> str:
        """Write it as the command line takes it: `tcp 10.0.1.5:40000 -> 10.0.2.9:5432`."""
        src, dst = format_address(self.src_addr, self.family), format_address(self.dst_addr, self.family)
        if self.protocol in PORT_PROTOCOLS:
            src, dst = (f"{_bracketed(text)}:{port}" for text, port in ((src, self.src_port), (dst, self.dst_port)))
        return f"{protocol_name(self.protocol)} {src} -> {dst}"


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
