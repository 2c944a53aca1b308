"""CloudFormation's functions, as far as they can be worked out before anything exists.

The law: what cannot be worked out becomes a `Misread` that names what is missing, so that only a reader who needs the
value is refused; `--assume` gives it. Source: `[aws-cfn]`, intrinsic functions.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from attrs import define, field
from netaddr import AddrFormatError, IPNetwork

from sgsim.documents.assumptions import Assumptions, unknown
from sgsim.documents.node import Misread

_NO_VALUE: Final = object()
"""What `AWS::NoValue` gives: the member is left out."""

_VARIABLE: Final = re.compile(r"\$\{(!?)([^}]+)\}")
_ID_ATTRIBUTES: Final = frozenset({"GroupId", "Id", "PrefixListId", "SubnetId", "VpcId", "InstanceId"})
_OWN_ID: Final = {
    "AWS::EC2::SecurityGroup": "GroupId",
    "AWS::EC2::NetworkInterface": "Id",
    "AWS::EC2::PrefixList": "PrefixListId",
    "AWS::EC2::Subnet": "SubnetId",
    "AWS::EC2::VPC": "VpcId",
    "AWS::EC2::Instance": "InstanceId",
}
"""For each type, the attribute that is the resource's own id."""

_PROPERTY_OF: Final = {"PrimaryPrivateIpAddress": "PrivateIpAddress", "PrivateIp": "PrivateIpAddress"}
"""Attributes that a property gives under another name."""


