"""Where a reader of the pages works."""

import shutil
from pathlib import Path

import pytest

from sgsim.data import DEMO_CAPTURE, DEMO_RULES, demo_path

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def folder(tmp_path):
    """A directory with the pages' examples, and the demo's files under the names that pages use for a reader's own."""
    for example in EXAMPLES.iterdir():
        shutil.copy(example, tmp_path)
    (tmp_path / "rules").mkdir()
    for name in DEMO_RULES:
        shutil.copy(demo_path(name), tmp_path / name)
        shutil.copy(demo_path(name), tmp_path / "rules" / name)
    for name in ("capture.pcap", "other-end.pcap"):
        shutil.copy(demo_path(DEMO_CAPTURE), tmp_path / name)
    return tmp_path
