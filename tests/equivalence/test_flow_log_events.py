"""`compiled(records) == readable(records)` for any records: roles, events, their order, and which decisions are leads'."""

from itertools import product

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from sgsim.model.columns import DECISION_DTYPES, RECORD_DTYPES, DecisionColumns, RecordColumns, select_rows
from sgsim.model.decision import Reason
from sgsim.model.spread import Spread
from sgsim.rules.inventory import Inventory
from sgsim.rules.ownership import Ownership
from sgsim.simulation.agreement import AgreementTally
from sgsim.simulation.cause_details import CauseDetails
from sgsim.simulation.compiled_agreement import CompiledAgreementTally
from sgsim.simulation.compiled_leads import CompiledLeads
from sgsim.simulation.leads import Leads
from sgsim.sources.flow_log import EventBatch
from sgsim.sources.flow_log_binding import KnownInterfaces
from sgsim.sources.flow_log_events import EventMaker, packets_of_events
from sgsim.sources.flow_log_native_events import NativeEventMaker
from sgsim.sources.flow_log_native_openers import NativeOpenerMemory
from sgsim.sources.flow_log_openers import OpenerMemory, Roles

SECOND_NS = 10**9
TCP_NS = np.array([350, 60]) * SECOND_NS
KNOWN = KnownInterfaces((), (), (Ownership(()),), TCP_NS, 120 * SECOND_NS, 30 * SECOND_NS)
LATER = evolve(KNOWN, tcp_idle_ns=TCP_NS // 2, client_port=1024)
ROLES = ("role", "method", "is_first", "is_reopening")

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "start_ns": st.sampled_from([0, 0, 1, 29, 30, 61, 130, 400]),  # seconds since the record before
            "end_ns": st.integers(0, 160) | st.integers(0, 5000),  # how many seconds it is long
            "src_hi": st.sampled_from([0, 0, 1 << 60]),
            "src_lo": st.integers(1, 4),
            "dst_lo": st.integers(1, 4),
            "src_port": st.sampled_from([22, 443, 32_767, 32_768, 50_000]),
            "dst_port": st.sampled_from([22, 443, 32_767, 32_768, 50_000]),
            "protocol": st.sampled_from([6, 6, 6, 17, 1, 58, 47]),
            "flags": st.sampled_from([255, 255, 255, *range(8), 16, 17, 18, 19, 22, 23]),
            "direction": st.integers(0, 2),
            "taken_at": st.integers(-1, 1),
            "packets": st.integers(0, 5) | st.integers(0, 200),
            "bytes": st.integers(0, 1 << 33),
            "skip": st.sampled_from([0] * 9 + [22]),
        }
    ),
    min_size=1,
    max_size=20,
)


def records(rows, scale_ns=SECOND_NS):
    """Records of rows, in the order of their starts."""
    columns = {name: np.zeros(len(rows), dtype) for name, dtype in RECORD_DTYPES.items()}
    for name in rows[0]:
        columns[name][:] = np.array([row[name] for row in rows], RECORD_DTYPES[name])
    columns["start_ns"] = 1_700_000_000 * SECOND_NS + columns["start_ns"].cumsum() * scale_ns
    columns["end_ns"] = columns["start_ns"] + columns["end_ns"] * scale_ns
    columns["line"] = np.arange(len(rows))
    return RecordColumns(**columns)


def part_of(columns, begin, end):
    return RecordColumns(*(column[begin:end] for column in columns))


def assert_same(expected, actual):
    """Columns of the same types and values."""
    for one, other in zip(expected, actual, strict=True):
        assert one.dtype == other.dtype
        assert one.tolist() == other.tolist()


@given(rows=ROWS, cut=st.integers(1, 20), places=st.sampled_from([2, 4, 8, 1 << 10]))
@settings(max_examples=150)
def test_roles(rows, cut, places):
    """Also where flows lose their places to each other, in one batch or in the next."""
    whole = records(rows)
    readable, compiled = OpenerMemory(places), NativeOpenerMemory(places)
    for begin in range(0, len(rows), cut):
        part = part_of(whole, begin, begin + cut)
        known = KNOWN if begin < 10 else LATER
        expected, actual = readable.roles(part, known), compiled.roles(part, known)
        assert_same([getattr(expected, name) for name in ROLES], [getattr(actual, name) for name in ROLES])


def test_the_flow_that_was_heard_of_first_makes_way():
    """The third of three flows that share two places takes the second one's, so the first is still known."""
    plain = dict.fromkeys(("end_ns", "src_hi", "direction", "taken_at", "bytes", "skip"), 0)
    plain |= {"start_ns": 10, "src_lo": 1, "dst_lo": 2, "dst_port": 443, "protocol": 6, "flags": 255, "packets": 1}
    rows = [plain | {"src_port": port} for port in (40_001, 40_002, 40_001, 40_003, 40_001)]
    for kind in (OpenerMemory, NativeOpenerMemory):
        assert [True, True, False, True, False] == kind(2).roles(records(rows), KNOWN).is_first.tolist()


