"""A table of flows as one would write it with a packet library: `python benchmarks/peer_loops.py dpkt|scapy FILE`.

Run by `benchmarks/peers.py`, as a process of its own. A flow is a five-tuple in either direction; packets are counted.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

Key = tuple[object, ...]

PACKETS: Final = {"dpkt": 200_000, "scapy": 20_000}


def dpkt_keys(path: Path) -> Iterator[Key]:
    """Five-tuples by dpkt."""
    import dpkt  # noqa: PLC0415  # only one of the two is timed

    with path.open("rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(frame).data
            if isinstance(packet, dpkt.ip.IP) and isinstance(packet.data, dpkt.tcp.TCP | dpkt.udp.UDP):
                yield packet.src, packet.data.sport, packet.dst, packet.data.dport, packet.p


def scapy_keys(path: Path) -> Iterator[Key]:
    """Five-tuples by scapy."""
    from scapy.layers.inet import IP, TCP, UDP  # noqa: PLC0415  # as above
    from scapy.layers.l2 import Ether  # noqa: F401, PLC0415  # without it frames stay bytes
    from scapy.utils import PcapReader  # noqa: PLC0415  # as above

    with PcapReader(str(path)) as reader:
        for packet in reader:
            if IP in packet and (TCP in packet or UDP in packet):
                ip, ports = packet[IP], packet[TCP] if TCP in packet else packet[UDP]
                yield ip.src, ports.sport, ip.dst, ports.dport, ip.proto


def main() -> None:
    """Count packets by flow."""
    name, path = sys.argv[1], Path(sys.argv[2])
    keys = {"dpkt": dpkt_keys, "scapy": scapy_keys}[name](path)
    flows: Counter[Key] = Counter()
    for src, src_port, dst, dst_port, protocol in islice(keys, PACKETS[name]):
        back = dst, dst_port, src, src_port, protocol
        flows[back if back in flows else (src, src_port, dst, dst_port, protocol)] += 1
    print(len(flows), sum(flows.values()))


if __name__ == "__main__":
    main()
