"""The Linux kernel's own connection tracking on the same packets, beside sgsim.

    sudo python benchmarks/kernel_conntrack.py [a] [b] [--packets N]

In a network namespace of its own the capture is sent into one end of a virtual cable as fast as tcpreplay can; the other
end forwards what comes out of it to an interface that throws it away, through an nftables chain. That is done without
and with tracking; the difference is what tracking and rules cost the kernel. Beside it stands what judging costs sgsim's
compiled engine on one thread. Needs root and, from Debian, iproute2, nftables, conntrack, tcpreplay.

The kernel does more for a packet than we do, and less: it moves it through devices, and has no capacity model or record.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import corpora
import engines
import numpy as np

from sgsim.simulation.made_rules import made_inventory

NAMESPACE: Final = f"sgsim-bench-{os.getpid()}"
NEEDED: Final = ("ip", "nft", "conntrack", "tcpreplay", "tcprewrite")
ROUNDS: Final = 3

NO_TRACKING: Final = """table inet sgsim {
  chain forward { type filter hook forward priority 0; policy accept; }
}"""
TRACKING: Final = """table inet sgsim {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    ct state new accept
  }
}"""


def inside(*words: str, check: bool = True) -> str:
    """Run a command in the namespace."""
    done = subprocess.run(["ip", "netns", "exec", NAMESPACE, *words], check=False, capture_output=True, text=True)
    if check and done.returncode:
        sys.exit(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@contextmanager
def namespace() -> Iterator[None]:
    """A namespace with a cable from `outside` to `inside`, and `nowhere` behind it; gone whatever happens."""
    subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
    try:
        inside("ip", "link", "add", "outside", "type", "veth", "peer", "name", "inside")
        inside("ip", "link", "add", "nowhere", "type", "veth", "peer", "name", "void")
        inside("ip", "link", "set", "nowhere", "arp", "off")
        inside("ip", "link", "set", "inside", "address", "02:02:02:02:02:02")  # what the frames are sent to
        for name in ("outside", "inside", "nowhere", "void"):
            inside("ip", "link", "set", name, "up")
        inside("ip", "address", "add", "192.0.2.1/24", "dev", "inside")
        inside("ip", "route", "add", "default", "dev", "nowhere")
        for setting in ("ip_forward=1", "conf.all.rp_filter=0", "conf.inside.rp_filter=0", "conf.nowhere.rp_filter=0"):
            name, _, value = setting.partition("=")
            inside("sysctl", "-qw", f"net.ipv4.{name}={value}")
        inside("sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_be_liberal=1", check=False)
        yield
    finally:
        subprocess.run(["ip", "netns", "delete", NAMESPACE], check=False)


def with_checksums(capture: Path, folder: Path, packets: int) -> Path:
    """The first packets with the checksums that the kernel wants to see."""
    part, target = folder / "part.pcap", folder / "sent.pcap"
    with capture.open("rb") as file, part.open("wb") as out:
        out.write(file.read(24))
        for _ in range(packets):
            header = file.read(16)
            if len(header) < 16:
                break
            out.write(header + file.read(int.from_bytes(header[8:12], "little")))
    subprocess.run(["tcprewrite", "--fixcsum", "-i", str(part), "-o", str(target)], check=True, capture_output=True)
    part.unlink()
    return target


def kernel_ns(sent: Path, rules: str) -> tuple[float, int]:
    """Nanoseconds for each packet, the median of rounds, and how many entries there were in the end."""
    inside("nft", "flush ruleset")
    inside("nft", rules)
    costs = []
    entries = 0
    for _ in range(ROUNDS):
        inside("conntrack", "-F", check=False)
        told = inside("tcpreplay", "--topspeed", "--preload-pcap", "-i", "outside", str(sent))
        found = re.search(r"Actual: (\d+) packets .* in ([\d.]+) seconds", told)
        if not found:
            sys.exit(f"tcpreplay must say how long it took, got: {told}")
        costs.append(float(found[2]) / int(found[1]) * 1e9)
        entries = int(inside("conntrack", "-C").strip() or 0)
    return float(np.median(costs)), entries


def main() -> None:
    """Print a line for each capture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("captures", nargs="*", default=["a", "b"])
    parser.add_argument("--packets", type=int, default=200_000, help="the kernel's default table has 262,144 places")
    given = parser.parse_args()
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if os.geteuid() or missing:
        sys.exit(f"this needs root and {', '.join(NEEDED)}; missing: {', '.join(missing) or 'root'}")
    print("capture  kernel ns: forward  + tracking  entries   sgsim ns: judge   forward+tracking / judge")
    for name in given.captures:
        capture = corpora.path(name)
        rules = made_inventory(60)
        engines.check(capture, rules)
        with tempfile.TemporaryDirectory() as folder, namespace():
            sent = with_checksums(capture, Path(folder), given.packets)
            forward_ns, _ = kernel_ns(sent, NO_TRACKING)
            tracking_ns, entries = kernel_ns(sent, TRACKING)
        judge_ns = 1e9 / float(np.median([rates[1] for rates in engines.compiled_rates(capture, rules)]))
        print(
            f"{name:7}  {forward_ns:18.0f}  {tracking_ns:10.0f}  {entries:7,}   {judge_ns:15.0f}   "
            f"{tracking_ns / judge_ns:24.1f}"
        )


if __name__ == "__main__":
    main()
