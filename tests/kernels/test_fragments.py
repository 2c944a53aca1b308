"""`fragments == FragmentMemory`: more first fragments than the table had room for, and those whose time is over."""

import numpy as np
import pytest
from builders import group, interface, inventory
from equivalence.in_step import InStep
from equivalence.random_setups import POLICIES
from equivalence.random_traffic import SECOND_NS, START_NS, Traffic, random_packets

from sgsim.engine.options import EngineOptions
from sgsim.kernels import layout
from sgsim.kernels.entry_points import rebuild_fragments
from sgsim.model.columns import select_rows

KNOWN = inventory(group("udp all from 0.0.0.0/0", "tcp 80 from ::/0"), interface("10.0.0.5", "2001:db8::5"))
HOST_OR_PEER = {
    "ipv4": ("10.0.0.5", "10.0.0.5", "198.51.100.7", "198.51.100.8"),
    "ipv6": ("2001:db8::5", "2001:db8:2::7"),
}


def slots(steps):
    return len(steps.actual._keeper.memory.fragments) // layout.FRAGMENT_WORDS


@pytest.mark.parametrize("policy", POLICIES["fragments"])
def test_many_identifications(policy):
    options = EngineOptions(recorded=True)
    options = EngineOptions(recorded=True, profile=options.profile.given("fragments", policy.value))
    traffic = Traffic(
        **HOST_OR_PEER, fragment_share=0.95, fragment_ids=2000, protocols=(17, 6, 1), between_ns=1000, step_share=0.001,
        steps_ns=(30 * SECOND_NS - 1, 30 * SECOND_NS, SECOND_NS),
    )  # fmt: skip
    packets = random_packets(5, 12_000, traffic)
    steps = InStep(KNOWN, options)
    for begin in range(0, 12_000, 3000):
        steps.filter(select_rows(packets, begin, begin + 3000))
        steps.compare()
    assert slots(steps) > 64


def test_rebuilding_keeps_what_still_holds():
    words = layout.FRAGMENT_WORDS
    old = np.zeros(8 * words, dtype=np.int64)
    for slot in range(6):
        old[slot * words + 1] = slot + 1  # identification + 1
        old[slot * words + 6] = START_NS + slot  # until when
        old[slot * words + 8] = 100 + slot  # rule
    new = np.zeros(16 * words, dtype=np.int64)
    assert 3 == rebuild_fragments(old, new, START_NS + 2)  # the one that ends now is over
    kept = new.reshape(-1, words)
    assert [(4, 103), (5, 104), (6, 105)] == sorted((row[1], row[8]) for row in kept.tolist() if row[1])
