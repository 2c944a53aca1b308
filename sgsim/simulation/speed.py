"""How fast sgsim is on this machine: made traffic, decoded, judged and replayed while a clock runs.

Law: nothing is timed before both engines have decided alike on the first packets. What one thread does alone is timed by
what it takes of the processor, so that other work on the machine counts little; whole replays by the time that passes. Each
is done several times.
"""

import gc
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from attrs import evolve, frozen

from sgsim.engine.base import Engine
from sgsim.engine.options import EngineOptions
from sgsim.engine.reference_batches import ReferenceBatches
from sgsim.errors import SgsimError
from sgsim.model.columns import DecisionColumns, PacketColumns, select_rows
from sgsim.model.decision import Reason
from sgsim.rules.inventory import Inventory
from sgsim.simulation.driver import run
from sgsim.simulation.engines import make_engine
from sgsim.simulation.live_flows import hitting, opening
from sgsim.simulation.made_rules import made_inventory
from sgsim.sources import synthetic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sgsim.engine.compiled import CompiledEngine

SEED: Final = 1
RULES: Final = 60
"""As many as a group may have in one direction and family."""
SLICE: Final = 20_000
"""Packets that both engines judge before anything is timed."""
HITS: Final = 1_000_000
_DURATION_S: Final = 60
_LEAST_S: Final = 1e-9
"""No time is shorter, however coarse the clock."""
_OPTIONS: Final = EngineOptions(recorded=True)


@frozen(kw_only=True)
class Spread:
    """What several rounds came to."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Sum up the values of the rounds."""
        return cls(median=statistics.median(values), least=min(values), greatest=max(values))


@frozen(kw_only=True)
class Machine:
    """What it ran on."""

    python: str
    numpy: str
    numba: str
    system: str
    processors: int


@frozen(kw_only=True)
class Speed:
    """What was measured; rates are packets per second, of processor time but for replays."""

    machine: Machine
    seed: int
    rules: int
    rounds: int
    packets: int
    """Of the capture that was made."""
    flows: int
    """Of them, as they are tracked."""
    capture_bytes: int
    checked_packets: int
    """Decided alike by both engines."""
    load_s: float
    """Until the first packet could be judged by compiled code, in this process."""
    was_compiled: bool
    """Whether that was compiling; else the code was loaded from disk, or was in memory already."""
    decode: Spread
    judge: Spread
    replay_one_thread: Spread
    """From the capture to the summary, by the time that passes."""
    replay_two_threads: Spread
    reference: Spread
    """Of judging the packets that were checked."""
    compiled_to_reference: float
    """How many times as fast compiled code judges, medians."""
    peak_bytes: int | None
    """The most memory of this process until here, making the traffic included; None where the system does not tell."""
    live_flows: int
    hits: Spread
    """Packets of random live flows."""
    bytes_per_flow: float
    """Of the table with so many: entries and their index."""


def measure_speed(*, packets: int, live_flows: int, rounds: int, tell: Callable[[str], None] | None = None) -> Speed:
    """Measure.

    Args:
        packets: About how many the capture is to have.
        live_flows: How many flows are live when hits on them are timed.
        rounds: How often each is done.
        tell: Is told what is being done.

    Raises:
        SgsimError: If the engines do not agree; then nothing is timed.
    """
    tell = tell or (lambda _: None)
    tell("loading compiled code")
    rules = made_inventory(RULES)
    load_s, was_compiled = _load(rules)
    with tempfile.TemporaryDirectory(prefix="sgsim-bench-") as folder:
        path = Path(folder) / "made.pcap"
        tell(f"making {packets:,} packets")
        written = _traffic(packets).write_pcap(path, rules, unit="us")
        tell("checking that both engines agree")
        checked, reference = _check(path, rules, rounds)
        tell("decoding and judging")
        decode, judge = _each(path, rules, rounds)
        tell("replaying")
        one, two = (_replay(path, rules, threads, written.packets, rounds) for threads in (1, 2))
        flows = run(rules, [path], _OPTIONS, engine="compiled").summary.flows
        capture_bytes = path.stat().st_size
    peak_bytes = _peak_bytes()
    tell(f"opening {live_flows:,} flows")
    hits, bytes_per_flow = _hits(rules, live_flows, rounds)
    return Speed(
        machine=_machine(),
        seed=SEED,
        rules=RULES,
        rounds=rounds,
        packets=written.packets,
        flows=flows.tracked + flows.untracked,
        capture_bytes=capture_bytes,
        checked_packets=checked,
        load_s=load_s,
        was_compiled=was_compiled,
        decode=decode,
        judge=judge,
        replay_one_thread=one,
        replay_two_threads=two,
        reference=reference,
        compiled_to_reference=judge.median / reference.median,
        peak_bytes=peak_bytes,
        live_flows=live_flows,
        hits=hits,
        bytes_per_flow=bytes_per_flow,
    )


def _machine() -> Machine:
    return Machine(
        python=platform.python_version(),
        numpy=version("numpy"),
        numba=version("numba"),
        system=f"{platform.system()} {platform.machine()}",
        processors=os.cpu_count() or 1,
    )


def _load(rules: Inventory) -> tuple[float, bool]:
    begun = time.perf_counter()
    make_engine("compiled", rules, _OPTIONS, record_flows=False)
    load_s = time.perf_counter() - begun
    from sgsim.kernels.entry_points import ENGINE  # noqa: PLC0415  # loading it is what was timed

    return load_s, ENGINE.was_compiled


