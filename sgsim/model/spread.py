"""How the packets of a flow-log record lie in time, of which the record tells no more than its first and last second."""

import enum


class Spread(enum.Enum):
    """Where the packets of a record are taken to be."""

    EVEN = "even"
    """Evenly between its start and its end, so near to each other that no flow expires inside a record."""
    ENDS = "ends"
    """At its start and at its end; a flow may expire in between."""

    def __str__(self) -> str:
        """The word as options take it."""
        return str(self.value)
