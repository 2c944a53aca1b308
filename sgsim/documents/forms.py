"""In which form a document is written, told by the keys of its root: what reads a form is imported only for it."""

from typing import Final

from sgsim.documents.node import Node

BEFORE: Final = "before"
AFTER: Final = "after"
SIDES: Final = (BEFORE, AFTER)
"""Of a Terraform plan."""

_PLAN_KEYS: Final = frozenset({"planned_values", "resource_changes"})
_TEMPLATE_KEYS: Final = ("AWSTemplateFormatVersion", "Resources")


def is_terraform(root: Node) -> bool:
    """Whether a document is a plan, a state, or a recorded state."""
    if not isinstance(root.value, dict):
        return False
    keys = root.value.keys()
    return bool(keys & _PLAN_KEYS) or "terraform_version" in keys or "pytest-terraform" in keys


def is_plan(root: Node) -> bool:
    """Whether a document has two sides."""
    return isinstance(root.value, dict) and not _PLAN_KEYS.isdisjoint(root.value)


def is_template(root: Node) -> bool:
    """Whether a document is a template, or what `get-template` prints of one."""
    if not isinstance(root.value, dict):
        return False
    return not root.value.keys().isdisjoint(_TEMPLATE_KEYS) or "TemplateBody" in root.value