def _traffic(packets: int) -> synthetic.Synthetic:
    """Nine tenths of the packets are of web clients, the rest of look-ups."""
    web, dns = (synthetic.scenario(kind, seed=SEED, duration=_DURATION_S) for kind in ("web", "dns"))
    made = [
        evolve(part, rate=part.rate * max(round(packets * share), 1) / max(traffic.expected_packets, 1))
        for traffic, share in ((web, 9 / 10), (dns, 1 / 10))
        for part in traffic.parts
    ]
    return synthetic.mix(*made, seed=SEED, duration=_DURATION_S, name="bench")


def _check(path: Path, rules: Inventory, rounds: int) -> tuple[int, Spread]:
    """Refuse to time engines that do not agree; the rate of the reference engine is found on the way."""
    from sgsim.sources.native import NativePcapSource  # noqa: PLC0415  # loading it was timed

    batch = next(NativePcapSource(path).batches(batch_rows=SLICE))
    batch = select_rows(batch, 0, min(SLICE, len(batch.time_ns)))
    compiled = make_engine("compiled", rules, _OPTIONS, record_flows=False)
    actual = _plain(compiled, compiled.filter(batch))
    rates = []
    for _ in range(rounds):
        reference = ReferenceBatches(rules, _OPTIONS, False)  # noqa: FBT003  # takes it by position
        with _seconds() as passed:
            decisions = reference.filter(batch)
        rates.append(len(batch.time_ns) / passed[0])
        expected = _plain(reference, decisions)
        if actual != expected:
            place = next((at for at, pair in enumerate(zip(expected, actual, strict=False)) if pair[0] != pair[1]), -1)
            raise SgsimError(
                f"the engines must decide alike before they are timed, got other answers in decision {place + 1}; "
                "sgsim conformance says which engine is wrong"
            )
    return len(batch.time_ns), Spread.of(rates)


def _plain(engine: Engine, decisions: DecisionColumns) -> list[tuple[object, ...]]:
    """Decisions as rows that do not depend on the order in which an engine numbers rules."""
    rules = [engine.rules[rule].rule_id if rule >= 0 else None for rule in decisions.rule.tolist()]
    columns = (column.tolist() for name, column in decisions._asdict().items() if name != "rule")
    return list(zip(rules, *columns, strict=True))


@contextmanager
def _seconds(clock: Callable[[], float] = time.process_time) -> "Iterator[list[float]]":
    """Time the body; what others have left behind is collected before."""
    gc.collect()
    passed: list[float] = []
    begun = clock()
    yield passed
    passed.append(max(clock() - begun, _LEAST_S))


def _each(path: Path, rules: Inventory, rounds: int) -> tuple[Spread, Spread]:
    """Rates of decoding alone and of judging alone."""
    from sgsim.sources.native import NativePcapSource  # noqa: PLC0415  # as above

    decode, judge = [], []
    for _ in range(rounds):
        engine = make_engine("compiled", rules, _OPTIONS, record_flows=False)
        packets, decode_s, judge_s = 0, _LEAST_S, _LEAST_S
        batches = NativePcapSource(path).batches()
        while True:
            begun = time.process_time()
            batch = next(batches, None)
            decoded = time.process_time()
            decode_s += decoded - begun
            if batch is None:
                break
            engine.filter(batch)
            judge_s += time.process_time() - decoded
            packets += len(batch.time_ns)
            del batch  # so that its memory can be used again
        decode.append(packets / decode_s)
        judge.append(packets / judge_s)
    return Spread.of(decode), Spread.of(judge)


def _replay(path: Path, rules: Inventory, threads: int, packets: int, rounds: int) -> Spread:
    rates = []
    for _ in range(rounds):
        with _seconds(time.perf_counter) as passed:
            run(rules, [path], _OPTIONS, engine="compiled", threads=threads)
        rates.append(packets / passed[0])
    return Spread.of(rates)


def _hits(rules: Inventory, live: int, rounds: int) -> tuple[Spread, float]:
    """The rate of packets of flows that are live, and the bytes of the table for each."""
    engine: CompiledEngine = make_engine("compiled", rules, _OPTIONS, record_flows=False)  # type: ignore[assignment]  # as it is named
    for batch in opening(0, live, 10**9 / live):
        engine.filter(batch)
    rng = np.random.default_rng(SEED)
    reasons = np.unique(engine.filter(next(hitting(rng, live, 1))).reason)
    if reasons.tolist() != [Reason.ESTABLISHED]:
        raise SgsimError(f"all packets must be {Reason.ESTABLISHED}, got {[str(Reason(each)) for each in reasons]}")
    rates = []
    for _ in range(rounds):
        batches = list(hitting(rng, live, HITS))
        with _seconds() as passed:
            for batch in batches:
                engine.filter(batch)
        rates.append(_rows(batches) / passed[0])
    return Spread.of(rates), engine.table_bytes / live


def _rows(batches: Sequence[PacketColumns]) -> int:
    return sum(len(batch.time_ns) for batch in batches)


def _peak_bytes() -> int | None:
    """The most memory that this process has had."""
    try:
        import resource  # noqa: PLC0415  # Windows has none
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
