"""How long, how large, how many: distributions as a person writes them, and whole numbers drawn from them.

`40` or `fixed 40`, `40..80` or `uniform 40 80`, `exponential MEAN`, `geometric MEAN` (1 or more), `lognormal MEDIAN SIGMA`,
`pareto LEAST SHAPE`. Times carry a unit (`ns us ms s min h`, seconds without one); `:` and `,` may stand for blanks.

Each is drawn from a table of its quantiles at 4,096 steps with straight lines in between: a word's upper 12 bits choose
the step, its next 20 the place in it. The tail therefore ends at the quantile 1 - 1/8192. Table values are rounded to nine
digits, so that the last digit of a machine's logarithm does not matter, and all that follows is exact arithmetic.
"""

import functools
import math
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from statistics import NormalDist
from typing import Final

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from sgsim.errors import ConfigError
from sgsim.sources.synthetic.draws import Numbers, Words

_STEPS: Final = 4096
_LAST_QUANTILE: Final = 1 - 1 / (2 * _STEPS)
_DIGITS: Final = 9

_NS: Final = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}
_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)", re.ASCII)
MOST_NS: Final = 10**16
"""115 days; no time that is drawn is longer."""

_PARAMETERS: Final = {
    "fixed": ("VALUE",),
    "uniform": ("LEAST", "MOST"),
    "exponential": ("MEAN",),
    "geometric": ("MEAN",),
    "lognormal": ("MEDIAN", "SIGMA"),
    "pareto": ("LEAST", "SHAPE"),
}
_PLAIN: Final = {("lognormal", 1), ("pareto", 1)}
"""Parameters that are no times: a distribution and the place in it."""


@frozen
class Distribution:
    """A distribution of whole numbers that are not negative."""

    kind: str
    parameters: tuple[float, ...]
    text: str = field(eq=False)
    """As it was written."""

    def draw(self, some: Words) -> Numbers:
        """Draw a number from each word."""
        if self.kind == "fixed":
            return np.full(len(some), int(self.parameters[0]), np.int64)
        table = _table(self.kind, self.parameters)
        step = (some >> np.uint64(52)).astype(np.int64)
        place = (some >> np.uint64(32) & np.uint64(0xFFFFF)).astype(np.float64) * (1 / (1 << 20))
        start = table[step]
        return np.floor(start + (table[step + 1] - start) * place).astype(np.int64)

    @property
    def mean(self) -> float:
        """The mean of what is drawn."""
        if self.kind == "fixed":
            return self.parameters[0]
        table = _table(self.kind, self.parameters)
        return float((table[1:] + table[:-1]).sum() / (2 * _STEPS))

    @property
    def most(self) -> float:
        """No more than this is drawn."""
        return self.parameters[0] if self.kind == "fixed" else float(_table(self.kind, self.parameters)[-1])


@functools.cache
def _table(kind: str, parameters: tuple[float, ...]) -> NDArray[np.float64]:
    quantile = _quantiles(kind, parameters)
    values = [quantile(min(step / _STEPS, _LAST_QUANTILE)) for step in range(_STEPS + 1)]
    if kind != "uniform":  # which needs no logarithm
        values = [float(f"{value:.{_DIGITS}g}") for value in values]
    return np.array(values)


def _quantiles(kind: str, parameters: tuple[float, ...]) -> Callable[[float], float]:
    first, second = (*parameters, 0.0)[:2]
    match kind:
        case "uniform":
            return lambda q: first + (second + 1 - first) * (q if q < _LAST_QUANTILE else 1)
        case "exponential":
            return lambda q: -first * math.log1p(-q)
        case "geometric":
            return lambda q: 1 + math.log1p(-q) / math.log1p(-1 / first) if first > 1 else 1.0
        case "lognormal":
            normal = NormalDist(math.log(first), second)
            return lambda q: math.exp(normal.inv_cdf(max(q, 1 - _LAST_QUANTILE)))
        case _:
            return lambda q: first * (1 - q) ** (-1 / second)


def parse_distribution(text: object, name: str, *, is_time: bool = False, least: int = 0) -> Distribution:
    """Read a distribution.

    Args:
        text: As a person writes it; a plain number is fixed.
        name: What messages call it.
        is_time: Whether its values are times, which become nanoseconds.
        least: What the smallest value must be at least.

    Raises:
        ConfigError: If it is none.
    """
    if isinstance(text, Distribution):
        return text
    shown = f"{text:g}" if isinstance(text, float) else str(text)
    kind, parts = _split(shown.strip().lower())
    if kind not in _PARAMETERS or len(parts) != len(_PARAMETERS[kind]):
        raise ConfigError(f"{name} must be {_forms(is_time=is_time)}, got {shown!r}")
    values = [
        _value(part, name, shown, is_time=is_time and (kind, place) not in _PLAIN) for place, part in enumerate(parts)
    ]
    distribution = Distribution(kind, tuple(values), shown)
    _check(distribution, name, least)
    return distribution


def _split(text: str) -> tuple[str, list[str]]:
    if ".." in text:
        return "uniform", [part.strip() for part in text.split("..")]
    kind, *parts = text.replace(":", " ").replace(",", " ").split() or [""]
    return (kind, parts) if not _NUMBER.match(kind) else ("fixed", ["".join([kind, *parts])])


def _check(distribution: Distribution, name: str, least: int) -> None:
    kind, values = distribution.kind, distribution.parameters
    if kind == "uniform" and values[0] > values[1]:
        raise ConfigError(f"{name} must be LEAST..MOST, got {distribution.text!r}")
    if kind in {"lognormal", "pareto", "exponential"} and not all(value > 0 for value in values):
        raise ConfigError(f"{name} must have parameters above 0, got {distribution.text!r}")
    if kind == "geometric" and values[0] < 1:
        raise ConfigError(f"{name} must have a mean of at least 1, got {distribution.text!r}")
    if kind in {"fixed", "uniform", "pareto"} and values[0] < least:
        raise ConfigError(f"{name} must be at least {least}, got {distribution.text!r}")
    if distribution.most > MOST_NS:
        raise ConfigError(f"{name} must stay below {MOST_NS}, got {distribution.text!r}")


def _value(text: str, name: str, whole: str, *, is_time: bool) -> float:
    if is_time:
        return float(parse_duration_ns(text, name))
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise ConfigError(f"{name} must be numbers of at least 0, got {whole!r}")
    return number


def parse_duration_ns(value: object, name: str) -> int:
    """Read a length of time such as `90 s`, `1.5 min` or `200ms`; seconds without a unit.

    Raises:
        ConfigError: If it is none.
    """
    found = _NUMBER.fullmatch(f"{value:f}" if isinstance(value, float) else str(value).strip().lower())
    if found is None or (found[2] or "s") not in _NS:
        raise ConfigError(f"{name} must be a time such as 90 s, 1.5 min or 200ms, got {str(value)!r}")
    try:
        nanoseconds = int(Decimal(found[1]) * _NS[found[2] or "s"])
    except InvalidOperation as error:
        raise ConfigError(f"{name} must be a time, got {str(value)!r}") from error
    if nanoseconds > MOST_NS:
        raise ConfigError(f"{name} must be at most {MOST_NS // 10**9} s, got {str(value)!r}")
    return nanoseconds


def _forms(*, is_time: bool) -> str:
    one = "2s" if is_time else "40"
    forms = " or ".join(" ".join((kind, *names)) for kind, names in _PARAMETERS.items() if kind != "fixed")
    return f"a value such as {one}, a range LEAST..MOST, {forms}"
