"""The command line as a user meets it, in a directory of its own."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.web_traffic import ANSWER, DENIED, OPENING, WEB, capture
from click.testing import CliRunner, Result

from sgsim.cli.main import commands
from sgsim.data import DEMO_CAPTURE, demo_path

Run = Callable[..., Result]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty directory, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return Path()


@pytest.fixture
def sgsim(here) -> Run:
    """Run a command in this process, in an empty directory."""
    assert here.is_dir()

    def run(*args: object, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(commands, [str(arg) for arg in args], input=stdin, prog_name="sgsim")

    return run


@pytest.fixture
def refused(sgsim) -> Callable[..., str]:
    """Run a command that must be refused with one line, and give the line."""

    def run(*args: object) -> str:
        result = sgsim(*args)
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        assert result.stderr.startswith("sgsim: ")
        assert result.stderr.count("\n") == 1
        return str(result.stderr).removeprefix("sgsim: ").rstrip("\n")

    return run


@pytest.fixture
def web(here) -> tuple[str, ...]:
    """The options of a replay of three packets, two of a tracked flow and one denied; the files are written."""
    (here / "rules.json").write_text(json.dumps(WEB), encoding="utf-8")
    (here / "web.pcap").write_bytes(capture(OPENING, ANSWER, DENIED))
    return ("-r", "rules.json", "--interface", "192.0.2.10=sg-web")


@pytest.fixture
def demo_files() -> list[str]:
    """The arguments that replay the bundled example."""
    return ["-r", str(demo_path("groups.json").parent), str(demo_path(DEMO_CAPTURE))]
