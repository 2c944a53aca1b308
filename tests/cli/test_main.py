import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from sgsim import __version__
from sgsim.cli import main
from sgsim.errors import ConfigError


def test_alone_shows_help(sgsim):
    result = sgsim()
    assert result.exit_code == 0
    assert all(f"\n  {name} " in result.stdout for name in main.COMMANDS)


def test_the_help_names_each_command_in_a_whole_line(sgsim):
    listed = sgsim("--help").stdout.partition("\nLook:\n")[2].splitlines()
    commands = [line for line in listed if line.startswith("  ")]
    assert [line.split()[0] for line in commands] == list(main.COMMANDS)
    assert len({line.index(line.split(maxsplit=1)[1]) for line in commands}) == 1
    assert [line for line in commands if line.endswith("...")] == []
    assert [title.removesuffix(":") for title in listed if title.endswith(":")] == list(main.SECTIONS)[1:]


def test_version(sgsim):
    assert sgsim("--version").stdout == f"sgsim {__version__}\n"


@pytest.mark.parametrize("command", main.COMMANDS)
def test_every_command_has_help(sgsim, command):
    result = sgsim(command, "--help")
    assert result.exit_code == 0
    assert "\\b" not in result.stdout  # click's mark that keeps the lines of examples apart


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["reply"], "no such command 'reply'. did you mean 'replay'?"),
        (["frobnicate"], "no such command 'frobnicate'"),
        (["check", "--expect", "maybe"], "--expect must be one of allow, deny, got 'maybe'"),
        (["search", "--icmp-type", "echo"], "--icmp-type must be a whole number, got 'echo'"),
        (["replay", "--capacty", "8"], "no such option '--capacty'"),
        (["replay", "--capacity"], "option '--capacity' requires an argument"),
    ],
)
def test_bad_usage_is_one_line(refused, args, expected):
    line = refused(*args)
    assert line.lower().startswith(expected)
    assert "--help" in line


def test_an_error_with_line_breaks_is_one_line(capsys):
    assert main.complain("first\nsecond") == 2
    assert capsys.readouterr().err == "sgsim: first second\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (click.UsageError("x"), 2),
        (click.ClickException("x"), 2),
        (OSError(28, "No space left on device"), 2),
        (click.Abort(), 130),
        (None, 0),
    ],
)
def test_exit_codes(error, code):
    def run():
        if error is not None:
            raise error

    assert main._exit_code(run) == code


def test_errors_of_python_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        main._exit_code(lambda: 1 // 0)


def test_a_reader_may_stop_before_the_end(demo_files):
    command = [
        sys.executable,
        "-c",
        "from sgsim.cli.main import main; main()",
        "replay",
        *demo_files,
        "--decisions",
        "-",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b'{"packet":1,')
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == main.EXIT_BROKEN_PIPE


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name != "posix", reason="needs POSIX signals")
def test_interrupt(tmp_path, demo_files):
    rows = tmp_path / "rows.csv"
    # A test run in the background ignores the signal, and so would what it starts.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from sgsim.cli.main import main; main()"
    command = [sys.executable, "-c", code, "replay", *demo_files[:2]]
    with subprocess.Popen([*command, "--flows", rows, "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(Path(demo_files[2]).read_bytes()[:3000])  # so that it begins, and waits for more
        process.stdin.flush()
        deadline = time.monotonic() + 30
        while not list(tmp_path.glob(".rows.csv.*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list(tmp_path.glob(".rows.csv.*"))
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == main.EXIT_INTERRUPTED
        assert process.stderr.read() == b"\nsgsim: interrupted\n"
    assert list(tmp_path.iterdir()) == []  # nothing half written is left


ODD_NAME = b"odd-\xff.pcap"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system that takes any bytes as a name")
@pytest.mark.parametrize(("encoding", "group_name"), [("utf-8", "größe ≥ 5"), ("latin-1", "größe \\u2265 5")])
def test_what_an_output_cannot_hold_is_escaped(tmp_path, demo_files, encoding, group_name):
    shutil.copy(demo_files[2], os.fsencode(tmp_path) + b"/" + ODD_NAME)
    rules = {"groups": {"sg-a": {"name": "größe ≥ 5"}}}
    (tmp_path / "rules.json").write_text(json.dumps(rules), encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": encoding}

    def run(*args):
        command = [sys.executable, "-c", "from sgsim.cli.main import main; main()", *args]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode(encoding)

    assert f'name: "{group_name}"' in run("convert", "--to", "yaml", "-r", "rules.json")
    written = ("--report", "report.md", "--decisions", "rows.jsonl")
    assert "odd-\\udcff.pcap" in run("replay", *demo_files[:2], ODD_NAME, *written)
    for name in written[1::2]:
        assert "udcff.pcap" in (tmp_path / name).read_text(encoding="utf-8")


def test_garbage_is_collected_seldom_in_a_process_of_ours_alone():
    code = (
        "import gc, atexit, sgsim\n"
        "from sgsim.cli import main\n"
        "before = gc.get_threshold()\n"
        "main.commands(['--version'], standalone_mode=False)\n"
        "assert gc.get_threshold() == before\n"
        "atexit.register(lambda: print(gc.isenabled(), gc.get_threshold()[0]))\n"
        "main.main()"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert f"True {main.OBJECTS_PER_COLLECTION}" == result.stdout.splitlines()[-1]
