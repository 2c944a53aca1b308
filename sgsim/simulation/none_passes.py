"""Made traffic of which the rules let nothing pass: who makes it should know before all of it is found denied.

A scenario asks for its own port from its own clients, whatever rules there are.
"""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import evolve, frozen

from sgsim.engine.options import EngineOptions
from sgsim.errors import SgsimError
from sgsim.model.columns import PacketColumns
from sgsim.model.protocol import protocol_name
from sgsim.rules.inventory import Inventory
from sgsim.simulation.driver import run
from sgsim.simulation.summary import Summary
from sgsim.sources.base import BATCH_ROWS, Source
from sgsim.sources.synthetic import Synthetic

LOOKED_AT: Final = 1000
"""How many packets are judged where only a capture is made: they take some ten milliseconds."""


def note_on_beginning(traffic: Synthetic, inventory: Inventory, options: EngineOptions) -> str | None:
    """What should be known of traffic that is written unjudged; None if some of its first packets pass.

    Also None if these cannot be judged: that is told when the traffic is replayed.
    """
    source = _Beginning(evolve(traffic.bound(inventory), is_recorded=True))
    with contextlib.suppress(SgsimError):
        recorded = evolve(options, recorded=True, cold_start=True)
        return note_if_none_passes(run(inventory, [source], recorded, engine="reference").summary, most=LOOKED_AT)
    return None


def note_if_none_passes(summary: Summary, most: int | None = None) -> str | None:
    """What should be known of traffic of which nothing passes; None if something does, or nothing was judged.

    Args:
        summary: Of a replay.
        most: How many packets were replayed, where there may be more.
    """
    if summary.packets.allowed or not summary.denied:
        return None
    denied = summary.denied[0]
    way = "inbound" if denied.direction == "ingress" else "outbound"
    service = protocol_name(denied.protocol) + ("" if denied.dst_port is None else f" {denied.dst_port}")
    read = summary.packets.read
    packets = f"{'first ' * (read == most)}{read:,} packet{'s' * (read != 1)}"
    return (
        f"none of its {packets} passes under these rules: {way} {service} at {denied.interface_id} is denied "
        f"({denied.reason}). Port, clients and servers are settings"
    )


@frozen
class _Beginning:
    """The first packets of a source."""

    source: Source

    @property
    def files(self) -> tuple[str, ...]:
        """Its name."""
        return self.source.files

    def batches(self, taken_at: Sequence[int] = (), *, batch_rows: int = BATCH_ROWS) -> Iterator[PacketColumns]:
        """The first of them, as one batch."""
        yield from itertools.islice(self.source.batches(taken_at, batch_rows=min(LOOKED_AT, batch_rows)), 1)
