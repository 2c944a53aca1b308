"""`sgsim convert`: which interface, where to, and what is said beside it."""

import json
import os

import pytest
from cli.web_traffic import WEB

from sgsim.cli.convert import WRITERS
from sgsim.documents.nftables import LIMITS


def test_rules_go_to_standard_output(sgsim, demo_files):
    result = sgsim("convert", "--to", "nftables", *demo_files[:2])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("#!/usr/sbin/nft -f\n# Interface eni-web ")
    assert result.stdout.endswith("    }\n}\n")


def test_rules_go_to_a_file(sgsim, demo_files, here):
    shown = sgsim("convert", "--to", "nftables", *demo_files[:2]).stdout
    result = sgsim("convert", "--to", "nftables", *demo_files[:2], "-o", "rules.nft")
    assert (result.exit_code, result.output) == (0, "")
    assert (here / "rules.nft").read_bytes() == shown.encode()
    assert [path.name for path in here.iterdir()] == ["rules.nft"]


def test_an_interface_is_chosen_by_its_id_or_declared(sgsim, here):
    (here / "rules.json").write_text(json.dumps(WEB), encoding="utf-8")
    declared = ("-r", "rules.json", "--interface", "192.0.2.10=sg-web", "--interface", "192.0.2.11=sg-web")
    result = sgsim("convert", "--to", "nftables", *declared, "--interface", "192.0.2.11")
    assert "table inet sgsim_192_0_2_11 {" in result.stdout


def test_the_hook_is_chosen(sgsim, demo_files):
    assert "hook input priority" in sgsim("convert", "--to", "nftables", "--hook", "host", *demo_files[:2]).stdout


def test_notes_go_to_standard_error(sgsim, here):
    rules = {
        "groups": {"sg-web": {"ingress": [{"protocol": "tcp", "ports": 80, "from": "sg-other"}]}},
        "interfaces": {"eni-a": {"addresses": ["192.0.2.10"], "groups": ["sg-web"]}},
    }
    (here / "rules.json").write_text(json.dumps(rules), encoding="utf-8")
    result = sgsim("convert", "--to", "nftables", "-r", "rules.json", "--allow-unresolved")
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("sgsim: note: ")
    assert "admits nobody: no address of sg-other is known" in result.stdout


def test_what_cannot_be_written_is_refused(refused, demo_files, here):
    given = ("convert", "--to", "nftables", *demo_files[:2])
    assert refused(*given, "--interface", "eni-x") == "interface must be one of eni-web, got 'eni-x'"
    assert refused(*given, "--interface", "eni-web", "--interface", "eni-x") == (
        "--interface must name at most one interface to write, got eni-web, eni-x"
    )
    assert refused(*given, "-o", "no/such/folder.nft").startswith(
        "--output must be a file that can be written, got 'no"
    )
    assert refused("convert", "--to", "nftables").startswith("rules must be given")
    assert list(here.iterdir()) == []


def test_the_help_tells_the_limits(sgsim):
    text = " ".join(sgsim("convert", "--help").output.split())
    for limit in LIMITS:
        assert limit in text
    for form in WRITERS:
        assert f"--to {form} " in text


@pytest.mark.parametrize("name", ["", "/", "folder"])
def test_a_folder_is_no_file_to_write(refused, demo_files, here, name):
    (here / "folder").mkdir()
    line = refused("convert", "--to", "yaml", *demo_files[:2], "-o", name)
    assert line.startswith("--output must be a file that can be written, got ")
    assert line.endswith(": Is a directory")
    assert [path.name for path in here.iterdir()] == ["folder"]


def test_a_dash_is_standard_output(sgsim, demo_files, here):
    shown = sgsim("convert", "--to", "yaml", *demo_files[:2])
    assert sgsim("convert", "--to", "yaml", *demo_files[:2], "-o", "-").stdout == shown.stdout
    assert list(here.iterdir()) == []


def test_a_pipe_stays_a_pipe(sgsim, demo_files, here):
    os.mkfifo(here / "pipe")
    shown = sgsim("convert", "--to", "yaml", *demo_files[:2]).stdout
    reader = os.open(here / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert sgsim("convert", "--to", "yaml", *demo_files[:2], "-o", "pipe").exit_code == 0
        assert os.read(reader, 1 << 20) == shown.encode()
    finally:
        os.close(reader)
    assert (here / "pipe").is_fifo()
