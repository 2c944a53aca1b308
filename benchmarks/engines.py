"""How fast each engine is, on the same packets with the same rules.

First both judge a slice, and must give the same decisions; then each is timed on captures of `corpora`. The figures are
packets per second of processor time on one thread, for decoding, judging, and both, with code already loaded; the
reference engine judges a part. `two threads` is of the time that passed while one thread decodes and another judges, and
so means something only on a machine without other work.

    python benchmarks/engines.py [a b big]
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import corpora
import numpy as np

from sgsim.engine.compiled import CompiledEngine
from sgsim.engine.options import EngineOptions
from sgsim.engine.reference_batches import ReferenceBatches
from sgsim.model.columns import DecisionColumns, select_rows
from sgsim.rules.inventory import Inventory
from sgsim.simulation.made_rules import made_inventory
from sgsim.simulation.pipeline import ReadAhead
from sgsim.sources.native import NativePcapSource

RULES = (60, 300)
SLICE = 20_000
RUNS = 7


def check(path: Path, rules: Inventory) -> None:
    """Refuse to time engines that do not agree."""
    batch = next(NativePcapSource(path).batches(batch_rows=SLICE))
    engines = (
        CompiledEngine(rules, EngineOptions(recorded=True)),
        ReferenceBatches(rules, EngineOptions(recorded=True)),
    )
    actual, expected = (_named(engine, engine.filter(batch)) for engine in engines)
    if actual != expected:
        sys.exit(f"the engines disagree on {path}")


def _named(engine: CompiledEngine | ReferenceBatches, decisions: DecisionColumns) -> list[list[object]]:
    rules = [engine.rules[rule].rule_id if rule >= 0 else None for rule in decisions.rule.tolist()]
    return [rules, *(column.tolist() for name, column in decisions._asdict().items() if name != "rule")]


def compiled_rates(path: Path, rules: Inventory) -> Iterator[tuple[float, float, float]]:
    """Packets per second of decoding, judging and both, for each run."""
    for _ in range(RUNS):
        engine = CompiledEngine(rules, EngineOptions(recorded=True), record_flows=False)
        packets, decode_s, filter_s = 0, 0.0, 0.0
        batches = NativePcapSource(path).batches()
        while True:
            begun = time.process_time()
            batch = next(batches, None)
            decoded = time.process_time()
            decode_s += decoded - begun
            if batch is None:
                break
            engine.filter(batch)
            filter_s += time.process_time() - decoded
            packets += len(batch.time_ns)
        yield packets / decode_s, packets / filter_s, packets / (decode_s + filter_s)


def two_threads_rate(path: Path, rules: Inventory) -> float:
    """Packets per second of decoding in one thread and judging in another, the median of some runs."""
    rates = []
    for _ in range(RUNS):
        engine = CompiledEngine(rules, EngineOptions(recorded=True), record_flows=False)
        begun, packets = time.perf_counter(), 0
        for batch in ReadAhead(NativePcapSource(path).batches()):
            engine.filter(batch)
            packets += len(batch.time_ns)
        rates.append(packets / (time.perf_counter() - begun))
    return float(np.median(rates))


def reference_rate(path: Path, rules: Inventory) -> float:
    """Packets per second of judging a slice."""
    batch = select_rows(next(NativePcapSource(path).batches(batch_rows=SLICE)), 0, SLICE)
    engine = ReferenceBatches(rules, EngineOptions(recorded=True))
    begun = time.process_time()
    engine.filter(batch)
    return SLICE / (time.process_time() - begun)


def main() -> None:
    """Print a line for each capture and number of rules."""
    print("capture rules  decode  judge   both  two threads  reference  compiled/reference   (million packets/s)")
    for name in sys.argv[1:] or ["a", "b"]:
        path = corpora.path(name)
        for number in RULES:
            rules = made_inventory(number)
            check(path, rules)
            decode, judge, both = np.median(list(compiled_rates(path, rules)), axis=0) / 1e6
            threaded, reference = two_threads_rate(path, rules) / 1e6, reference_rate(path, rules) / 1e6
            rates = f"{decode:6.1f}  {judge:5.1f}  {both:5.1f}  {threaded:11.1f}  {reference:9.3f}"
            print(f"{name:7} {number:5}  {rates}  {judge / reference:10.0f}")


if __name__ == "__main__":
    main()
