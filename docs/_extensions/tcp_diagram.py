"""The TCP state diagram, drawn from the transition table.

Only the places of boxes, arrows and labels are written here; what leads where is read from `sgsim.conntrack.tcp`, so the
picture cannot say anything else than the code. A state without a place is an error; an arrow without a route is straight.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from attrs import define, field

from sgsim.conntrack.policies import Midstream
from sgsim.conntrack.profile import PROFILES
from sgsim.conntrack.tcp import TCP_PICKUP, TCP_TRANSITIONS, Beside, Segment
from sgsim.model.states import ConntrackDirection, TcpState

OUTSIDE: Final = "not remembered"
"""The box that stands for a five-tuple of which nothing is remembered."""

Node = TcpState | str
Point = tuple[float, float]

_WIDTH: Final = 800
_HEIGHT: Final = 722
_HALF_WIDTH: Final = 66
_HALF_HEIGHT: Final = 19
_LINE: Final = 17
_CORNER: Final = 10

_PLACES: Final[dict[Node, Point]] = {
    OUTSIDE: (330, 40),
    TcpState.SYN_SENT: (330, 140),
    TcpState.SYN_SENT2: (90, 195),
    TcpState.SYN_RECV: (330, 250),
    TcpState.ESTABLISHED: (330, 350),
    TcpState.FIN_WAIT: (330, 460),
    TcpState.CLOSE_WAIT: (90, 520),
    TcpState.LAST_ACK: (330, 580),
    TcpState.TIME_WAIT: (330, 690),
    TcpState.CLOSE: (650, 350),
}
"""The middle of each box."""

_ROUTES: Final[dict[tuple[Node, Node], tuple[Point, ...]]] = {
    (OUTSIDE, TcpState.ESTABLISHED): ((396, 50), (512, 50), (512, 350), (396, 350)),
    (TcpState.SYN_SENT, TcpState.SYN_SENT2): ((264, 140), (90, 140), (90, 176)),
    (TcpState.SYN_SENT2, TcpState.SYN_RECV): ((90, 214), (90, 250), (264, 250)),
    (TcpState.SYN_RECV, TcpState.FIN_WAIT): ((290, 269), (290, 300), (235, 300), (235, 460), (264, 460)),
    (TcpState.FIN_WAIT, TcpState.CLOSE_WAIT): ((300, 479), (300, 520), (156, 520)),
    (TcpState.CLOSE_WAIT, TcpState.LAST_ACK): ((90, 539), (90, 580), (264, 580)),
    (TcpState.TIME_WAIT, OUTSIDE): ((396, 690), (770, 690), (770, 30), (396, 30)),
    (TcpState.CLOSE, OUTSIDE): ((650, 331), (650, 40), (396, 40)),
}
"""Arrows that are not straight down."""

_LABELS: Final[dict[tuple[Node, Node], tuple[float, float, str]]] = {
    (OUTSIDE, TcpState.ESTABLISHED): (520, 84, "start"),
    (TcpState.SYN_SENT, TcpState.SYN_SENT2): (177, 132, "middle"),
    (TcpState.SYN_SENT2, TcpState.SYN_RECV): (177, 268, "middle"),
    (TcpState.SYN_RECV, TcpState.FIN_WAIT): (228, 380, "end"),
    (TcpState.FIN_WAIT, TcpState.CLOSE_WAIT): (228, 512, "middle"),
    (TcpState.CLOSE_WAIT, TcpState.LAST_ACK): (177, 600, "middle"),
    (TcpState.TIME_WAIT, OUTSIDE): (560, 682, "middle"),
    (TcpState.CLOSE, OUTSIDE): (658, 200, "start"),
}
"""Where the first line of a label stands; else to the right of its arrow."""

_BRACE_X: Final = 545
"""Where the line stands that gathers what leads to one state from everywhere."""


@define
class Edge:
    """All that leads from one box to another."""

    source: Node
    target: Node
    segments: dict[Segment, set[ConntrackDirection]] = field(factory=dict)
    picks_up: bool = False
    """Whether it begins a flow in the middle, which not every profile does."""

    @property
    def css_class(self) -> str:
        """Whose segments these are, and how they are drawn."""
        sides = side_name(set().union(*self.segments.values())).split()[0]
        return f"edge {sides} picks-up" if self.picks_up else f"edge {sides}"

    def label(self) -> Iterator[str]:
        """Its lines."""
        for segment, directions in self.segments.items():
            yield f"{segment_name(segment)}, {side_name(directions)}"
        if self.picks_up:
            names = [profile.name for profile in PROFILES.values() if profile.midstream.value is Midstream.PICKUP]
            yield f"({', '.join(names)} only)"


def segment_name(segment: Segment) -> str:
    """As people write it: `SYN-ACK`."""
    return segment.name.replace("_", "-")


def side_name(directions: set[ConntrackDirection]) -> str:
    """Who sends it."""
    if len(directions) == len(ConntrackDirection):
        return "either side"
    return "opener" if ConntrackDirection.ORIGINAL in directions else "other side"


def leads_everywhere_to(segment: Segment) -> TcpState | None:
    """The one state that a segment leads to from every state and from both sides; None if there is no such state."""
    targets = {cells.get(segment) for states in TCP_TRANSITIONS.values() for cells in states.values()}
    target = targets.pop()
    return target if not targets and isinstance(target, TcpState) else None


def edges() -> list[Edge]:
    """Every move from one box to another, but for those that lead from everywhere to one.

    What leaves a flow where it is has no arrow.
    """
    found: dict[tuple[Node, Node], Edge] = {}

    def add(source: Node, target: Node, segment: Segment, direction: ConntrackDirection) -> None:
        edge = found.setdefault((source, target), Edge(source, target))
        edge.segments.setdefault(segment, set()).add(direction)

    for segment, state in TCP_PICKUP.items():
        add(OUTSIDE, state, segment, ConntrackDirection.ORIGINAL)
        found[OUTSIDE, state].picks_up = segment is not Segment.SYN
    for direction, states in TCP_TRANSITIONS.items():
        for state, cells in states.items():
            for segment, cell in cells.items():
                if cell is Beside.REOPEN:
                    add(state, OUTSIDE, segment, direction)
                elif isinstance(cell, TcpState) and cell is not state and leads_everywhere_to(segment) is None:
                    add(state, cell, segment, direction)
    return list(found.values())


def draw() -> str:
    """The diagram as SVG; colours come from the page's style sheet."""
    title = "States of a TCP flow, and the segments that lead from one to another"
    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    parts = [
        f'<svg class="tcp-diagram" {size} role="img" aria-label="{title}" xmlns="http://www.w3.org/2000/svg">',
        f"<title>{title}</title>",
        *(_edge(edge) for edge in edges()),
        *_braces(),
        *(_box(node) for node in (OUTSIDE, *TcpState)),
        "</svg>",
    ]
    return "\n".join(parts)


