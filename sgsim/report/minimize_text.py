"""What `sgsim minimize` prints."""

import json
from typing import Any

from sgsim import __version__
from sgsim.analysis.minimize import Minimized, MinimizedGroup
from sgsim.report.analysis_json import SCHEMA_VERSION
from sgsim.report.blocks import Block, Facts, Paragraph, Section
from sgsim.report.units import counted
from sgsim.rules.rule import Rule

_PROOF = "The same packets pass and the same flows are tracked, whoever the members of groups and lists are."


def minimize_sections(found: Minimized) -> list[Section]:
    """How many rules went, then for each group which became which."""
    before = sum(len(group.before.rules) for group in found.groups)
    text = f"{counted(before, 'rule')} in {counted(len(found.groups), 'group')} can be {before - found.saved}."
    if not found.saved:
        text = f"None of {counted(before, 'rule')} in {counted(len(found.groups), 'group')} can be left out or joined."
    changed = [group for group in found.groups if group.merged or group.implied]
    return [
        Section("Fewest rules", [Paragraph(f"{text} {_PROOF}" if changed else text)]),
        *(Section(_title(group), [_facts(group)]) for group in changed),
    ]


def _title(group: MinimizedGroup) -> str:
    name = f" ({group.before.name})" if group.before.name not in {"", group.before.group_id} else ""
    return f"Group {group.before.group_id}{name}: {len(group.before.rules)} -> {len(group.after.rules)}"


def _facts(group: MinimizedGroup) -> Block:
    facts = []
    for merged in group.merged:
        facts.append(("new", _text(merged.rule)))
        facts += [("  for", _text(rule)) for rule in merged.replaced]
    facts += [("implied", _text(rule)) for rule in group.implied]
    return Facts(facts)


def _text(rule: Rule) -> str:
    """A rule with its direction, description and id."""
    description = f', "{rule.description}"' if rule.description else ""
    return f"{rule.direction} {rule.text}{description}" + (f" [{rule.rule_id}]" if rule.rule_id else "")


def minimize_json(found: Minimized, profile: str) -> str:
    """What `sgsim minimize --format json` prints."""
    return json.dumps(minimize_document(found, profile), indent=2, ensure_ascii=False) + "\n"


def minimize_document(found: Minimized, profile: str) -> dict[str, Any]:
    """The same for programs; `sgsim/data/schemas/minimize.schema.json` says what is in it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": "sgsim",
        "version": __version__,
        "profile": profile,
        "saved": found.saved,
        "groups": [
            {
                "group_id": group.before.group_id,
                "name": group.before.name,
                "before": len(group.before.rules),
                "after": len(group.after.rules),
                "rules": [_rule(rule) for rule in group.after.rules],
                "merged": [
                    {"rule": _rule(merged.rule), "replaced": [_rule(rule) for rule in merged.replaced]}
                    for merged in group.merged
                ],
                "implied": [_rule(rule) for rule in group.implied],
            }
            for group in found.groups
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "rule_id": rule.rule_id,
        "direction": str(rule.direction),
        "text": rule.text,
        "description": rule.description,
    }