@define
class Evaluator:
    """Works out the values of one template."""

    parameters: dict[str, Any]
    mappings: dict[str, Any]
    conditions: dict[str, Any]
    resources: dict[str, Any]
    assumptions: Assumptions
    _open: set[str] = field(init=False, factory=set)

    @classmethod
    def of(cls, template: dict[str, Any], assumptions: Assumptions) -> "Evaluator":
        """Take the parts of a template; one that is no object is taken as missing."""
        parts = [template.get(key) for key in ("Parameters", "Mappings", "Conditions", "Resources")]
        parameters, mappings, conditions, resources = (part if isinstance(part, dict) else {} for part in parts)
        for name in parameters:
            assumptions.get(name)  # a parameter that no rule needs may be given all the same
        return cls(parameters, mappings, conditions, resources, assumptions)

    def value(self, raw: object) -> object:
        """A value with every function in it worked out; `Misread` where one cannot be."""
        if isinstance(raw, dict):
            if len(raw) == 1:
                ((name, argument),) = raw.items()
                if name in _FUNCTIONS:
                    return _FUNCTIONS[name](self, argument)
                if name.startswith("Fn::"):
                    return Misread(f"function must be one that can be worked out here, got {name}")
            pairs = ((key, self.value(item)) for key, item in raw.items())
            return {key: item for key, item in pairs if item is not _NO_VALUE}
        if isinstance(raw, list):
            return [item for item in map(self.value, raw) if item is not _NO_VALUE]
        if isinstance(raw, str) and "{{resolve:" in raw:
            assumed = self.assumptions.get(raw)
            return unknown(raw, "a dynamic reference") if assumed is None else assumed
        return raw

    def holds(self, name: str) -> bool | Misread:
        """Whether a condition holds; `Misread` if that is not known."""
        assumed = self.assumptions.get(name)
        if assumed is not None:
            return assumed.lower() == "true"
        if name not in self.conditions or name in self._open:
            return Misread(f"condition must be one of the template's, got {name!r}")
        self._open.add(name)
        try:
            found = self._truth(self.conditions[name])
        finally:
            self._open.discard(name)
        if isinstance(found, Misread) and found.stands_for:
            return unknown(name, f"a condition that hinges on {found.stands_for}")
        return found

    def _truth(self, raw: object) -> bool | Misread:
        """A condition's expression."""
        if not isinstance(raw, dict) or len(raw) != 1:
            return Misread("condition must be one function")
        ((name, argument),) = raw.items()
        if name == "Condition":
            return self.holds(str(argument))
        parts = argument if isinstance(argument, list) else [argument]
        if name == "Fn::Equals" and len(parts) == 2:
            left, right = map(self.value, parts)
            for side in (left, right):
                if isinstance(side, Misread):
                    return side
            return _text(left) == _text(right)
        if name not in {"Fn::Not", "Fn::And", "Fn::Or"}:
            return Misread(f"condition must be Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition, got {name}")
        return _combined(name, [self._truth(part) for part in parts])

    def ref(self, argument: object) -> object:
        """`Ref`: a parameter, a pseudo parameter, or the id of a resource."""
        name = str(argument)
        if name == "AWS::NoValue":
            return _NO_VALUE
        assumed = self.assumptions.get(name)
        parameter = self.parameters.get(name)
        if isinstance(parameter, dict):
            return _parameter(name, parameter, assumed)
        if assumed is not None:
            return assumed
        if name.startswith("AWS::"):
            return unknown(name, "a pseudo parameter")
        if name in self.resources:
            return name
        return Misread(f"Ref must name a parameter or a resource of the template, got {name!r}")

    def get_att(self, argument: object) -> object:
        """`Fn::GetAtt`: an attribute of a resource, as far as its properties tell."""
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if not isinstance(parts, list) or len(parts) != 2 or not all(isinstance(part, str) for part in parts):
            return Misread(f"Fn::GetAtt must name a resource and an attribute, got {argument!r}")
        name, attribute = parts
        text = f"{name}.{attribute}"
        assumed = self.assumptions.get(text)
        if assumed is not None:
            return assumed
        resource = self.resources.get(name)
        if not isinstance(resource, dict):
            return Misread(f"Fn::GetAtt must name a resource of the template, got {name!r}")
        if attribute in _ID_ATTRIBUTES and _OWN_ID.get(str(resource.get("Type"))) == attribute:
            return self.ref(name)
        properties = resource.get("Properties")
        key = _PROPERTY_OF.get(attribute, attribute)
        if not isinstance(properties, dict) or key not in properties or text in self._open:
            return unknown(text, "an attribute that AWS chooses")
        self._open.add(text)
        try:
            return self.value(properties[key])
        finally:
            self._open.discard(text)

    def sub(self, argument: object) -> object:
        """`Fn::Sub`: a text with values in it."""
        template, given = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
        if not isinstance(template, str) or not isinstance(given, dict):
            return Misread("Fn::Sub must have a text, or a list of a text and an object")
        parts: list[object] = []
        end = 0
        for found in _VARIABLE.finditer(template):
            parts += [template[end : found.start()], self._variable(found, given)]
            end = found.end()
        return _joined("", [part for part in (*parts, template[end:]) if part != ""])

    def _variable(self, found: re.Match[str], given: dict[str, Any]) -> object:
        is_literal, name = bool(found[1]), found[2].strip()
        if is_literal:
            return "${" + found[2] + "}"
        if name in given:
            return self.value(given[name])
        return self.get_att(name) if "." in name else self.ref(name)

    def join(self, argument: object) -> object:
        """`Fn::Join`: the parts of a list as one text."""
        if not isinstance(argument, list) or len(argument) != 2:
            return Misread("Fn::Join must have a delimiter and a list")
        delimiter, parts = self.value(argument[0]), self.value(argument[1])
        if isinstance(parts, Misread):
            return _hinging(parts)
        return _joined(str(delimiter), parts) if isinstance(parts, list) else Misread("Fn::Join must have a list")

    def select(self, argument: object) -> object:
        """`Fn::Select`: one item of a list."""
        if not isinstance(argument, list) or len(argument) != 2:
            return Misread("Fn::Select must have an index and a list")
        index, parts = self.value(argument[0]), self.value(argument[1])
        for part in (index, parts):
            if isinstance(part, Misread):
                return self._selected(part, index)
        if not isinstance(parts, list) or not str(index).isdigit() or int(str(index)) >= len(parts):
            return Misread(f"Fn::Select must have an index of its list, got {index!r}")
        return parts[int(str(index))]

    def _selected(self, part: Misread, index: object) -> object:
        """An item of a list that is not known: it has a name of its own."""
        if not part.stands_for:
            return part
        name = f"{part.stands_for}[{index}]"
        assumed = self.assumptions.get(name)
        return unknown(name, "an item of what is not known") if assumed is None else assumed

    def split(self, argument: object) -> object:
        """`Fn::Split`: a text as a list."""
        if not isinstance(argument, list) or len(argument) != 2:
            return Misread("Fn::Split must have a delimiter and a text")
        text = self.value(argument[1])
        return _hinging(text) if isinstance(text, Misread) else str(text).split(str(argument[0]))

    def find_in_map(self, argument: object) -> object:
        """`Fn::FindInMap`: a value of the mappings."""
        if not isinstance(argument, list) or len(argument) not in {3, 4}:
            return Misread("Fn::FindInMap must have a map and two keys")
        found: object = self.mappings
        default = argument[3].get("DefaultValue") if len(argument) == 4 and isinstance(argument[3], dict) else None
        for part in map(self.value, argument[:3]):
            if isinstance(part, Misread):
                return _hinging(part)
            if not isinstance(found, dict) or _text(part) not in found:
                return (
                    Misread(f"key must be one of the mapping's, got {part!r}")
                    if default is None
                    else self.value(default)
                )
            found = found[_text(part)]
        return found

    def choose(self, argument: object) -> object:
        """`Fn::If`: one of two values, by a condition."""
        if not isinstance(argument, list) or len(argument) != 3:
            return Misread("Fn::If must have a condition and two values")
        found = self.holds(str(argument[0]))
        if not isinstance(found, Misread):
            return self.value(argument[1 if found else 2])
        first, second = map(self.value, argument[1:])
        return first if first == second else _hinging(found)

    def cidr(self, argument: object) -> object:
        """`Fn::Cidr`: parts of a block of addresses."""
        parts = self.value(argument)
        if not isinstance(parts, list) or len(parts) not in {2, 3}:
            return parts if isinstance(parts, Misread) else Misread("Fn::Cidr must have a block, a count and bits")
        for part in parts:
            if isinstance(part, Misread):
                return part
        try:
            block = IPNetwork(str(parts[0]))
            bits = int(str(parts[2])) if len(parts) == 3 else (8 if block.version == 4 else 64)
            width = 32 if block.version == 4 else 128
            return [str(net) for net in block.subnet(width - bits, count=int(str(parts[1])))]
        except (AddrFormatError, ValueError) as error:
            return Misread(f"Fn::Cidr must divide a block of addresses, got {error}")

    def import_value(self, argument: object) -> object:
        """`Fn::ImportValue`: the export of another stack."""
        name = self.value(argument)
        if isinstance(name, Misread):
            return name
        assumed = self.assumptions.get(str(name))
        return unknown(str(name), "the export of another stack") if assumed is None else assumed

    def get_azs(self, argument: object) -> object:
        """`Fn::GetAZs`: zones, which only AWS knows."""
        return unknown(f"Fn::GetAZs {argument}".strip(), "a list that AWS gives")

    def condition(self, argument: object) -> object:
        """`Condition`: whether a condition holds."""
        return self.holds(str(argument))


