"""`compiled(capture) == reference(capture)` for every capture that others have published, and for that of the demo."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from builders import group, interface, inventory
from equivalence.in_step import InStep
from simulation.test_captures_replay import commonest_address

import sgsim
from sgsim.conntrack.profile import PROFILES
from sgsim.engine.options import EngineOptions
from sgsim.errors import SourceError
from sgsim.rules.inventory import Inventory
from sgsim.sources.opening import open_source

RULES: Final = group(
    "tcp 22-443 from 0.0.0.0/0",
    "udp 53 from 0.0.0.0/0",
    "icmp 8 from 0.0.0.0/0",
    "icmpv6 all from ::/0",
    "udp all to 0.0.0.0/0",
    "tcp 80 to 0.0.0.0/0",
    "tcp all to ::/0",
    "all to 10.0.0.0/8",
    "all to 192.168.0.0/16",
)
OPEN: Final = group("all from 0.0.0.0/0", "all to 0.0.0.0/0", "all from ::/0", "all to ::/0")

OPTIONS: Final = (
    EngineOptions(recorded=True),
    EngineOptions(recorded=True, capacity=5, remember=20),
    EngineOptions(profile=PROFILES["linux"], capacity=50),
    EngineOptions(profile=PROFILES["aws-nitro-v6"], recorded=True, as_recorded=True, capacity=1),
)


def assert_same_on(path: Path, known: Inventory, options: EngineOptions, *, batch_rows: int = 4096) -> int:
    """Judge all of a capture that can be read, and compare after each batch; give how many packets there were."""
    steps = InStep(known, options)
    try:
        for batch in open_source(path).batches([-1], batch_rows=batch_rows):
            steps.filter(batch)
            steps.compare()
    except SourceError:  # what comes before a break counts
        pass
    return steps.packets


def paths(fixtures_path: Path) -> Sequence[Path]:
    return [fixtures_path / entry["file"] for entry in json.loads((fixtures_path / "pcaps" / "index.json").read_text())]


@pytest.mark.parametrize("part", range(8))
def test_every_capture(fixtures_path, part):
    judged = 0
    for number, path in enumerate(paths(fixtures_path)[part::8]):
        known = inventory(OPEN if number % 4 == 3 else RULES, interface(commonest_address(path)))
        judged += assert_same_on(path, known, OPTIONS[number % len(OPTIONS)])
    assert judged > 0


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("capacity", [None, 1, 3, 10, 100])
@pytest.mark.parametrize("recorded", [True, False])
def test_the_capture_of_the_demo(profile, capacity, recorded):
    path = next(Path(sgsim.__file__).parent.rglob("*.pcap*"))
    known = inventory(RULES, interface(commonest_address(path)))
    options = EngineOptions(profile=PROFILES[profile], capacity=capacity, recorded=recorded)
    assert assert_same_on(path, known, options, batch_rows=500) > 0
