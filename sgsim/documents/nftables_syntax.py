"""How nftables writes names, comments and sets."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

COMMENT_BYTES: Final = 127
"""The most that nftables keeps of a rule's comment."""

LINE_WIDTH: Final = 118
"""Where comments and sets are broken into lines."""

INDENT: Final = "    "


def elements(networks: Iterable[str]) -> Iterator[str]:
    """The elements of a set, in lines."""
    lines = _broken(", ".join(networks), LINE_WIDTH - 24)
    for number, line in enumerate(lines):
        begin = f"{INDENT}elements = {{ " if number == 0 else f"{INDENT}{' ' * 13}"
        yield f"{begin}{line}{' }' if number == len(lines) - 1 else ''}"


def comment(text: str, *, first: str = "# ", next_: str = "# ") -> Iterator[str]:
    """A comment of one or more lines; control characters would end it early."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    for number, line in enumerate(_broken(printable, LINE_WIDTH - 8)):
        yield f"{first if number == 0 else next_}{line}"


def _broken(text: str, width: int) -> list[str]:
    """Break a text at spaces; a longer word stands alone."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines


def name_of(text: str) -> str:
    """A name as nftables takes it."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    return name if name[:1].isalpha() else f"x{name}"


def quotable(text: str) -> str:
    """A comment within quotes, cut to what nftables keeps."""
    printable = "".join(char if char.isprintable() and char != '"' else " " for char in text)
    return printable.encode()[:COMMENT_BYTES].decode(errors="ignore")
