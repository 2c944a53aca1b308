"""From JSON text to documents.

One file may hold several documents one after the other, as a loop over pages writes them. A member that an object has
twice is refused: Python's reader would keep the last and say nothing.
"""

import json
from collections.abc import Iterator
from typing import Any

from sgsim.documents.node import Document, Path, Tally
from sgsim.errors import DocumentError


def read_json(text: str, origin: str) -> Iterator[Document]:
    """Read every document of a JSON text.

    Raises:
        DocumentError: If it is malformed; the place is line and column.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_object)
    position, number, tally = _skip_space(text, 0), 0, Tally()
    while position < len(text) or not number:
        number += 1
        value, position = _decode(decoder, text, position)
        position = _skip_space(text, position)
        prefix = f"document {number}" if number > 1 else ""
        yield Document(origin, value, JsonPlaces(prefix), tally)


def _decode(decoder: json.JSONDecoder, text: str, position: int) -> tuple[object, int]:
    try:
        return decoder.raw_decode(text, position)
    except json.JSONDecodeError as error:
        refusal = DocumentError(f"document must be well-formed JSON, got an error here: {error.msg}")
        refusal.add_note(f"line {error.lineno}, column {error.colno}")
        raise refusal from error
    except DocumentError:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise DocumentError(f"document must be JSON with numbers of usual length, got: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DocumentError(f"member must occur once in an object, got {twice!r} twice")
    return members


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


class JsonPlaces:
    """Writes paths as `SecurityGroups[0].GroupId`."""

    def __init__(self, prefix: str) -> None:
        """Take what stands before each path, such as the number of a document."""
        self._prefix = prefix

    def __call__(self, path: Path, _of_key: bool) -> str:  # noqa: FBT001  # the protocol of `Document.place_of`
        """Write one."""
        words = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
        return ", ".join(part for part in (self._prefix, words) if part)
