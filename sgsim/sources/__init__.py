"""Traffic from outside: captures and scapy packets become `PacketColumns`, in input order.

Law: every packet of the input gives exactly one row, and a break in the input is raised only after every row before it.
Read `base` first, then `frames`, which says what is read from one packet.
"""

from sgsim.sources.base import BATCH_ROWS, Source
from sgsim.sources.merge import MergedSource, merged
from sgsim.sources.opening import open_source, open_sources
from sgsim.sources.pcap import PcapSource
from sgsim.sources.scapy_packets import ScapySource

__all__ = [
    "BATCH_ROWS",
    "MergedSource",
    "PcapSource",
    "ScapySource",
    "Source",
    "merged",
    "open_source",
    "open_sources",
]
