"""Parts whose flows arrive and end.

A part is drawn in windows, each from its own stream of words: first when flows begin in it, then the flows, then their
exchanges. The length of a window hangs on the part alone, so neither the duration of the traffic nor the size of batches
nor other parts change what a window holds.
"""

import functools
from collections.abc import Iterator
from typing import Final

import numpy as np
from attrs import field, frozen

from sgsim.sources.synthetic import layout
from sgsim.sources.synthetic.distributions import Distribution
from sgsim.sources.synthetic.draws import Numbers, key_of, stream, words
from sgsim.sources.synthetic.flows import WORDS_PER_FLOW, FlowMaker
from sgsim.sources.synthetic.layout import Exchanges, Flows, Sheet
from sgsim.sources.synthetic.part import Part
from sgsim.sources.synthetic.rows import Rows

_NS_PER_S: Final = 1_000_000_000
_WINDOW_ROWS: Final = 1 << 16
"""A window has about as many packets, so that the cost of a window vanishes beside them."""
SHORTEST: Final = 16
LONGEST: Final = 40
"""Binary logarithms of the shortest and longest window in nanoseconds: 66 us and 18 min."""
_BURST_SPACING_NS: Final = 10_000
_SHORT_OUTCOMES: Final = {"half-open": 2, "refused": 2, "silent": 1, "probed": 3}
"""How many packets a flow has."""


def window_bits(rows_per_s: float) -> int:
    """The binary logarithm of a window's length in nanoseconds."""
    return min(max(int(_WINDOW_ROWS * _NS_PER_S / max(rows_per_s, 1e-6)).bit_length() - 1, SHORTEST), LONGEST)


@frozen
class ArrivingFlows:
    """The flows of a part that arrive."""

    maker: FlowMaker
    seed: int
    duration_ns: int
    bits: int = field(init=False)
    _bounds: Numbers = field(init=False)
    """Where each outcome ends among 2^32 numbers."""

    @property
    def part(self) -> Part:
        """What they are like."""
        return self.maker.part

    @bits.default
    def _default_bits(self) -> int:
        return window_bits(round(float(self.part.rate) * mean_packets(self.part), 3))

    @_bounds.default
    def _default_bounds(self) -> Numbers:
        shares = np.cumsum([weight for _, weight in self.part.outcome])
        bounds: Numbers = np.floor(shares / shares[-1] * (1 << 32)).astype(np.int64)
        return bounds

    @property
    def end_ns(self) -> int:
        """Until when flows begin that are of interest."""
        lasting = self.part.lasting
        return self.duration_ns if lasting is None else min(self.duration_ns, self.part.begin + lasting)

    def windows(self) -> Iterator[tuple[int, Rows]]:
        """Yield for each window its begin and the packets of the flows that begin in it, none of them earlier.

        Times count from the beginning of the traffic.
        """
        for number in range(max(0, -(-(self.end_ns - self.part.begin) >> self.bits)) + 1):
            begin_ns = self.part.begin + (number << self.bits)
            if begin_ns >= self.end_ns:
                return
            yield begin_ns, self._window(number, begin_ns)

    def _window(self, number: int, begin_ns: int) -> Rows:
        source = stream(self.seed, key_of(self.part.name), number)
        start_ns, first = _starts(self.part, source, number, 1 << self.bits)
        start_ns += begin_ns
        if self.part.lasting is not None:
            start_ns = start_ns[start_ns < self.part.begin + self.part.lasting]
        drawn = words(source, WORDS_PER_FLOW * len(start_ns))
        flows = self.maker.make(start_ns, first, drawn)
        outcome = np.searchsorted(self._bounds, drawn.reshape(WORDS_PER_FLOW, -1)[5] >> np.uint64(32), side="right")
        return self._laid_out(flows, outcome, source)

    def _laid_out(self, flows: Flows, outcome: Numbers, source: np.random.PCG64) -> Rows:
        sheet = Sheet()
        for place, (name, _) in enumerate(self.part.outcome):
            flow = np.flatnonzero(outcome == place)
            if name == "complete":
                self._put_complete(sheet, flows, flow, source)
            elif self.part.protocol == "tcp":
                layout.put_openings(sheet, flows, flow, is_answered=name in {"half-open", "probed"}, is_completed=False)
                if name == "refused":
                    layout.put_refusals(sheet, flows, flow)
                elif name == "probed":
                    layout.put_aborts(sheet, flows, flow)
            else:
                self._put_complete(sheet, flows, flow, source, is_answered=False)
        return sheet.rows()

    def _put_complete(
        self, sheet: Sheet, flows: Flows, flow: Numbers, source: np.random.PCG64, *, is_answered: bool = True
    ) -> None:
        part = self.part
        counts = np.maximum(part.exchanges.draw(words(source, len(flow))), 1)
        exchanges, place, end_ns = _exchanges(part, flows, flow, counts, source)
        if not is_answered:
            exchanges = exchanges._replace(response_bytes=np.zeros_like(exchanges.response_bytes))
        if part.protocol != "tcp":
            layout.put_datagrams(sheet, flows, exchanges, place)
            return
        layout.put_openings(sheet, flows, flow, is_answered=True, is_completed=True)
        layout.put_exchanges(sheet, flows, exchanges)
        if part.ending != "none" and len(flow):
            last = np.cumsum(counts) - 1
            sent = exchanges.sent[last] + exchanges.request_bytes[last]
            received = exchanges.received[last] + exchanges.response_bytes[last]
            put = layout.put_endings if part.ending == "fin" else layout.put_resets
            put(sheet, flows, flow, end_ns[last], sent, received)


