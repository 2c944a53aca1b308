"""How fast synthetic traffic is made and written: packets a second of processor time, on one thread.

    python benchmarks/synthetic.py [SCENARIO ...] [--packets N]

`rows` is making packets alone, `columns` making them as a source gives them to an engine, `pcap` making them and writing a
capture with nanoseconds and 128 bytes of each frame to a file. Before any time is taken, the first packets of a capture are
read back and compared with those that were made.
"""

import argparse
import io
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from attrs import evolve

from sgsim.sources import PcapSource
from sgsim.sources.synthetic import Synthetic, scenario
from sgsim.sources.synthetic.pcap_bytes import PcapBytes
from sgsim.sources.synthetic.writing import write_capture

SCENARIOS = ("web", "dns", "syn-flood", "udp-stream", "masscan-incident")
_CHECKED = 20_000


def scaled(name: str, packets: int) -> Synthetic:
    """A scenario that lasts until it has about so many packets."""
    fast = {"web": {"rate": 2000}, "dns": {"rate": 50_000}}.get(name, {})
    traffic = scenario(name, **fast)
    if name != "masscan-incident":
        traffic = scenario(name, **fast, **({"lasting": "1h"} if name == "syn-flood" else {}), duration="60s")
    return evolve(traffic, duration_ns=max(int(traffic.duration_ns * packets / traffic.expected_packets), 10**9))


def check(traffic: Synthetic) -> None:
    """Refuse to time what cannot be read back."""
    expected = next(traffic.bound().batches(batch_rows=_CHECKED))
    writer = PcapBytes()
    data = writer.header() + writer.records(next(traffic.bound().rows(_CHECKED)))
    actual = next(PcapSource(io.BytesIO(data), name="capture").batches(batch_rows=_CHECKED))
    for name in ("time_ns", "src_lo", "dst_lo", "src_port", "dst_port", "tcp_flags", "protocol", "length_bytes"):
        np.testing.assert_array_equal(getattr(expected, name), getattr(actual, name), name)


def rate(packets: Callable[[], int]) -> tuple[int, float]:
    """How many packets, and how many a second."""
    begun = time.process_time()
    count = packets()
    return count, count / (time.process_time() - begun)


def main() -> None:
    """Print a line for each scenario."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=SCENARIOS)
    parser.add_argument("--packets", type=int, default=2_000_000)
    options = parser.parse_args()
    print("scenario            packets   rows  columns   pcap   (million packets/s)")
    for name in options.names:
        traffic = scaled(name, options.packets)
        check(traffic)
        source = traffic.bound()
        count, rows = rate(lambda source=source: sum(len(each) for each in source.rows()))
        _, columns = rate(lambda source=source: sum(len(each.time_ns) for each in source.batches()))
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "made.pcap"
            _, pcap = rate(lambda source=source, target=target: write_capture(source, target).packets)
        print(f"{name:17} {count:9,}  {rows / 1e6:5.2f}  {columns / 1e6:7.2f}  {pcap / 1e6:5.2f}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
