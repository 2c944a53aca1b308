"""One interface, step by step: for lessons and for tests.

Nothing is recorded here, so nothing is presumed: the table begins empty, and each packet is one that was really sent.
"""

from attrs import evolve, frozen

from sgsim.conntrack.entry import ConntrackEntry
from sgsim.conntrack.timeouts import NANOSECONDS
from sgsim.engine.options import DEFAULT_OPTIONS, EngineOptions
from sgsim.engine.reference import ReferenceEngine
from sgsim.errors import ConfigError
from sgsim.model.decision import Decision
from sgsim.model.five_tuple import FiveTuple
from sgsim.model.packet import Packet
from sgsim.model.shorthand import parse_packet
from sgsim.model.states import Direction, TcpState, Tracking
from sgsim.rules.inventory import Inventory, check_inventory


@frozen
class FirewallEntry:
    """A remembered flow, as a lesson shows it."""

    five_tuple: FiveTuple
    """As its opener sent it."""
    opener: Direction
    tracking: Tracking
    tcp_state: TcpState | None
    """None for protocols other than TCP."""
    answered: bool
    remaining_s: float
    """How much longer it is remembered if nothing comes."""
    rule_id: str | None
    """The rule that admitted it."""

    def __str__(self) -> str:
        """One line of a table dump."""
        state = self.tcp_state or ("answered" if self.answered else "unanswered")
        return f"{self.tracking}  {self.five_tuple}  {state}  {self.remaining_s:g} s left  by {self.rule_id}"


class Firewall:
    """The filter at one interface, with a clock that you move.

    >>> firewall = Firewall(rules, interface="eni-a")  # doctest: +SKIP
    >>> firewall.send("tcp 198.51.100.7:40000 -> 10.0.0.5:443").verdict  # doctest: +SKIP
    <Verdict.ALLOW: 1>
    """

    def __init__(
        self, rules: Inventory, interface: str | None = None, options: EngineOptions = DEFAULT_OPTIONS
    ) -> None:
        """Set it up with an empty table, at time 0.

        Args:
            rules: Groups and interfaces.
            interface: Which interface; None if there is only one.
            options: Profile, capacity and timeouts.

        Raises:
            ConfigError: If there is no such interface, or several to choose from.
        """
        self._interface_id = _choose(rules, interface)
        self._engine = ReferenceEngine(rules, options)
        self._engine.advance(0)

    @property
    def time_s(self) -> float:
        """The clock, in seconds since the firewall was set up."""
        return (self._engine.now_ns or 0) / NANOSECONDS

    def send(self, packet: Packet | str) -> Decision:
        """Send one packet now, written as on the command line or as a `Packet`, whose time is not looked at.

        Raises:
            ConfigError: If the interface owns neither its source nor its destination.
        """
        if isinstance(packet, str):
            packet = parse_packet(packet).packet
        placed = _placed(packet, self._engine.now_ns or 0, self._interface_id)
        decision = self._engine.judge(placed)[0]
        if decision.interface_id is None:
            raise ConfigError(f"packet must go to or come from {self._interface_id}, got {packet}")
        return decision

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._engine.advance((self._engine.now_ns or 0) + round(seconds * NANOSECONDS))

    def change(self, rules: Inventory, options: EngineOptions | None = None) -> None:
        """Let other rules hold from now on, and the capacity and timeouts of other options."""
        self._engine.change(rules, self._engine.now_ns or 0, options)

    @property
    def count(self) -> int:
        """Places taken in the table."""
        return sum(table.count for table in self._engine.tables.values())

    @property
    def exceeded(self) -> int:
        """Packets dropped because the table was full: AWS's `conntrack_allowance_exceeded`."""
        return sum(table.pressure.exceeded for table in self._engine.tables.values())

    @property
    def table(self) -> list[FirewallEntry]:
        """All flows remembered now, in the order in which they began."""
        return [self._shown(entry) for entry in self._engine.entries()]

    def _shown(self, entry: ConntrackEntry) -> FirewallEntry:
        return FirewallEntry(
            entry.five_tuple,
            entry.opener,
            entry.tracking,
            entry.tcp_state,
            entry.answered,
            (entry.expires_at_ns - (self._engine.now_ns or 0)) / NANOSECONDS,
            entry.rule.rule_id if entry.rule else None,
        )


def _placed(packet: Packet, now_ns: int, interface_id: str) -> Packet:
    return evolve(packet, time_ns=now_ns, taken_at=interface_id)


def _choose(rules: Inventory, interface: str | None) -> str:
    check_inventory(rules)
    if interface is None and len(rules.interfaces) == 1:
        return next(iter(rules.interfaces))
    if interface is None or interface not in rules.interfaces:
        raise ConfigError(
            f"interface must be one of {', '.join(rules.interfaces) or '(none is given)'}, got {interface!r}"
        )
    return interface
