"""Mutants that no test can kill, by the reason why: `equivalent.json` lists them.

A mutant is told by its function and by the lines that it takes out and puts in, as its number changes with every change
of the function.
"""

import json
from pathlib import Path
from typing import Final, NamedTuple

LISTED: Final = json.loads(Path(__file__).with_name("equivalent.json").read_text(encoding="utf-8"))


class Equivalent(NamedTuple):
    """One mutant."""

    function: str
    """With its module and class."""
    change: str
    kind: str
    why: str


def equivalents() -> list[Equivalent]:
    """All of them."""
    return [
        Equivalent(function, "\n".join(entry["change"]), kind, entry["why"])
        for kind, functions in LISTED["mutants"].items()
        for function, entries in functions.items()
        for entry in entries
    ]
