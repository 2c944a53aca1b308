"""Numbers, times and words that go with them, as people read them. Same input, same text: no locale, no time zone."""

import shlex
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

_SECOND_NS: Final = 1_000_000_000


def number(value: int) -> str:
    """A whole number with commas between thousands."""
    return f"{value:,}"


def counted(value: int, singular: str, plural: str = "") -> str:
    """A number with its noun: `1 packet`, `2 packets`, `3 entries`."""
    return f"{value:,} {singular if value == 1 else plural or singular + 's'}"


def rfc3339(time_ns: int) -> str:
    """A time, in UTC, with microseconds."""
    seconds, rest_ns = divmod(time_ns, _SECOND_NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest_ns // 1000:06d}Z"


def duration(length_ns: int) -> str:
    """A length of time in its two largest units that matter."""
    if length_ns < 0:
        return "-" + duration(-length_ns)
    if length_ns < 1_000_000:
        return f"{length_ns / 1000:.3g} µs" if length_ns else "0 s"
    if length_ns < _SECOND_NS:
        return f"{length_ns / 1_000_000:.3g} ms"
    if length_ns < 120 * _SECOND_NS:
        return f"{length_ns / _SECOND_NS:.3f} s"
    minutes, seconds = divmod(length_ns // _SECOND_NS, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [
        f"{value} {unit}" for value, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")) if value
    ]
    return " ".join(parts[:2])


def offset(time_ns: int, start_ns: int | None) -> str:
    """A time counted from the first packet, in seconds: `+39.278 s`."""
    return f"{(time_ns - (start_ns or 0)) / _SECOND_NS:+,.3f} s"


def shell_line(words: Iterable[str]) -> str:
    """A command to paste into a shell; what needs quotes has them."""
    return " ".join(shlex.quote(word) for word in words)