def _box(node: Node) -> str:
    x, y = _PLACES[node]
    css_class = "state" if isinstance(node, TcpState) else "state outside"
    return (
        f'<g class="{css_class}"><rect x="{x - _HALF_WIDTH}" y="{y - _HALF_HEIGHT}" rx="6" '
        f'width="{2 * _HALF_WIDTH}" height="{2 * _HALF_HEIGHT}"/>{_text(x, y + 4, "middle", [_node_name(node)])}</g>'
    )


def _node_name(node: Node) -> str:
    return node.name if isinstance(node, TcpState) else node


def _edge(edge: Edge) -> str:
    key = (edge.source, edge.target)
    (x, top), (_, bottom) = _PLACES[edge.source], _PLACES[edge.target]
    points = _ROUTES.get(key) or ((x, top + _HALF_HEIGHT), (x, bottom - _HALF_HEIGHT))
    lines = list(edge.label())
    label = _LABELS.get(key) or (x + 10, (top + bottom) / 2 + 5 - _LINE * (len(lines) - 1) / 2, "start")
    return f'<g class="{edge.css_class}">{_arrow(points)}{_text(*label, lines)}</g>'


def _braces() -> Iterator[str]:
    """What leads from everywhere to one state: a line along all boxes, and one arrow."""
    for segment in Segment:
        target = leads_everywhere_to(segment)
        if target is None:
            continue
        x, y = _PLACES[target]
        top, bottom = _PLACES[TcpState.SYN_SENT][1] - _HALF_HEIGHT, _PLACES[TcpState.TIME_WAIT][1] - 2 * _HALF_HEIGHT
        lines = [f"{segment_name(segment)} in every state,", side_name(set(ConntrackDirection))]
        yield (
            f'<g class="edge either"><path d="M {_BRACE_X - 12} {top} H {_BRACE_X} V {bottom} H {_BRACE_X - 12}"/>'
            f"{_arrow(((_BRACE_X, y), (x - _HALF_WIDTH, y)))}{_text(x, y + 40, 'middle', lines)}</g>"
        )


def _arrow(points: Sequence[Point]) -> str:
    """A line through the points with rounded corners, and its head."""
    path = f"M {_pair(points[0])}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        path += f" L {_pair(_toward(corner, before))} Q {_pair(corner)} {_pair(_toward(corner, after))}"
    (x, y), angle = points[-1], math.degrees(_angle(points[-2], points[-1]))
    return (
        f'<path d="{path} L {_pair(points[-1])}"/>'
        f'<polygon points="0,0 -9,-4.5 -9,4.5" transform="translate({x:g} {y:g}) rotate({angle:g})"/>'
    )


def _toward(start: Point, end: Point) -> Point:
    angle = _angle(start, end)
    return start[0] + _CORNER * math.cos(angle), start[1] + _CORNER * math.sin(angle)


def _angle(start: Point, end: Point) -> float:
    return math.atan2(end[1] - start[1], end[0] - start[0])


def _pair(point: Point) -> str:
    return f"{point[0]:g} {point[1]:g}"


def _text(x: float, y: float, anchor: str, lines: Sequence[str]) -> str:
    spans = "".join(
        f'<tspan x="{x:g}" y="{y + _LINE * index:g}">{escape(line)}</tspan>' for index, line in enumerate(lines)
    )
    return f'<text class="label" text-anchor="{anchor}">{spans}</text>'
