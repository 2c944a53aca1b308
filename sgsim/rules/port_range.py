"""An interval of ports."""

from attrs import Attribute, field, frozen

from sgsim.errors import RuleError

LAST_PORT = 65535


@frozen
class PortRange:
    """Ports from `first` to `last`, both in it."""

    first: int = field()
    last: int = field()

    @first.validator
    @last.validator
    def _check(self, attribute: "Attribute[int]", value: object) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LAST_PORT:
            raise RuleError(f"{attribute.name} port must be 0..{LAST_PORT}, got {value!r}")

    def __attrs_post_init__(self) -> None:
        """Refuse an interval that is empty, as EC2 does."""
        if self.first > self.last:
            raise RuleError(f"first port must be at most the last, got {self.first} > {self.last}")

    @classmethod
    def all(cls) -> "PortRange":
        """Every port."""
        return cls(0, LAST_PORT)

    @property
    def is_all(self) -> bool:
        """Whether every port is in it."""
        return self.first == 0 and self.last == LAST_PORT

    def __contains__(self, port: int) -> bool:
        """Whether a port is in it."""
        return self.first <= port <= self.last

    def __str__(self) -> str:
        """`443`, `22-30` or `0-65535`."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
