"""Files that say which changes are intended, for `sgsim diff --intended`.

    allow:
      sg-web:
        ingress:
          - {protocol: tcp, ports: 8080, from: 10.0.0.0/8}
    deny:
      any:
        egress:
          - {protocol: all, to: 0.0.0.0/0}

`allow`, `deny`, `track` and `untrack` name kinds of changes; below each stand groups, interfaces or `any`, and below these
rules as in our own form. A rule here says which packets may change so.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

from sgsim.documents.files import naming_file, read_roots
from sgsim.documents.node import Node
from sgsim.documents.yaml_rules import PeerNames, read_group
from sgsim.rules.inventory import Inventory
from sgsim.rules.rule import Rule

KINDS: Final = ("allow", "deny", "track", "untrack")
ANY: Final = "any"
"""The subject of what may change anywhere."""


@frozen
class IntendedRules:
    """Rules of what may change in one way at one subject."""

    kind: str
    """One of `KINDS`."""
    subject: str
    """The id of a group or interface, or `any`."""
    rules: tuple[Rule, ...]


def read_intended(path: str | Path, old: Inventory, new: Inventory) -> tuple[IntendedRules, ...]:
    """Read a file of intended changes.

    Args:
        path: The file, YAML or JSON.
        old: What was; its groups and interfaces can be named.
        new: What is to be; likewise, and its names win.

    Raises:
        DocumentError: If it cannot be read, or names what neither side has.
        RuleError: If a rule says what no security group can say.
    """
    with naming_file(path):
        return tuple(found for root in read_roots(path) for found in _read(root, old, new))


def _read(root: Node, old: Inventory, new: Inventory) -> Iterator[IntendedRules]:
    root.refuse_unknown(KINDS)
    names = PeerNames(
        frozenset({**old.prefix_lists, **new.prefix_lists}),
        {key: group.name for key, group in {**old.groups, **new.groups}.items()},
    )
    for kind in KINDS:
        for name, node in root.entries(kind):
            node.refuse_unknown(("ingress", "egress"))
            subject = _subject(name, node, names, old, new)
            yield IntendedRules(kind, subject, read_group(subject, node, names, None).rules)


def _subject(name: str, node: Node, names: PeerNames, old: Inventory, new: Inventory) -> str:
    if name == ANY or name in {**old.interfaces, **new.interfaces}:
        return name
    with node.at():
        group_id = names.group_id(name)
    if group_id is None:
        known = ", ".join(list({**old.groups, **new.groups, **old.interfaces, **new.interfaces})[:8])
        raise node.error(
            f"subject must be any, or a group or interface of either side, got {name!r}; known are {known}"
        )
    return group_id
