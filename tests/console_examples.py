"""Commands on pages, with the output that is shown under them.

A block of the language `console` holds commands after `$ `, each followed by its output. A line `...` in the output
stands for any lines.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ANY_LINES: Final = "..."

_BLOCK: Final = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """One command and what the page shows under it."""

    command: str
    shown: str
    """Empty if nothing is shown."""


def examples(page: str) -> Iterator[Example]:
    """The commands of a page, in order."""
    for block in _BLOCK.findall(page):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.replace("\\\n", "\0").partition("\n")
            yield Example(command.replace("\0", "\\\n"), shown)


def files(page: str) -> Iterator[tuple[str, str]]:
    """Names and contents of the files that a page shows: YAML blocks that begin with `# NAME.yaml`."""
    for block in re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        found = re.match(r"# (\w+\.yaml)\n", block)
        if found is not None:
            yield found[1], block


def run(command: str, folder: Path) -> tuple[str, int]:
    """Run a command as a reader would; give what it writes to the terminal, and its exit code."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return done.stdout, done.returncode


def agrees(shown: str, actual: str) -> bool:
    """Whether an output is what the page shows."""
    parts = [re.escape(part) for part in re.split(rf"^{re.escape(ANY_LINES)}\n", shown, flags=re.MULTILINE)]
    return re.fullmatch(r"(?:.*\n)*".join(parts), actual) is not None


def updated(page: str, outputs: dict[Example, str]) -> str:
    """The page with the outputs of today where it shows others."""
    for example, actual in outputs.items():
        if example.shown and not agrees(example.shown, actual):
            page = page.replace(
                f"$ {example.command}\n{example.shown}", f"$ {example.command}\n{_cut(example, actual)}"
            )
    return page


def _cut(example: Example, actual: str) -> str:
    """An output with the same parts left out, as far as their edges are still in it."""
    lines, edges = actual.splitlines(keepends=True), example.shown.split(f"{ANY_LINES}\n")
    begin, parts = 0, []
    for shown in (part.splitlines(keepends=True) for part in edges):
        if not shown:
            parts.append("")
            continue
        if shown[0] not in lines[begin:]:
            return actual
        begin = lines.index(shown[0], begin)
        end = begin + len(shown)
        if shown[-1] != "".join(lines[end - 1 : end]) and shown[-1] in lines[begin:]:
            end = lines.index(shown[-1], begin) + 1
        parts.append("".join(lines[begin:end]))
        begin = end
    return f"{ANY_LINES}\n".join(parts)
