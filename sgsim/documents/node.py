"""A value in a document together with its place there.

The law: whatever is wrong is said with the place where it stands, and whatever is not understood is counted. Readers
see `Node`s only, so the same reader serves JSON (places are paths, `SecurityGroups[0].GroupId`) and YAML (places are
line and column).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from attrs import define, field, frozen

from sgsim.errors import DocumentError, SgsimError
from sgsim.rules.inventory import Note

Path = tuple[str | int, ...]
"""Keys and indices from the root of a document down to a value."""

_Error = TypeVar("_Error", bound=SgsimError)

EXAMPLES = 3
"""How many examples a note names."""

MOST_PLACES = 10_000
"""How many places of one kind are kept."""


@define
class Tally:
    """What a reader passed over in one document, by kind: how often, and examples."""

    _seen: dict[str, Counter[str]] = field(factory=dict)
    _places: dict[str, list[tuple[str, str]]] = field(factory=dict)

    def count(self, kind: str, example: str, place: str) -> None:
        """Count one more thing of a kind."""
        self._seen.setdefault(kind, Counter())[example] += 1
        places = self._places.setdefault(kind, [])
        if len(places) < MOST_PLACES:
            places.append((example, place))

    def notes(self, origin: str) -> tuple[Note, ...]:
        """One note for each kind, in the order in which they were first met."""
        return tuple(
            Note(f"{kind}: {listed(examples)}", sum(examples.values()), origin, kind, tuple(self._places[kind]))
            for kind, examples in self._seen.items()
        )


def listed(texts: Collection[str], limit: int = EXAMPLES) -> str:
    """Write the first few of some texts, and how many more there are."""
    texts = list(texts)
    more = f" and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more


@frozen
class Document:
    """One document of a file."""

    origin: str
    """Name of the file, for messages."""
    value: object
    """What it holds, as plain dictionaries, lists and scalars."""
    place_of: Callable[[Path, bool], str]
    """Words for the place of a path; the flag asks for the key instead of the value behind it."""
    tally: Tally = field(factory=Tally)

    @property
    def root(self) -> "Node":
        """The document as a whole."""
        return Node(self, self.value)


@frozen
class Misread:
    """A value that cannot be told: YAML reads another than is written, or it is not known before the document is applied.

    Whoever asks for it gets the refusal.
    """

    refusal: str
    stands_for: str = ""
    """What a value that is not known yet is called; empty if it is a slip."""


@frozen
class Node:
    """A value and its place."""

    document: Document = field(repr=False)
    value: object
    path: Path = ()

    @property
    def place(self) -> str:
        """Where it stands, in words."""
        return self.document.place_of(self.path, False)  # noqa: FBT003  # a plain function, called by position

    @property
    def name(self) -> str:
        """What a message calls it: its key, or its list's key and its number."""
        if not self.path:
            return "document"
        key = self.path[-1]
        if isinstance(key, str):
            return key
        return f"{self.path[-2]}[{key}]" if len(self.path) > 1 else f"item {key}"

    def error(self, text: str) -> DocumentError:
        """An error that names this place."""
        return _placed(DocumentError(text), self.place)

    def error_at_key(self, key: str, text: str) -> DocumentError:
        """An error that names the place of one of its keys."""
        return _placed(DocumentError(text), self.document.place_of((*self.path, key), True))  # noqa: FBT003  # as above

    @contextmanager
    def at(self) -> Iterator[None]:
        """Name this place in errors from inside, unless they name a closer one already."""
        try:
            yield
        except SgsimError as error:
            _placed(error, self.place)
            raise

    def count(self, kind: str, example: str) -> None:
        """Count something that is passed over."""
        self.document.tally.count(kind, example, self.place)

    def get(self, key: str) -> "Node | None":
        """The value behind a key; None if it is missing or null."""
        value = self.mapping().get(key)
        return None if value is None else self._child(value, key)

    def need(self, key: str) -> "Node":
        """The value behind a key that must be there."""
        child = self.get(key)
        if child is None:
            raise self.error(f"{self.name} must have {key}, got {self._members}")
        return child

    def _child(self, value: object, key: str | int) -> "Node":
        child = Node(self.document, value, (*self.path, key))
        if isinstance(value, Misread):
            raise child.error(value.refusal)
        return child

    @property
    def _members(self) -> str:
        given = [key for key, value in self.mapping().items() if value is not None]
        return f"only {listed(given, 8)}" if given else "nothing"

    def mapping(self) -> Mapping[str, object]:
        """Its keys and values.

        Raises:
            DocumentError: If it is no object.
        """
        if not isinstance(self.value, dict):
            raise self.error(f"{self.name} must be an object, got {self.shown}")
        return self.value

    def entries(self, key: str) -> Iterator[tuple[str, "Node"]]:
        """Key and value of each member of the object behind a key; nothing if it is missing."""
        child = self.get(key)
        if child is not None:
            for name, value in child.mapping().items():
                yield name, child._child(value, name)  # noqa: SLF001  # of the same class

    def items(self, key: str) -> Iterator["Node"]:
        """The members of the list behind a key; nothing if it is missing."""
        child = self.get(key)
        return iter(()) if child is None else child.each()

    def each(self) -> Iterator["Node"]:
        """Its members.

        Raises:
            DocumentError: If it is no list.
        """
        if not isinstance(self.value, list):
            raise self.error(f"{self.name} must be a list, got {self.shown}")
        return (self._child(value, index) for index, value in enumerate(self.value))

    def one_or_more(self, key: str) -> Iterator["Node"]:
        """The members of the list behind a key, or what stands there alone; nothing if it is missing."""
        child = self.get(key)
        if child is None:
            return iter(())
        return child.each() if isinstance(child.value, list) else iter((child,))

    def as_text(self) -> str:
        """Its text.

        Raises:
            DocumentError: If it is no text, or an empty one.
        """
        if not isinstance(self.value, str) or not self.value:
            raise self.error(f"{self.name} must be a non-empty text, got {self.shown}")
        return self.value

    def as_whole_number(self) -> int:
        """Its number.

        Raises:
            DocumentError: If it is no whole number; `true` is none.
        """
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.error(f"{self.name} must be a whole number, got {self.shown}")
        return self.value

    def text(self, key: str) -> str:
        """The text behind a key that must be there."""
        return self.need(key).as_text()

    def text_or_none(self, key: str) -> str | None:
        """The text behind a key; None if it is missing or empty."""
        child = self.get(key)
        return None if child is None or child.value == "" else child.as_text()

    def is_known(self, key: str) -> bool:
        """Whether what stands behind a key, if anything does, can be told."""
        return not isinstance(self.mapping().get(key), Misread)

    def known_text(self, key: str) -> str:
        """The text behind a key that nothing depends on; empty if it is missing or not known yet."""
        return self.text_or_none(key) or "" if self.is_known(key) else ""

    def id_or_none(self, key: str) -> str | None:
        """The id behind a key, or what it is called while it is not known yet; None if it is missing or empty."""
        value = self.mapping().get(key)
        return value.stands_for if isinstance(value, Misread) and value.stands_for else self.text_or_none(key)

    def ids(self, key: str) -> list[str]:
        """The ids of the list behind a key, or what they are called; empty if it is missing."""
        value = self.mapping().get(key)
        if not isinstance(value, list):
            return (
                [self.id_or_none(key) or ""]
                if isinstance(value, Misread)
                else [item.as_text() for item in self.items(key)]
            )
        return [
            item.stands_for if isinstance(item, Misread) and item.stands_for else self.need(key).item(index).as_text()
            for index, item in enumerate(value)
        ]

    def item(self, index: int) -> "Node":
        """A member of a list that is there."""
        return self._child(list(self.value)[index] if isinstance(self.value, list) else self.value, index)

    @property
    def shown(self) -> str:
        """The value as a message shows it."""
        match self.value:
            case Misread():
                return "a value that cannot be told"
            case dict():
                return "an object"
            case list():
                return f"a list of {len(self.value)}"
            case True | False | None:
                return {True: "true", False: "false", None: "null"}[self.value]
        text = repr(self.value)
        return text if len(text) <= 80 else text[:76] + "..." + text[-1]

    def count_unknown(self, known: Collection[str]) -> None:
        """Count the members that a reader does not know."""
        for key in self.mapping():
            if key not in known:
                self.count("unknown members are ignored", key)

    def refuse_unknown(self, allowed: Collection[str], hint: str = "") -> None:
        """Refuse keys that our own form does not have."""
        for key in self.mapping():
            if key not in allowed:
                raise self.error_at_key(key, f"key must be one of {', '.join(allowed)}, got {key!r}{hint}")


def _placed(error: _Error, place: str) -> _Error:
    if place and not getattr(error, "__notes__", None):
        error.add_note(place)
    return error
