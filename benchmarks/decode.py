"""How fast captures become columns: packets a second of reading, of decoding, and of both, on one thread.

`python benchmarks/decode.py [a] [b] [big] [--rounds N]`. Before any time is taken, the first packets of each capture are
decoded by the readable decoder too and compared. Times are those of the processor, the best of some rounds: the machine
may have other work. `decode` is what passes inside compiled code while a capture is read; `read` is a bare loop over the
file.
"""

import argparse
import importlib
import io
import itertools
import resource
import time
from pathlib import Path

import corpora
import numpy as np

from sgsim.model.columns import PacketColumns
from sgsim.sources import PcapSource
from sgsim.sources.byte_window import WINDOW_BYTES
from sgsim.sources.native import NATIVE_BATCH_ROWS, NativePcapSource

_KERNELS = "sgsim.kernels.entry_points"
_CHECKED_BYTES = 8_000_000


def check(path: Path) -> int:
    """Compare both decoders on the first bytes of a capture, and give how many packets were compared."""
    with path.open("rb") as file:
        whole = file.read(_CHECKED_BYTES)
    compared = 0
    both = (kind(io.BytesIO(whole), name=path.name) for kind in (PcapSource, NativePcapSource))
    expected, actual = (_until_broken(source.batches(batch_rows=NATIVE_BATCH_ROWS)) for source in both)
    for left, right in itertools.zip_longest(expected, actual):
        for name in PacketColumns._fields[:-1]:
            np.testing.assert_array_equal(getattr(left, name), getattr(right, name), name)
        compared += len(left.number)
    return compared


def _until_broken(batches):  # noqa: ANN001, ANN202 - batches of a source; the cut at the end is ours
    try:
        yield from batches
    except ValueError:
        return


def read(path: Path) -> None:
    """Read a file as the native source does, and look at nothing."""
    room = bytearray(WINDOW_BYTES)
    with path.open("rb") as file:
        while file.readinto1(room):
            pass


def decode(path: Path, batch_rows: int = NATIVE_BATCH_ROWS) -> int:
    """Read and decode a capture, and give how many packets it has."""
    return sum(len(batch.number) for batch in NativePcapSource(path).batches(batch_rows=batch_rows))


def _best(rounds: int, act, *arguments) -> float:  # noqa: ANN001, ANN002 - any function
    times = []
    for _ in range(rounds):
        begin = time.thread_time()
        act(*arguments)
        times.append(time.thread_time() - begin)
    return min(times)


def _best_inside(rounds: int, path: Path) -> float:
    """Seconds of a pass that were spent in compiled code."""
    module = importlib.import_module(_KERNELS)
    kernel = module.decode_batch
    spent = 0.0

    def timed(*arguments: int) -> int:
        nonlocal spent
        begin = time.thread_time()
        status = kernel(*arguments)
        spent += time.thread_time() - begin
        return status

    times = []
    module.decode_batch = timed
    try:
        for _ in range(rounds):
            spent = 0.0
            decode(path)
            times.append(spent)
    finally:
        module.decode_batch = kernel
    return min(times)


def main() -> None:
    """Print one line for each capture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=["a", "b"])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    begin = time.perf_counter()
    importlib.import_module(_KERNELS)  # compiled or loaded here
    print(f"kernels ready after {time.perf_counter() - begin:.2f} s")
    for name in options.names:
        path = corpora.path(name)
        compared = check(path)
        packets = decode(path)
        mpps = {
            "read": packets / _best(options.rounds, read, path) / 1e6,
            "decode": packets / _best_inside(options.rounds, path) / 1e6,
            "read+decode": packets / _best(options.rounds, decode, path) / 1e6,
        }
        for rows in (4096, 65_536):
            mpps[f"in batches of {rows}"] = packets / _best(options.rounds, decode, path, rows) / 1e6
        figures = ", ".join(f"{what} {value:.1f}" for what, value in mpps.items())
        print(f"{name}: {packets} packets ({compared} compared); Mpps: {figures}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
