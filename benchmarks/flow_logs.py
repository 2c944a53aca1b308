"""How fast flow logs are read and replayed: lines a second, beside other programs, in one run.

`python benchmarks/flow_logs.py [--records N] [--interfaces N] [--rounds N]`. The log is made here from a seed: web clients,
both directions of each connection, as text in the default format and with flags and directions. Before any time is taken,
what each reader gives is compared with what was written; a reader that is not installed is left out. `flowlogs-reader` and
`pyarrow` are for this file alone: `pip install flowlogs-reader pyarrow`.

Times are those of the processor, the best of some rounds: the machine may have other work. All read the default format;
the compiled reader of sgsim has typed columns with addresses as numbers in the end, polars and pyarrow have texts.
"""

import argparse
import importlib.util
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

import sgsim
from sgsim.simulation.api import traffic_options
from sgsim.simulation.driver import run
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.flow_log_format import DEFAULT_FORMAT
from sgsim.sources.flow_log_native import NativeTextLines
from sgsim.sources.flow_log_problems import FlowLogProblems
from sgsim.sources.flow_log_text import TextLines

HEADER = f"{DEFAULT_FORMAT.header} tcp-flags flow-direction"
SLOW_LINES = 100_000
"""What pure Python reads of the log; a rate does not depend on its length."""


def write_logs(folder: Path, records: int, interfaces: int) -> tuple[Path, Path, int]:
    """Write the two logs and the rules; give their paths, and the sum of all bytes that are logged."""
    rng = np.random.default_rng(1)
    pairs = records // 2
    packets = rng.integers(1, 40, pairs)
    columns = (
        np.sort(rng.integers(0, 3600, pairs)) + 1_700_000_000,
        rng.integers(0, interfaces, pairs),
        rng.integers(0, 1 << 16, pairs),
        rng.integers(32_768, 61_000, pairs),
        packets,
        np.where(packets == 1, 0, rng.integers(0, 60, pairs)),
    )
    plain, flagged = folder / "default.log", folder / "flags.log"
    with plain.open("w") as to_plain, flagged.open("w") as to_flagged:
        to_flagged.write(HEADER + "\n")
        for start, number, client, port, count, length in zip(*(column.tolist() for column in columns), strict=True):
            own, peer = f"10.0.{number // 100}.{number % 100 + 1}", f"198.51.{client >> 8}.{client & 255}"
            rest = f"6 {count} {count * 840} {start} {start + length} ACCEPT OK"
            begin = f"2 123456789010 eni-{number:017x}"
            there, back = f"{begin} {peer} {own} {port} 443 {rest}", f"{begin} {own} {peer} 443 {port} {rest}"
            closes = int(count > 1)
            to_plain.write(f"{there}\n{back}\n")
            to_flagged.write(f"{there} {2 + closes} ingress\n{back} {18 + closes} egress\n")
    known = "".join(
        f"  eni-{number:017x}: {{addresses: 10.0.{number // 100}.{number % 100 + 1}, groups: sg-web}}\n"
        for number in range(interfaces)
    )
    rule = "groups:\n  sg-web:\n    ingress:\n      - {protocol: tcp, ports: 443, from: 198.51.0.0/16}\ninterfaces:\n"
    (folder / "rules.yaml").write_text(rule + known)
    return plain, flagged, int(packets.sum()) * 840 * 2


def sgsim_native(path: Path, most: int | None = None) -> tuple[int, int]:
    """Read with the compiled reader; give lines and logged bytes, as all readers here."""
    return _ours(NativeTextLines, path, most)


def sgsim_python(path: Path, most: int | None = None) -> tuple[int, int]:
    """Read with the readable reader."""
    return _ours(TextLines, path, most)


def _ours(kind: type, path: Path, most: int | None) -> tuple[int, int]:
    lines = size = 0
    with path.open("rb") as stream:
        for batch in kind(ByteReader(stream), None, [], path.name, FlowLogProblems()).batches(65_536):
            lines, size = lines + len(batch.line), size + int(batch.bytes.sum())
            if most is not None and lines >= most:
                break
    return lines, size


