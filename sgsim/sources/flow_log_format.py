"""Which fields the lines of a flow log have, and in which order.

It is told by the user (`--log-format '${version} ${srcaddr} ...'`), by a header line, by the columns of a Parquet file,
or it is the default format, which has no header in CloudWatch Logs.

Source: `[aws-flr]`, `[aws-fl-athena]` (header lines in S3).
"""

import difflib
from collections.abc import Iterable, Sequence
from typing import Final

from attrs import frozen

from sgsim.errors import SourceError
from sgsim.sources.flow_log_fields import DEFAULT_FIELDS, FIELDS_BY_COLUMN, FIELDS_BY_NAME, FlowLogField

NEEDED: Final = ("srcaddr", "dstaddr", "protocol", "start", "end")
"""Without these no record can be replayed; `pkt-srcaddr` and `pkt-dstaddr` serve as addresses too."""

_STAND_INS: Final = {"srcaddr": "pkt-srcaddr", "dstaddr": "pkt-dstaddr"}
_TRANSIT_GATEWAY: Final = ("tgw-", "resource-type", "packets-lost-")


@frozen
class FlowLogFormat:
    """The fields of a line, in order."""

    names: tuple[str, ...]
    """As `${...}` has them."""

    @property
    def fields(self) -> tuple[FlowLogField, ...]:
        """The fields themselves."""
        return tuple(FIELDS_BY_NAME[name] for name in self.names)

    @property
    def version(self) -> int:
        """What `version` is in a record: the highest among the fields."""
        return max(field.version for field in self.fields)

    def place(self, name: str) -> int:
        """Where a field stands in a line, from 0; -1 if lines have it not."""
        return self.names.index(name) if name in self.names else -1

    @property
    def header(self) -> str:
        """The header line, as files in S3 have it."""
        return " ".join(self.names)

    @property
    def template(self) -> str:
        """As AWS takes it, and `--log-format` too."""
        return " ".join(f"${{{name}}}" for name in self.names)

    @property
    def has_flags(self) -> bool:
        """Whether lines tell TCP flags."""
        return "tcp-flags" in self.names


def parse_format(text: str) -> FlowLogFormat:
    """Read a format: `${version} ${srcaddr} ...`, the same names without braces, or `default`.

    Raises:
        SourceError: If a field is unknown, given twice, or one is missing that a replay needs.
    """
    if text.strip() == "default":
        return DEFAULT_FORMAT
    words = text.replace("${", " ${").replace(",", " ").split()
    return checked([word.removeprefix("${").removesuffix("}") for word in words])


def checked(names: Sequence[str]) -> FlowLogFormat:
    """A format of these fields.

    Raises:
        SourceError: As `parse_format` does.
    """
    if not names:
        raise SourceError("log format must name at least one field, got none")
    _refuse_unknown(names, FIELDS_BY_NAME)
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise SourceError(f"log format must name each field once, got {twice[0]!r} twice")
    missing = [name for name in NEEDED if name not in names and _STAND_INS.get(name) not in names]
    if missing:
        raise SourceError(f"log format must have {', '.join(NEEDED)} for a replay, got none of {', '.join(missing)}")
    return FlowLogFormat(tuple(names))


def format_of_columns(columns: Iterable[str]) -> FlowLogFormat:
    """The format of a Parquet file, by its columns.

    Columns that no flow log has, such as the partitions of a table, are passed over as long as what a replay needs is
    there.

    Raises:
        SourceError: If it is no flow log.
    """
    present = list(columns)
    known = [FIELDS_BY_COLUMN[name].name for name in present if name in FIELDS_BY_COLUMN]
    if not known:
        shown = ", ".join(present[:8])
        raise SourceError(f"Parquet file must have the columns of a flow log, such as srcaddr and dstaddr, got {shown}")
    return checked(known)


def is_header(line: str) -> bool:
    """Whether a line is a header: it names fields, where a record has values."""
    words = line.split()
    return len(words) > 1 and sum(word in FIELDS_BY_NAME for word in words) > len(words) // 2


def _refuse_unknown(names: Iterable[str], known: Iterable[str]) -> None:
    known = set(known)
    for name in names:
        if name in known:
            continue
        if name.startswith(_TRANSIT_GATEWAY):
            raise SourceError(
                f"log format must be one of VPC flow logs, got {name!r} of Transit Gateway flow logs, "
                "which know no security groups"
            )
        close = difflib.get_close_matches(name, sorted(known), 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise SourceError(f"log format must name fields of VPC flow logs, got {name!r}{hint}")


DEFAULT_FORMAT: Final = FlowLogFormat(DEFAULT_FIELDS)
"""Version 2, what AWS logs unless told otherwise."""
