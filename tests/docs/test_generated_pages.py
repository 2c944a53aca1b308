"""What the pages make from the code: the TCP diagram, the tables, and the names that prose and code share."""

import re
from pathlib import Path

import facts
import member_docs
import pytest
import tcp_diagram

import sgsim
from sgsim.conntrack.profile import PROFILES
from sgsim.conntrack.tcp import TCP_PICKUP, TCP_TRANSITIONS, Beside, Segment
from sgsim.engine.steps import STEPS, barred
from sgsim.model.decision import Reason
from sgsim.model.states import ConntrackDirection, ConntrackState, TcpState
from sgsim.model.trace import Step
from sgsim.report.step_text import STEP_NUMBERS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def drawn():
    """Every move that the diagram shows, one for each segment and side."""
    moves = {
        (edge.source, segment, direction, edge.target)
        for edge in tcp_diagram.edges()
        for segment, directions in edge.segments.items()
        for direction in directions
    }
    for segment in Segment:
        target = tcp_diagram.leads_everywhere_to(segment)
        if target is not None:
            moves |= {(s, segment, d, target) for s in TcpState for d in ConntrackDirection if s is not target}
    return moves


def expected_moves():
    moves: set[tuple[tcp_diagram.Node, Segment, ConntrackDirection, tcp_diagram.Node]] = {
        (tcp_diagram.OUTSIDE, segment, ConntrackDirection.ORIGINAL, state) for segment, state in TCP_PICKUP.items()
    }
    for direction, states in TCP_TRANSITIONS.items():
        for state, cells in states.items():
            for segment, cell in cells.items():
                if cell is Beside.REOPEN:
                    moves.add((state, segment, direction, tcp_diagram.OUTSIDE))
                elif isinstance(cell, TcpState) and cell is not state:
                    moves.add((state, segment, direction, cell))
    return moves


def test_the_diagram_shows_every_move_of_the_table_and_no_other():
    assert drawn() == expected_moves()


def test_the_diagram_names_every_state_and_every_label():
    svg = tcp_diagram.draw()
    for state in TcpState:
        assert f">{state.name}<" in svg
    for edge in tcp_diagram.edges():
        assert all(f">{line}<" in svg for line in edge.label())


def test_no_two_boxes_of_the_diagram_touch():
    boxes = [
        tuple(map(float, box))
        for box in re.findall(r'<rect x="(.+?)" y="(.+?)" .*?width="(.+?)" height="(.+?)"', tcp_diagram.draw())
    ]
    assert len(boxes) == len(TcpState) + 1
    for index, (x, y, width, height) in enumerate(boxes):
        for other_x, other_y, _, _ in boxes[index + 1 :]:
            assert abs(x - other_x) > width or abs(y - other_y) > height


def test_every_row_of_the_transition_table_has_its_reason():
    for direction, reasons in facts.row_reasons().items():
        assert len(reasons) == len(TCP_TRANSITIONS[direction])
        assert all(reasons)


@pytest.mark.parametrize("kind", [Reason, ConntrackState, TcpState], ids=lambda kind: kind.__name__)
def test_every_member_of_an_enum_that_a_page_lists_is_explained(kind):
    docs = member_docs.member_docs(kind)
    assert list(docs) == [member.name for member in kind]
    assert all(docs.values())


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_every_choice_of_a_setting_has_its_own_part_of_the_page(profile):
    page = (DOCS / "profiles.md").read_text(encoding="utf-8")
    parts = re.findall(r"^### (\w+)$", page, re.MULTILINE)
    choices = [name for name, setting in profile.settings() if not isinstance(setting.value, bool | float)]
    assert set(choices) <= set(parts)


def test_the_way_of_a_packet_has_the_steps_of_the_engine_in_order():
    page = (DOCS / "the-way-of-a-packet.md").read_text(encoding="utf-8")
    at_groups = [step.__name__ for step in STEPS if step is not barred]  # which the text has under `recorded`
    expected = [Step.NETWORK_ACL_IN.value, *at_groups, Step.NETWORK_ACL_OUT.value]
    assert re.findall(r"^### \d+\. `(\w+)`$", page, re.MULTILINE) == expected
    numbers = [int(number) for number in re.findall(r"^### (\d+)\. ", page, re.MULTILINE)]
    assert numbers == sorted(STEP_NUMBERS.values())


def test_every_name_in_the_glossary_exists():
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "sgsim").rglob("*.py"))
    names = re.findall(r"^`(\w+)`$", (DOCS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert names
    assert [
        name
        for name in names
        if f"class {name}" not in sources and f"def {name}(" not in sources and f" {name}:" not in sources
    ] == []


def test_every_public_name_is_on_the_page_of_the_python_api():
    page = (DOCS / "python-api.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^\.\. auto\w+:: (\w+)$", page, re.MULTILINE)) | {"PROFILES", "__version__"}
    shown |= {name for name, module in sgsim._MODULES.items() if f".. automodule:: {module}\n" in page}
    assert shown == set(sgsim.__all__)


@pytest.mark.parametrize("page", ["python-api", "documents", "usage"])
def test_the_python_examples_of_a_page_run(page, folder, monkeypatch):
    monkeypatch.chdir(folder)
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    for code in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        exec(code, {})  # noqa: S102  # what a reader would paste
