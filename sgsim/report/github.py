"""Findings and differences as workflow commands, which GitHub shows beside the lines of a pull request.

Source: GitHub's documentation of workflow commands: `::error file=...,line=...,title=...::message`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import frozen

from sgsim.analysis.difference import Compared, Difference, Kind, Presence
from sgsim.analysis.finding import KIND_OF, Finding
from sgsim.model.rule_ref import RuleRef
from sgsim.report.diff_report import DiffReport
from sgsim.report.diff_sections import KINDS, beyond_groups, rules_facts, traffic_text, witness_text
from sgsim.report.sarif import line_in
from sgsim.report.traffic_diff_sections import TITLES
from sgsim.report.units import counted
from sgsim.rules.inventory import Inventory

_COMMANDS: Final = {"error": "error", "warning": "warning", "note": "notice"}
_SIDE: Final = re.compile(r"#(before|after)$")


@frozen
class _Place:
    """Where something is written."""

    file: str = ""
    text: str = ""
    """A path in JSON, line and column in YAML, an address in Terraform."""


def github_lines(findings: Iterable[Finding], notes: Iterable[str] = ()) -> str:
    """One line for each finding, and for each note on their figures."""
    lines = (
        _command(
            each.severity,
            f"{KIND_OF[each.id].title} [{each.id}]",
            _Place(each.file, each.place),
            " ".join(part for part in (each.group_id, each.rule) if part),
            f"{each.message}. {each.fix}",
        )
        for each in findings
    )
    return "".join([*lines, *(_command("note", "sgsim lint", _Place(), "", note) for note in notes)])


def github_diff(report: DiffReport, old: Inventory, new: Inventory) -> str:
    """One line for each difference, at the new rule that makes it; what is not intended is an error."""
    return "".join(_of_diff(report, old, new))


def _of_diff(report: DiffReport, old: Inventory, new: Inventory) -> Iterator[str]:
    diff, judged = report.diff, report.judged
    beyond = None if judged is None else {id(each.difference) for each in judged.beyond}
    places = _places(new)
    beside = "error" if judged is None else "note"
    for compared in (*diff.groups, *diff.interfaces):
        if compared.presence is not Presence.BOTH:
            side = "new" if compared.presence is Presence.ADDED else "old"
            place = _origin(compared, old, new)
            yield _command(beside, f"Only on the {side} side", place, compared.shown_id, f"only the {side} side has it")
    of_groups = ((group, difference) for group in diff.groups for difference in group.differences)
    for compared, difference in (*of_groups, *beyond_groups(diff)):
        yield _command(
            "error" if beyond is None or id(difference) in beyond else "note",
            KINDS[difference.kind].capitalize(),
            _place_of(difference, places) or _origin(compared, old, new),
            compared.shown_id,
            _difference_text(difference),
        )
    if judged is not None:
        for text in judged.unmet:
            yield _command("warning", "Intended and not part of it", _Place(), "", text)
    if report.traffic is not None:
        for count in report.traffic.counts:
            if count.flows or count.packets:
                text = f"{counted(count.flows, 'flow')}, {counted(count.packets, 'packet')}"
                yield _command(
                    beside, TITLES[str(count.kind)], _Place(), "", f"{text} of {', '.join(report.traffic.files)}"
                )


def _difference_text(difference: Difference) -> str:
    parts = [traffic_text(difference), *(f"{name}: {text}" for name, text in rules_facts(difference))]
    if difference.witness is not None:
        parts.append(f"example: {witness_text(difference)}")
    return "; ".join(parts)


def _places(inventory: Inventory) -> dict[tuple[str, str], _Place]:
    """Where each rule is written, by its group and name."""
    return {
        (key, rule.name): _Place(group.origin, rule.place)
        for key, group in inventory.groups.items()
        for rule in group.rules
    }


def _place_of(difference: Difference, places: Mapping[tuple[str, str], _Place]) -> _Place | None:
    """The first new rule that makes it; what is denied has none and stands at its group."""
    rules: tuple[RuleRef, ...] = () if difference.kind is Kind.DENIED else difference.new_rules
    changed = [rule for rule in rules if rule not in difference.old_rules] or list(rules)
    return next((places[key] for rule in changed if (key := (rule.group_id, rule.rule_id)) in places), None)


def _origin(compared: Compared, old: Inventory, new: Inventory) -> _Place:
    """The document of a group or interface, the new one where there is one."""
    for inventory, key in ((new, compared.new_id), (old, compared.old_id)):
        item = inventory.groups.get(key or "") or inventory.interfaces.get(key or "")
        if item is not None:
            return _Place(item.origin)
    return _Place()


def _command(severity: str, title: str, place: _Place, about: str, text: str) -> str:
    line = line_in(place.text)
    properties = {"title": title}
    if place.file:
        properties = {"file": _SIDE.sub("", place.file), **properties}
        if line is not None:
            properties |= {"line": str(line[0]), "col": str(line[1])}
    where = f" ({place.text})" if place.text and line is None else ""
    head = f"{about}{where}: " if about or where else ""
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[severity]} {written}::{_data(head + text)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