@pytest.mark.parametrize("spread", Spread)
def test_events_of_every_kind_of_record(spread):
    """All that a record may tell, in one batch."""
    told = {
        "flags": [255, 0, 1, 2, 3, 4, 5, 6, 7, 16, 18, 19, 23], "packets": [0, 1, 2, 3, 4, 5, 40],
        "protocol": [6, 17, 1, 58], "end_ns": [0, 1, 70, 130], "direction": [1, 2], "skip": [0, 22],
        "role": [0, 1, 2], "is_first": [0, 1],
    }  # fmt: skip
    columns = dict(zip(told, np.array(list(product(*told.values()))).T, strict=True))
    count = len(columns["flags"])
    made = {name: columns.get(name, np.zeros(count)).astype(dtype) for name, dtype in RECORD_DTYPES.items()}
    made["end_ns"] *= SECOND_NS
    nothing = np.zeros(count, "u1")
    roles = Roles(columns["role"].astype("u1"), nothing, columns["is_first"] > 0, nothing > 0)
    whole = RecordColumns(**made)
    expected, actual = (kind(spread).made(whole, roles, None, 0) for kind in (EventMaker, NativeEventMaker))
    for one, other in zip(expected, actual, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


@given(
    rows=ROWS,
    cut=st.integers(1, 20),
    scale_ns=st.sampled_from([SECOND_NS, SECOND_NS, 1, 10**6 + 7]),
    spread=st.sampled_from(Spread),
)
@settings(max_examples=150)
def test_events_and_their_order(rows, cut, scale_ns, spread):
    """Events are those of a batch behind those of the batch before, in the order of time."""
    whole = records(rows, scale_ns)
    roles, readable, compiled = OpenerMemory(), EventMaker(spread), NativeEventMaker(spread)
    before = None
    for begin in range(0, len(rows), cut):
        part = part_of(whole, begin, begin + cut)
        told = roles.roles(part, KNOWN)
        expected, actual = (each.made(part, told, before, begin) for each in (readable, compiled))
        assert_same(expected, actual)
        rows_as_they_are = list(range(len(expected.record)))
        orders = [readable.order(expected), compiled.order(actual)]
        order, found = (rows_as_they_are if each is None else each.tolist() for each in orders)
        assert order == found
        before = type(expected)(*(column[order] for column in expected))


@given(rows=ROWS, cut=st.integers(1, 60), seed=st.integers(0, 99))
def test_leads(rows, cut, seed):
    """Of decisions as an engine may give them: none, one or two for an event, flows that are new or known."""
    whole, rng = records(rows), np.random.default_rng(seed)
    told = Roles(*(rng.integers(0, 2, len(rows)).astype(kind) for kind in ("u1", "u1", "?", "?")))
    events = EventMaker().made(whole, told, None, 0)  # not in the order of time, so some are late
    batch = EventBatch(packets_of_events(whole, events), events, whole, told)
    readable, compiled = Leads(), CompiledLeads()
    highest = 0
    for begin in range(0, len(events.time_ns), cut):
        part = select_rows(batch.packets, begin, begin + cut)
        count = len(part.time_ns)
        decisions = {
            name: rng.integers(0, 2, 2 * count).astype(dtype) for name, dtype in DECISION_DTYPES.items()
        }  # fmt: skip
        decisions["row"] = np.repeat(np.arange(count, dtype="i4"), 2)
        decisions["flow"] = rng.integers(0, highest + 4, 2 * count)
        kept = rng.random(2 * count) < 0.8
        decided = DecisionColumns(**{name: column[kept] for name, column in decisions.items()})
        highest = max(highest, int(decided.flow.max(initial=0)))
        expected, actual = (each.pick(batch, begin, part, decided) for each in (readable, compiled))
        assert_same(expected.decisions, actual.decisions)
        assert_same((expected.flows, expected.methods), (actual.flows, actual.methods))
        for name in ("leads", "reopened", "tcp", "tcp_without_flags"):
            assert getattr(expected, name) == getattr(actual, name)
        assert not expected.leads or expected.latest_ns == actual.latest_ns
        assert (readable.late, readable.largest_step_back_ns) == (compiled.late, compiled.largest_step_back_ns)


@given(rows=ROWS, seed=st.integers(0, 99))
def test_agreement(rows, seed):
    """Each weight, and the order in which disagreements are grouped."""
    rng, whole = np.random.default_rng(seed), records(rows)
    whole = whole._replace(logged=rng.integers(0, 3, len(rows)).astype("u1"), family=np.full(len(rows), 4, "u1"))
    whole = whole._replace(src_hi=np.zeros(len(rows), "u8"))
    told = Roles(*(np.zeros(len(rows), kind) for kind in ("u1", "u1", "?", "?")))
    events = EventMaker().made(whole, told, None, 0)
    packets, count = packets_of_events(whole, events), 2 * len(events.time_ns)
    verdict = rng.integers(1, 4, count)
    decisions = {name: np.zeros(count, dtype) for name, dtype in DECISION_DTYPES.items()}
    decisions["row"][:] = np.arange(count) // 2
    decisions["verdict"][:] = verdict
    decisions["reason"][:] = np.array([0, Reason.RULE, Reason.NO_RULE, Reason.NOT_SENT])[verdict]
    decisions["direction"][:] = rng.integers(1, 3, count)
    kept = rng.random(count) < 0.7
    decided = DecisionColumns(**{name: column[kept] for name, column in decisions.items()})
    found = []
    for kind in (AgreementTally, CompiledAgreementTally):
        tally = kind(["a"], CauseDetails(Inventory(), ["eni-a"]))
        tally.add(packets, decided, whole, events.record)
        found.append(tally.agreement(["eni-a"]))
    assert found[0] == found[1]
