"""From YAML text to documents, without YAML's surprises.

PyYAML follows YAML 1.1, which reads `22:30` as 1350, `010` as 8, `no` as false and `2024-01-01` as a date. None of
these is what somebody who writes rules means, so each is refused with line and column where a reader meets it, as are
duplicate keys anywhere. The composed tree is kept beside the values: it knows the places.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, cast

from attrs import define, field

from sgsim.documents.node import Document, Misread, Path, Tally
from sgsim.errors import DocumentError

if TYPE_CHECKING:
    import yaml

_DECIMAL: Final = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
_DECIMAL_FRACTION: Final = re.compile(r"[-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+]?[0-9]+)?")
_TAG: Final = "tag:yaml.org,2002:"


def read_yaml(text: str, origin: str) -> Iterator[Document]:
    """Read every document of a YAML text; one without any has one of nothing.

    Raises:
        DocumentError: If it is malformed, or YAML would read something else than is written.
    """
    import yaml  # noqa: PLC0415  # only who reads YAML waits for it

    try:
        roots = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        problem = " ".join(part for part in (error.context, error.problem) if part)
        if problem.endswith("found ':'"):
            problem += ": an address such as ::/0 needs quotes"
        raise _refusal(
            f"document must be well-formed YAML, got an error here: {problem}", error.problem_mark
        ) from error
    except yaml.YAMLError as error:
        raise DocumentError(f"document must be well-formed YAML, got: {' '.join(str(error).split())}") from error
    tally = Tally()
    for root in cast("list[yaml.Node | None]", roots) or [None]:
        builder = _Builder(has_functions=_is_template(root))
        yield Document(origin, builder.build(root), _YamlPlaces(root), tally)


def _is_template(root: "yaml.Node | None") -> bool:
    """Whether a document is one of CloudFormation's, in which tags such as `!Ref` are functions."""
    if root is None or root.tag != _TAG + "map":
        return False
    return any(str(key.value) in {"AWSTemplateFormatVersion", "Resources"} for key, _ in root.value)


def _refusal(text: str, mark: object) -> DocumentError:
    error = DocumentError(text)
    if mark is not None:
        error.add_note(_words(mark))
    return error


def _words(mark: object) -> str:
    return f"line {getattr(mark, 'line', 0) + 1}, column {getattr(mark, 'column', 0) + 1}"


@define
class _Builder:
    """Makes plain values of composed nodes; what an anchor names is built once and shared."""

    has_functions: bool = False
    """Whether a tag is the short form of a function: `!Ref x` is `{"Ref": x}`, `!Sub x` is `{"Fn::Sub": x}`."""
    _built: dict[int, object] = field(factory=dict)
    _open: set[int] = field(factory=set)

    def build(self, node: "yaml.Node | None") -> object:
        """The value of a node and all below it."""
        if node is None:
            return None
        if id(node) in self._open:
            raise _refusal("anchor must not contain itself, got a reference to what it is part of", node.start_mark)
        if id(node) not in self._built:
            self._open.add(id(node))
            self._built[id(node)] = self._value(node)
            self._open.discard(id(node))
        return self._built[id(node)]

    def _value(self, node: "yaml.Node") -> object:
        if self.has_functions and node.tag.startswith("!"):
            return {function_name(node.tag): self._argument(node)}
        if node.tag == _TAG + "map":
            return {key: self.build(value) for key, _, value in _pairs(node)}
        if node.tag == _TAG + "seq":
            return [self.build(child) for child in node.value]
        return _scalar(node)

    def _argument(self, node: "yaml.Node") -> object:
        """What stands behind a tag."""
        if isinstance(node.value, str):
            return node.value
        is_mapping = bool(node.value) and isinstance(node.value[0], tuple)
        return (
            {key: self.build(value) for key, _, value in _pairs(node)}
            if is_mapping
            else [self.build(n) for n in node.value]
        )


def function_name(tag: str) -> str:
    """The long form of a function's name."""
    name = tag.removeprefix("!")
    return name if name in {"Ref", "Condition"} else f"Fn::{name}"


