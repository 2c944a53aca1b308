"""What lint may find: every kind with its severity, what it means, and what to do."""

import enum
import hashlib
from typing import Final

from attrs import frozen

from sgsim.rules.inventory import Inventory
from sgsim.rules.rule import Rule


class Severity(enum.IntEnum):
    """How bad a finding is."""

    NOTE = 1
    """It changes nothing, or may be meant."""
    WARNING = 2
    """The rules do not do what they seem to do, or more than they should."""
    ERROR = 3
    """It admits or breaks what nobody can have meant."""

    def __str__(self) -> str:
        """Lower case, as in every output."""
        return self.name.lower()


@frozen(kw_only=True)
class FindingKind:
    """One kind of finding."""

    id: str
    """Stable: baselines, `--disable` and other programs name it."""
    severity: Severity
    """The usual one; a finding may be milder, and says why."""
    title: str
    meaning: str
    fix: str
    source: str = ""
    """Keys of docs/sources.md."""


KINDS: Final = tuple(
    FindingKind(id=id_, severity=severity, title=title, meaning=meaning, fix=fix, source=source)
    for id_, severity, title, meaning, fix, source in (
        (
            "open-admin-port", Severity.ERROR, "Administration port open to the Internet",
            ("The rules of an interface together let at least half of the public addresses reach a port that is for "
            "administrators or databases, whichever blocks they say it with. Milder where only a larger part of the "
            "Internet is let in, and where no public or IPv6 address of the interface is known."),
            "Narrow the peer to the addresses that need it, or to a group.", "",
        ),
        (
            "stale-reference", Severity.WARNING, "Reference to a group that is gone",
            "The group, or the peering to it, has been deleted. EC2 keeps the rule, and it resolves to nothing.",
            "Remove the rule, or refer to a group that exists.", "aws-peer",
        ),
        (
            "unresolved-reference", Severity.WARNING, "Reference that no document resolves",
            "No document says which addresses a group or prefix list stands for, so no verdict can hinge on the rule.",
            "Add an interface or prefix list document, or --members.", "",
        ),
        (
            "reference-to-nobody", Severity.WARNING, "Reference to a group without members",
            "No interface carries the group that the rule refers to, so the rule admits nobody.",
            "Remove the rule, or give the group to the interfaces that are meant.", "aws-sgr",
        ),
        (
            "undescribed-group", Severity.WARNING, "Interface with a group that no document describes",
            "What the group admits is not known, so the interface is not judged without --allow-unresolved.",
            "Add the document that describes the group.", "",
        ),
        (
            "reference-through-middlebox", Severity.ERROR, "Reference to a group behind a middlebox",
            ("A --path says that members of the group are reached through something that changes or hides their addresses. "
            "A reference to a group does not match there."),
            "Use the addresses, as a block or a prefix list.", "aws-sgr aws-peer",
        ),
        (
            "impossible-peer", Severity.WARNING, "Peer that no packet can have",
            ("The peer is of a family that no member of the group has, of a family that the protocol does not have, or in "
            "addresses that are no peer's (loopback, multicast, this host)."),
            "Remove the rule, or correct the peer.", "",
        ),
        (
            "duplicate-rule", Severity.WARNING, "Rule that stands twice",
            "Another rule of the group has the same service and the same peer.",
            "Remove one of them.", "",
        ),
        (
            "implied-rule", Severity.WARNING, "Rule that others imply",
            ("Everything that the rule admits is admitted by other rules of its group, or of the groups that it is always "
            "together with. Exact, whatever blocks and ports say it. Milder if it holds only as long as the members of a "
            "group or the entries of a list stay as they are, or if removing the rule would change what is tracked."),
            "Remove the rule.", "",
        ),
        (
            "mergeable-rules", Severity.NOTE, "Rules that one could say",
            "Neighbouring ports with the same peer, or neighbouring blocks with the same service.",
            "Replace them by one rule.", "",
        ),
        (
            "host-bits", Severity.NOTE, "Block of addresses with host bits",
            "EC2 clears the host bits, so the rule means the whole block.",
            "Write the block as EC2 keeps it, or the single address with /32 or /128.", "aws-api",
        ),
        (
            "group-without-members", Severity.NOTE, "Group that nobody carries",
            "The documents list interfaces, and none of them carries the group.",
            "Delete the group if nothing is going to use it.", "",
        ),
        (
            "forces-tracking", Severity.NOTE, "Open rule whose flows are tracked",
            ("The rule is open to everyone, but the other direction is not open on all ports, so every flow that it admits "
            "takes a place in the connection-tracking table."),
            "If the table is short, open the other direction to everyone on all ports; then these flows are not tracked.",
            "aws-ct",
        ),
    )
)  # fmt: skip
"""Every kind, the worst first."""

KIND_OF: Final = {kind.id: kind for kind in KINDS}


@frozen(kw_only=True)
class Finding:
    """One thing that was found."""

    id: str
    """Its kind."""
    severity: str
    message: str
    fix: str
    group_id: str
    """The group that it is about; empty if it is about none."""
    rule_id: str = ""
    """The rule that it is about; empty if it is about a whole group or interface."""
    rule: str = ""
    """What that rule says."""
    description: str = ""
    """What the rule's author wrote beside it."""
    file: str = ""
    place: str = ""
    """Where it stands in the file: a path in JSON, line and column in YAML, an address in Terraform."""
    interfaces: tuple[str, ...] = ()
    """The interfaces where it matters, if not all that carry the group."""
    others: tuple[str, ...] = ()
    """Other rules that it has to do with, by id."""
    saved_entries: int | None = None
    """Places of the table, at its peak, that the fix would free in the given traffic."""
    fingerprint: str
    """Stays the same while the finding is about the same rule, whatever moves around it."""


def finding(  # noqa: PLR0913  # each is a field of what is made, most are left out
    kind: str,
    message: str,
    inventory: Inventory,
    *,
    rule: Rule | None = None,
    group_id: str = "",
    severity: Severity | None = None,
    fix: str = "",
    file: str = "",
    place: str = "",
    subject: str = "",
    interfaces: tuple[str, ...] = (),
    others: tuple[Rule, ...] = (),
    saved_entries: int | None = None,
) -> Finding:
    """Make a finding; what is not given is taken from its kind and its rule."""
    about = KIND_OF[kind]
    group_id = rule.group_id if rule is not None else group_id
    group = inventory.groups.get(group_id)
    parts = (
        kind,
        group_id,
        str(rule.direction) if rule is not None else "",
        rule.text if rule is not None else "",
        subject,
    )
    return Finding(
        id=kind,
        severity=str(about.severity if severity is None else severity),
        message=message,
        fix=fix or about.fix,
        group_id=group_id,
        rule_id=rule.name if rule is not None else "",
        rule=rule.text if rule is not None else "",
        description=rule.description if rule is not None else "",
        file=file or (group.origin if group is not None else ""),
        place=place or (rule.place if rule is not None else ""),
        interfaces=interfaces,
        others=tuple(other.name for other in others),
        saved_entries=saved_entries,
        fingerprint=hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16],
    )
