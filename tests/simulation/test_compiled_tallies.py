import numpy as np
from builders import rule_ref
from hypothesis import given
from hypothesis import strategies as st
from simulation.batches import decisions, packets

from sgsim.model.columns import DecisionColumns, PacketColumns
from sgsim.model.decision import Reason, Verdict
from sgsim.simulation.compiled_tallies import CompiledTallies
from sgsim.simulation.tally import Tallies

_INTERFACES, _RULES = 3, 4

_decisions = st.lists(
    st.tuples(
        st.sampled_from(Reason),
        st.sampled_from(Verdict),
        st.integers(-1, _INTERFACES - 1),
        st.integers(-1, _RULES - 1),
        st.booleans(),
        st.integers(-(2**62), 2**62),
        st.integers(0, 2**31 - 1),
    ),
    min_size=1,
    max_size=30,
)


def _batch(rows: list[tuple[Reason, Verdict, int, int, bool, int, int]]) -> tuple[PacketColumns, DecisionColumns]:
    """Packets with one or several decisions each: some rows are for the packet before."""
    reasons, verdicts, interfaces, rules, follows, times, sizes = (list(column) for column in zip(*rows, strict=True))
    row = np.maximum(0, np.cumsum([not each for each in follows]) - 1).tolist()
    seen = packets(*["-"] * len(rows), time_ns=times, length_bytes=sizes)
    return seen, decisions(*reasons, verdict=verdicts, interface=interfaces, rule=rules, row=row)


@given(st.lists(_decisions, min_size=1, max_size=3), st.integers(0, 2))
def test_both_tallies_count_the_same(batches, grows_at):
    """Compiled tallies == readable ones, batch after batch, also when rules and interfaces become more."""
    readable, compiled = Tallies(("a",)), CompiledTallies(("a",))
    for number, rows in enumerate(batches):
        seen, judged = _batch(rows)
        more = 2 if number >= grows_at else 0
        for tallies in (readable, compiled):
            tallies.add(seen, judged, interfaces=_INTERFACES + more, rules=_RULES + more)
    assert readable.reasons == compiled.reasons
    assert readable.interfaces == compiled.interfaces
    refs = [rule_ref(f"sgr-{number}") for number in range(_RULES)]
    assert readable.usage.of(refs) == compiled.usage.of(refs)
