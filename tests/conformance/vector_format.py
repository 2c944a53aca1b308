"""How files of vectors are written: short things on one line, so that a reader sees a vector at a glance."""

import json
from typing import Any

WIDTH = 118


def written(document: dict[str, Any]) -> str:
    """A file of vectors as text."""
    return _written(document, "", 0) + "\n"


def _written(value: Any, indent: str, used: int) -> str:
    """A value that begins after `used` characters: on one line if it fits, else one line for each member."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or used + len(line) < WIDTH or _is_step(value):
        return line
    deeper = indent + "  "
    if isinstance(value, list):
        members = [_written(member, deeper, len(deeper)) for member in value]
        opening, closing = "[", "]"
    else:
        heads = [f"{json.dumps(key)}: " for key in value]
        members = [
            head + _written(member, deeper, len(deeper) + len(head))
            for head, member in zip(heads, value.values(), strict=True)
        ]
        opening, closing = "{", "}"
    return opening + "\n" + ",\n".join(deeper + member for member in members) + "\n" + indent + closing


def _is_step(value: Any) -> bool:
    return isinstance(value, dict) and "at_s" in value and "stops" not in value
