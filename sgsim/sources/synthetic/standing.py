"""Parts whose flows are opened at the beginning and stand: pools, keep-alives, streams.

Each flow does the same again and again at its own distance, so that what it does in a window is computed and not
remembered: memory does not grow with the duration.
"""

from collections.abc import Iterator

import numpy as np
from attrs import field, frozen

from sgsim.sources.synthetic import layout
from sgsim.sources.synthetic.arrivals import window_bits
from sgsim.sources.synthetic.draws import Numbers, key_of, stream, words
from sgsim.sources.synthetic.flows import WORDS_PER_FLOW, FlowMaker
from sgsim.sources.synthetic.layout import Exchanges, Flows, Sheet
from sgsim.sources.synthetic.part import Part
from sgsim.sources.synthetic.rows import Rows

_NS_PER_S = 1_000_000_000


@frozen
class StandingFlows:
    """The flows of a part that stand."""

    maker: FlowMaker
    seed: int
    duration_ns: int
    bits: int = field(init=False)
    _flows: Flows = field(init=False)
    _first_ns: Numbers = field(init=False)
    """When each flow's first exchange is."""
    _every_ns: Numbers = field(init=False)
    _sizes: tuple[Numbers, Numbers, Numbers] = field(init=False)
    """Bytes of request and response, and the time of service, of each exchange of a flow."""

    def __attrs_post_init__(self) -> None:
        """Draw the flows, from a stream of their own."""
        part, count = self.part, self.part.flows or 0
        source = stream(self.seed, key_of(part.name))
        start_ns = part.begin + np.arange(count, dtype=np.int64) * part.ramp // count
        flows = self.maker.make(start_ns, 0, words(source, WORDS_PER_FLOW * count))
        every, request, response, service, think = (
            distribution.draw(words(source, count))
            for distribution in (part.every, part.request_bytes, part.response_bytes, part.service, part.think)
        )
        opened_ns = layout.opened_at_ns(flows) + think if part.protocol == "tcp" else start_ns
        every = np.maximum(every, 1_000)
        put = object.__setattr__  # frozen, and made in several steps
        put(self, "bits", window_bits(round(float((_NS_PER_S / every).sum()) * _packets(request, response), 3)))
        put(self, "_flows", flows)
        put(self, "_first_ns", opened_ns + every if part.keep_alive else opened_ns)
        put(self, "_every_ns", every)
        put(self, "_sizes", (np.maximum(request, 1) if part.protocol == "tcp" else request, response, service))

    @property
    def part(self) -> Part:
        """What they are like."""
        return self.maker.part

    @property
    def end_ns(self) -> int:
        """Until when they do anything."""
        lasting = self.part.lasting
        return self.duration_ns if lasting is None else min(self.duration_ns, self.part.begin + lasting)

    def windows(self) -> Iterator[tuple[int, Rows]]:
        """Yield for each window its begin and the packets that begin in it, as `ArrivingFlows.windows` does."""
        begin_ns = self.part.begin
        while begin_ns < self.end_ns:
            yield begin_ns, self._window(begin_ns, min(begin_ns + (1 << self.bits), self.end_ns))
            begin_ns += 1 << self.bits

    def _window(self, begin_ns: int, end_ns: int) -> Rows:
        sheet = Sheet()
        if self.part.protocol == "tcp":
            start_ns = self._flows.start_ns
            opening = np.flatnonzero((start_ns >= begin_ns) & (start_ns < end_ns))
            layout.put_openings(sheet, self._flows, opening, is_answered=True, is_completed=True)
        exchanges, place = self._exchanges(begin_ns, end_ns)
        if self.part.protocol != "tcp":
            layout.put_datagrams(sheet, self._flows, exchanges, place)
        elif self.part.keep_alive:
            layout.put_keep_alives(sheet, self._flows, exchanges)
        else:
            layout.put_exchanges(sheet, self._flows, exchanges)
        return sheet.rows()

    def _exchanges(self, begin_ns: int, end_ns: int) -> tuple[Exchanges, Numbers]:
        """The exchanges from one time up to, not including, another; and the place of each in its flow."""
        first, last = (np.maximum(-(-(limit - self._first_ns) // self._every_ns), 0) for limit in (begin_ns, end_ns))
        counts = last - first
        flow = np.repeat(np.arange(len(counts)), counts)
        place = first[flow] + np.arange(len(flow)) - (np.cumsum(counts) - counts)[flow]
        request, response, service = (size[flow] for size in self._sizes)
        has_data = not self.part.keep_alive
        exchanges = Exchanges(
            flow=flow,
            at_ns=self._first_ns[flow] + place * self._every_ns[flow],
            request_bytes=request,
            response_bytes=response,
            service_ns=service,
            sent=place * request if has_data else np.zeros_like(place),
            received=place * response if has_data else np.zeros_like(place),
        )
        return exchanges, place


def _packets(request: Numbers, response: Numbers) -> float:
    """About how many packets an exchange has."""
    return 2 + float((request + 1.5 * response).mean()) / layout.SEGMENT_BYTES
