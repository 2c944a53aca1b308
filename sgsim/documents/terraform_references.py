"""What a plan does not know yet, found through the expressions of its configuration.

The id of a group that does not exist yet is in no value of a plan; which group is meant is told by what the expression
refers to. The law: a reference is followed only where it leads to one thing; all else is refused by name, unless
`--assume` says what to take. Source: `expressions.references` in Terraform's JSON output format.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from attrs import define, field

from sgsim.documents.assumptions import Assumptions, unknown
from sgsim.documents.node import Misread
from sgsim.documents.terraform_configuration import module_configuration
from sgsim.documents.terraform_resources import Resource, module_names, parent_module

ID_SLOTS: Final = frozenset(
    [
        "security_groups",
        "source_security_group_id",
        "referenced_security_group_id",
        "security_group_id",
        "prefix_list_ids",
        "prefix_list_id",
        "vpc_security_group_ids",
        "subnet_id",
        "vpc_id",
        "network_interface_id",
        "primary_network_interface_id",
        "instance",
    ]
)
"""Attributes whose value is an id, or a list of ids: a reference tells whose."""

_LISTS: Final = frozenset(
    [
        "security_groups",
        "prefix_list_ids",
        "vpc_security_group_ids",
        "cidr_blocks",
        "ipv6_cidr_blocks",
        "private_ips",
        "ipv6_addresses",
    ]
)
_COMPUTED: Final = frozenset({"ingress", "egress", "entry"})
"""Lists that Terraform fills in itself where the configuration says nothing of them."""

_ID_ATTRIBUTES: Final = frozenset({"id", "security_group_id", "prefix_list_id"})
_REFERENCE: Final = re.compile(
    r"(?P<data>data\.)?(?P<kind>[a-z]\w*)\.(?P<name>[\w-]+)"
    r'(?P<index>\[(?:"(?:[^"\\]|\\.)*"|\d+)\])?(?:\.(?P<attribute>\w+))?.*'
)
_MODULE_OUTPUT: Final = re.compile(
    r'module\.(?P<name>[\w-]+)(?P<index>\[(?:"(?:[^"\\]|\\.)*"|\d+)\])?\.(?P<output>[\w-]+).*'
)
_LOOPS: Final = frozenset({"count.index", "each.key", "each.value"})


@define
class References:
    """Follows the expressions of one plan's configuration."""

    configuration: dict[str, Any]
    """`configuration.root_module`; empty if the document has none."""
    resources: dict[str, Resource]
    """Every resource on the side that is read, and data sources, by address."""
    assumptions: Assumptions
    taken: list[str] = field(factory=list)
    """What was told by references, for a note."""
    computed: list[str] = field(factory=list)
    """Lists that were taken as empty, for a note."""

    def complete(self, resource: Resource) -> None:
        """Put into a resource what is assumed, what references tell, and else a refusal, where a value is not known."""
        resource.values = self._filled(resource.values, resource.unknown, resource, ())

    def _filled(self, value: Any, missing: Any, resource: Resource, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401  # JSON
        if missing is True:
            return self._value(resource, path)
        if isinstance(missing, dict):
            filled = dict(value) if isinstance(value, dict) else {}
            for key, part in missing.items():
                if _is_any_true(part):
                    filled[key] = self._filled(filled.get(key), part, resource, (*path, key))
            return filled
        if isinstance(missing, list):
            values = list(value) if isinstance(value, list) else []
            values += [None] * (len(missing) - len(values))
            return [
                self._filled(values[i], part, resource, (*path, i)) if _is_any_true(part) else values[i]
                for i, part in enumerate(missing)
            ] + values[len(missing) :]
        return value

    def _value(self, resource: Resource, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401  # JSON
        """What to take for one value."""
        key = next((part for part in reversed(path) if isinstance(part, str)), "")
        name = resource.address + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
        is_list = key in _LISTS and path[-1] == key
        assumed = self.assumptions.get(name)
        if assumed is not None:
            return assumed.split(",") if is_list else assumed
        if path == ("id",):
            return (
                unknown(resource.address, "which does not exist yet")
                if self.assumptions.get(resource.address) is None
                else self.assumptions.get(resource.address)
            )
        expression = self._expression(resource, path)
        references = [str(each) for each in (expression or {}).get("references", ())]
        is_shared = len(path) >= 3 and self._is_one_expression(resource, str(path[0]))
        for reference in () if is_shared else references:
            assumed = self.assumptions.get(reference)
            if assumed is not None:
                return assumed.split(",") if is_list else assumed
        if key in _COMPUTED and expression is None:
            self.computed.append(name)
            return []
        if key in ID_SLOTS:
            found = (
                self._shared(references, resource, path)
                if is_shared
                else self._ids(references, resource.module, resource)
            )
            if found is not None and (is_list or len(found) == 1):
                self.taken.append(f"{name} is {', '.join(found)}")
                return found if is_list else found[0]
        told = f", which refers to {references[0]}" if references and not is_shared else ""
        return Misread(
            f"value must be known, got one that Terraform does not know before it applies{told}: give --assume '{name}=VALUE'",
            stands_for=references[0] if references and key in ID_SLOTS and not is_shared else name,
        )

    def _expression(self, resource: Resource, path: tuple[str | int, ...]) -> dict[str, Any] | None:
        """The expression that gives a value; None if the configuration has none."""
        module = module_configuration(self.configuration, resource.module)
        configured = [
            each
            for each in module.get("resources", ())
            if each.get("type") == resource.kind
            and each.get("name") == resource.name
            and (each.get("mode") == "data") == resource.is_data
        ]
        expressions = configured[0].get("expressions", {}) if configured else {}
        found = expressions.get(str(path[0]))
        if len(path) >= 3 and isinstance(found, list) and isinstance(path[1], int):
            block = self._block(found, resource, path)
            return block.get(str(path[2])) if block is not None else None
        if isinstance(found, list):
            return {"references": []}
        return found if isinstance(found, dict) else None

    def _is_one_expression(self, resource: Resource, key: str) -> bool:
        """Whether all blocks of a list have one expression, as Terraform writes `ingress` and `egress` of groups."""
        for each in module_configuration(self.configuration, resource.module).get("resources", ()):
            if (each.get("type"), each.get("name")) == (resource.kind, resource.name):
                return isinstance(each.get("expressions", {}).get(key), dict)
        return False

    def _shared(self, references: Sequence[str], resource: Resource, path: tuple[str | int, ...]) -> list[str] | None:
        """The ids that one block of several means, where only what all of them refer to is known; None if that may be several.

        What another block is known to have is taken away; what is left belongs to the only block that is not known, or
        is one id for all of them.
        """
        member, elements = str(path[-1]), resource.values.get(str(path[0]))
        missing = resource.unknown.get(path[0]) if isinstance(resource.unknown, dict) else None
        if not isinstance(elements, list) or not isinstance(missing, list):
            return None
        open_blocks = sum(isinstance(each, dict) and _is_any_true(each.get(member)) for each in missing)
        kind = "prefix_list" if "prefix" in member else "security_group"
        known = {
            _id_of(each) for each in self.resources.values() if kind in each.kind and not each.kind.endswith("_rule")
        }
        found: list[str] = []
        for reference in references:
            ids = self._ids([reference], resource.module, resource)
            if ids is None and _may_hide(reference):
                return None
            found += [each for each in ids or () if each in known]
        told = {
            each
            for element in elements
            if isinstance(element, dict) and isinstance(element.get(member), list)
            for each in element[member]
            if isinstance(each, str)
        }
        left = [each for each in dict.fromkeys(found) if each not in told]
        return left if left and (open_blocks == 1 or len(left) == 1) else None

    def _block(self, blocks: list[Any], resource: Resource, path: tuple[str | int, ...]) -> dict[str, Any] | None:
        """The block of the configuration that an element of a set comes from: the one with the same known values.

        Elements that are equal in all that is known may change places, so the order among them does not matter.
        """
        key, index, member = path[0], path[1], path[2]
        elements = resource.values.get(str(key))
        if not isinstance(elements, list) or not isinstance(index, int) or index >= len(elements):
            return None
        candidates = [
            block
            for block in blocks
            if isinstance(block, dict) and _agrees(block, elements[index]) and "references" in block.get(member, {})
        ]
        rank = sum(all(_agrees(block, element) for block in candidates) for element in elements[:index])
        return candidates[rank] if rank < len(candidates) else None

    def _ids(self, references: Sequence[str], module: str, resource: Resource) -> list[str] | None:
        """The ids that an expression refers to; None if one cannot be told."""
        longest = [
            each
            for each in references
            if each not in _LOOPS
            and not any(other != each and other.startswith((f"{each}.", f"{each}[")) for other in references)
        ]
        found: list[str] = []
        for reference in dict.fromkeys(longest):
            ids = self._follow(reference, module, resource, is_loop=not _LOOPS.isdisjoint(references))
            if not ids:
                return None
            found += ids
        return list(dict.fromkeys(found)) or None

    def _follow(self, reference: str, module: str, resource: Resource, *, is_loop: bool) -> list[str] | None:
        assumed = self.assumptions.get(reference)
        if assumed is not None:
            return assumed.split(",")
        output = _MODULE_OUTPUT.fullmatch(reference)
        if output is not None:
            call = f"module.{output['name']}{output['index'] or ''}"
            child = f"{module}.{call}" if module else call
            expression = (
                module_configuration(self.configuration, child)
                .get("outputs", {})
                .get(output["output"], {})
                .get("expression", {})
            )
            return self._ids(expression.get("references", ()), child, resource)
        if reference.startswith("var."):
            return self._variable(reference.split(".", maxsplit=2)[1].partition("[")[0], module, resource)
        target = _REFERENCE.fullmatch(reference)
        if target is None or target["attribute"] not in {None, *_ID_ATTRIBUTES}:
            return None
        found = list(self._targets(target, module))
        if len(found) > 1 and is_loop:
            found = [each for each in found if each.index == resource.index]
            return [_id_of(found[0])] if len(found) == 1 else None
        return [_id_of(each) for each in found] or None

    def _variable(self, name: str, module: str, resource: Resource) -> list[str] | None:
        """What the call of a module gives for one of its variables."""
        if not module:
            return None
        parent = parent_module(module)
        call = (
            module_configuration(self.configuration, parent).get("module_calls", {}).get(module_names(module)[-1], {})
        )
        expression = call.get("expressions", {}).get(name, {})
        given = expression.get("constant_value")
        if given is not None:
            return [str(each) for each in given] if isinstance(given, list) else [str(given)]
        return self._ids(expression.get("references", ()), parent, resource)

    def _targets(self, target: re.Match[str], module: str) -> Iterator[Resource]:
        """The instances that a reference may mean."""
        prefix = ".".join(part for part in (module, f"{target['data'] or ''}{target['kind']}.{target['name']}") if part)
        if target["index"]:
            exact = self.resources.get(prefix + target["index"])
            return iter((exact,) if exact is not None else ())
        return (
            each for each in self.resources.values() if each.address == prefix or each.address.startswith(f"{prefix}[")
        )


def _id_of(resource: Resource) -> str:
    value = resource.values.get("id")
    return value if isinstance(value, str) and value else resource.address


def _agrees(block: dict[str, Any], element: Any) -> bool:  # noqa: ANN401  # JSON
    """Whether an element may come from a block: every constant of the block is what the element says."""
    if not isinstance(element, dict):
        return False
    known = ((key, each) for key, each in block.items() if isinstance(each, dict) and element.get(key) is not None)
    return all(
        _plain(each["constant_value"]) == _plain(element[key]) for key, each in known if "constant_value" in each
    )


def _plain(value: Any) -> object:  # noqa: ANN401  # JSON
    """A value to compare: Terraform turns numbers into texts and lists into sets."""
    return sorted(map(str, value)) if isinstance(value, list) else str(value).lower()


def _is_any_true(value: Any) -> bool:  # noqa: ANN401  # JSON
    if isinstance(value, dict):
        return any(map(_is_any_true, value.values()))
    if isinstance(value, list):
        return any(map(_is_any_true, value))
    return value is True


def _may_hide(reference: str) -> bool:
    """Whether something that cannot be followed may be a group: a local value, or the output of a module."""
    return reference.startswith("local.") or _MODULE_OUTPUT.fullmatch(reference) is not None
