"""The table of the compiled engine alone: hits on many live flows, steady churn, and memory for each flow.

    python benchmarks/tables.py [hits] [churn] [--flows N ...] [--record-flows]

Packets are columns already. `hits`: packets of random flows among N that are live, either direction. `churn`: each packet
opens a flow, and one expires for it; N are live at any time. Before any time is taken, what the engine says of the first
packets must be what is due: all established, or all new. Rates are of processor time on one thread, the median of some
rounds; bytes are those of the arrays, and what the process has grown by, over N.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np

from sgsim.engine.compiled import CompiledEngine
from sgsim.engine.options import EngineOptions
from sgsim.model.columns import PacketColumns
from sgsim.model.decision import Reason
from sgsim.simulation.live_flows import BATCH_ROWS, hitting, opening
from sgsim.simulation.made_rules import made_inventory

LIVE: Final = (10_000, 100_000, 1_000_000, 10_000_000)
ROUNDS: Final = 5
HITS: Final = 2_000_000
UDP_NS: Final = 30 * 10**9
"""How long a flow of one packet is remembered, in the default profile."""


def rate(engine: CompiledEngine, batches: list[PacketColumns]) -> float:
    """Packets per second of processor time."""
    begun = time.process_time()
    for batch in batches:
        engine.filter(batch)
    return sum(len(batch.time_ns) for batch in batches) / (time.process_time() - begun)


def check(engine: CompiledEngine, batch: PacketColumns, reason: Reason) -> None:
    """Refuse to time anything else than what is meant."""
    reasons = np.unique(engine.filter(batch).reason)
    if reasons.tolist() != [reason]:
        sys.exit(f"all must be {reason}, got {[str(Reason(each)) for each in reasons]}")


def resident_bytes() -> int:
    """What the process has in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def hits(live: int, *, record_flows: bool) -> None:
    """Print the line of one number of live flows."""
    before = resident_bytes()
    engine = CompiledEngine(made_inventory(60), EngineOptions(recorded=True), record_flows=record_flows)
    for batch in opening(0, live, 10**9 / live):
        engine.filter(batch)
    grown = (resident_bytes() - before) / live
    rng = np.random.default_rng(1)
    check(engine, next(hitting(rng, live, BATCH_ROWS)), Reason.ESTABLISHED)
    rates = [rate(engine, list(hitting(rng, live, HITS))) for _ in range(ROUNDS)]
    bytes_each = f"{engine.table_bytes / live:6.1f} B in arrays, {grown:6.1f} B resident"
    print(f"hits   {live:9,} live  {statistics.median(rates) / 1e6:6.1f} Mpps  {bytes_each}", flush=True)


def churn(live: int, *, record_flows: bool) -> None:
    """Print the line of one number of live flows."""
    engine = CompiledEngine(
        made_inventory(60), EngineOptions(recorded=True, cold_start=True), record_flows=record_flows
    )
    step_ns = UDP_NS / live
    for batch in opening(0, live, step_ns):
        engine.filter(batch)
    check(engine, next(opening(live, BATCH_ROWS, step_ns)), Reason.RULE)
    first, rates = live + BATCH_ROWS, []
    for _ in range(ROUNDS):
        count = min(max(live // 4, 100_000), 1_000_000)
        rates.append(rate(engine, list(opening(first, count, step_ns))))
        first += count
        engine.ended_flows()
    count = next(iter(engine.pressure().values())).count
    print(f"churn  {live:9,} live  {statistics.median(rates) / 1e6:6.1f} Mpps  ({count:,} in the end)", flush=True)


def main() -> None:
    """Print a line for each measure and number of flows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("measures", nargs="*", default=["hits", "churn"])
    parser.add_argument("--flows", type=int, nargs="+", default=LIVE)
    parser.add_argument("--record-flows", action="store_true")
    options = parser.parse_args()
    for measure in options.measures:
        for live in options.flows:
            {"hits": hits, "churn": churn}[measure](live, record_flows=options.record_flows)


if __name__ == "__main__":
    main()
