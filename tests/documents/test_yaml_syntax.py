import subprocess
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sgsim.documents import load
from sgsim.documents.yaml_syntax import read_yaml
from sgsim.errors import DocumentError, SgsimError


def rule_of(value):
    return f"groups:\n  sg-1:\n    ingress:\n      - {{protocol: tcp, from: 10.0.0.0/8, ports: {value}}}\n"


AT_PORTS = "lesson.yaml, line 4, column 50: "


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "22:30",
            "number must be decimal, got 22:30, which YAML reads in base 60: write a range as 22-30, put anything else in quotes",
        ),
        ("010", "number must be decimal without leading zeros, got 010: put it in quotes if it is a text"),
        ("0x50", "number must be decimal without leading zeros, got 0x50: put it in quotes if it is a text"),
        ("yes", "text must be quoted where YAML reads it as a boolean, got yes"),
        ("off", "text must be quoted where YAML reads it as a boolean, got off"),
        ("2024-01-01", "text must be quoted where YAML reads it as a date, got 2024-01-01"),
        (".inf", "number must be decimal without leading zeros, got .inf: put it in quotes if it is a text"),
        ("!!binary aGk=", "value must be plain YAML without tags, got binary"),
        ("!Ref Port", "value must be plain YAML without tags, got !Ref"),
        ("true", "ports must be a port such as 80 or a range such as 22-30, got true"),
        ("80.5", "ports must be a port such as 80 or a range such as 22-30, got 80.5"),
    ],
)
def test_values_that_yaml_reads_as_something_else_are_refused(write, value, message):
    with pytest.raises(SgsimError) as refusal:
        load(write("lesson.yaml", rule_of(value)))
    assert str(refusal.value) == AT_PORTS + message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "groups:\n  sg-1: {}\n  sg-1: {}\n",
            "line 3, column 3: key must occur once, got 'sg-1' again, first at line 2, column 3",
        ),
        ("groups: {\n", "line 2, column 1: document must be well-formed YAML, got an error here: "),
        ("groups:\n\tsg-1: {}\n", "line 2, column 1: document must be well-formed YAML, got an error here: "),
        ("? [a]\n: b\n", "line 1, column 3: key must be a text, got a list or mapping"),
        (
            "groups: &a\n  sg-1: *a\n",
            "line 1, column 9: anchor must not contain itself, got a reference to what it is part of",
        ),
        ("groups: {<<: 5}\n", "line 1, column 14: << must bring in mappings, got something else"),
        (
            "groups: {sg-1: {ingress: [{from: ::/0}]}}",
            (
                "line 1, column 34: document must be well-formed YAML, got an error here: while parsing a flow node expected the "
                "node content, but found ':': an address such as ::/0 needs quotes"
            ),
        ),
        (
            "groups: *nobody\n",
            "line 1, column 9: document must be well-formed YAML, got an error here: found undefined alias 'nobody'",
        ),
    ],
)
def test_malformed_yaml_is_refused_with_line_and_column(write, text, message):
    with pytest.raises(SgsimError) as refusal:
        load(write("lesson.yaml", text))
    assert str(refusal.value).startswith(f"lesson.yaml, {message}")
    assert "\n" not in str(refusal.value)


def test_control_characters_are_refused(write):
    with pytest.raises(SgsimError) as refusal:
        load(write("lesson.yaml", "groups: \x01\n"))
    assert str(refusal.value).startswith("lesson.yaml: document must be well-formed YAML, got: ")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["a: &a {b: &b {<<: *a}, <<: *b}\n", "[" * 5000])
def test_yaml_that_never_ends_is_refused(write, text):
    with pytest.raises(DocumentError):
        load(write("lesson.yaml", text))


def test_anchors_and_merge_keys(write):
    found = load(
        write(
            "lesson.yaml",
            """\
            groups:
              sg-1:
                ingress:
                  - &ssh {protocol: tcp, ports: 22, from: 10.0.0.0/8}
                  - {<<: *ssh, from: 192.0.2.0/24}
              sg-2:
                ingress: [*ssh]
            """,
        )
    )
    assert [rule.text for group in found.groups.values() for rule in group.rules] == [
        "tcp 22 from 10.0.0.0/8",
        "tcp 22 from 192.0.2.0/24",
        "tcp 22 from 10.0.0.0/8",
    ]


def test_keys_are_read_as_they_are_written(write):
    found = load(write("lesson.yaml", "groups:\n  no: {}\n  2024-01-01: {}\n  010: {}\n"))
    assert list(found.groups) == ["no", "2024-01-01", "010"]


def test_several_documents_in_one_file(write):
    found = load(write("lesson.yaml", "groups: {sg-1: {}}\n---\nvpc: 10.0.0.0/16\n"))
    assert (list(found.groups), list(found.vpcs)) == (["sg-1"], ["vpc"])


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(plain)
def test_what_is_written_unambiguously_is_read_as_it_was(value):
    """Texts that PyYAML quotes on writing are never mistaken for anything else."""
    text = yaml.safe_dump(value)
    (document,) = read_yaml(text, "lesson.yaml")
    assert document.value == _with_text_keys(value)


def _with_text_keys(value):
    if isinstance(value, dict):
        return {key: _with_text_keys(item) for key, item in value.items()}
    return [_with_text_keys(item) for item in value] if isinstance(value, list) else value


def test_yaml_is_imported_only_for_yaml(write):
    path = write("groups.json", {"SecurityGroups": []})
    code = f"import sys; from sgsim.documents import load; load({str(path)!r}); print('yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
