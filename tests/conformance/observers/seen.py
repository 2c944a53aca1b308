"""What sgsim sees in a capture, in the words that other observers use: who opened, packets each way, how it ended.

Every address of the capture is an interface whose groups are open, so that nothing is denied and each flow is seen from
both of its ends. A flow that is forgotten and comes again is one here, as its packets are counted together.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from attrs import define, field
from builders import group, interface, inventory

from sgsim.conntrack.profile import AWS_NITRO, Profile
from sgsim.engine.compiled import CompiledEngine
from sgsim.engine.options import EngineOptions
from sgsim.errors import SourceError
from sgsim.model.address import Family, format_address
from sgsim.model.columns import FlowColumns
from sgsim.model.states import TcpState
from sgsim.rules.inventory import Inventory
from sgsim.sources.opening import open_source

OPEN: Final = group("all from 0.0.0.0/0", "all from ::/0", "all to 0.0.0.0/0", "all to ::/0")


class Ends(NamedTuple):
    """Two ends of a flow, the first that which opened it."""

    protocol: int
    src_addr: str
    src_port: int
    dst_addr: str
    dst_port: int

    def turned(self) -> "Ends":
        """The other way round."""
        return Ends(self.protocol, self.dst_addr, self.dst_port, self.src_addr, self.src_port)


@define
class Flow:
    """All that was seen between two ends, from one of its interfaces."""

    packets: list[int] = field(factory=lambda: [0, 0])
    """Of the opener and of the other side."""
    states: list[TcpState | None] = field(factory=list)
    """Where each of its connections stood at the end."""
    is_presumed: bool = False
    """Whether the recording began in the middle of it."""


def addresses_in(path: Path) -> set[tuple[int, int, int]]:
    """Family and both halves of every address that sends something."""
    found: set[tuple[int, int, int]] = set()
    try:
        for batch in open_source(path).batches([-1]):
            for end in ("src", "dst"):
                columns = (batch.family, getattr(batch, f"{end}_hi"), getattr(batch, f"{end}_lo"))
                found |= {key for key in zip(*(column.tolist() for column in columns), strict=True) if key[0]}
    except SourceError:  # what comes before a break counts
        pass
    return found


def everybody(path: Path) -> Inventory:
    """An interface for each address of a capture."""
    texts = sorted(format_address(high << 64 | low, Family(family)) for family, high, low in addresses_in(path))
    return inventory(OPEN, *(interface(text, interface_id=text) for text in texts))


def flows_in(path: Path, profile: Profile = AWS_NITRO) -> dict[str, dict[Ends, Flow]]:
    """The flows of a capture as each address sees them, by the address."""
    engine = CompiledEngine(everybody(path), EngineOptions(profile=profile, recorded=True))
    flows: dict[str, dict[Ends, Flow]] = defaultdict(lambda: defaultdict(Flow))
    try:
        for batch in open_source(path).batches([-1]):
            engine.filter(batch)
    except SourceError:
        pass
    for columns in (engine.ended_flows(), engine.live_flows()):
        for row in rows_of(columns):
            ends = Ends(
                row["protocol"],
                format_address(row["src_hi"] << 64 | row["src_lo"], Family(row["family"])), row["src_port"],
                format_address(row["dst_hi"] << 64 | row["dst_lo"], Family(row["family"])), row["dst_port"],
            )  # fmt: skip
            flow = flows[engine.interface_ids[row["interface"]]][ends]
            flow.packets[0] += row["packets_original"]
            flow.packets[1] += row["packets_reply"]
            flow.states.append(TcpState(row["tcp_state"]) if row["tcp_state"] else None)
            flow.is_presumed |= bool(row["is_presumed"])
    return flows


def rows_of(columns: FlowColumns) -> Iterable[dict[str, Any]]:
    """Columns as rows."""
    for values in zip(*(column.tolist() for column in columns), strict=True):
        yield dict(zip(columns._fields, values, strict=True))
