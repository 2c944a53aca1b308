"""The resources of Terraform's JSON documents, whichever of them it is.

A plan (`terraform show -json PLAN`) holds them twice, before and after; a state holds them once, as `terraform show -json`
prints it or as the state file (version 4) keeps it. Source: Terraform's JSON output format; `[tf-plan]`.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from attrs import define, field, frozen

from sgsim.documents.node import Document, Node, Path, Tally

TYPES: Final = frozenset(
    [
        "aws_security_group",
        "aws_default_security_group",
        "aws_security_group_rule",
        "aws_vpc_security_group_ingress_rule",
        "aws_vpc_security_group_egress_rule",
        "aws_ec2_managed_prefix_list",
        "aws_ec2_managed_prefix_list_entry",
        "aws_prefix_list",
        "aws_network_interface",
        "aws_instance",
        "aws_vpc",
        "aws_default_vpc",
        "aws_subnet",
        "aws_default_subnet",
    ]
)
"""The types that say something about rules, members or addresses."""

_MODULE: Final = re.compile(r'module\.([\w-]+)(\[(?:"(?:[^"\\]|\\.)*"|\d+)\])?\.?')


@frozen
class _AttributePlaces:
    """Writes paths as Terraform addresses: `aws_security_group.web.ingress[0].cidr_blocks[1]`."""

    address: str

    def __call__(self, path: Path, _of_key: bool) -> str:  # noqa: FBT001  # the protocol of `Document.place_of`
        return self.address + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


@define
class Resource:
    """One instance of a resource or data source."""

    address: str
    kind: str
    """Its type."""
    name: str
    is_data: bool
    module: str
    """Address of the module instance that it is in; empty for the root."""
    index: int | str | None
    """Its key in `count` or `for_each`; None without."""
    values: dict[str, Any]
    unknown: Any = field(factory=dict)
    """The shape of `values` with true where Terraform does not know a value yet."""

    def node(self, origin: str, tally: Tally) -> Node:
        """Its attributes, to be read."""
        return Document(origin, self.values, _AttributePlaces(self.address), tally).root


def state_file_resources(root: Node) -> Iterator[Resource]:
    """The resources of a state file of version 4."""
    for node in root.items("resources"):
        kind, name = node.text("type"), node.text("name")
        is_data = node.text_or_none("mode") == "data"
        module = node.text_or_none("module") or ""
        for instance in node.items("instances"):
            attributes = instance.get("attributes")
            if kind in TYPES and attributes is not None and instance.get("deposed") is None:
                index = instance.mapping().get("index_key")
                address = _address(module, kind, name, index, is_data=is_data)
                yield Resource(address, kind, name, is_data, module, _index(index), dict(attributes.mapping()))


def recorded_resources(root: Node) -> Iterator[Resource]:
    """The resources of what pytest-terraform, a recorder, writes."""
    for kind, named in root.entries("resources"):
        for name, node in named.mapping().items() if kind in TYPES else ():
            if isinstance(node, dict):
                yield Resource(f"{kind}.{name}", kind, name, False, "", None, dict(node))  # noqa: FBT003  # is no data source


def values_resources(values: Node | None) -> Iterator[Resource]:
    """The resources of `values` or `planned_values`, those of modules too."""
    root = values.get("root_module") if values is not None else None
    if root is not None:
        yield from _module_resources(root)


def _module_resources(module: Node) -> Iterator[Resource]:
    for node in module.items("resources"):
        if node.text("type") in TYPES:
            yield _resource(node, module.text_or_none("address") or "", node.get("values"))
    for child in module.items("child_modules"):
        yield from _module_resources(child)


def changed_resources(root: Node, side: str) -> Iterator[Resource]:
    """One side of `resource_changes`: those that exist on it."""
    for node in root.items("resource_changes"):
        if node.text("type") not in TYPES or node.get("deposed") is not None:
            continue
        change = node.need("change")
        values = change.get(side)
        if values is not None:
            found = _resource(node, node.text_or_none("module_address") or "", values)
            found.unknown = _unknown(change) if side == "after" else {}
            yield found


def _unknown(change: Node) -> dict[str, Any]:
    """What Terraform does not know of a resource; `false` is nothing."""
    unknown = change.get("after_unknown")
    return {} if unknown is None or unknown.value is False else dict(unknown.mapping())


def _resource(node: Node, module: str, values: Node | None) -> Resource:
    kind, name = node.text("type"), node.text("name")
    index = _index(node.mapping().get("index"))
    is_data = node.text_or_none("mode") == "data"
    address = node.text_or_none("address") or _address(module, kind, name, index, is_data=is_data)
    return Resource(address, kind, name, is_data, module, index, dict(values.mapping()) if values is not None else {})


def _index(value: object) -> int | str | None:
    return value if isinstance(value, int | str) else None


def _address(module: str, kind: str, name: str, index: object, *, is_data: bool) -> str:
    key = "" if index is None else f"[{index}]" if isinstance(index, int) else f'["{index}"]'
    parts = (module, "data" if is_data else "", f"{kind}.{name}{key}")
    return ".".join(part for part in parts if part)


def module_names(module: str) -> list[str]:
    """The names of the calls that lead to a module instance: `module.a["x"].module.b` gives a and b."""
    return [found[1] for found in _MODULE.finditer(module)]


def parent_module(module: str) -> str:
    """The module instance that holds another."""
    spans = [found.start() for found in _MODULE.finditer(module)]
    return module[: spans[-1]].rstrip(".") if spans else ""
