"""From JSON files to vectors; `sgsim/data/schemas/vectors.schema.json` says what is in a file.

The documents of a vector are read by `sgsim.documents`, as those of a user are. Whatever is wrong is refused with file
and place: a vector that is half understood proves nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import define, evolve, field, fields

from sgsim.conntrack.profile import Profile, find_profile
from sgsim.conntrack.table import DEFAULT_REMEMBER
from sgsim.conntrack.timeouts import NANOSECONDS, Timeouts
from sgsim.data import data_path
from sgsim.documents.json_syntax import read_json
from sgsim.documents.load import load_values
from sgsim.documents.node import Node
from sgsim.engine.options import EngineOptions
from sgsim.errors import DocumentError, SgsimError
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.packet import Fragment, Packet, Quote
from sgsim.model.protocol import CLIENT_PORT
from sgsim.model.shorthand import parse_packet
from sgsim.model.standing import Standing
from sgsim.rules.inventory import Inventory
from sgsim.testing.vectors import Answer, Counters, Statement, Step, Suite, Topic, Vector

SCHEMA_VERSION: Final = 1

_TOPIC_KEYS: Final = ("schema_version", "topic", "title", "statements", "documents", "vectors")
_STATEMENT_KEYS: Final = ("id", "section", "text", "standing", "sources", "not_shown")
_VECTOR_KEYS: Final = (
    "id", "title", "proves", "hinges_on", "profile", "settings", "timeouts", "capacity", "remember", "recorded",
    "cold_start", "as_recorded", "client_port", "documents", "steps",
)  # fmt: skip
_ANSWER_KEYS: Final = ("interface", "direction", "verdict", "reason", "state", "tcp_state", "opener", "rule")
_COUNTER_KEYS: Final = ("live", "available", "exceeded")
_STEP_KEYS: Final = (
    "at_s", "packet", "at", "length_bytes", "fragment", "quotes", "documents", "stops", *_ANSWER_KEYS, *_COUNTER_KEYS,
    "note",
)  # fmt: skip
_OF_PACKETS: Final = ("at", "length_bytes", "fragment", "quotes", "stops", *_ANSWER_KEYS)


def bundled_files() -> list[Path]:
    """The files that ship with the package, sorted by name."""
    return _files_in(data_path("vectors"))


def load_vectors(paths: Iterable[str | Path] = ()) -> Suite:
    """Read vectors.

    Args:
        paths: Files, or directories whose `.json` files with vectors are all read; none for those of the package.

    Raises:
        DocumentError: If a file cannot be read, is none of vectors, or says what no vector can say.
        SgsimError: If a rule, packet or setting in it is none.
    """
    given = [file for path in map(Path, paths) for file in (_files_in(path) if path.is_dir() else [path])]
    suite = Suite(tuple(_read_file(file) for file in given or bundled_files()))
    _check_ids(suite)
    known = suite.statements if not given else {**load_vectors().statements, **suite.statements}
    for vector in suite.vectors:
        for statement_id in vector.proves:
            if statement_id not in known:
                raise _at(vector.origin, f"{vector.name} must prove a statement that is there, got {statement_id!r}")
    return suite


def _files_in(directory: Path) -> list[Path]:
    try:
        files = sorted(file for file in directory.iterdir() if file.suffix == ".json" and _has_vectors(file))
    except OSError as error:
        raise _at(directory, f"directory must be readable, got: {error.strerror}") from error
    if not files:
        raise _at(directory, "directory must hold files of vectors named *.json, got none")
    return files


def _has_vectors(file: Path) -> bool:
    """Whether a file of a directory is one of ours; others may lie beside them."""
    return '"vectors"' in _text(file)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise _at(file, f"vectors must be a readable file, got: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _at(file, "vectors must be text in UTF-8, got other bytes") from error


def _at(place: Path | str, text: str) -> DocumentError:
    error = DocumentError(text)
    error.add_note(str(place))
    return error


def _check_ids(suite: Suite) -> None:
    names: dict[str, str] = {}
    for topic in suite.topics:
        for name in (*(f"vector {v.name}" for v in topic.vectors), *(f"statement {key}" for key in _ids(topic))):
            if name in names:
                raise _at(topic.origin, f"id must be used once, got {name} again, which {names[name]} has")
            names[name] = topic.origin


def _ids(topic: Topic) -> Iterator[str]:
    return (statement.statement_id for statement in topic.statements)


def _read_file(path: Path) -> Topic:
    try:
        (document,) = read_json(_text(path), str(path))
        return _TopicReader(document.root, str(path)).read()
    except SgsimError as error:
        if str(path) not in getattr(error, "__notes__", ()):
            error.add_note(str(path))
        raise
    except ValueError as error:  # several documents in one file
        raise _at(path, "vectors must be one JSON document, got several") from error


@define
class _TopicReader:
    """Reads one file."""

    root: Node
    origin: str
    _inventories: dict[tuple[str, ...], Inventory] = field(init=False, factory=dict)

    def read(self) -> Topic:
        """Read it whole."""
        root = self.root
        root.refuse_unknown(_TOPIC_KEYS)
        if root.need("schema_version").as_whole_number() != SCHEMA_VERSION:
            raise root.need("schema_version").error(
                f"schema_version must be {SCHEMA_VERSION}, got {root.need('schema_version').shown}"
            )
        topic = root.text("topic")
        return Topic(
            topic,
            root.text("title"),
            tuple(_read_statement(node) for node in root.items("statements")),
            tuple(self._read_vector(node, topic) for node in root.need("vectors").each()),
            self.origin,
        )

    def _read_vector(self, node: Node, topic: str) -> Vector:
        node.refuse_unknown(_VECTOR_KEYS)
        options = _read_options(node)
        has_capacity = options.capacity is not None
        vector = Vector(
            topic=topic,
            vector_id=node.text("id"),
            title=node.text("title"),
            proves=tuple(child.as_text() for child in node.items("proves")),
            hinges_on=tuple(_setting_name(child, options.profile) for child in node.items("hinges_on")),
            options=options,
            inventory=self._read_inventory(node),
            steps=tuple(self._read_step(step, has_capacity=has_capacity) for step in node.need("steps").each()),
            origin=self.origin,
        )
        if not vector.proves and not vector.hinges_on:
            raise node.error("vector must prove a statement or hinge on a setting, got neither")
        return vector

    def _read_inventory(self, node: Node) -> Inventory:
        """Join the documents that a vector or a change names."""
        names = tuple(child.as_text() for child in node.need("documents").each())
        if names not in self._inventories:
            known = self.root.need("documents").mapping()
            missing = [name for name in names if name not in known]
            if missing:
                raise node.need("documents").error(
                    f"document must be one of {', '.join(known)}, got {', '.join(missing)}"
                )
            with node.at():
                self._inventories[names] = load_values({name: known[name] for name in names})
        return self._inventories[names]

    def _read_step(self, node: Node, *, has_capacity: bool) -> Step:
        node.refuse_unknown(_STEP_KEYS)
        at_s, text = node.need("at_s"), node.text_or_none("packet")
        if isinstance(at_s.value, bool) or not isinstance(at_s.value, int | float):
            raise at_s.error(f"at_s must be a number of seconds, got {at_s.shown}")
        step = Step(round(at_s.value * NANOSECONDS), note=node.text_or_none("note") or "", text="time passes")
        counters = _read_counters(node, has_capacity=has_capacity)
        if text is None:
            for key in _OF_PACKETS:
                if node.get(key) is not None:
                    raise node.error_at_key(key, f"key must stand in a step with a packet, got {key!r} without one")
            if node.get("documents") is None:
                return evolve(step, counters=counters)
            return evolve(step, inventory=self._read_inventory(node), counters=counters, text="rules change")
        stops = list(node.items("stops")) if node.get("stops") else [node]
        answers = tuple(_read_answer(stop, is_step=stop is node) for stop in stops)
        return evolve(step, packet=_read_packet(node, text), answers=answers, counters=counters, text=text)


def _read_statement(node: Node) -> Statement:
    node.refuse_unknown(_STATEMENT_KEYS)
    standing = node.need("standing")
    known = [member.value for member in Standing if member is not Standing.GIVEN]
    if standing.value not in known:
        raise standing.error(f"standing must be one of {', '.join(known)}, got {standing.shown}")
    sources = tuple(child.as_text() for child in node.need("sources").each())
    return Statement(
        node.text("id"), node.text("section"), node.text("text"), Standing(standing.value), sources,
        node.text_or_none("not_shown") or "",
    )  # fmt: skip


def _setting_name(node: Node, profile: Profile) -> str:
    names = [name for name, _ in profile.settings()]
    if node.value not in names:
        raise node.error(f"setting must be one of {', '.join(names)}, got {node.shown}")
    return node.as_text()


def _read_options(node: Node) -> EngineOptions:
    with node.at():
        profile = find_profile(node.text("profile"))
        for name, setting in node.entries("settings"):
            value = setting.value
            profile = profile.given(name, float(value) if type(value) is int else value)
        capacity, remember, client_port = (node.get(key) for key in ("capacity", "remember", "client_port"))
        return EngineOptions(
            profile=profile,
            timeouts=_read_timeouts(node, profile),
            capacity=None if capacity is None else capacity.as_whole_number(),
            remember=DEFAULT_REMEMBER if remember is None else remember.as_whole_number(),
            recorded=_is_true(node, "recorded"),
            cold_start=_is_true(node, "cold_start"),
            as_recorded=_is_true(node, "as_recorded"),
            client_port=CLIENT_PORT if client_port is None else client_port.as_whole_number(),
        )


def _read_timeouts(node: Node, profile: Profile) -> TimeoutOverrides:
    given = node.get("timeouts")
    if given is None:
        return TimeoutOverrides()
    given.refuse_unknown(tuple(field.name for field in fields(TimeoutOverrides)))
    seconds: dict[str, Any] = {}
    for name, child in node.entries("timeouts"):
        if child.value is None:
            raise child.error(f"{name} must be a number of seconds, got {child.shown}")
        seconds[name] = float(child.value) if type(child.value) is int else child.value
    timeouts = TimeoutOverrides(**seconds)
    Timeouts.at(profile, option=timeouts)  # which refuses what is none, with its name
    return timeouts


def _is_true(node: Node, key: str) -> bool:
    child = node.get(key)
    if child is None:
        return False
    if not isinstance(child.value, bool):
        raise child.error(f"{key} must be true or false, got {child.shown}")
    return child.value


def _read_packet(node: Node, text: str) -> Packet:
    with node.at():
        packet = parse_packet(text).packet
        quoted = node.text_or_none("quotes")
        quote = None if quoted is None else parse_packet(quoted).packet
    fragment, length = node.get("fragment"), node.get("length_bytes")
    return evolve(
        packet,
        taken_at=node.text_or_none("at"),
        length_bytes=0 if length is None else length.as_whole_number(),
        fragment=None if fragment is None else _read_fragment(fragment),
        quote=None if quote is None else Quote(quote.five_tuple, quote.icmp_type, quote.icmp_code),
    )


def _read_fragment(node: Node) -> Fragment:
    node.refuse_unknown(("identification", "offset_bytes", "more"))
    identification, offset = (node.need(key).as_whole_number() for key in ("identification", "offset_bytes"))
    return Fragment(identification, offset, more=_is_true(node, "more"))


def _read_answer(node: Node, *, is_step: bool) -> Answer:
    if not is_step:
        node.refuse_unknown(_ANSWER_KEYS)
    given = {key: node.text_or_none(key) for key in _ANSWER_KEYS if node.get(key) is not None}
    asked = tuple(dict.fromkeys(("verdict", "reason", "state", *given)))
    return Answer(node.text("verdict"), node.text("reason"), **_others(given), asked=asked)


def _others(given: Mapping[str, str | None]) -> dict[str, str | None]:
    return {key: value for key, value in given.items() if key not in {"verdict", "reason"}}


def _read_counters(node: Node, *, has_capacity: bool) -> Mapping[str, Counters] | Counters:
    """Read what the table must hold: a number where there is one instance, else numbers by instance."""
    live = node.need("live")
    needed = _COUNTER_KEYS if has_capacity else _COUNTER_KEYS[:1]
    for key in _COUNTER_KEYS:
        if (node.get(key) is not None) is not (key in needed):
            expected = "be there with a capacity" if has_capacity else "be left out without a capacity"
            raise node.error(f"{key} must {expected}, got {'none' if has_capacity else key}")
    if not isinstance(live.value, dict):
        return Counters(**{key: node.need(key).as_whole_number() for key in needed})
    found = {key: {name: child.as_whole_number() for name, child in node.entries(key)} for key in needed}
    if len({frozenset(numbers) for numbers in found.values()}) > 1:
        raise live.error("counters must be given for the same instances, got different ones")
    return {name: Counters(**{key: found[key][name] for key in needed}) for name in found["live"]}
