"""The connection-tracking table as a plain dictionary and a list of what happened: slow, and obviously right."""

from collections import Counter
from itertools import groupby

from attrs import define, field

from sgsim.conntrack.entry import FlowEnd
from sgsim.conntrack.pressure import Bin, Peak
from sgsim.model.states import Tracking


@define
class PlainFlow:
    """What the model knows of a flow."""

    flow: int
    key: object
    tracking: Tracking
    places: int
    expires_at_ns: int
    rule: str
    peer: str
    state: str

    @property
    def is_tracked(self) -> bool:
        return self.tracking is Tracking.TRACKED


@define
class PlainTable:
    """Every law of the table, written as a look at all flows, or at all that ever happened."""

    capacity: int | None = None
    remember: int = 3
    now_ns: int = 0
    flows: dict[int, PlainFlow] = field(factory=dict)
    happened: list[tuple[int, str, int]] = field(factory=list)
    """When, what, and the count after it."""
    ends: list[tuple[int, FlowEnd, int]] = field(factory=list)
    peak: Peak = field(factory=lambda: Peak(0, None, {}, {}, {}))

    @property
    def count(self) -> int:
        return sum(flow.places for flow in self.flows.values() if flow.is_tracked)

    @property
    def beside(self) -> list[PlainFlow]:
        return [flow for flow in self.flows.values() if not flow.is_tracked]

    def has_room(self, places: int) -> bool:
        return self.capacity is None or self.count + places <= self.capacity

    def refuse(self) -> None:
        self._note("refused")

    def insert(self, flow: PlainFlow) -> None:
        self.flows[flow.flow] = flow
        if not flow.is_tracked:
            self._keep_within_memory()
            return
        self._note("inserted")
        if self.count > self.peak.count:
            self.peak = Peak(self.count, self.now_ns, *(self._tally(name) for name in ("rule", "peer", "state")))

    def untrack(self, flow: PlainFlow) -> None:
        flow.tracking = Tracking.UNTRACKED
        self._note("untracked")
        self._keep_within_memory()

    def forget(self, flow: PlainFlow, end: FlowEnd, time_ns: int | None = None) -> None:
        del self.flows[flow.flow]
        time_ns = self.now_ns if time_ns is None else time_ns
        self.ends.append((flow.flow, end, time_ns))
        if flow.is_tracked:
            self._note("expired" if end is FlowEnd.EXPIRED else "closed", time_ns)

    def wait_until(self, now_ns: int) -> int:
        """Let time pass; how many flows have expired."""
        self.now_ns = now_ns
        due = [flow for flow in self.flows.values() if flow.expires_at_ns <= now_ns]
        for flow in sorted(due, key=lambda flow: (flow.expires_at_ns, flow.flow)):
            is_over = flow.state in {"tcp time_wait", "tcp close"}
            self.forget(flow, FlowEnd.CLOSED if is_over else FlowEnd.EXPIRED, flow.expires_at_ns)
        return len(due)

    def bins(self, bin_ns: int) -> list[tuple[int, Bin]]:
        """What happened, by intervals of `bin_ns` from the first of it."""
        return plain_bins(self.happened, bin_ns)

    def _note(self, what: str, time_ns: int | None = None) -> None:
        self.happened.append((self.now_ns if time_ns is None else time_ns, what, self.count))

    def _keep_within_memory(self) -> None:
        if len(self.beside) > self.remember:
            self.forget(min(self.beside, key=lambda flow: flow.flow), FlowEnd.FORGOTTEN)

    def _tally(self, name: str) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for flow in self.flows.values():
            counts[getattr(flow, name)] += flow.places if flow.is_tracked else 0
        return {name: count for name, count in counts.items() if count}


def plain_bins(happened: list[tuple[int, str, int]], bin_ns: int) -> list[tuple[int, Bin]]:
    """Bins as a list of what happened in each, and the count with which it began.

    Args:
        happened: When, what (a counter of `Bin`), and the count after it, in order.
        bin_ns: Width of each bin; the first begins with the first event.
    """
    made, before = [], 0
    for index, events in groupby(happened, lambda event: (event[0] - happened[0][0]) // bin_ns):
        inside = list(events)
        counts = [before, *(count for _, _, count in inside)]
        kinds = Counter(what for _, what, _ in inside)
        made.append((happened[0][0] + index * bin_ns, Bin(min(counts), max(counts), counts[-1], **kinds)))
        before = counts[-1]
    return made
