"""How an engine is to run."""

from typing import Final

from attrs import evolve, field, frozen

from sgsim.conntrack.profile import DEFAULT_PROFILE, Profile
from sgsim.conntrack.table import DEFAULT_REMEMBER
from sgsim.errors import ConfigError
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.protocol import CLIENT_PORT
from sgsim.model.spread import Spread
from sgsim.rules.inventory import Instance
from sgsim.rules.port_range import LAST_PORT


@frozen(kw_only=True)
class EngineOptions:
    """Everything that a user may choose beside rules and traffic."""

    profile: Profile = DEFAULT_PROFILE
    capacity: int | None = None
    """Places of each instance's table; None leaves it to the instance, else without limit."""
    is_unlimited: bool = False
    """Whether tables are without limit, whatever `capacity` and documents say of them."""
    timeouts: TimeoutOverrides = field(factory=TimeoutOverrides)
    """Idle timeouts that beat those of interfaces, instance types and profile."""
    remember: int = field(default=DEFAULT_REMEMBER)
    """How many flows beside the table each instance remembers, at least 1."""
    recorded: bool = False
    """Whether the traffic was recorded somewhere, so that it holds answers to packets that are denied here."""
    cold_start: bool = False
    """Recorded traffic: whether the table is empty at its beginning, so that no flow is presumed to be open already."""
    as_recorded: bool = False
    """Recorded traffic: whether answers to denied packets are judged as if somebody had sent them."""
    client_port: int = field(default=CLIENT_PORT)
    """Recorded traffic: where ports of clients begin, which tell who opened a flow where nothing else does; 1..65535."""
    spread: Spread = field(default=Spread.EVEN)
    """Recorded traffic: how the packets of a flow-log record lie between its start and its end, for whoever reads it."""
    log_format: str | None = None
    """Recorded traffic: the fields of flow logs that have no header and not the default format, for whoever reads them."""

    @remember.validator
    def _check_remember(self, _attribute: object, value: int) -> None:
        if value < 1:
            raise ConfigError(f"remember must be at least 1 flow, got {value!r}")

    @client_port.validator
    def _check_client_port(self, _attribute: object, value: int) -> None:
        if not 1 <= value <= LAST_PORT:
            raise ConfigError(f"client_port must be 1..{LAST_PORT}, got {value!r}")

    def capacity_of(self, instance: Instance | None) -> int | None:
        """Places of an instance's table, None without limit; `instance` is None where no document describes it."""
        if self.is_unlimited:
            return None
        if self.capacity is not None or instance is None:
            return self.capacity
        return instance.capacity

    def changed_to(self, other: "EngineOptions") -> "EngineOptions":
        """These after a change of rules, which may set capacity and timeouts and nothing else."""
        return evolve(self, capacity=other.capacity, is_unlimited=other.is_unlimited, timeouts=other.timeouts)


DEFAULT_OPTIONS: Final = EngineOptions()
"""What holds where the user chooses nothing."""
