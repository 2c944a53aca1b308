"""A change of rules, members, addresses, timeouts or capacity at a time."""

from attrs import field, frozen

from sgsim.model.interface import TimeoutOverrides
from sgsim.rules.changed_items import ChangedItem
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
    capacity: int | None = None
    """Places of each instance's table from then on; None if they stay as they are."""
    timeouts: TimeoutOverrides = field(factory=TimeoutOverrides)
    """Idle timeouts that are set from then on, over those of interfaces and profile; None where they stay as they are."""
    changed_items: tuple[ChangedItem, ...] | None = None
    """What is not as it was before; None if whoever made the change has not looked."""
    lifts_capacity: bool = False
    """Whether tables are without limit from then on, whatever options and documents say of them."""

    def at_ns(self, start_ns: int) -> int:
        """When it happens, nanoseconds since the epoch, in traffic that begins at `start_ns`."""
        return start_ns + self.time_ns if self.is_relative else self.time_ns
