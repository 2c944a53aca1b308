"""Diffs for programs; `sgsim/data/schemas/diff.schema.json` says what is in them."""

import json
from typing import TYPE_CHECKING, Any, Final

from sgsim import __version__
from sgsim.analysis.difference import Compared, Difference, Kind, RulesDiff, Witness
from sgsim.analysis.intended import Judged
from sgsim.model.rule_ref import RuleRef
from sgsim.report.diff_report import DiffReport
from sgsim.report.diff_sections import traffic_text
from sgsim.report.region_text import cidrs
from sgsim.report.traffic_diff_sections import note_on_tables
from sgsim.report.units import rfc3339
from sgsim.rules.ranges import Ranges
from sgsim.rules.service import by_protocol, service_texts

if TYPE_CHECKING:
    from sgsim.analysis.traffic_difference import TrafficDiff, TrafficGroup

SCHEMA_VERSION: Final = 1

Document = dict[str, Any]


def diff_json(report: DiffReport) -> str:
    """What `sgsim diff --format json` prints."""
    return json.dumps(diff_document(report), indent=2, ensure_ascii=False) + "\n"


def diff_document(report: DiffReport) -> Document:
    """A diff as plain values."""
    diff = report.diff
    everything = [difference.kind for compared in diff.groups for difference in compared.differences]
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": "sgsim",
        "version": __version__,
        "profile": report.profile.name,
        "differs": bool(diff),
        "summary": {str(kind): everything.count(kind) for kind in Kind},
        "unknown_peers": list(diff.unknown_peers),
        "notes": [*diff.notes, *diff.document_notes],
        "groups": [
            {**_compared(group), "name": group.name, "paired_by": group.paired_by, "carried_by": list(group.carried_by)}
            for group in diff.groups
        ],
        "interfaces": [
            {**_compared(interface), "group_ids": list(interface.group_ids)} for interface in diff.interfaces
        ],
        "intended": None if report.judged is None else _intended(report.judged, diff),
        "traffic": None if report.traffic is None else _traffic(report.traffic),
    }


def _traffic(found: "TrafficDiff") -> Document:
    """What becomes different for recorded traffic; times are RFC 3339 in UTC."""
    at = found.at_change
    return {
        "differs": bool(found),
        "files": list(found.files),
        "packets": found.packets,
        "has_records": found.has_records,
        "start": _time(found.start_ns),
        "end": _time(found.end_ns),
        "engine": found.engine,
        "was_reached": found.was_reached,
        "at_change": None
        if at is None
        else {
            "time": _time(at.time_ns),
            "live": at.live,
            "fates": [{"fate": each.fate, "flows": each.flows} for each in at.fates],
        },
        "counts": {
            str(count.kind): {"flows": count.flows, "packets": count.packets, "bytes": count.bytes}
            for count in found.counts
        },
        "groups": [_group(group) for group in found.groups],
        "tables": [
            {
                "instance_id": table.instance_id,
                "capacity": table.capacity,
                "old_peak": table.old_peak,
                "new_peak": table.new_peak,
                "new_peak_time": _time(table.new_peak_time_ns),
                "old_exceeded": table.old_exceeded,
                "new_exceeded": table.new_exceeded,
            }
            for table in found.tables
        ],
        "peaks_note": note_on_tables(found),
        "one_sided": list(found.one_sided),
        "notes": list(found.notes),
        "broken": found.broken,
    }


def _group(group: "TrafficGroup") -> Document:
    return {
        "kind": str(group.kind),
        "interface_id": group.interface_id,
        "direction": group.direction,
        "rule": None if group.rule is None else _rule(group.rule),
        "peer": group.peer,
        "protocol": group.protocol,
        "port": group.port,
        "flows": group.flows,
        "packets": group.packets,
        "bytes": group.bytes,
        "reason": group.reason or None,
        "first": {
            "file": group.first.file,
            "number": group.first.number,
            "time": _time(group.first.time_ns),
            "packet": group.first.text,
        },
    }


def _time(time_ns: int | None) -> str | None:
    return None if time_ns is None else rfc3339(time_ns)


def _intended(judged: Judged, diff: RulesDiff) -> Document:
    interfaces = {id(interface) for interface in diff.interfaces}
    return {
        "holds": judged.holds,
        "beyond": [
            {
                "group_id": None if id(each.compared) in interfaces else each.compared.shown_id,
                "interface_id": each.compared.shown_id if id(each.compared) in interfaces else None,
                "difference": difference_document(each.difference),
            }
            for each in judged.beyond
        ],
        "unmet": list(judged.unmet),
    }


def _compared(compared: Compared) -> Document:
    return {
        "old_id": compared.old_id,
        "new_id": compared.new_id,
        "presence": str(compared.presence),
        "differences": [difference_document(each) for each in compared.differences],
    }


def difference_document(difference: Difference) -> Document:
    """One difference as plain values."""
    return {
        "kind": str(difference.kind),
        "direction": str(difference.direction),
        "text": traffic_text(difference),
        "member_of": difference.peer,
        "addresses": list(cidrs(difference.product.addresses)),
        "services": _services(difference.product.services),
        "example": None if difference.witness is None else _witness(difference.witness),
        "old_rules": [_rule(rule) for rule in difference.old_rules],
        "new_rules": [_rule(rule) for rule in difference.new_rules],
        "old_cause": None if difference.old_cause is None else str(difference.old_cause),
        "new_cause": None if difference.new_cause is None else str(difference.new_cause),
    }


def _services(services: Ranges) -> list[Document]:
    return [
        {"text": text, "protocol": protocol, "first": first, "last": last}
        for protocol, first, last, text in _pieces(services)
    ]


def _pieces(services: Ranges) -> list[tuple[int, int, int, str]]:
    """Each interval of one protocol with its text."""
    pieces = []
    for protocol, first, last in by_protocol(services):
        single: Ranges = services if protocol < 0 else ((protocol * 65536 + first, protocol * 65536 + last),)
        pieces.append((protocol, first, last, service_texts(single)[0]))
    return pieces


def _witness(witness: Witness) -> Document:
    return {"packet": str(witness.packet), "at": witness.at, "member_of": witness.member_of}


def _rule(rule: RuleRef) -> Document:
    return {
        "rule_id": rule.rule_id,
        "group_id": rule.group_id,
        "text": rule.text,
        "description": rule.description,
    }
