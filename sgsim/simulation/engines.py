"""Which engine replays which traffic.

Both give the same decisions. The reference engine begins at once; the compiled one has code to load, or on a fresh
install to compile, and is then many times as fast. `auto` takes it where the traffic is large enough to repay that.
"""

import os
import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from sgsim.engine.base import Engine
from sgsim.engine.options import EngineOptions
from sgsim.engine.reference_batches import ReferenceBatches
from sgsim.errors import ConfigError
from sgsim.model.interface import Interface
from sgsim.rules.inventory import Inventory
from sgsim.simulation.tally import Tallies
from sgsim.sources.inner import Inner

if TYPE_CHECKING:
    from sgsim.simulation.agreement import AgreementTally
    from sgsim.simulation.leads import Leads

ENGINES: Final = ("auto", "reference", "compiled")

LARGE_BYTES: Final = 8 << 20
"""From this size on `auto` takes the compiled engine: some 80,000 packets, two seconds of the reference engine."""

_BYTES_PER_PACKET: Final = 100
"""In a capture that holds headers."""


def choose_engine(name: str, traffic: Sequence[Any]) -> str:
    """The engine for some traffic: `reference` or `compiled`.

    Args:
        name: What the user asks for, one of `ENGINES`.
        traffic: Paths, streams, scapy packets or sources; only files have a size that is known beforehand.

    Raises:
        ConfigError: If there is no such engine.
    """
    if name not in ENGINES:
        raise ConfigError(f"engine must be one of {', '.join(ENGINES)}, got {name!r}")
    if name != "auto":
        return name
    return "compiled" if sum(map(_size, traffic)) >= LARGE_BYTES else "reference"


def _size(item: object) -> int:
    """Bytes of a file, or what synthetic traffic would have in one; 0 for anything else. A bound file is `INTERFACE=PATH`."""
    if isinstance(item, Inner):
        return _size(item.item)
    packets = getattr(item, "expected_packets", None)
    if isinstance(packets, int):
        return packets * _BYTES_PER_PACKET
    if not isinstance(item, str | os.PathLike):
        return 0
    path = os.fspath(item)
    for name in (path, path.partition("=")[2]):
        if os.path.isfile(name):  # noqa: PTH113  # names of any kind, `-` among them
            return os.path.getsize(name)  # noqa: PTH202  # as above
    return 0


def make_engine(
    name: str,
    inventory: Inventory,
    options: EngineOptions,
    *,
    record_flows: bool,
    interfaces: Iterable[Interface] = (),
) -> Engine:
    """Make the engine that `choose_engine` has named; where it is to be compiled first, users are told.

    Args:
        name: Which.
        inventory: Rules and interfaces.
        options: How it is to run.
        record_flows: Whether anybody wants the flows themselves, not only their number.
        interfaces: Those that `taken_at` of packets counts, where changes bring more than the inventory has.
    """
    foreseen = tuple(interfaces)
    if name == "reference":
        return ReferenceBatches(inventory, options, record_flows, foreseen)
    from sgsim.engine.compiled import CompiledEngine  # noqa: PLC0415  # LLVM is loaded for this engine alone
    from sgsim.kernels.entry_points import ENGINE  # noqa: PLC0415  # as above

    ENGINE.prepare(is_quiet=not _tells.is_set())
    return CompiledEngine(inventory, options, record_flows, foreseen)


_tells = threading.Event()
_tells.set()


def be_quiet() -> None:
    """Let this process say nothing of compiling: it works for another, which has said it."""
    _tells.clear()


def make_tallies(name: str, files: Sequence[str]) -> Tallies:
    """What counts the decisions of the engine that `choose_engine` has named."""
    if name == "reference":
        return Tallies(files)
    from sgsim.simulation.compiled_tallies import CompiledTallies  # noqa: PLC0415  # as above

    return CompiledTallies(files)


def make_record_tallies(name: str) -> "tuple[Leads, type[AgreementTally]]":
    """What picks leads out of the decisions of the engine that `choose_engine` has named, and weighs them against a log."""
    if name == "reference":
        from sgsim.simulation.agreement import AgreementTally  # noqa: PLC0415  # captures need neither
        from sgsim.simulation.leads import Leads  # noqa: PLC0415  # as above

        return Leads(), AgreementTally
    from sgsim.simulation.compiled_agreement import CompiledAgreementTally  # noqa: PLC0415  # as above
    from sgsim.simulation.compiled_leads import CompiledLeads  # noqa: PLC0415  # as above

    return CompiledLeads(), CompiledAgreementTally
