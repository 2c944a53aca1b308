"""The summary of a real run."""

import pytest

from sgsim.data import demo_path
from sgsim.documents import load
from sgsim.engine.options import EngineOptions
from sgsim.report.summary_asking import Asking
from sgsim.simulation.driver import run
from sgsim.simulation.summary import Summary


@pytest.fixture(scope="session")
def demo_summary() -> Summary:
    """What the bundled example comes to."""
    inventory = load(demo_path("groups.json"), demo_path("interfaces.json"))
    return run(inventory, [demo_path("demo.pcap")], EngineOptions(recorded=True, capacity=8)).summary


@pytest.fixture(scope="session")
def asking() -> Asking:
    """How somebody asked for it."""
    return Asking(["-r", "rules"], ["demo.pcap"])
