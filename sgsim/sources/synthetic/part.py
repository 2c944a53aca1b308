"""What one kind of traffic is like: who talks with whom, how often, how long, how much.

A part is plain data that a person sets by name (`settings`). Either flows *arrive* at a rate and end, or a number of
*standing* flows is opened at the beginning and then does the same again and again.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from attrs import evolve, frozen

from sgsim.errors import ConfigError
from sgsim.sources.synthetic.distributions import Distribution
from sgsim.sources.synthetic.settings import SETTINGS, Ports, Shares


@frozen(kw_only=True)
class Part:
    """One kind of traffic. What each field means stands in `SETTINGS`; times are nanoseconds. `part_of` makes one."""

    name: str
    """Whose streams of random numbers it uses; all else equal, another name gives other traffic of the same kind."""
    protocol: str
    clients: tuple[str, ...]
    servers: tuple[str, ...]
    ours: str
    port: Ports
    port_order: str
    client_port: Ports
    rate: Fraction
    arrival: str
    burst: int
    begin: int
    lasting: int | None
    outcome: Shares
    exchanges: Distribution
    think: Distribution
    service: Distribution
    rtt: Distribution
    request_bytes: Distribution
    response_bytes: Distribution
    ending: str
    flows: int | None
    ramp: int
    every: Distribution
    keep_alive: bool

    def __attrs_post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            ConfigError: If settings do not go together.
        """
        if self.port_order == "sequence" and (self.arrival != "uniform" or self.flows is not None):
            raise ConfigError("port_order must be random unless flows arrive uniformly, got sequence")
        if self.protocol != "tcp":
            wrong = [name for name, _ in self.outcome if name not in {"complete", "silent"}]
            if wrong:
                raise ConfigError(f"outcome of {self.protocol} must be complete or silent, got {wrong[0]}")
            if self.keep_alive:
                raise ConfigError(f"keep_alive must go with tcp, got {self.protocol}")
        elif not self.keep_alive and self.request_bytes.kind == "fixed" and self.request_bytes.parameters[0] < 1:
            raise ConfigError("request_bytes must be at least 1 with tcp, got 0")

    def renamed(self, name: str) -> "Part":
        """The same kind of traffic from other streams of random numbers."""
        return evolve(self, name=name)


def part_of(name: str, *settings: Mapping[str, object]) -> Part:
    """Make a part of settings as a person gives them; later ones win.

    Raises:
        ConfigError: If there is no such setting, a value is none of its kind, or settings do not go together.
    """
    given = {key.replace("-", "_"): value for each in settings for key, value in each.items()}
    for key in given:
        if key not in SETTINGS:
            raise ConfigError(f"setting must be one of {', '.join(SETTINGS)}, got {key!r}")
    read: dict[str, Any] = {}
    for key, setting in SETTINGS.items():
        try:
            read[key] = setting.read(given.get(key, setting.default))
        except ConfigError as error:
            error.add_note(key)
            raise
    return Part(name=name, **read)
