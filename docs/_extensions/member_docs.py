"""What stands under the members of a class, the sentence that explains each, and the comment above a line.

Python drops both when it runs; the pages want them, so they are read from the source and written only there.
"""

import ast
import inspect
import re
from types import ModuleType


def member_docs(kind: type) -> dict[str, str]:
    """The sentence under each member of an enum or field of a class, by name; empty where there is none."""
    (definition,) = ast.parse(inspect.getsource(kind)).body
    if not isinstance(definition, ast.ClassDef):
        raise TypeError(f"kind must be a class, got {kind!r}")
    sentences = {}
    for statement, following in zip(definition.body, [*definition.body[1:], None], strict=True):
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                sentences[name] = _sentence(following)
    return sentences


def _sentence(statement: ast.stmt | None) -> str:
    match statement:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return " ".join(text.split())
    return ""


def comments_above(module: ModuleType, line_pattern: str) -> list[str]:
    """The comment straight above each line of a module that matches a pattern, in order; empty where there is none."""
    comment: list[str] = []
    found = []
    for line in inspect.getsource(module).splitlines():
        text = line.strip()
        if text.startswith("#"):
            comment.append(text.removeprefix("#").strip())
            continue
        if re.match(line_pattern, text):
            found.append(" ".join(comment))
        comment = []
    return found
