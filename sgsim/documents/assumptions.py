"""Values that a document leaves open and an option gives: `--assume NAME=VALUE`.

A plan does not know the addresses that AWS will choose, a template not what its parameters will be. What such a value is
called is said where it is missed; only then is it asked for here.
"""

from collections.abc import Iterable

from attrs import define, field

from sgsim.documents.node import Misread, listed
from sgsim.errors import ConfigError

ASSUME_OPTION = "--assume"


@define
class Assumptions:
    """What to take for values that are not known yet, by name."""

    values: dict[str, str] = field(factory=dict)
    _used: set[str] = field(factory=set)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "Assumptions":
        """Read `NAME=VALUE`; the last `=` separates, because keys of `for_each` may hold others.

        Raises:
            ConfigError: If a part is missing, or a name is given twice.
        """
        values: dict[str, str] = {}
        for text in texts:
            name, separator, value = text.rpartition("=")
            if not separator or not name or not value:
                raise ConfigError(f"{ASSUME_OPTION} must be NAME=VALUE, got {text!r}")
            if values.setdefault(name, value) != value:
                raise ConfigError(f"{ASSUME_OPTION} must give one value for {name}, got {values[name]!r} and {value!r}")
        return cls(values)

    def get(self, name: str) -> str | None:
        """What to take for a name; None if nobody said."""
        if name in self.values:
            self._used.add(name)
        return self.values.get(name)

    def check_used(self) -> None:
        """Complain of names that no document asks for.

        Raises:
            ConfigError: If there is one.
        """
        unused = [name for name in self.values if name not in self._used]
        if unused:
            raise ConfigError(
                f"{ASSUME_OPTION} must name a value that a document leaves open, got {listed(unused)}, which none does"
            )


def unknown(name: str, what: str = "") -> Misread:
    """A value that is not known yet."""
    said = f", {what}" if what else ""
    return Misread(f"value must be known, got {name}{said}: give {ASSUME_OPTION} {name}=VALUE", stands_for=name)
