"""Narrower rules, in words and as commands that apply them."""

import json
from collections.abc import Iterator, Sequence

from sgsim.analysis.tighten import Replacement, Replayed, Tightening
from sgsim.documents.aws_writer import permissions
from sgsim.model.states import Direction
from sgsim.report.blocks import Block, Column, Facts, Paragraph, Row, Section, Table
from sgsim.report.note_sections import note_section
from sgsim.report.sentences import peaks_note
from sgsim.report.units import counted, number, rfc3339, shell_line
from sgsim.rules.changed_items import changed_rules
from sgsim.rules.inventory import Inventory

_TONES = {"narrowed": "skip", "removed": "deny", "given back": "allow", "kept": "allow", "not seen": ""}


def tighten_sections(found: Tightening) -> list[Section]:
    """What was learned, the rules before and after, and the proof."""
    note = note_on_peaks(found) if _are_peaks_told(found) else None
    warnings = [Paragraph(note, is_warning=True)] if note is not None else []
    sections = [Section("Tightened", [*warnings, Facts(list(_facts(found)))])]
    changed = [each for each in found.replacements if each.outcome in {"narrowed", "removed"}]
    same = [each for each in found.replacements if each.outcome not in {"narrowed", "removed"}]
    if changed:
        sections.append(Section("Rules that change", [_changes(changed)]))
    if same:
        sections.append(Section("Rules that stay", [_stays(same)]))
    sections.append(Section("Proof by replay", list(_proof(found))))
    return [*sections, *note_section(found.notes, found.broken)]


def note_on_peaks(found: Tightening) -> str | None:
    """What should be known of the peaks of the tables; None if they are as exact as the traffic."""
    return peaks_note(found.tcp, found.tcp_without_flags) if found.peak_before or found.peak_after else None


def _are_peaks_told(found: Tightening) -> bool:
    return found.peak_after != found.peak_before


def _facts(found: Tightening) -> Iterator[tuple[str, str]]:
    until = f", until {rfc3339(found.learned_until_ns)}" if found.learned_until_ns is not None else ""
    yield "learned from", f"{', '.join(found.files)}{until}"
    yield "rules", f"{number(found.rules_before)} before, {number(found.rules_after)} after"
    if _are_peaks_told(found):
        why = (
            ": narrow rules track flows that open ones leave untracked" if found.peak_after > found.peak_before else ""
        )
        peaks = (
            f"{counted(found.peak_before, 'place')} of the tables at the peak before, {number(found.peak_after)} after"
        )
        yield "tracking", peaks + why


def _changes(changed: Sequence[Replacement]) -> Table:
    rows = []
    for each in changed:
        rows.append(Row(("-", number(each.flows), each.group_id, _worded(each)), "deny"))
        rows += [Row(("+", "", "", text), "allow") for text in each.new]
    return Table([Column(""), Column("Flows", is_number=True), Column("Group"), Column("Rule")], rows)


def _stays(same: Sequence[Replacement]) -> Table:
    rows = [
        Row((each.outcome, number(each.flows), each.group_id, _worded(each)), _TONES[each.outcome]) for each in same
    ]
    return Table([Column(""), Column("Flows", is_number=True), Column("Group"), Column("Rule")], rows)


def _worded(each: Replacement) -> str:
    return each.text + (f'  "{each.description}"' if each.description else "")


def _proof(found: Tightening) -> Iterator[Block]:
    parts = {"learned from": found.learned, "held out": found.held_out}
    yield Facts([(name, _told(part, found.unit)) for name, part in parts.items() if part is not None])
    for name, part in parts.items():
        if part is not None and part.examples:
            rows = [
                Row((f"{each.file}:{each.number}", each.interface_id, each.packet), "deny") for each in part.examples
            ]
            yield Table([Column(f"Denied, {name}"), Column("Interface"), Column(found.unit.capitalize())], rows)
    if found.held_out is not None and found.held_out.newly_denied:
        yield Paragraph(
            "Widen blocks or ports (--prefix4, --prefix6, --port-gap), or learn from more traffic.", is_warning=True
        )


def _told(part: Replayed, unit: str) -> str:
    if not part.passed:
        return f"no {unit} passed under the old rules, so nothing is proved by it"
    return f"{number(part.newly_denied)} of {counted(part.passed, unit)} that passed would be denied"


def apply_script(old: Inventory, new: Inventory) -> str:
    """Commands of the AWS CLI: first every rule that is new, then those that go, so that nothing is denied between."""
    lines = ["# Add what is new before anything goes."]
    for is_added in (True, False):
        if not is_added:
            lines.append("# Then take away what is too wide.")
        for group_id, directions in changed_rules(old, new).items():
            for direction, (added, gone) in directions.items():
                rules = added if is_added else gone
                verb = "authorize" if is_added else "revoke"
                way = "ingress" if direction is Direction.INGRESS else "egress"
                for permission in permissions(rules):
                    shown = json.dumps([{key: value for key, value in permission.items() if value != []}])
                    words = [
                        "aws",
                        "ec2",
                        f"{verb}-security-group-{way}",
                        "--group-id",
                        group_id,
                        "--ip-permissions",
                        shown,
                    ]
                    lines.append(shell_line(words))
    return "\n".join(lines) + "\n"
