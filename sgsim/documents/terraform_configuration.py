"""The `configuration` of a Terraform plan: for each resource the expressions that its values come from.

What is of another shape than Terraform writes is refused with its place; what is null is left out. Source: Terraform's
JSON output format, configuration representation.
"""

from collections.abc import Iterator
from typing import Any

from sgsim.documents.node import Node
from sgsim.documents.terraform_resources import module_names


def read_configuration(root: Node) -> dict[str, Any]:
    """Read the root module of a plan's configuration; empty if it has none.

    Raises:
        DocumentError: If it has another shape.
    """
    configuration = root.get("configuration")
    module = configuration.get("root_module") if configuration is not None else None
    return _module(module) if module is not None else {}


def module_configuration(root: dict[str, Any], module: str) -> dict[str, Any]:
    """The configuration of a module instance; empty if there is none."""
    for name in module_names(module):
        root = root.get("module_calls", {}).get(name, {}).get("module", {})
    return root


def _module(node: Node) -> dict[str, Any]:
    return {
        "resources": [_resource(each) for each in node.items("resources")],
        "module_calls": {name: _call(each) for name, each in _given(node, "module_calls")},
        "outputs": {name: _output(each) for name, each in _given(node, "outputs")},
    }


def _resource(node: Node) -> dict[str, Any]:
    names = {key: node.text_or_none(key) for key in ("type", "name", "mode")}
    return {**names, "expressions": _expressions(node)}


def _call(node: Node) -> dict[str, Any]:
    module = node.get("module")
    known = {key: each for key, each in _expressions(node).items() if isinstance(each, dict)}
    return {"expressions": known, "module": _module(module) if module is not None else {}}


def _output(node: Node) -> dict[str, Any]:
    expression = node.get("expression")
    return {"expression": _expression(expression) if expression is not None else {}}


def _expressions(node: Node) -> dict[str, Any]:
    return {key: _expression_or_blocks(each) for key, each in _given(node, "expressions")}


def _given(node: Node, key: str) -> Iterator[tuple[str, Node]]:
    return ((name, each) for name, each in node.entries(key) if each.value is not None)


def _expression_or_blocks(node: Node) -> dict[str, Any] | list[dict[str, Any]]:
    """One expression, or a list of blocks with expressions in them."""
    if not isinstance(node.value, list):
        return _expression(node)
    return [{key: _nested(each.get(key)) for key in each.mapping()} for each in node.each()]


def _nested(node: Node | None) -> dict[str, Any]:
    """An expression in a block; blocks within blocks tell no id."""
    return _expression(node) if node is not None and isinstance(node.value, dict) else {}


def _expression(node: Node) -> dict[str, Any]:
    members = {key: each for key, each in node.mapping().items() if each is not None}
    if "references" in members:
        members["references"] = [each.as_text() for each in node.items("references")]
    return members
