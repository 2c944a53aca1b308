"""The load on tables as read back from kernels: where there is no table yet, and where the lists that kernels read stand."""

import numpy as np
from builders import group, interface, inventory, packet

from sgsim.engine.compiled import CompiledEngine
from sgsim.engine.options import EngineOptions
from sgsim.kernels.arrays import Network
from sgsim.kernels.entry_points import find_at_peak
from sgsim.model.columns import columns_of
from sgsim.rules.inventory import Inventory


def test_without_an_interface_there_is_no_load():
    """Found: numpy makes no rows of nothing."""
    assert {} == CompiledEngine(Inventory(), EngineOptions()).pressure()


def test_what_the_kernel_reads_is_held_while_it_reads(monkeypatch):
    """Found: the list of addresses of the network was let go before, so that anybody might have written there."""
    interfaces = (
        interface(f"192.0.2.{number}", interface_id=f"eni-{number}", instance_id=f"i-{number}") for number in (1, 2)
    )
    engine = CompiledEngine(inventory(group("udp 53 from 0.0.0.0/0"), *interfaces), EngineOptions())
    texts = (f"udp 198.51.100.{number}:40000 -> 192.0.2.{1 + number % 2}:53" for number in range(9))
    engine.filter(columns_of([packet(text) for text in texts], []))
    elsewhere = np.zeros(1 << 16)
    held: list[object] = []

    def find_after_others(*arguments):
        held.extend(np.full(len(Network._fields), elsewhere.ctypes.data) for _ in range(100))
        return find_at_peak(*arguments)

    monkeypatch.setattr("sgsim.engine.lowering.pressure.find_at_peak", find_after_others)
    loads = engine.pressure()
    assert held
    assert [{"198.51.100.0/24": 4}, {"198.51.100.0/24": 5}] == [loads[key].peak().by_peer for key in ("i-2", "i-1")]
