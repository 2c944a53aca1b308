"""Files of tests, for `sgsim test`.

    rules: [groups.json, interfaces.json]
    allow:
      - tcp 198.51.100.7 -> 10.0.1.5:443
      - {packet: tcp 10.0.1.5 -> 10.0.2.9:5432, name: web reaches db, rule: tcp 5432 from sg-web}
    deny:
      - tcp 198.51.100.7 -> 10.0.1.5:22
    invariants:
      - {name: only the office has SSH, never: {proto: tcp, dport: 22, from_not: 203.0.113.0/24}}
      - {name: everyone sees the site, always: {from: 198.51.100.0/24, to: web, proto: tcp, dport: 443}}

The words of an invariant are those of `sgsim search`. Rules are found from the file's folder.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

from sgsim.documents.files import naming_file, read_roots
from sgsim.documents.node import Node
from sgsim.model.states import ConntrackState

KEYS: Final = ("rules", "allow", "deny", "invariants")
CLAIMS: Final = ("never", "always")
LIST_WORDS: Final = ("from", "from_not", "to", "to_not", "proto", "dport", "dport_not", "sport")
NUMBER_WORDS: Final = ("icmp_type", "icmp_code")


@frozen(kw_only=True)
class PacketTest:
    """A packet, and what must become of it."""

    name: str
    packet: str
    verdict: str
    """`allow` or `deny`."""
    state: str | None
    rule: str | None
    place: str
    """File and line."""


@frozen(kw_only=True)
class InvariantTest:
    """What must hold for all packets of a question."""

    name: str
    claim: str
    """`never` or `always`."""
    lists: dict[str, tuple[str, ...]]
    """Those of `LIST_WORDS` that are given."""
    numbers: dict[str, int]
    """Those of `NUMBER_WORDS` that are given."""
    place: str
    """File and line."""


@frozen(kw_only=True)
class TestFile:
    """What one file has."""

    __test__ = False  # it is none of pytest's

    path: str
    rules: tuple[str, ...]
    """Documents, by paths that can be opened."""
    packets: tuple[PacketTest, ...]
    invariants: tuple[InvariantTest, ...]


def read_tests(path: str | Path) -> TestFile:
    """Read a file of tests.

    Raises:
        DocumentError: If it cannot be read, a key is unknown or a value of the wrong kind.
    """
    with naming_file(path):
        roots = read_roots(path)
        for root in roots:
            root.refuse_unknown(KEYS)
        found = TestFile(
            path=str(path),
            rules=tuple(
                str(Path(path).parent / node.as_text()) for root in roots for node in root.one_or_more("rules")
            ),
            packets=tuple(each for root in roots for each in _packets(root, str(path))),
            invariants=tuple(_invariant(node, str(path)) for root in roots for node in root.items("invariants")),
        )
        if not found.packets and not found.invariants:
            raise roots[0].error("file of tests must have allow, deny or invariants, got none of them")
    return found


def _packets(root: Node, path: str) -> Iterator[PacketTest]:
    for verdict in ("allow", "deny"):
        for node in root.one_or_more(verdict):
            if not isinstance(node.value, dict):
                text = node.as_text()
                yield PacketTest(
                    name=text, packet=text, verdict=verdict, state=None, rule=None, place=f"{path}, {node.place}"
                )
                continue
            node.refuse_unknown(("packet", "name", "state", "rule"))
            text, state = node.text("packet"), node.text_or_none("state")
            states = [str(each) for each in ConntrackState]
            if state is not None and state not in states:
                raise node.need("state").error(f"state must be one of {', '.join(states)}, got {state!r}")
            yield PacketTest(
                name=node.text_or_none("name") or text,
                packet=text,
                verdict=verdict,
                state=state,
                rule=node.text_or_none("rule"),
                place=f"{path}, {node.place}",
            )


def _invariant(node: Node, path: str) -> InvariantTest:
    node.refuse_unknown(("name", *CLAIMS))
    given = [claim for claim in CLAIMS if node.get(claim) is not None]
    if len(given) != 1:
        raise node.error(f"invariant must have never or always, got {' and '.join(given) or 'neither'}")
    question = node.need(given[0])
    question.refuse_unknown((*LIST_WORDS, *NUMBER_WORDS))
    if not question.mapping():
        raise question.error("question must say which packets are meant, got nothing: {from: any} means all")
    return InvariantTest(
        name=node.text("name"),
        claim=given[0],
        lists={
            word: tuple(_text(each) for each in question.one_or_more(word))
            for word in LIST_WORDS
            if question.get(word) is not None
        },
        numbers={word: found.as_whole_number() for word in NUMBER_WORDS if (found := question.get(word)) is not None},
        place=f"{path}, {node.place}",
    )


def _text(node: Node) -> str:
    """A word or a number, such as a port."""
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return str(node.value)
    return node.as_text()
