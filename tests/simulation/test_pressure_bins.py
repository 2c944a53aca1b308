import pytest
from builders import SECOND_NS, entry

from sgsim.conntrack.entry import FlowEnd
from sgsim.conntrack.pressure import TablePressure
from sgsim.simulation.pressure_bins import PressureBin, PressureBins

AT_NS = 1_700_000_000 * SECOND_NS
EXPECTED = (
    PressureBin(
        start_ns=AT_NS, least=0, greatest=1, last=1, inserted=1, expired=0, closed=0, untracked=0, refused=0
    ),
    PressureBin(
        start_ns=AT_NS + SECOND_NS, least=0, greatest=1, last=0, inserted=0, expired=1, closed=0, untracked=0, refused=2
    ),
)  # fmt: skip


@pytest.fixture
def bins() -> PressureBins:
    """Of a table that an entry came to and left, and that two packets found full."""
    pressure = TablePressure(1, bin_ns=SECOND_NS)
    pressure.note_inserted(entry(), AT_NS)
    for _ in range(2):
        pressure.note_refused(AT_NS + SECOND_NS)
    pressure.note_removed(entry(), FlowEnd.EXPIRED, AT_NS + SECOND_NS + 5)
    return PressureBins(pressure)


def test_they_are_a_sequence_of_what_happened(bins):
    assert tuple(bins) == EXPECTED
    assert (len(bins), bins[0], bins[-1], bins[1:]) == (2, EXPECTED[0], EXPECTED[1], EXPECTED[1:])


def test_they_are_equal_to_any_sequence_of_the_same(bins):
    assert bins == EXPECTED
    assert bins == list(EXPECTED)
    assert bins != EXPECTED[:1]
    assert bins != PressureBins(TablePressure(1))
    assert bins != "bins"
    assert bins != 2
    assert repr(bins) == repr(EXPECTED)


def test_they_are_made_when_somebody_looks_and_once(bins):
    assert bins._made is None
    first = bins[0]
    assert bins[0] is first
