"""The load on a table over time, as a picture: SVG text, drawn here, that needs nothing to be shown.

Needs the extra `report`; `sgsim.report.html` says so where it is missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import altair as alt
import vl_convert

from sgsim.simulation.summary import TableLoad

WIDTH: Final = 860
HEIGHT: Final = 240

_BLUE: Final = "#2563a8"
_RED: Final = "#b3261e"
_GREY: Final = "#5f6368"
_SECOND_NS: Final = 1_000_000_000


def table_svg(table: TableLoad, start_ns: int, end_ns: int) -> str:
    """Draw places taken over time, the capacity as a line, and where packets were refused."""
    load = _load_layer(table, start_ns, end_ns)
    layers = [load, *_capacity_layers(table, start_ns, end_ns), *_refused_layers(table, start_ns)]
    chart = (
        alt.layer(*layers)
        .properties(width=WIDTH, height=HEIGHT)
        .configure(font="sans-serif")
        .configure_view(stroke=None)
    )
    svg: str = vl_convert.vegalite_to_svg(chart.to_json(), vl_version=_vega_lite_version())
    return svg


def _vega_lite_version() -> str:
    """The version that altair writes, as `v6.1` of `6.1.0`."""
    major, minor = alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2]
    return f"{major}.{minor}"


def _load_layer(table: TableLoad, start_ns: int, end_ns: int) -> alt.Chart:
    points = [{"seconds": seconds, "places": places} for seconds, places in _steps(table, start_ns, end_ns)]
    chart: alt.Chart = (
        alt.Chart(_rows(points))
        .mark_area(interpolate="step-after", color=_BLUE, opacity=0.25, line={"color": _BLUE, "strokeWidth": 1.5})
        .encode(
            x=alt.X(
                "seconds:Q",
                title="seconds from the first packet",
                axis=alt.Axis(grid=False, format=",~r"),
                scale=alt.Scale(domain=[0, max((end_ns - start_ns) / _SECOND_NS, 0.001)], nice=False),
            ),
            y=alt.Y(
                "places:Q",
                stack=None,
                title="places taken",
                axis=alt.Axis(tickMinStep=1, format=",d", gridColor="#e3e5e8"),
            ),
        )
    )
    return chart


def _rows(values: Sequence[Mapping[str, Any]]) -> Any:  # noqa: ANN401  # altair's own type says no more
    return alt.Data(values=values)  # type: ignore[no-untyped-call]  # altair does not say what it takes


def _steps(table: TableLoad, start_ns: int, end_ns: int) -> Iterator[tuple[float, int]]:
    """The greatest count of each bin at its beginning, the last at its end; between bins the count stays."""
    yield 0.0, 0
    for current in table.bins:
        begin_ns = current.start_ns - start_ns
        yield begin_ns / _SECOND_NS, current.greatest
        yield (begin_ns + table.bin_ns) / _SECOND_NS, current.last
    yield (end_ns - start_ns) / _SECOND_NS, table.count


def _capacity_layers(table: TableLoad, start_ns: int, end_ns: int) -> Iterator[alt.Chart]:
    begins = [0.0 if each.from_ns is None else (each.from_ns - start_ns) / _SECOND_NS for each in table.capacities]
    ends = [*begins[1:], (end_ns - start_ns) / _SECOND_NS]
    steps = [
        (begin, end, each.capacity)
        for begin, end, each in zip(begins, ends, table.capacities, strict=True)
        if each.capacity is not None
    ]
    if not steps:
        return
    lines = [{"seconds": begin, "until": end, "places": places} for begin, end, places in steps]
    chart = alt.Chart(_rows(lines)).encode(x="seconds:Q", x2="until:Q", y="places:Q")
    yield chart.mark_rule(color=_GREY, strokeDash=[5, 4], strokeWidth=1.2)
    labels = [{"seconds": begin, "places": places, "text": f"capacity {places:,}"} for begin, _, places in steps]
    yield (
        alt.Chart(_rows(labels))
        .mark_text(align="left", dy=-7, dx=3, color=_GREY, fontSize=11)
        .encode(x="seconds:Q", y="places:Q", text="text:N")
    )


def _refused_layers(table: TableLoad, start_ns: int) -> Iterator[alt.Chart]:
    refused = [
        {"seconds": (current.start_ns - start_ns) / _SECOND_NS, "places": current.greatest, "refused": current.refused}
        for current in table.bins
        if current.refused
    ]
    if not refused:
        return
    chart = alt.Chart(_rows(refused)).encode(x="seconds:Q", y="places:Q")
    yield chart.mark_point(shape="triangle-down", color=_RED, filled=True, size=70, opacity=0.9, yOffset=-7)
