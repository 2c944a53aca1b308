"""What `sgsim synth` has written, for people and programs."""

import json
from typing import Any

from attrs import asdict

from sgsim import __version__
from sgsim.report.blocks import Facts, Section
from sgsim.report.note_sections import note_section
from sgsim.report.summary_text import plain_text, text_lines
from sgsim.report.units import counted, duration, rfc3339
from sgsim.sources.synthetic import Synthetic
from sgsim.sources.synthetic.writing import Written

SCHEMA_VERSION = 1


def written_text(traffic: Synthetic, written: Written) -> str:
    """A few lines."""
    facts = [("file", written.file), ("packets", counted(written.packets, "packet") + f", {written.bytes:,} bytes")]
    if written.records is not None:
        facts.append(("records", counted(written.records, "record")))
    if written.first_ns is not None and written.last_ns is not None:
        length = duration(written.last_ns - written.first_ns)
        facts.append(("time", f"{rfc3339(written.first_ns)} to {rfc3339(written.last_ns)} ({length})"))
    facts += [("parts", ", ".join(part.name for part in traffic.parts)), ("seed", str(traffic.seed))]
    return plain_text(text_lines([Section("Written", [Facts(facts)]), *note_section(written.notes)]))


def written_json(traffic: Synthetic, written: Written) -> str:
    """The same for programs; `sgsim/data/schemas/synth.schema.json` says what is in it."""
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "tool": "sgsim",
        "version": __version__,
        **asdict(written),
        "seed": traffic.seed,
        "parts": [part.name for part in traffic.parts],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
