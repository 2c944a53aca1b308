"""What changes between two rule sets, in words: a summary, then each group, then what it comes to at interfaces."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sgsim.analysis.difference import Compared, Difference, Kind, Presence, RulesDiff
from sgsim.analysis.intended import Judged
from sgsim.conntrack.entry import TrackingCause
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.report.blocks import Column, Facts, Paragraph, Row, Section, Table
from sgsim.report.decision_text import WAYS, listed, packet_text, rule_text
from sgsim.report.diff_report import DiffReport
from sgsim.report.note_sections import note_section
from sgsim.report.region_text import addresses_text, services_text
from sgsim.report.traffic_diff_sections import traffic_sections
from sgsim.report.units import counted

MOST_SHOWN: Final = 20
"""How many differences of one group or interface are shown."""

MOST_RULES: Final = 3
"""How many rules of one difference are shown."""

KINDS: Final = {
    Kind.ALLOWED: "newly allowed",
    Kind.DENIED: "newly denied",
    Kind.TRACKED: "now tracked",
    Kind.UNTRACKED: "now untracked",
}

_TONES: Final = {Kind.ALLOWED: "allow", Kind.DENIED: "deny", Kind.TRACKED: "skip", Kind.UNTRACKED: "skip"}

CAUSES: Final = {
    TrackingCause.OPEN_RULES: "open rules both ways",
    TrackingCause.PROTOCOL: "its protocol is always tracked",
    TrackingCause.PATH: "its path is tracked automatically",
    TrackingCause.OPENING_RULE: "no rule that admits it is open to everyone",
    TrackingCause.RETURN_RULE: "no rule is open to everyone on all ports on the way back",
}


def diff_sections(report: DiffReport, *, is_table: bool = False) -> list[Section]:
    """Put a diff into words; with tables where Markdown is to come of it."""
    diff = report.diff
    sections = [_summary(diff)]
    if report.judged is not None:
        sections.append(_intended(report.judged))
    sections += [
        _section(_group_title(group), _group_remarks(group), group.differences, is_table=is_table)
        for group in diff.groups
        if group.differs
    ]
    sections += _at_interfaces(diff, is_table=is_table)
    sections += [] if report.traffic is None else traffic_sections(report.traffic)
    of_traffic = () if report.traffic is None else report.traffic.notes
    return [*sections, *note_section((*of_traffic, *diff.document_notes))]


def _intended(judged: Judged) -> Section:
    unmet = [("not part of it", text) for text in judged.unmet]
    if judged.holds:
        return Section("As intended", [Paragraph("Nothing differs beyond what is intended."), Facts(unmet)])
    facts = [
        (each.compared.shown_id, f"{KINDS[each.difference.kind]}: {traffic_text(each.difference)}")
        for each in judged.beyond
    ]
    remark = Paragraph(f"{counted(len(facts), 'difference')} beyond what is intended.", is_warning=True)
    return Section("Not intended", [remark, Facts(facts[:MOST_SHOWN]), *_more(len(facts) - MOST_SHOWN), Facts(unmet)])


def _summary(diff: RulesDiff) -> Section:
    blocks = [Paragraph(_summary_sentence(diff))]
    if diff.unknown_peers:
        names = listed(diff.unknown_peers[:5]) + (" and others" if len(diff.unknown_peers) > 5 else "")
        text = f"No document gives the addresses of {names}, so rules that name them were compared by name."
        if diff:
            text += (
                " What is said of other peers holds for those that are no members of these; --members or an interface "
                "document would tell."
            )
        blocks.append(Paragraph(text))
    blocks += [Paragraph(note) for note in diff.notes]
    return Section("Difference" if diff else "No difference", blocks)


def _summary_sentence(diff: RulesDiff) -> str:
    groups = [group for group in diff.groups if group.differs]
    if not diff:
        both = counted(len(diff.groups), "group")
        at = f" and {counted(len(diff.interfaces), 'interface')}" if diff.interfaces else ""
        return f"{both}{at}: the same packets pass, and the same flows are tracked."
    kinds = Counter(difference.kind for group in groups for difference in group.differences)
    parts = [f"{kinds[kind]} {name}" for kind, name in KINDS.items() if kinds[kind]]
    told = f": {listed(parts)}" if parts else ""
    same = len(diff.groups) - len(groups)
    rest = f"; {counted(same, 'group')} {'is' if same == 1 else 'are'} the same" if same else ""
    if not groups:
        return f"All {counted(same, 'group')} {'is' if same == 1 else 'are'} the same, but interfaces differ."
    return f"{counted(len(groups), 'group')} {'differs' if len(groups) == 1 else 'differ'}{told}{rest}."


def _group_title(group: Compared) -> str:
    ids = group.shown_id
    if group.old_id and group.new_id and group.old_id != group.new_id:
        ids = f"{group.old_id} -> {group.new_id}"
    return f"Group {ids} ({group.name})" if group.name and group.name != ids else f"Group {ids}"


def _group_remarks(group: Compared) -> list[str]:
    remarks = []
    if group.presence is not Presence.BOTH:
        remarks.append(f"{'Only the new' if group.presence is Presence.ADDED else 'Only the old'} rules have it.")
    if group.paired_by != "id":
        remarks.append(f"Paired by {'name' if group.paired_by == 'name' else '--map'}.")
    carried = ", ".join(group.carried_by[:5]) + (" and others" if len(group.carried_by) > 5 else "")
    remarks.append(f"Carried by {carried}." if group.carried_by else "No known interface carries it.")
    return remarks


def _section(title: str, remarks: Sequence[str], differences: Sequence[Difference], *, is_table: bool) -> Section:
    shown, left = differences[:MOST_SHOWN], len(differences) - MOST_SHOWN
    body = _table(shown) if is_table else Facts([fact for each in shown for fact in _facts(each)])
    blocks = [Paragraph(" ".join(remarks))] if remarks else []
    more = [Paragraph(f"and {left} more; --format json has them all")] if left > 0 else []
    return Section(title, [*blocks, *([body] if shown else []), *more])


def _facts(difference: Difference) -> Iterator[tuple[str, str]]:
    yield KINDS[difference.kind], traffic_text(difference)
    for name, text in rules_facts(difference):
        yield f"  {name}", text
    if difference.old_cause is not None or difference.new_cause is not None:
        yield "  because", _cause_text(difference)
    if difference.witness is not None:
        yield "  example", witness_text(difference)


def _table(differences: Iterable[Difference]) -> Table:
    columns = [Column("Change"), Column("Traffic"), Column("Rules"), Column("For example")]
    return Table(
        columns,
        [
            Row(
                (
                    KINDS[each.kind],
                    traffic_text(each),
                    "; ".join(f"{name}: {text}" for name, text in rules_facts(each)),
                    witness_text(each) if each.witness is not None else "",
                ),
                _TONES[each.kind],
            )
            for each in differences
        ],
    )


def traffic_text(difference: Difference) -> str:
    """Which packets: `inbound tcp 22 from 10.0.0.0/8`."""
    word = "from" if difference.direction is Direction.INGRESS else "to"
    addresses = addresses_text(difference.product.addresses)
    if difference.peer is not None:
        is_anyone = addresses == "0.0.0.0/0, ::/0"
        addresses = f"members of {difference.peer}" + ("" if is_anyone else f" in {addresses}")
    return f"{WAYS[difference.direction]} {services_text(difference.product.services)} {word} {addresses}"


def witness_text(difference: Difference) -> str:
    """Its example, and what it takes its peer for."""
    witness = difference.witness
    if witness is None:
        return ""
    text = packet_text(witness.packet)
    return text if witness.member_of is None else f"{text}, were its peer in {witness.member_of}"


def rules_facts(difference: Difference) -> Iterator[tuple[str, str]]:
    """The rules behind it, on the side or sides that have any."""
    if difference.old_rules == difference.new_rules:
        if difference.old_rules:
            yield "rule", _rules_text(difference.old_rules)
        return
    if difference.old_rules:
        yield "old rule", _rules_text(difference.old_rules)
    if difference.new_rules:
        yield "new rule", _rules_text(difference.new_rules)


def _rules_text(rules: Sequence[RuleRef]) -> str:
    texts = [f"{rule_text(rule)} [{_id_text(rule)}]" for rule in rules[:MOST_RULES]]
    more = len(rules) - MOST_RULES
    return "; ".join(texts) + (f" and {more} more" if more > 0 else "")


def _id_text(rule: RuleRef) -> str:
    """The id of a rule; one without is named by its group, for its text says the rest."""
    return rule.group_id if rule.rule_id.startswith(f"{rule.group_id}:") else rule.rule_id


def _cause_text(difference: Difference) -> str:
    words = [
        f"{side}: {CAUSES[cause]}"
        for side, cause in (("old", difference.old_cause), ("new", difference.new_cause))
        if cause is not None and cause in CAUSES
    ]
    return "; ".join(words)


def beyond_groups(diff: RulesDiff) -> Iterator[tuple[Compared, Difference]]:
    """What differs at interfaces of both sides and at none of the groups that they carry."""
    of_groups = {group_id: group for group in diff.groups for group_id in (group.old_id, group.new_id) if group_id}
    for interface in diff.interfaces:
        if interface.presence is not Presence.BOTH:
            continue
        groups = [of_groups[group_id] for group_id in interface.group_ids if group_id in of_groups]
        said = {_content(each) for group in groups for each in group.differences}
        yield from ((interface, each) for each in interface.differences if _content(each) not in said)


def _at_interfaces(diff: RulesDiff, *, is_table: bool) -> Iterator[Section]:
    """What changes at interfaces: in one line where it is what its groups tell, in full where it is not."""
    of_groups = {group_id: group for group in diff.groups for group_id in (group.old_id, group.new_id) if group_id}
    facts: list[tuple[str, str]] = []
    own: dict[tuple[object, ...], list[Compared]] = {}
    for interface in diff.interfaces:
        groups = [of_groups[group_id] for group_id in interface.group_ids if group_id in of_groups]
        changed = [group for group in groups if group.differences]
        said = {_content(each) for group in changed for each in group.differences}
        here = tuple(_content(each) for each in interface.differences)
        if interface.presence is not Presence.BOTH:
            facts.append((interface.shown_id, _presence_text(interface)))
        elif set(here) == said:
            if said:
                facts.append((interface.shown_id, f"as {listed([group.shown_id for group in changed])}"))
        elif not here:
            facts.append(
                (interface.shown_id, "nothing changes: its other groups make up for it, or it has no such peer")
            )
        else:
            own.setdefault(here, []).append(interface)
    if facts:
        yield Section("At interfaces", [Facts(facts[:MOST_SHOWN]), *_more(len(facts) - MOST_SHOWN)])
    for interfaces in own.values():
        names = [interface.shown_id for interface in interfaces]
        title = f"{'Interface' if len(names) == 1 else 'Interfaces'} {', '.join(names[:5])}"
        title += f" and {len(names) - 5} more" if len(names) > 5 else ""
        remark = f"With {listed(interfaces[0].group_ids) or 'no group'} together this comes to:"
        yield _section(title, [remark], interfaces[0].differences, is_table=is_table)


def _more(left: int) -> list[Paragraph]:
    return [Paragraph(f"and {left} more")] if left > 0 else []


def _content(difference: Difference) -> object:
    return difference.kind, difference.direction, difference.peer, difference.product


def _presence_text(interface: Compared) -> str:
    side = "new" if interface.presence is Presence.ADDED else "old"
    groups = f"with {listed(interface.group_ids)}" if interface.group_ids else "without groups"
    return f"only on the {side} side, {groups}"
