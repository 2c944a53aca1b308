"""A short way to send packets through an engine and to hear its answers in words.

An answer reads `VERDICT REASON STATE`, such as `allow established established`; a skipped packet has the state `-`.
After every step all tables are checked.
"""

from typing import Any

from builders import group, interface, inventory, packet

from sgsim.conntrack.entry import ConntrackEntry
from sgsim.conntrack.profile import AWS_NITRO, Profile
from sgsim.conntrack.timeouts import NANOSECONDS
from sgsim.engine.options import EngineOptions
from sgsim.engine.reference import EndedFlow, ReferenceEngine
from sgsim.model.decision import Decision
from sgsim.model.packet import Packet, Quote
from sgsim.model.states import Tracking
from sgsim.rules.inventory import Inventory

HOST, HOST_V6 = "192.0.2.10", "2001:db8::10"


def host(*rules: str, **fields: Any) -> Inventory:
    """One interface, `eni-a`, with these rules in its one group."""
    return inventory(group(*rules), interface(HOST, HOST_V6), **fields)


def profile(base: Profile = AWS_NITRO, **settings: object) -> Profile:
    """A profile with some of its settings given."""
    for name, value in settings.items():
        base = base.given(name, value)
    return base


def words(decision: Decision) -> str:
    """A decision in words."""
    return f"{decision.verdict} {decision.reason} {decision.state or '-'}"


class Walk:
    """An engine, its clock in seconds, and what it said."""

    def __init__(self, *rules: str | Inventory, **options: Any) -> None:
        """Set it up with rules of one host, or with a whole inventory."""
        self.ended: list[EndedFlow] = []
        self.engine = ReferenceEngine(self._inventory(rules), EngineOptions(**options), self.ended.append)
        self.now_s = 0.0

    @staticmethod
    def _inventory(rules: tuple[str | Inventory, ...]) -> Inventory:
        whole = [part for part in rules if isinstance(part, Inventory)]
        return whole[0] if whole else host(*(text for text in rules if isinstance(text, str)))

    def stops(self, what: str | Packet, at_s: float | None = None, **fields: Any) -> list[Decision]:
        """Send a packet at a time, else at the time of the last one; one decision for each interface."""
        self.now_s = self.now_s if at_s is None else at_s
        time_ns = round(self.now_s * NANOSECONDS)
        sent = packet(what, time_ns=time_ns, **fields) if isinstance(what, str) else what
        decisions = self.engine.judge(sent)
        self.check()
        return decisions

    def send(self, what: str | Packet, at_s: float | None = None, **fields: Any) -> Decision:
        """Send a packet that touches one interface."""
        (decision,) = self.stops(what, at_s, **fields)
        return decision

    def say(self, what: str | Packet, at_s: float | None = None, **fields: Any) -> str:
        """Send a packet that touches one interface, and hear the answer in words."""
        return words(self.send(what, at_s, **fields))

    def say_all(self, what: str | Packet, at_s: float | None = None, **fields: Any) -> list[str]:
        """Send a packet, and hear the answer of each interface."""
        return [words(decision) for decision in self.stops(what, at_s, **fields)]

    def change(self, *rules: str | Inventory, at_s: float | None = None) -> None:
        """Let other rules hold from a time on."""
        self.now_s = self.now_s if at_s is None else at_s
        self.engine.change(self._inventory(rules), round(self.now_s * NANOSECONDS))
        self.check()

    def wait_until(self, at_s: float) -> None:
        """Set the clock."""
        self.now_s = at_s
        self.engine.advance(round(at_s * NANOSECONDS))
        self.check()

    def connect(self, opener: str, other: str, at_s: float | None = None) -> list[str]:
        """A TCP handshake between two `ADDRESS:PORT`."""
        segments = ((opener, other, "S"), (other, opener, "SA"), (opener, other, "A"))
        return [self.say(f"tcp {src} -> {dst} {flags}", at_s) for src, dst, flags in segments]

    @property
    def count(self) -> int:
        """Places taken, of all tables."""
        return sum(table.count for table in self.engine.tables.values())

    @property
    def exceeded(self) -> int:
        """Packets that found no place, of all tables."""
        return sum(table.pressure.exceeded for table in self.engine.tables.values())

    def entries(self, tracking: Tracking | None = None) -> list[ConntrackEntry]:
        """Flows that are remembered, of one kind or all."""
        return [entry for entry in self.engine.entries() if tracking in {None, entry.tracking}]

    def check(self) -> None:
        """Check every table."""
        for table in self.engine.tables.values():
            table.check_valid()


def icmp_error(text: str, quoted: str) -> Packet:
    """An ICMP error about a packet."""
    about = packet(quoted)
    return packet(text, quote=Quote(about.five_tuple, about.icmp_type, about.icmp_code))
