"""What an interface remembers beside flows: verdicts of first fragments, and flows that have ended."""

from collections import deque
from typing import NamedTuple

from attrs import define, field

from sgsim.conntrack.entry import ConntrackEntry, FlowKey
from sgsim.model.address import Family
from sgsim.model.decision import Decision
from sgsim.model.packet import Packet
from sgsim.model.states import Direction


class FragmentKey(NamedTuple):
    """What the fragments of one datagram have in common, RFC 791 and RFC 8200 section 4.5."""

    direction: Direction
    src_addr: int
    dst_addr: int
    protocol: int
    family: Family
    identification: int

    @classmethod
    def of(cls, packet: Packet, direction: Direction) -> "FragmentKey":
        """The key of a fragment."""
        identification = packet.fragment.identification if packet.fragment else 0
        five_tuple = packet.five_tuple
        # IPv6 fragments of one packet may name different headers, so the protocol is no part of their key.
        protocol = five_tuple.protocol if five_tuple.family is Family.IPV4 else 0
        return cls(direction, five_tuple.src_addr, five_tuple.dst_addr, protocol, five_tuple.family, identification)


class _First(NamedTuple):
    decision: Decision
    entry: ConntrackEntry | None
    gone_at_ns: int


@define
class FragmentMemory:
    """Decisions for first fragments, each for a time."""

    _firsts: dict[FragmentKey, _First] = field(factory=dict)
    _due: deque[tuple[int, FragmentKey]] = field(factory=deque)

    def remember(
        self, key: FragmentKey, decision: Decision, entry: ConntrackEntry | None, now_ns: int, keep_ns: int
    ) -> None:
        """Keep what was decided for a first fragment, and its flow."""
        self._drop_due(now_ns)
        self._firsts[key] = _First(decision, entry, now_ns + keep_ns)
        self._due.append((now_ns + keep_ns, key))

    def recall(self, key: FragmentKey, now_ns: int) -> tuple[Decision, ConntrackEntry | None] | None:
        """What was decided for the first fragment; None if it was not seen, or too long ago."""
        first = self._firsts.get(key)
        if first is None or first.gone_at_ns <= now_ns:
            return None
        return first.decision, first.entry

    def _drop_due(self, now_ns: int) -> None:
        """Free memory; whether a verdict still holds is tested when it is recalled."""
        while self._due and self._due[0][0] <= now_ns:
            _, key = self._due.popleft()
            first = self._firsts.get(key)
            if first is not None and first.gone_at_ns <= now_ns:
                del self._firsts[key]


def ended_most(remember: int) -> int:
    """How many ended flows a generation of `EndedFlows` has, where so many flows may be remembered in all."""
    return max(1, remember // 2)


@define
class EndedFlows:
    """Keys of flows that have ended, so that their stragglers are not presumed to be open.

    When a generation has its number, it becomes the last one and that before is dropped: so at least the last
    `most` keys are known, and at most twice as many.
    """

    most: int
    _keys: set[FlowKey] = field(factory=set)
    _last: set[FlowKey] = field(factory=set)

    def add(self, key: FlowKey) -> None:
        """Note that a flow has ended."""
        if key in self._keys:
            return
        if len(self._keys) >= self.most:
            self._last, self._keys = self._keys, set()
        self._keys.add(key)

    def __contains__(self, key: FlowKey) -> bool:
        """Whether a flow with this key has ended."""
        return key in self._keys or key in self._last
