"""Flow logs in every form, and reading them."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from sgsim.model.line_columns import LineColumns
from sgsim.sources.flow_log_fields import FIELDS_BY_NAME, FieldType
from sgsim.sources.flow_log_file import FlowLogFile
from sgsim.sources.flow_log_format import FlowLogFormat
from sgsim.sources.flow_log_problems import FlowLogProblems

POLARS = {FieldType.INT32: pl.Int32, FieldType.INT64: pl.Int64, FieldType.STRING: pl.String}


def parquet(header: str, lines: Sequence[str]) -> bytes:
    """The same records as AWS writes them to Parquet."""
    names = header.split()
    columns: dict[str, Any] = {}
    for place, name in enumerate(names):
        field = FIELDS_BY_NAME[name]
        words = [line.split()[place] for line in lines]
        is_text = field.type is FieldType.STRING
        values = [word if is_text else None if word == "-" else int(word) for word in words]
        columns[field.column] = pl.Series(values, dtype=POLARS[field.type])
    stream = io.BytesIO()
    pl.DataFrame(columns).write_parquet(stream)
    return stream.getvalue()


def cloudwatch(lines: Sequence[str], form: str) -> str:
    """The same records as CloudWatch Logs gives them."""
    events = [{"timestamp": 1, "message": line} for line in lines]
    match form:
        case "subscription":
            return json.dumps({"messageType": "DATA_MESSAGE", "logEvents": events})
        case "firehose":  # one envelope after the other
            return "".join(json.dumps({"logEvents": [event]}) for event in events)
        case "filter":
            return json.dumps({"events": events, "searchedLogStreams": []}, indent=2)
        case "insights":
            fields = [[{"field": "@timestamp", "value": "x"}, {"field": "@message", "value": line}] for line in lines]
            return json.dumps({"results": fields, "status": "Complete"})
        case _:
            raise ValueError(form)


def read_file(
    path: Path, given: FlowLogFormat | None = None, *, native: bool = False, batch_rows: int = 1000
) -> tuple[LineColumns, list[str], FlowLogProblems]:
    """All lines of a file, the names in it and what is wrong with it."""
    problems = FlowLogProblems()
    log = FlowLogFile(str(path), str(path), given, problems, native=native)
    batches = list(log.batches(batch_rows))
    return LineColumns(*map(np.concatenate, zip(*batches, strict=True))), log.names, problems