def polars_csv(path: Path) -> tuple[int, int]:
    """Read with polars, on one thread if POLARS_MAX_THREADS=1 is set."""
    import polars as pl  # noqa: PLC0415  # a peer

    frame = pl.read_csv(path, separator=" ", has_header=False, new_columns=list(DEFAULT_FORMAT.names))
    return len(frame), int(frame["bytes"].sum())


def pyarrow_csv(path: Path) -> tuple[int, int]:
    """Read with pyarrow, on one thread."""
    from pyarrow import compute, csv  # noqa: PLC0415  # a peer

    options = csv.ReadOptions(column_names=list(DEFAULT_FORMAT.names), use_threads=False)
    table = csv.read_csv(path, read_options=options, parse_options=csv.ParseOptions(delimiter=" "))
    return len(table), compute.sum(table["bytes"]).as_py()


def flowlogs_reader(path: Path, most: int) -> tuple[int, int]:
    """Read with flowlogs-reader, line by line."""
    from flowlogs_reader import FlowRecord  # noqa: PLC0415  # a peer

    with path.open() as stream:
        found = [FlowRecord.from_cwl_event({"message": line}).bytes for line in islice(stream, most)]
    return len(found), sum(found)


def rates(path: Path, total: tuple[int, int], rounds: int) -> Iterator[tuple[str, float]]:
    """Millions of lines a second of each reader, after what it gives was compared."""
    slow = sgsim_native(_head(path))
    whole: dict[str, Callable[[], tuple[int, int]]] = {
        "sgsim compiled": lambda: sgsim_native(path),
        "polars": lambda: polars_csv(path),
        "pyarrow": lambda: pyarrow_csv(path),
        "sgsim readable": lambda: sgsim_python(_head(path)),
        "flowlogs-reader": lambda: flowlogs_reader(path, SLOW_LINES),
    }
    for name, act in whole.items():
        if importlib.util.find_spec(name.split()[0].replace("-", "_")) is None:
            print(f"{name} is not installed and left out")
            continue
        got = act()
        if got not in {total, slow}:
            raise SystemExit(f"{name} must read {total} or {slow} lines and bytes, got {got}")
        yield name, got[0] / _best(rounds, act) / 1e6


def _head(path: Path) -> Path:
    """The first lines of a log, in a file of their own."""
    head = path.with_suffix(".head")
    if not head.exists():
        with path.open() as stream:
            head.write_text("".join(islice(stream, SLOW_LINES)))
    return head


def _best(rounds: int, act: Callable[[], object]) -> float:
    times = []
    for _ in range(rounds):
        begin = time.process_time()
        act()
        times.append(time.process_time() - begin)
    return min(times)


def replay(folder: Path, path: Path, engine: str, threads: int) -> "sgsim.Replay":
    """Replay a log."""
    rules = sgsim.load(folder / "rules.yaml")
    return run(rules, [path], traffic_options(), engine=engine, threads=threads)


def check_engines(folder: Path, path: Path) -> None:
    """Both engines must come to the same summary."""
    from attrs import evolve  # noqa: PLC0415  # for this alone

    head = _head(path)
    expected, actual = (replay(folder, head, engine, 1).summary for engine in ("reference", "compiled"))
    if evolve(expected, engine="") != evolve(actual, engine=""):
        raise SystemExit("both engines must come to the same summary")


def main() -> None:
    """Print one line for each reader, then for each replay."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=2_000_000)
    parser.add_argument("--interfaces", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain, flagged, size = write_logs(folder, options.records, options.interfaces)
        lines = options.records // 2 * 2
        for reader, rate in rates(plain, (lines, size), options.rounds):
            print(f"read, default format: {reader:16} {rate:6.2f} M lines/s of the processor")
        for path in (plain, flagged):
            check_engines(folder, path)
            for threads in (1, 2):
                act = lambda path=path, threads=threads: replay(folder, path, "compiled", threads)  # noqa: E731
                agreement = act().summary.records.agreement
                begin = time.perf_counter()
                processor = _best(options.rounds, act)
                wall = (time.perf_counter() - begin) / options.rounds
                print(
                    f"replay, {path.name}, {threads} thread(s): {lines / wall / 1e6:.2f} M records/s, "
                    f"{lines / processor / 1e6:.2f} M/s of the processor; "
                    f"{agreement.agreed.records} of {agreement.compared.records} agree"
                )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
