"""packets read = evaluated + skipped = packets in the file, for every capture that others have published."""

import json
from collections import Counter
from pathlib import Path

import pytest
from builders import group, interface, inventory

from sgsim.engine.options import EngineOptions
from sgsim.errors import SourceError
from sgsim.model.address import Family, format_address
from sgsim.simulation.driver import run
from sgsim.sources.opening import open_source

RULES = group("tcp 22-443 from 0.0.0.0/0", "all to 0.0.0.0/0", "all from ::/0")
NOBODY = "192.0.2.1"


def commonest_address(path: Path) -> str:
    """Whose capture it seems to be; nobody's if it has no IP packets."""
    counts: Counter[tuple[int, int, int]] = Counter()
    try:
        for batch in open_source(path).batches([-1]):
            for end in ("src", "dst"):
                counts.update(zip(batch.family.tolist(), *_words(batch, end), strict=True))
    except SourceError:  # what comes before a break counts
        pass
    known = [(number, key) for key, number in counts.items() if key[0]]
    if not known:
        return NOBODY
    _, (family, high, low) = max(known)
    return format_address(high << 64 | low, Family(family))


def _words(batch, end):
    return getattr(batch, f"{end}_hi").tolist(), getattr(batch, f"{end}_lo").tolist()


def entries(fixtures_path):
    return json.loads((fixtures_path / "pcaps" / "index.json").read_text())


@pytest.mark.parametrize("part", range(8))
def test_every_capture(fixtures_path, part):
    wrong = []
    for entry in entries(fixtures_path)[part::8]:
        path = fixtures_path / entry["file"]
        known = inventory(RULES, interface(commonest_address(path)))
        summary = run(known, [path], EngineOptions(recorded=True, capacity=100)).summary
        counts = summary.packets
        is_right = entry["packets"] == counts.read == counts.evaluated + counts.skipped
        is_right &= sum(reason.decisions for reason in summary.reasons) == counts.decisions
        is_right &= not entry["container_error"] or summary.broken is not None
        if not is_right:
            wrong.append((entry["file"], entry["packets"], counts, summary.broken))
    assert wrong == []