_FUNCTIONS: Final[dict[str, Callable[[Evaluator, object], object]]] = {
    "Ref": Evaluator.ref,
    "Condition": Evaluator.condition,
    "Fn::GetAtt": Evaluator.get_att,
    "Fn::Sub": Evaluator.sub,
    "Fn::Join": Evaluator.join,
    "Fn::Select": Evaluator.select,
    "Fn::Split": Evaluator.split,
    "Fn::FindInMap": Evaluator.find_in_map,
    "Fn::If": Evaluator.choose,
    "Fn::Cidr": Evaluator.cidr,
    "Fn::ImportValue": Evaluator.import_value,
    "Fn::GetAZs": Evaluator.get_azs,
}


def _hinging(part: Misread) -> Misread:
    """A value that cannot be told because a part of it is not known: it has no name of its own."""
    return Misread(part.refusal)


def _parameter(name: str, parameter: dict[str, Any], assumed: str | None) -> object:
    """What a parameter is: assumed, or its default; lists are split as CloudFormation does."""
    kind = str(parameter.get("Type", "String"))
    default = parameter.get("Default") if not kind.startswith("AWS::SSM::") else None
    given = default if assumed is None else assumed
    if given is None:
        return unknown(name, "a parameter without a default that says it")
    is_list = kind.startswith("List<") or kind == "CommaDelimitedList"
    return [part.strip() for part in given.split(",")] if is_list and isinstance(given, str) else given


def _combined(name: str, found: list[bool | Misread]) -> bool | Misread:
    """And, Or and Not, where what is not known does not matter if the rest decides."""
    if name == "Fn::Not":
        return found[0] if isinstance(found[0], Misread) else not found[0]
    decides = name == "Fn::Or"
    if decides in [each for each in found if not isinstance(each, Misread)]:
        return decides
    return next(_misread(found), not decides)


def _misread(found: list[bool | Misread]) -> Iterator[Misread]:
    return (each for each in found if isinstance(each, Misread))


def _joined(delimiter: str, parts: list[object]) -> object:
    for part in parts:
        if isinstance(part, Misread):
            return _hinging(part) if len(parts) > 1 else part
    return delimiter.join(map(_text, parts))


def _text(value: object) -> str:
    """A value as CloudFormation compares it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
