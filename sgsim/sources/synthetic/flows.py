"""Flows of a part: both ends, ports, first sequence numbers and round trips, seven words for each flow."""

from typing import Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from sgsim.errors import ConfigError
from sgsim.model.protocol import Protocol
from sgsim.sources.synthetic.addresses import Addresses, Endpoints
from sgsim.sources.synthetic.draws import Numbers, Words, below, low_bits
from sgsim.sources.synthetic.layout import Flows
from sgsim.sources.synthetic.part import Part
from sgsim.sources.synthetic.rows import ROW, Rows
from sgsim.sources.synthetic.settings import Ports

WORDS_PER_FLOW: Final = 7

_PROTOCOLS: Final = {
    "tcp": (Protocol.TCP, Protocol.TCP),
    "udp": (Protocol.UDP, Protocol.UDP),
    "icmp": (Protocol.ICMP, Protocol.ICMPV6),
}
"""Over IPv4 and over IPv6."""


@frozen
class FlowMaker:
    """Draws the flows of one part."""

    part: Part
    clients: Endpoints
    servers: Endpoints

    def __attrs_post_init__(self) -> None:
        """Refuse ends that cannot meet.

        Raises:
            ConfigError: If no family is common to both.
        """
        if not self.families:
            raise ConfigError(
                f"clients and servers must have addresses of one family, got IPv{self.clients.families or '?'} "
                f"and IPv{self.servers.families or '?'} in {self.part.name}"
            )

    @property
    def families(self) -> tuple[int, ...]:
        """Those in which both sides have addresses."""
        return tuple(family for family in self.clients.families if family in self.servers.families)

    def make(self, start_ns: Numbers, first: int, drawn: Words) -> Flows:
        """Draw flows.

        Args:
            start_ns: When each begins.
            first: The number of the first; meaningful only with uniform arrival.
            drawn: `WORDS_PER_FLOW` words for each flow.
        """
        where, whom, host, numbers, times, _, more = drawn.reshape(WORDS_PER_FLOW, -1)
        count = len(start_ns)
        server_port, client_port = (
            _ports(self.part.port, low_bits(where)),
            _ports(self.part.client_port, low_bits(whom)),
        )
        cycle = None
        if self.part.port_order == "sequence":
            place = first + np.arange(count)
            listed = np.concatenate([np.arange(begin, end + 1) for begin, end in self.part.port])
            server_port, cycle = listed[place % len(listed)], place // len(listed)
        rows = np.zeros(count, ROW)
        family = self._families(where)
        for each in self.families:
            chosen = np.flatnonzero(family == each)
            self._put_ends(rows, chosen, each, (where[chosen], whom[chosen], host[chosen], more[chosen]), cycle)
        return Flows(
            start_ns=start_ns,
            half_rtt_ns=np.maximum(self.part.rtt.draw(times) // 2, 1),
            to_server=self._to_server(rows, client_port, server_port, numbers),
            to_client=self._to_client(rows, client_port, server_port, numbers),
        )

    def _families(self, where: Words) -> NDArray[np.int64]:
        """Choose by how many blocks of servers each family has."""
        if len(self.families) == 1:
            return np.full(len(where), self.families[0])
        blocks = [len(self.servers.pools[family].blocks) for family in self.families]
        return np.where(below(where, sum(blocks)) < blocks[0], *self.families)

    def _put_ends(
        self, rows: Rows, chosen: Numbers, family: int, some: tuple[Words, Words, Words, Words], cycle: Numbers | None
    ) -> None:
        where, whom, host, more = some
        servers, clients = self.servers.pools[family], self.clients.pools[family]
        # The upper half of `where` has chosen the family; a multiple of it is as good as new.
        again = where * np.uint64(0x9E37_79B9_7F4A_7C15)
        block = below(again, len(servers.blocks))
        if cycle is not None:
            block = cycle[chosen] % len(servers.blocks)
        called = servers.pick(
            block, more if cycle is None else (cycle[chosen] // len(servers.blocks)).astype(np.uint64)
        )
        block = below(whom, len(clients.blocks))
        calling = clients.pick(block, host)
        calling = _other(calling, called, clients.pick((block + 1) % len(clients.blocks), host))
        for name, addresses in (("src", calling), ("dst", called)):
            rows[f"{name}_hi"][chosen] = addresses.hi
            rows[f"{name}_lo"][chosen] = addresses.lo
        rows["family"][chosen] = family
        rows["protocol"][chosen] = _PROTOCOLS[self.part.protocol][family == 6]
        rows["ident"][chosen] = low_bits(more)

    def _to_server(self, rows: Rows, client_port: Numbers, server_port: Numbers, numbers: Words) -> Rows:
        rows = rows.copy()
        is_icmp = self.part.protocol == "icmp"
        rows["src_port"], rows["dst_port"] = client_port, 0 if is_icmp else server_port
        if self.part.protocol == "tcp":
            rows["seq"], rows["ack"] = numbers >> np.uint64(32), low_bits(numbers)
        return rows

    def _to_client(self, rows: Rows, client_port: Numbers, server_port: Numbers, numbers: Words) -> Rows:
        back = rows.copy()
        for word in ("hi", "lo"):
            back[f"src_{word}"], back[f"dst_{word}"] = rows[f"dst_{word}"], rows[f"src_{word}"]
        is_icmp = self.part.protocol == "icmp"
        back["src_port"], back["dst_port"] = 0 if is_icmp else server_port, client_port
        if self.part.protocol == "tcp":
            back["seq"], back["ack"] = low_bits(numbers), numbers >> np.uint64(32)
        back["is_reply"] = 1
        return back


def _ports(ranges: Ports, some: NDArray[np.uint32]) -> Numbers:
    """Draw a port of some ranges, each port as likely."""
    sizes = np.array([last - first + 1 for first, last in ranges])
    place = (some.astype(np.uint64) * np.uint64(sizes.sum()) >> np.uint64(32)).astype(np.int64)
    if len(ranges) == 1:
        return place + ranges[0][0]
    ends = np.cumsum(sizes)
    which = np.searchsorted(ends, place, side="right")
    drawn: Numbers = np.array([first for first, _ in ranges])[which] + place - (ends - sizes)[which]
    return drawn


def _other(calling: Addresses, called: Addresses, instead: Addresses) -> Addresses:
    """Nobody calls itself, if there is anybody else: the next block calls."""
    is_same = (calling.hi == called.hi) & (calling.lo == called.lo)
    return Addresses(*(np.where(is_same, other, mine) for mine, other in zip(calling, instead, strict=True)))
