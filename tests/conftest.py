"""What every test shares: how hard hypothesis searches, golden files, and where the shared fixtures are."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("dev", deadline=None, max_examples=50, stateful_step_count=30)
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=200,
    stateful_step_count=50,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],  # a machine of the cloud may be busy with others
)
settings.register_profile("nightly", deadline=None, max_examples=10_000, stateful_step_count=100)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that rewrites golden files."""
    parser.addoption("--update-golden", action="store_true", help="write golden files anew instead of comparing")


@pytest.fixture
def golden(request) -> Callable[[str, str], None]:
    """Compare a text with a golden file of `tests/golden`, or write it there with `--update-golden`."""

    def compare(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        assert path.read_text(encoding="utf-8") == text, f"differs from {path}; --update-golden accepts it"

    return compare


@pytest.fixture(scope="session")
def fixtures_path() -> Path:
    """The folder of captures, rule documents and cases that lies beside the checkout; skip where it does not."""
    default = Path(__file__).parents[1].parent / "shared" / "fixtures"
    path = Path(os.environ.get("SGSIM_FIXTURES") or default)
    if not path.is_dir():
        pytest.skip(f"the shared fixtures must be at {path}, or where SGSIM_FIXTURES says")
    return path