def _pairs(node: "yaml.Node") -> "list[tuple[str, yaml.Node, yaml.Node]]":
    """Key, its node and the value's node of each member; what `<<` brings stands first and is overridden."""
    merged: dict[str, tuple[str, yaml.Node, yaml.Node]] = {}
    own: dict[str, tuple[str, yaml.Node, yaml.Node]] = {}
    for key_node, value_node in node.value:
        if key_node.tag == _TAG + "merge":
            for pair in _merged_pairs(value_node, node):
                merged.setdefault(pair[0], pair)
            continue
        key = _key(key_node)
        if key in own:
            first = _words(own[key][1].start_mark)
            raise _refusal(f"key must occur once, got {key!r} again, first at {first}", key_node.start_mark)
        own[key] = (key, key_node, value_node)
    return list((merged | own).values())


def _merged_pairs(value_node: "yaml.Node", owner: "yaml.Node") -> "Iterator[tuple[str, yaml.Node, yaml.Node]]":
    for source in value_node.value if value_node.tag == _TAG + "seq" else [value_node]:
        if source.tag != _TAG + "map" or source is owner:
            raise _refusal("<< must bring in mappings, got something else", source.start_mark)
        yield from _pairs(source)


def _key(node: "yaml.Node") -> str:
    """A key exactly as it is written, whatever YAML would make of it."""
    if not isinstance(node.value, str):
        raise _refusal("key must be a text, got a list or mapping", node.start_mark)
    return node.value


def _scalar(node: "yaml.Node") -> object:
    text: str = node.value
    match node.tag.removeprefix(_TAG):
        case "str" | "value":
            return text
        case "null":
            return None
        case "int" | "float":
            return _number(text)
        case "bool":
            return _boolean(text)
        case "timestamp":
            return Misread(f"text must be quoted where YAML reads it as a date, got {text}")
        case tag:
            return Misread(f"value must be plain YAML without tags, got {tag}")


def _number(text: str) -> object:
    if _DECIMAL.fullmatch(text):
        return int(text.replace("_", ""))
    if _DECIMAL_FRACTION.fullmatch(text):
        return float(text.replace("_", ""))
    return Misread(_not_decimal(text))


def _boolean(text: str) -> object:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    return Misread(f"text must be quoted where YAML reads it as a boolean, got {text}")


def _not_decimal(text: str) -> str:
    if ":" not in text:
        return f"number must be decimal without leading zeros, got {text}: put it in quotes if it is a text"
    return (
        f"number must be decimal, got {text}, which YAML reads in base 60: write a range as "
        f"{text.replace(':', '-', 1)}, put anything else in quotes"
    )


class _YamlPlaces:
    """Finds line and column by walking the composed tree; a path that leads nowhere has the place where it ends."""

    def __init__(self, root: "yaml.Node | None") -> None:
        self._root = root
        self._members: dict[int, dict[str, tuple[yaml.Node, yaml.Node]]] = {}

    def __call__(self, path: Path, of_key: bool) -> str:  # noqa: FBT001  # the protocol of `Document.place_of`
        node = self._root
        if node is None:
            return ""
        mark = node.start_mark
        is_argument = False
        for part in path:
            if not is_argument and node.tag.startswith("!") and part == function_name(node.tag):
                is_argument = True  # the function's name stands in the tag, not in a key
                continue
            found = self._step(node, part)
            if found is None:
                break
            key_node, node = found
            mark = (key_node if of_key else node).start_mark
            is_argument = False
        return _words(mark)

    def _step(self, node: "yaml.Node", part: str | int) -> "tuple[yaml.Node, yaml.Node] | None":
        """The key's node and the value's node of one step down; None if there is no such step."""
        is_mapping = isinstance(node.value, list) and bool(node.value) and isinstance(node.value[0], tuple)
        if isinstance(part, int):
            is_there = isinstance(node.value, list) and not is_mapping and part < len(node.value)
            return (node.value[part], node.value[part]) if is_there else None
        if not is_mapping:
            return None
        if id(node) not in self._members:
            self._members[id(node)] = {key: (key_node, value) for key, key_node, value in _pairs(node)}
        return self._members[id(node)].get(part)
