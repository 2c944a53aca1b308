"""The page about documents keeps its word: its example loads, and it names what the readers know."""

import re
from pathlib import Path

import pytest
from netaddr import IPAddress

from sgsim.documents import load
from sgsim.documents.aws_json import COMMANDS
from sgsim.documents.yaml_doc import KEYS
from sgsim.model.path import PathLabel
from sgsim.rules.resolve import Resolver

PAGE = Path(__file__).parents[2] / "docs" / "documents.md"


@pytest.fixture
def example(write):
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return load(write("example.yaml", text))


def test_the_example_loads_and_says_what_it_seems_to_say(example):
    assert [rule.text for rule in example.groups["sg-web"].rules] == [
        "tcp 80 from 0.0.0.0/0",
        "tcp 80 from ::/0",
        "tcp 22-30 from 203.0.113.1/32",
        "tcp 22-30 from sg-admin",
        "tcp 22-30 from pl-1",
        "icmp 8/0 from 0.0.0.0/0",
        "all traffic to 0.0.0.0/0",
    ]
    assert [rule.text for rule in example.groups["sg-admin"].rules] == ["tcp 22 to sg-web"]
    assert example.notes == ()


def test_every_reference_of_the_example_is_resolved(example):
    resolver = Resolver(example)
    (rule,) = example.groups["sg-admin"].rules
    addresses = resolver.addresses(rule)
    assert addresses is not None
    assert addresses.ipv4 == ((int(IPAddress("10.0.0.5")),) * 2,)


def test_the_example_uses_every_key_of_the_form():
    text = PAGE.read_text(encoding="utf-8")
    for key in KEYS:
        assert re.search(rf"^{key}:", text, re.MULTILINE), key


def test_every_command_and_every_label_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    assert [command for command in COMMANDS if f"{command}`" not in text and f"`{command}" not in text] == []
    assert [label.value for label in PathLabel if f"`{label.value}`" not in text] == []
