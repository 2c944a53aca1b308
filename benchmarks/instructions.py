"""How many instructions the compiled engine takes for a packet, counted by valgrind.

    python benchmarks/instructions.py [WORKLOAD ...]

Counts do not hang on what else the machine does. valgrind knows no AVX-512, so kernels are compiled for processors without
it; code for others has fewer. `a` and `b` are the first packets of the corpora, of which those of `b` all open a flow;
`hits` are packets of 100,000 live flows in no order; under `churn` each packet opens a flow, and another of 100,000 ends.
What is counted is what was compiled, in two runs, one of which does all but judge: so only judging is left.
"""

import argparse
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import corpora
import numpy as np

from sgsim.engine.compiled import CompiledEngine
from sgsim.engine.options import EngineOptions
from sgsim.kernels import entry_points, kept_code
from sgsim.model.columns import PacketColumns
from sgsim.simulation.live_flows import hitting, opening
from sgsim.simulation.made_rules import made_inventory
from sgsim.sources.native import NativePcapSource

PACKETS: Final = {"a": 600_000, "b": 300_000, "hits": 300_000, "churn": 300_000}
"""How many are judged of each workload, or some more: the rest of a batch."""

LIVE: Final = 100_000
STEP_NS: Final = 30 * 10**9 / LIVE
"""Between two packets of `churn`, as a flow of one packet is remembered for 30 seconds."""

_TARGET: Final = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+bmi,+bmi2,+popcnt,+lzcnt,+sse4.2"}
_OBJECT: Final = re.compile(r"^(c?)ob=\((\d+)\)(?: (.*))?")
_NO_FILE: Final = ("???", "libffi")
"""What callgrind takes for the file of code that stands in none: nothing, or the one that Python calls it by."""
_COST: Final = re.compile(r"^[\d+*-]\S* (\d+)$")


def traffic(workload: str) -> Iterator[PacketColumns]:
    """The packets to judge."""
    count = PACKETS[workload]
    if workload == "hits":
        yield from hitting(np.random.default_rng(1), LIVE, count)
    elif workload == "churn":
        yield from opening(LIVE, count, STEP_NS)
    else:
        for batch in NativePcapSource(corpora.path(workload)).batches():
            yield batch
            count -= len(batch.time_ns)
            if count <= 0:
                return


def work(workload: str, code: Path, *, judges: bool) -> None:
    """Do the work that is counted; print how many packets there were."""
    made = pickle.loads(code.read_bytes())  # noqa: S301 - written by this program
    kept_code.find = lambda module, name: made.get((module, name))
    options = EngineOptions(recorded=True, cold_start=workload == "churn")
    engine = CompiledEngine(made_inventory(60), options, record_flows=False)
    if workload in {"hits", "churn"}:
        for batch in opening(0, LIVE, STEP_NS if workload == "churn" else 10**9 / LIVE):
            engine.filter(batch)
    packets = 0
    for batch in traffic(workload):
        packets += len(batch.time_ns)
        if judges:
            engine.filter(batch)
    sys.stdout.write(f"{packets}\n")


def compiled_cost(counts: Path) -> int:
    """The instructions of code that stands in no file, which is what was compiled."""
    names: dict[str, str] = {}
    is_compiled = is_called = False
    cost = 0
    for line in counts.read_text().splitlines():
        if found := _OBJECT.match(line):
            names.setdefault(found[2], found[3])
            if not found[1]:  # else it is that of a called function
                is_compiled = any(name in names[found[2]] for name in _NO_FILE)
        elif line.startswith("calls="):
            is_called = True  # the next line has what the called function took, which is counted there
        elif found := _COST.match(line):
            cost += int(found[1]) if is_compiled and not is_called else 0
            is_called = False
    return cost


def counted(workload: str, code: Path, *, judges: bool) -> tuple[int, int]:
    """Run the work under valgrind: the instructions of compiled code, and the packets."""
    counts = code.with_suffix(".callgrind")
    words = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={counts}", sys.executable, __file__, workload]
    words += ["--code", str(code), *(["--judges"] if judges else [])]
    done = subprocess.run(words, check=True, capture_output=True, text=True, env={**os.environ, **_TARGET})
    return compiled_cost(counts), int(done.stdout)


def main() -> None:
    """Compile once, and print a line for each workload."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", choices=[*PACKETS, []], default=[])
    parser.add_argument("--code", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--judges", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.code:
        work(options.workloads[0], options.code, judges=options.judges)
        return
    if not shutil.which("valgrind"):
        sys.exit("valgrind must be installed, as by `apt install valgrind`")
    os.environ.update(_TARGET)
    from sgsim.kernels.jit import machine_code  # noqa: PLC0415 - numba reads its settings when it is imported

    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder, "code")
        made = {(each.module, each.name): machine_code(each.function) for each in entry_points.ENGINE}
        code.write_bytes(pickle.dumps(made))
        for workload in options.workloads or PACKETS:
            without, _ = counted(workload, code, judges=False)
            cost, packets = counted(workload, code, judges=True)
            print(f"{workload:6}{(cost - without) / packets:8.0f} instructions a packet, of {packets:,}", flush=True)


if __name__ == "__main__":
    main()
