"""A change of rules, members or addresses at a time."""

from attrs import frozen

from sgsim.rules.inventory import Inventory


@frozen
class Change:
    """From `time_ns` on, `inventory` holds."""

    time_ns: int
    """Nanoseconds since the epoch, or since the first packet if `is_relative`."""
    inventory: Inventory
    """What holds after the change, in full."""
    is_relative: bool = False
    origin: str = ""
    """Where the change was given, for messages and reports."""

    def at_ns(self, start_ns: int) -> int:
        """When it happens, nanoseconds since the epoch, in traffic that begins at `start_ns`."""
        return start_ns + self.time_ns if self.is_relative else self.time_ns