def _exchanges(
    part: Part, flows: Flows, flow: Numbers, counts: Numbers, source: np.random.PCG64
) -> tuple[Exchanges, Numbers, Numbers]:
    """Draw the exchanges of some flows, one after the other: also the place of each in its flow, and when it is over."""
    total = int(counts.sum())
    owner = np.repeat(np.arange(len(flow)), counts)
    first = np.cumsum(counts) - counts
    drawn = words(source, 4 * total).reshape(4, -1)
    request, response, service, think = (
        distribution.draw(some)
        for distribution, some in zip(
            (part.request_bytes, part.response_bytes, part.service, part.think), drawn, strict=True
        )
    )
    if part.protocol == "tcp":
        request = np.maximum(request, 1)
    opened_ns = (layout.opened_at_ns(flows) if part.protocol == "tcp" else flows.start_ns)[flow]
    if part.protocol != "tcp" and total:
        think[first] = 0
    lasts = layout.durations_ns(flows.half_rtt_ns[flow][owner], request, response, service)
    end_ns = opened_ns[owner] + _running(think + lasts, first, owner)
    exchanges = Exchanges(
        flow=flow[owner],
        at_ns=end_ns - lasts,
        request_bytes=request,
        response_bytes=response,
        service_ns=service,
        sent=_running(request, first, owner) - request,
        received=_running(response, first, owner) - response,
    )
    return exchanges, np.arange(total) - first[owner], end_ns


def _running(values: Numbers, first: Numbers, owner: Numbers) -> Numbers:
    """Add up within each flow."""
    if not len(values):
        return values
    summed = np.cumsum(values)
    return summed - (summed[first] - values[first])[owner]


def _starts(part: Part, source: np.random.PCG64, number: int, length_ns: int) -> tuple[Numbers, int]:
    """When flows begin in a window, from its begin; and the number of the first where arrival is uniform, else 0."""
    if part.arrival == "uniform":
        return _regular(part, number, length_ns)
    if part.arrival == "poisson":
        return _independent(float(part.rate), source, length_ns), 0
    groups = _independent(float(part.rate) / part.burst, source, length_ns)
    return (groups[:, None] + np.arange(part.burst) * _BURST_SPACING_NS).reshape(-1), 0


def _independent(rate: float, source: np.random.PCG64, length_ns: int) -> Numbers:
    """Arrivals of a Poisson process; exponential gaps forget, so every window may begin anew."""
    gaps = _gaps(rate)
    expected = rate * length_ns / _NS_PER_S
    chunk = int(expected + 4 * expected**0.5) + 16
    taken: list[Numbers] = []
    reached = 0
    while reached < length_ns:
        taken.append(reached + np.cumsum(gaps.draw(words(source, chunk))))
        reached = int(taken[-1][-1])
    times = np.concatenate(taken)
    return times[times < length_ns]


@functools.cache
def _gaps(rate: float) -> Distribution:
    """Gaps whose mean is right, although the table ends their tail."""
    plain = Distribution("exponential", (_NS_PER_S / rate,), "")
    mean = float(f"{plain.mean - 0.5:.9g}")
    return Distribution("exponential", (_NS_PER_S / rate * (_NS_PER_S / rate / mean),), "")


def _regular(part: Part, number: int, length_ns: int) -> tuple[Numbers, int]:
    """Arrivals at equal distances: flow i at i / rate, exactly."""
    step, parts = part.rate.denominator * _NS_PER_S, part.rate.numerator
    begin_ns = number * length_ns
    first = -(-begin_ns * parts // step)
    last = -(-(begin_ns + length_ns) * parts // step)
    offset = first * step - begin_ns * parts
    places = np.arange(last - first, dtype=np.int64)
    if step * max(last - first, 1) + offset < 1 << 62:
        return (offset + places * step) // parts, first
    return np.array([(offset + int(place) * step) // parts for place in places], np.int64), first


def mean_packets(part: Part) -> float:
    """About how many packets a flow has."""
    whole = sum(weight for _, weight in part.outcome)
    complete = sum(weight for name, weight in part.outcome if name == "complete") / whole
    short = sum(weight * _SHORT_OUTCOMES.get(name, 0) for name, weight in part.outcome) / whole
    exchange = 2 + (part.request_bytes.mean + 1.5 * part.response_bytes.mean) / layout.SEGMENT_BYTES
    around = 6 if part.protocol == "tcp" else 0
    return max(1.0, short + complete * (around + part.exchanges.mean * exchange))
