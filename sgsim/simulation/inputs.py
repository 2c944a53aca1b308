"""What a user calls traffic, and the interfaces that files are bound to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sgsim.errors import ConfigError
from sgsim.rules.inventory import Inventory
from sgsim.sources.base import NOT_BOUND, Source
from sgsim.sources.opening import open_source, open_sources


def open_traffic(traffic: Sequence[Any], inventory: Inventory, *, native: bool = False) -> tuple[Source, list[int]]:
    """Open the inputs, and find the interface that each file is bound to, by its index in the inventory.

    `native` says whether compiled code decodes captures.

    Raises:
        ConfigError: If there is no input, or one is bound to an interface that is not known.
        SourceError: If an input cannot be read.
    """
    if not traffic:
        raise ConfigError("traffic must be at least one capture, got none")
    interface_ids = list(inventory.interfaces)
    sources, taken_at = [], []
    for item in traffic:
        interface_id, path = _bound(item, inventory)
        source = open_source(path.bound(inventory) if hasattr(path, "bound") else path, native=native)
        sources.append(source)
        index = interface_ids.index(interface_id) if interface_id is not None else NOT_BOUND
        taken_at.extend([index] * len(source.files))
    return open_sources(sources), taken_at


def _bound(item: Any, inventory: Inventory) -> tuple[str | None, Any]:  # noqa: ANN401  # takes what users have
    """Read `INTERFACE=PATH`; a file of exactly that name wins."""
    if not isinstance(item, str) or "=" not in item or Path(item).exists():
        return None, item
    interface_id, _, path = item.partition("=")
    if interface_id not in inventory.interfaces:
        known = ", ".join(inventory.interfaces) or "none"
        raise ConfigError(f"interface of {item!r} must be a known one, got {interface_id!r}; known are {known}")
    return interface_id, path
