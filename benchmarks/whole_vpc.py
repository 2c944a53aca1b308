"""A synthetic hour of a VPC with 200 interfaces: as packets, and as the flow logs that AWS would have made of it.

Both are replayed, with an empty table at the beginning. Every packet must be in the logs, all but one in ten thousand must get the
verdict that they get as packets, and as many flows must be entered, but for 1 %: records have the seconds of their first
and last packet, so a flow that ends and begins anew within one record, or a second, is one.

    python benchmarks/whole_vpc.py [--minutes N] [--interfaces N]
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from netaddr import IPNetwork

import sgsim
from sgsim.engine.options import EngineOptions
from sgsim.model.interface import Interface
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory
from sgsim.rules.port_range import PortRange
from sgsim.rules.rule import Cidr, GroupReference, Rule
from sgsim.rules.security_group import SecurityGroup
from sgsim.simulation.api import traffic_options
from sgsim.simulation.driver import run
from sgsim.simulation.summary import Summary
from sgsim.simulation.synthetic_log import write_flow_log
from sgsim.sources.flow_log_format import parse_format

_FORMAT = (
    "${version} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} "
    "${end} ${action} ${tcp-flags} ${flow-direction} ${log-status}"
)

_FEW = 1e-4
"""The share of packets that may differ."""


def network(count: int) -> Inventory:
    """Interfaces of one group: half of the clients outside may come in, interfaces may call each other on two ports."""
    peers = (
        (Direction.INGRESS, 6, 443, Cidr(IPNetwork("198.51.100.0/25"))),
        (Direction.EGRESS, 17, 53, Cidr(IPNetwork("203.0.113.0/24"))),
        *(
            (direction, 6, port, GroupReference("sg-app"))
            for direction in Direction
            for port in (8080, 5432)
        ),
    )  # fmt: skip
    rules = [
        Rule(group_id="sg-app", direction=way, protocol=protocol, ports=PortRange(port, port), peer=peer)
        for way, protocol, port, peer in peers
    ]
    interfaces = [
        Interface(
            interface_id=f"eni-{place:04}", instance_id=f"i-{place:04}", addresses=f"10.0.{place // 200}.{place % 200 + 10}",
            group_ids=("sg-app",),
        )
        for place in range(count)
    ]  # fmt: skip
    return Inventory(
        groups={"sg-app": SecurityGroup(group_id="sg-app", rules=rules)},
        interfaces={each.interface_id: each for each in interfaces},
        has_interface_document=True,
    )


def hour(minutes: int) -> sgsim.synthetic.Synthetic:
    """What happens there."""
    small = {"response_bytes": "lognormal 4000 1", "exchanges": "geometric 2"}
    return sgsim.synthetic.mix(
        {"scenario": "web", "name": "web", "servers": "all", "rate": 20, **small},
        {"scenario": "web", "name": "mesh", "clients": "all", "servers": "all", "port": "8080", "rate": 20, **small},
        {
            "scenario": "idle-pool",
            "name": "pool",
            "clients": "all",
            "servers": "all",
            "flows": 400,
            "every": "20s..40s",
        },
        {"scenario": "dns", "name": "dns", "clients": "all", "servers": "203.0.113.53", "rate": 50},
        duration=f"{minutes}min",
    )


def replayed(rules: Inventory, traffic: Path) -> tuple[Summary, float]:
    """Replay a file, and tell how long it took."""
    begun = time.perf_counter()
    summary = run(rules, [str(traffic)], traffic_options(cold_start=True), engine="compiled").summary
    return summary, time.perf_counter() - begun


def main() -> None:
    """Print what each form has, how long it took, and what differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--interfaces", type=int, default=200)
    options = parser.parse_args()
    rules, traffic = network(options.interfaces), hour(options.minutes)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        written = traffic.write_pcap(Path(folder) / "all.pcap", rules)
        print(f"capture: {written.packets:,} packets written in {time.perf_counter() - begun:.1f} s")
        packets, seconds = replayed(rules, Path(folder) / "all.pcap")
        print(
            f"replayed in {seconds:.1f} s: {packets.packets.allowed:,} decisions to allow, {packets.packets.denied:,} to deny"
        )
        for name, form in (("default.log", "default"), ("custom.parquet", _FORMAT)):
            begun = time.perf_counter()
            log = write_flow_log(traffic, rules, Path(folder) / name, EngineOptions(), form=parse_format(form))
            print(f"{name}: {log.records:,} records written in {time.perf_counter() - begun:.1f} s")
            summary, seconds = replayed(rules, Path(folder) / name)
            compare(packets, summary, name, seconds)


def compare(packets: Summary, logs: Summary, name: str, seconds: float) -> None:
    """Print what agrees; leave with an error where something does not that must."""
    if logs.records is None:
        sys.exit(f"{name} is no flow log")
    agreement = logs.records.agreement
    entered, expected = (sum(table.inserted for table in each.tables) for each in (logs, packets))
    peaks = [(table.peak, other.peak) for table, other in zip(logs.tables, packets.tables, strict=True)]
    share = sum(peak for peak, _ in peaks) / max(1, sum(peak for _, peak in peaks))
    print(
        f"replayed in {seconds:.1f} s: {agreement.agreed.packets:,} of {agreement.compared.packets:,} packets agree, "
        f"{agreement.agreed.bytes:,} of {agreement.compared.bytes:,} bytes; {entered:,} flows entered for {expected:,}; "
        f"peaks are {share:.1%} of those of the packets"
    )
    logged = packets.packets.allowed + packets.packets.denied
    differing = agreement.compared.packets - agreement.agreed.packets
    if agreement.compared.packets != logged or differing > logged * _FEW or abs(entered - expected) > expected / 100:
        sys.exit(f"{name} does not agree with the packets")


if __name__ == "__main__":
    main()
