"""Where a reader of the pages works."""

import shutil

import pytest

from sgsim.data import DEMO_CAPTURE, DEMO_RULES, demo_path


@pytest.fixture
def folder(tmp_path):
    """A directory in which the names that pages use for a reader's own files stand for the demo's."""
    (tmp_path / "rules").mkdir()
    for name in DEMO_RULES:
        shutil.copy(demo_path(name), tmp_path / name)
        shutil.copy(demo_path(name), tmp_path / "rules" / name)
    shutil.copy(demo_path(DEMO_CAPTURE), tmp_path / "capture.pcap")
    return tmp_path
