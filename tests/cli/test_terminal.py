import io
from types import SimpleNamespace

import pytest

from sgsim.cli import terminal
from sgsim.report.summary_text import Span

LINES = [(Span("deny", "deny"), Span(" all")), (), (Span("x" * 300, "command"),)]
PLAIN = "deny all\n\n" + "x" * 300 + "\n"


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture
def tty(monkeypatch) -> Terminal:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    stream = Terminal()
    monkeypatch.setattr(terminal, "sys", SimpleNamespace(stdout=stream, stderr=stream))
    return stream


def test_a_pipe_gets_plain_text(capsys):
    terminal.write_lines(LINES)
    assert capsys.readouterr().out == PLAIN


def test_a_terminal_gets_colours_and_whole_lines(tty):
    terminal.write_lines(LINES)
    assert tty.getvalue() == PLAIN.replace("deny", "\x1b[31mdeny\x1b[0m").replace(
        "x" * 300, f"\x1b[36m{'x' * 300}\x1b[0m"
    )


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_can_be_refused(tty, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    terminal.write_lines(LINES, to_stderr=True)
    assert tty.getvalue() == PLAIN


def test_every_style_has_a_colour():
    assert {"title", "head", "command", "warning", "allow", "deny", "skip", "mixed", ""} == set(terminal.STYLES)


def test_no_progress_without_a_terminal(capsys):
    with terminal.progress() as shown:
        assert shown is None
    assert capsys.readouterr().err == ""


def test_no_progress_of_short_work(tty):
    with terminal.progress() as shown:
        assert shown is not None
        shown.show(10)
    assert tty.getvalue() == ""


def test_long_work_shows_how_far_it_is(tty, monkeypatch):
    monkeypatch.setattr(terminal, "QUIET_S", 0)
    with terminal.progress() as shown:
        assert shown is not None
        shown.show(1)
        shown.show(1_234_567)
    assert "1,234,567 packets" in tty.getvalue()
