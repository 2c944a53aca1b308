"""The list of mutants that nobody can kill is about the code as it stands, and gives a reason for each."""

import ast
from typing import Any

from mutants.equivalent import LISTED, equivalents
from mutants.making import ROOT, module_files, undecorated
from mutants.run import LEFT_OUT


def functions_of(name: str) -> dict[str, list[str]]:
    """The lines of every function of a file, without their indentation, by module, class and name."""
    text = (ROOT / name).read_text(encoding="utf-8")
    module = name.removesuffix(".py").replace("/", ".")
    tree, lines = ast.parse(text), [line.strip() for line in text.splitlines()]
    owners: list[tuple[str, ast.Module | ast.ClassDef]] = [(module, tree)]
    owners += [(f"{module}.{node.name}", node) for node in tree.body if isinstance(node, ast.ClassDef)]
    return {
        f"{owner}.{node.name}": lines[node.lineno - 1 : node.end_lineno]
        for owner, within in owners
        for node in within.body
        if isinstance(node, ast.FunctionDef)
    }


def test_each_takes_out_what_stands_in_its_function():
    """Else it is a mutant of code that is no more, and has to be looked at again."""
    known = {name: lines for path in module_files() for name, lines in functions_of(path).items()}
    gone = [
        f"{each.function}: {line}"
        for each in equivalents()
        for line in each.change.split("\n")
        if line.startswith("-") and line[1:] not in known.get(each.function, ())
    ]
    assert gone == []


def test_what_each_takes_out_stands_once_in_its_function():
    """Else it would speak for two mutants, as it is told by its text alone."""
    known = {name: lines for path in module_files() for name, lines in functions_of(path).items()}
    removed = [(each.function, line) for each in equivalents() for line in each.change.split("\n") if line[0] == "-"]
    assert [each for each in removed if known[each[0]].count(each[1][1:]) != 1] == []


def test_each_has_its_kind_and_reason_and_stands_once():
    listed = equivalents()
    assert {each.kind for each in listed} == LISTED["kinds"].keys()
    assert all(each.why.endswith(".") for each in listed)
    assert len({(each.function, each.change) for each in listed}) == len(listed)


def test_what_is_left_out_is_a_test():
    """Else it would be run again under another name."""
    places = [test.split("::") for test in LEFT_OUT]
    assert [name for path, name in places if f"\ndef {name}(" not in (ROOT / path).read_text(encoding="utf-8")] == []


def test_a_property_without_its_decorator_is_still_one():
    code = "class A:\n    @property\n    def one(self) -> int:\n        return 1\n\n    @classmethod\n    def two(cls) -> int:\n        return 2\n"
    made: dict[str, Any] = {}
    exec(compile(undecorated(code), "a", "exec"), made)  # noqa: S102  # the code above
    assert (made["A"]().one, made["A"].two()) == (1, 2)
    assert "@property" not in undecorated(code)
