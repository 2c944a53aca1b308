"""sgsim beside other programs that read captures, as whole processes, on the same file in the same run.

    python benchmarks/peers.py [a] [b] [big] [--rounds N] [--only NAME ...]

Peers that are not installed are left out and named. On Debian they are the packages softflowd, argus-server, nfdump,
libndpi-bin, tshark, tcpdump, tcptrace and libtrace-tools; the loops in Python need dpkt and scapy. None of them has rules:
they read, decode, and most keep a table of flows, which is the nearest that there is.

Before any time is taken, both engines of sgsim must agree on the first packets, and sgsim must have read as many packets
as there are. `x wall` and `x cpu` are the peer's time over that of sgsim, medians of rounds in which they ran in turn.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

import corpora
import engines
from processes import Command, Run, in_turn, median

from sgsim.simulation.made_rules import made_inventory
from sgsim.sources.native import NativePcapSource


class Peer(NamedTuple):
    """Another program."""

    name: str
    words: Sequence[str]
    """`FILE` is the capture, `FOLDER` an empty folder."""
    does: str


_LOOPS: Final = str(Path(__file__).with_name("peer_loops.py"))

PEERS: Final = (
    Peer("softflowd", ("softflowd", "-r", "FILE", "-d", "-m", "3000000", "-p", "FOLDER/pid", "-c", "none"), "flows"),
    Peer("argus", ("argus", "-X", "-r", "FILE", "-w", "/dev/null"), "flows"),
    Peer("nfpcapd", ("nfpcapd", "-B", "4000000", "-r", "FILE", "-w", "FOLDER"), "flows, written"),
    Peer("tcptrace", ("tcptrace", "-q", "-n", "FILE"), "TCP flows"),
    Peer("ndpiReader", ("ndpiReader", "-q", "-i", "FILE", "-v", "0"), "flows and applications"),
    Peer("tshark", ("tshark", "-n", "-q", "-z", "conv,tcp", "-r", "FILE"), "dissection, TCP flows"),
    Peer("tcpdump copy", ("tcpdump", "-r", "FILE", "-w", "/dev/null"), "reads and writes"),
    Peer("tcpdump text", ("tcpdump", "-n", "-r", "FILE"), "a line for each packet"),
    Peer("tracestats", ("tracestats", "pcapfile:FILE"), "counts"),
    Peer("dpkt loop", (sys.executable, _LOOPS, "dpkt", "FILE"), "flows in a dictionary; the first 200,000 packets"),
    Peer("scapy loop", (sys.executable, _LOOPS, "scapy", "FILE"), "the same; the first 20,000 packets"),
)
PART_OF_LOOPS: Final = {"dpkt loop": 200_000, "scapy loop": 20_000}
"""How many packets the slow ones read; their rates are of these."""


def is_installed(peer: Peer) -> bool:
    """Whether the program, or the library of a loop, is at hand."""
    if peer.words[1] == _LOOPS:
        return find_spec(peer.words[2]) is not None
    return shutil.which(peer.words[0]) is not None


def documents(folder: Path, rules: int) -> Path:
    """Made rules as documents."""
    inventory = made_inventory(rules)
    group = inventory.groups["sg-1"]
    permissions: dict[str, list[object]] = {"IpPermissions": [], "IpPermissionsEgress": []}
    for rule in group.rules:
        ports = {} if rule.protocol == -1 else {"FromPort": rule.ports.first, "ToPort": rule.ports.last}
        name = "IpPermissions" if rule.direction.name == "INGRESS" else "IpPermissionsEgress"
        permissions[name].append({
            "IpProtocol": str(rule.protocol), **ports, "IpRanges": [{"CidrIp": str(rule.peer.network)}],
        })  # fmt: skip
    (folder / "groups.json").write_text(json.dumps({"SecurityGroups": [{"GroupId": "sg-1", **permissions}]}))
    interface = {"NetworkInterfaceId": "eni-a", "PrivateIpAddress": "10.0.1.5", "Groups": [{"GroupId": "sg-1"}]}
    (folder / "interfaces.json").write_text(json.dumps({"NetworkInterfaces": [interface]}))
    return folder


def sgsim(rules: Path, capture: Path, *more: str) -> list[str]:
    """The command that replays a capture."""
    program = str(Path(sys.executable).with_name("sgsim"))
    return [program, "replay", "-q", "-r", str(rules), "--engine", "compiled", *more, str(capture)]


def check(capture: Path, rules: Path) -> int:
    """Refuse to time what does not do its work; gives how many packets there are."""
    engines.check(capture, made_inventory(60))
    words = [word for word in sgsim(rules, capture) if word != "-q"] + ["--format", "json"]
    summary = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    packets = sum(len(batch.time_ns) for batch in NativePcapSource(capture).batches())
    if summary["packets"]["read"] != packets:
        sys.exit(f"sgsim must read {packets} packets of {capture}, got {summary['packets']['read']}")
    return packets


def rows(name: str, rounds: int, only: Sequence[str]) -> Iterator[str]:
    """A line for sgsim and one for each peer."""
    capture = corpora.path(name)
    with tempfile.TemporaryDirectory() as folder:
        rules = documents(Path(folder), 60)
        packets = check(capture, rules)
        yield f"{name}: {packets:,} packets, {capture.stat().st_size / 1e6:.0f} MB"
        yield f"{'':14}{'wall s':>9}{'cpu s':>9}{'Mpps':>9}{'MiB':>8}{'x wall':>9}{'x cpu':>9}  what it does"
        missing = []
        for peer in PEERS:
            if only and peer.name not in only:
                continue
            if not is_installed(peer):
                missing.append(peer.name)
                continue
            yield from _pair(peer, capture, rules, packets, rounds)
        if missing:
            yield f"not installed: {', '.join(missing)}"


def _pair(peer: Peer, capture: Path, rules: Path, packets: int, rounds: int) -> Iterator[str]:
    """A peer and sgsim in turn."""
    with tempfile.TemporaryDirectory() as folder:
        words = [word.replace("FILE", str(capture)).replace("FOLDER", folder) for word in peer.words]
        place = Path(folder)
        runs = in_turn({"sgsim": Command(sgsim(rules, capture), place), peer.name: Command(words, place)}, rounds)
    ours, theirs = median(runs["sgsim"]), median(runs[peer.name])
    read = min(packets, PART_OF_LOOPS.get(peer.name, packets))
    part = packets / read
    ratios = f"{theirs.wall_s / ours.wall_s * part:9.2f}{theirs.cpu_s / ours.cpu_s * part:9.2f}"
    yield _row(peer.name, theirs, read, ratios, peer.does)
    yield _row("  sgsim", ours, packets, f"{'':18}", "in the same rounds")


def _row(name: str, run: Run, packets: int, ratios: str, does: str) -> str:
    failed = f"  (exit code {run.exit_code})" if run.exit_code else ""
    rate = packets / run.wall_s / 1e6
    return f"{name:14}{run.wall_s:9.2f}{run.cpu_s:9.2f}{rate:9.3f}{run.peak_mib:8.0f}{ratios}  {does}{failed}"


def main() -> None:
    """Print a table for each capture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("captures", nargs="*", default=["a", "b"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=[], choices=[peer.name for peer in PEERS])
    given = parser.parse_args()
    for name in given.captures:
        for line in rows(name, given.rounds, given.only):
            print(line, flush=True)


if __name__ == "__main__":
    main()
