"""How well we know what we say: the standing and the source of a fact or a value."""

import enum
from math import isfinite
from typing import Generic, TypeVar

from attrs import evolve, field, frozen

from sgsim.errors import ConfigError

Value = TypeVar("Value")


class Standing(enum.Enum):
    """Why a behaviour is as it is; docs/sources.md lists the sources by key."""

    DOCUMENTED = "documented"
    """AWS, or the owner of what is modelled, says so."""
    STANDARD = "standard"
    """An RFC or a registry says so."""
    OBSERVED = "observed"
    """Somebody has measured or reported it."""
    ASSUMED = "assumed"
    """Nobody says; ours, and an option where it matters."""
    GIVEN = "given"
    """The user has set it."""

    def __str__(self) -> str:
        """Lower case, as in every output."""
        return self.value


@frozen
class Setting(Generic[Value]):
    """A value of a profile with its standing and source."""

    value: Value
    standing: Standing
    source: str
    """Keys of docs/sources.md."""
    note: str = ""
    """What a reader should know beside it."""
    bounds: tuple[float, float] | None = field(default=None)
    """Least and greatest value that may be set; None if any is."""

    def given(self, value: Value, name: str) -> "Setting[Value]":
        """The setting after the user has set another value.

        Raises:
            ConfigError: If the value is outside the bounds, or a time that is not positive.
        """
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if not isfinite(value):
                raise ConfigError(f"{name} must be a finite number of seconds, got {value!r}")
            low, high = self.bounds or (0, float("inf"))
            if not (low <= value <= high and value > 0):
                expected = f"{low:g}..{high:g}" if self.bounds else "more than 0"
                raise ConfigError(f"{name} must be {expected} seconds, got {value!r}")
        return evolve(self, value=value, standing=Standing.GIVEN, source="option")
