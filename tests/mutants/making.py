"""Mutants of what decides about packets: small changes that mutmut makes, one for each place where one can be made."""

import ast
import difflib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]

_ENGINE: Final = (
    "reference", "interface_filter", "steps", "edge_steps", "passage", "memory", "firewall", "options",
)  # fmt: skip

SUBJECT: Final = ("sgsim/rules/*.py", "sgsim/conntrack/*.py", *(f"sgsim/engine/{stem}.py" for stem in _ENGINE))
"""What is changed: what a security group says, what the network remembers, and the engine that is to be read."""

COPIED: Final = ("sgsim", "tests", "docs", "pyproject.toml", "README.md", "CHANGELOG.md")
"""What the tests need."""


class Mutant(NamedTuple):
    """One change of one function."""

    module: str
    key: str
    """As mutmut names it; it changes with every change of the function."""
    function: str
    change: str
    """The lines that are taken out, each after a minus, and those that come in, each after a plus."""

    @property
    def name(self) -> str:
        """What mutmut's switch takes."""
        return f"{self.module}.{self.key}"


def module_files() -> list[str]:
    """The files of the subject, from the root."""
    return sorted(str(path.relative_to(ROOT)) for pattern in SUBJECT for path in ROOT.glob(pattern))


def make(work: Path) -> list[Mutant]:
    """Copy the tree to `work`, which is made or replaced, with every mutant of every function in its files, asleep.

    The working directory is `work` from here on, as mutmut reads its settings there.
    """
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.rmtree(work / name, ignore_errors=True)
            shutil.copytree(ROOT / name, work / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            work.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, work / name)
    with (work / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('\n[tool.mutmut]\nsource_paths = ["sgsim"]\n')
    (work / "mutants").mkdir(exist_ok=True)
    os.chdir(work)
    return [mutant for name in module_files() for mutant in _mutate(work, name)]


def _mutate(work: Path, name: str) -> Iterator[Mutant]:
    from mutmut.mutation.file_mutation import mutate_file_contents  # noqa: PLC0415  # reads settings when imported

    path = work / name
    mutated = mutate_file_contents(name, undecorated(path.read_text(encoding="utf-8")))
    path.write_text(mutated.code, encoding="utf-8")
    lines = mutated.code.splitlines()
    spans = mutated.line_span_by_function_name

    def body(key: str) -> list[str]:
        text = (line.strip().replace(key, "") for line in lines[spans[key].start - 1 : spans[key].end])
        return [line for line in text if line and not line.startswith("@")]

    for key in mutated.mutant_names:
        base = key.partition("__mutmut_")[0]
        differing = difflib.unified_diff(body(f"{base}__mutmut_orig"), body(key), lineterm="", n=0)
        change = "\n".join(line for line in differing if not line.startswith(("---", "+++", "@@")))
        function = base.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        yield Mutant(name.removesuffix(".py").replace("/", "."), key, function, change)


def undecorated(code: str) -> str:
    """The same program with `f = property(f)` after a function instead of `@property` before it.

    mutmut leaves decorated functions alone, but for class and static methods.
    """
    lines = code.splitlines(keepends=True)
    functions = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef)]
    for node in sorted(functions, key=lambda node: -node.lineno):
        names = [ast.unparse(decorator) for decorator in node.decorator_list]
        if not names or names in (["classmethod"], ["staticmethod"]):
            continue
        call = node.name
        for name in reversed(names):
            call = f"{name}({call})"
        assert node.end_lineno is not None
        lines.insert(node.end_lineno, f"{' ' * node.col_offset}{node.name} = {call}\n")
        del lines[node.decorator_list[0].lineno - 1 : node.lineno - 1]
    return "".join(lines)
