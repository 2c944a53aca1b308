"""`compiled(packets) == reference(packets)` for any rules, options, changes, packets, order and batches.

What is compared after each batch and change: decisions column by column, flows that ended, flows that live (the table's
snapshot), the load on each table (count, refusals, bins, peak and its tallies), counts, the clock.

The seeded run judges at least 1,000,000 random packets where `HYPOTHESIS_PROFILE` is `ci` or `nightly`, or `CI` is set;
50,000 elsewhere. `python tests/equivalence/play.py FIRST_SEED SEEDS PACKETS` goes on from there.
"""

import itertools
import os
import random

import numpy as np
import pytest
from attrs import evolve
from builders import group, interface, inventory
from equivalence.in_step import InStep
from equivalence.play import SHAPES, Scenario, play
from equivalence.random_setups import (
    ipv4_of,
    ipv6_of,
    large_inventory,
    random_inventory,
    random_options,
    timed_profile,
)
from equivalence.random_traffic import DAY_NS, SECOND_NS, START_NS, Traffic, random_packets
from equivalence.small_packets import small_packets
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sgsim.conntrack.profile import LINUX, PROFILES
from sgsim.engine.compiled import CompiledEngine
from sgsim.engine.options import EngineOptions
from sgsim.errors import TimeOrderError, UnresolvedReferenceError
from sgsim.kernels import layout
from sgsim.model.columns import PacketColumns, packet_columns, select_rows

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev")
IS_CI = PROFILE != "dev"


def examples(**by_profile):
    """How many examples a test has in some profiles; in others as many as those say."""
    return settings(max_examples=by_profile.get(PROFILE, settings.default.max_examples))


BLOCKS = 40 if IS_CI else 2
SEEDS = 10
"""Scenarios of each block of the seeded run: many blocks, so that workers share them evenly."""

PACKETS = 2600
"""Packets of each scenario; some end early, at a reference that nobody resolves."""

SEED_BASE = 1_000_000


@pytest.mark.parametrize("block", range(BLOCKS))
def test_seeded_run(block):
    seeds = range(SEED_BASE + block * SEEDS, SEED_BASE + (block + 1) * SEEDS)
    judged = sum(play(Scenario.of(seed, PACKETS)) for seed in seeds)
    assert judged >= 2500 * SEEDS or not IS_CI or _has_unresolved(seeds)


def _has_unresolved(seeds):
    return not all(Scenario.of(seed, 1).allow_unresolved for seed in seeds)


def test_seeded_run_is_as_long_as_it_says():
    """The scenarios that cannot end early make up a million packets by themselves."""
    certain = [
        seed
        for seed in range(SEED_BASE, SEED_BASE + 40 * SEEDS)
        if random.Random(seed).random() < 0.9  # the first draw of `Scenario.of`
    ]
    assert len(certain) * PACKETS >= 900_000
    assert 40 * SEEDS * PACKETS >= 1_000_000


@pytest.mark.parametrize("shape", sorted(set(SHAPES), key=lambda shape: shape.__name__))
def test_each_shape_of_traffic(shape):
    for seed in range(6 if IS_CI else 2):
        play(Scenario.of(seed, 1500, shape))


_COUNTS = st.integers(1, 120)


@given(seed=st.integers(0, 10_000), size=_COUNTS, cuts=st.lists(st.integers(0, 120), max_size=8))
@examples(dev=30, ci=150)
def test_splitting_a_batch_changes_nothing(seed, size, cuts):
    """filter(a + b) == filter(a) + filter(b): of the compiled engine, whose batches are its own."""
    rng = random.Random(seed)
    known, options = random_inventory(rng), random_options(rng)
    packets = random_packets(seed, size, Traffic())
    whole = CompiledEngine(known, options)
    expected, parts = whole.filter(packets), []
    split = CompiledEngine(known, options)
    for begin, end in _parts(size, cuts):
        part = split.filter(select_rows(packets, begin, end))
        parts.append(part._replace(row=part.row + begin))
    for name, column in expected._asdict().items():
        assert column.tolist() == np.concatenate([getattr(part, name) for part in parts]).tolist(), name
    for observe in ("ended_flows", "live_flows", "counts", "pressure"):
        assert str(getattr(whole, observe)()) == str(getattr(split, observe)()), observe


def _parts(size, cuts):
    edges = sorted({0, size, *(cut for cut in cuts if cut < size)})
    return itertools.pairwise(edges)


@pytest.mark.parametrize("cut", [1, 1023, 1024, 1025, 2047, 2048, 2049])
def test_splitting_at_the_edge_of_a_chunk_changes_nothing(cut):
    rng = random.Random(cut)
    packets = random_packets(cut, 2100, Traffic())
    steps = InStep(random_inventory(rng), random_options(rng))
    for begin, end in ((0, cut), (cut, 2100)):
        steps.filter(select_rows(packets, begin, end))
    steps.compare()


class EnginesInStep(RuleBasedStateMachine):
    """Both engines get the same packets, waits and changes; nothing that can be seen of them ever differs."""

    @initialize(seed=st.integers(0, 2**16), recorded=st.booleans(), remember=st.integers(1, 4))
    def begin(self, seed, recorded, remember):
        """Begin with a network, a profile and an empty table."""
        rng = random.Random(seed)
        options = evolve(random_options(rng), recorded=recorded, remember=remember, capacity=None)
        self.inventory = random_inventory(rng)
        self.steps = InStep(self.inventory, options)
        self.time_ns = START_NS

    @rule(rows=small_packets)
    def packets(self, rows):
        """A few packets, each a step after the one before."""
        made = []
        for step_ns, values in rows:
            self.time_ns += step_ns
            made.append((self.time_ns, *values))
        ids = len(self.steps.expected.interface_ids)
        self.steps.filter(packet_columns([(*row[:16], min(row[16], ids - 1), *row[17:]) for row in made]))

    @rule(wait_ns=st.sampled_from([1, 2**20, SECOND_NS, 30 * SECOND_NS, 5 * DAY_NS, 400 * DAY_NS]))
    def wait(self, wait_ns):
        """Time passes: what is due is gone by the next packet or change."""
        self.time_ns += wait_ns

    @rule(seed=st.integers(0, 2**16))
    def change_rules(self, seed):
        """Other rules, members, lists; interfaces come, go, move between instances, lose and get groups."""
        self._change(random_inventory(random.Random(seed)))

    @rule(capacity=st.sampled_from([None, 0, 1, 2, 5]))
    def change_capacity(self, capacity):
        """The instance has another number of places."""
        instances = {key: evolve(each, capacity=capacity) for key, each in self.inventory.instances.items()}
        self._change(evolve(self.inventory, instances=instances))

    @rule(back_ns=st.integers(1, SECOND_NS))
    def late_packet(self, back_ns):
        """The capture's clock goes back."""
        self.time_ns -= back_ns

    @rule(wait_ns=st.sampled_from([0, 1, 2**20, 30 * SECOND_NS, 5 * DAY_NS]))
    def advance(self, wait_ns):
        """The clock is set forward, and no packet comes."""
        self.time_ns = max(self.time_ns, self.steps.expected.now_ns or self.time_ns) + wait_ns
        self.steps.advance(self.time_ns)

    def _change(self, known):
        self.inventory = known
        self.steps.change(known, max(self.time_ns, self.steps.expected.now_ns or self.time_ns))

    @invariant()
    def same_everything(self):
        """Table, load, counts and clock are the same."""
        if hasattr(self, "steps"):
            self.steps.compare()


EnginesInStep.TestCase.settings = examples(dev=15, ci=60)
TestEnginesInStep = EnginesInStep.TestCase


@pytest.mark.parametrize("seed", range(4 if IS_CI else 1))
def test_two_hundred_interfaces_on_sixty_instances(seed):
    rng = random.Random(seed)
    known = large_inventory(rng, interfaces=200, instances=60)
    traffic = Traffic(
        ipv4=[*(ipv4_of(number) for number in range(200)), "198.51.100.7", "203.0.113.1", "10.1.0.2"],
        ipv6=[*(ipv6_of(number) for number in range(200)), "2001:db8:2::7"],
        ports=(22, 80, 443, 40000, 40001),
        taken_at=tuple(range(-1, 200)),
    )
    packets = random_packets(seed, 6000, traffic)
    steps = InStep(known, evolve(random_options(rng), recorded=bool(seed % 2)))
    for begin in (0, 3000):
        steps.filter(select_rows(packets, begin, begin + 3000))
        steps.compare()
        if not begin:
            steps.change(large_inventory(rng, interfaces=200, instances=60), steps.expected.now_ns)
            steps.compare()


OPEN = ("tcp all from 0.0.0.0/0", "udp all from 0.0.0.0/0", "udp all from ::/0", "tcp all from ::/0")
HOST = inventory(group(*OPEN), interface("192.0.2.10", "2001:db8::10"), allow_unresolved=True)


def _burst(count, *, family=4, start_ns=START_NS, step_ns=0, first=0):
    """UDP packets from as many peers to the host, each opening a flow."""
    fields = {
        "time_ns": start_ns + np.arange(count) * step_ns, "number": np.arange(1, count + 1), "family": family,
        "protocol": 17, "src_port": 40000, "dst_port": 53, "length_bytes": 80, "taken_at": -1, "quote": -1,
        "src_lo": np.arange(first, first + count) + 0xC6120000, "dst_lo": 0xC000020A,
    }  # fmt: skip
    if family == 6:
        fields |= {"src_hi": 0x20010DB8_00010000, "dst_hi": 0x20010DB8_00000000, "dst_lo": 0x10}
    empty = packet_columns([])
    columns = {
        name: np.broadcast_to(np.asarray(fields.get(name, 0)), (count,)).astype(column.dtype)
        for name, column in zip(PacketColumns._fields[:-1], empty[:-1], strict=True)
    }
    return PacketColumns(**columns, quoted=empty.quoted)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("count", [100_000 if IS_CI else 10_000])
def test_flows_that_expire_at_one_nanosecond(count, family):
    steps = InStep(HOST, EngineOptions())
    steps.filter(_burst(count, family=family))
    steps.filter(_burst(1, start_ns=START_NS + 30 * SECOND_NS - 1))
    steps.compare()
    steps.filter(_burst(1, start_ns=START_NS + 30 * SECOND_NS))
    steps.compare()
    assert 1 == steps.actual.pressure()["eni-a"].count


def test_flows_refreshed_within_a_tick_outgrow_no_list():
    """Found: with timeouts below a tick, the list of the current tick was written beyond its end."""
    steps = InStep(HOST, EngineOptions(profile=LINUX.given("udp_s", 0.0003).given("udp_stream_s", 0.0003)))
    steps.filter(_burst(4000, step_ns=1))
    steps.filter(_burst(4000, step_ns=1, start_ns=START_NS + 200_000))
    steps.filter(_burst(1, start_ns=START_NS + 320_000))
    steps.filter(_burst(1, start_ns=START_NS + SECOND_NS))
    steps.compare()


def test_nobody_is_known():
    """Found: without an interface, kernels looked at the first one, where nothing was."""
    steps = InStep(inventory(), EngineOptions())
    steps.filter(random_packets(1, 1000, Traffic()))
    steps.compare()


def test_flows_that_end_within_a_tick_end_before_others_open_in_it():
    """One after the other, with nothing else between."""
    steps = InStep(HOST, EngineOptions(profile=LINUX.given("udp_s", 0.0003)))
    steps.filter(_burst(400, step_ns=70_000))
    steps.compare()


def test_flows_due_beyond_all_rounds_of_the_calendar_expire():
    """Found: with five rounds, what was due after a boundary of 36 years was lost if time leapt over it."""
    steps = InStep(HOST, EngineOptions(profile=LINUX.given("udp_s", 1e9)))
    for years in (0, 20, 36, 40, 60, 80):
        steps.filter(_burst(1, start_ns=years * 366 * DAY_NS, first=years))
        steps.compare()


@pytest.mark.parametrize("seconds", [(0.0005,), (0.0005, 0.001, 0.002), (1e9,), (0.0005, 1e9)])
def test_extreme_timeouts(seconds):
    for seed in range(4 if IS_CI else 1):
        rng = random.Random(seed)
        options = evolve(random_options(rng), profile=timed_profile(rng, seconds))
        steps = InStep(random_inventory(rng), options)
        steps.filter(random_packets(seed, 2000, Traffic(steps_ns=(1, 499_999, 500_000, 10**6, 366 * DAY_NS))))
        steps.compare()


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("remember", [1, 2, 3, 5, 10])
def test_hardly_any_memory_beside_the_table(remember, recorded):
    for seed in range(4 if IS_CI else 1):
        rng = random.Random(seed)
        options = evolve(random_options(rng), remember=remember, recorded=recorded)
        steps = InStep(random_inventory(rng), options)
        packets = random_packets(seed, 2000, Traffic())
        for begin in (0, 1000):
            steps.filter(select_rows(packets, begin, begin + 1000))
            steps.compare()
            steps.change(random_inventory(rng), steps.expected.now_ns)
            steps.compare()


@pytest.mark.parametrize("capacity", [0, 1, 2, 3])
@pytest.mark.parametrize("profile", PROFILES)
def test_hardly_any_places_in_the_table(profile, capacity):
    rng = random.Random(capacity)
    options = EngineOptions(profile=PROFILES[profile], capacity=capacity, recorded=capacity % 2 == 0)
    steps = InStep(random_inventory(rng), options)
    steps.filter(random_packets(capacity, 2000, Traffic()))
    steps.compare()


def test_a_tracked_flow_that_memory_has_no_place_for_once_untracked():
    """Found: a flow that opened rules untracked, and so the oldest beside the table, was used after it was forgotten."""
    opened = inventory(group(*OPEN, "all to 0.0.0.0/0", "all to ::/0"), interface("192.0.2.10", "2001:db8::10"))
    for recorded in (False, True):
        steps = InStep(HOST, EngineOptions(remember=1, recorded=recorded))
        steps.filter(_burst(3, step_ns=1))
        steps.change(opened, START_NS + 10)
        for at in range(3):
            steps.filter(_burst(3, step_ns=1, start_ns=START_NS + 20 + at * 10))
            steps.compare()


def test_a_packet_taken_at_an_interface_that_is_gone():
    """Found: a file may be bound to an interface that a change has removed; nothing filters there any more."""
    both = inventory(group(*OPEN), interface("192.0.2.10"), interface("192.0.2.11", interface_id="eni-b"))
    steps = InStep(both, EngineOptions())
    bound = _burst(3)._replace(taken_at=np.array([1, 1, 0], "i4"), direction=np.array([1, 2, 1], "u1"))
    steps.filter(bound)
    steps.change(inventory(group(*OPEN), interface("192.0.2.10")), START_NS)
    steps.filter(bound._replace(dst_lo=bound.dst_lo + np.uint64(7)))
    steps.compare()


def test_refusals_before_1970():
    steps = InStep(HOST, EngineOptions(capacity=1))
    steps.filter(_burst(3, start_ns=-5 * SECOND_NS, step_ns=1))
    steps.compare()
    assert 1 - 5 * SECOND_NS == steps.actual.pressure()["eni-a"].first_refused_ns


def _with_unknown_group(interface_id):
    groups = {"eni-a": ("sg-web",), "eni-b": ("sg-web",)} | {interface_id: ("sg-web", "sg-nowhere")}
    return inventory(
        group("udp 53 from 192.0.2.0/24", "udp 9 to 0.0.0.0/0"),
        interface("192.0.2.10", groups=groups["eni-a"]),
        interface("198.18.0.0", groups=groups["eni-b"], interface_id="eni-b"),
    )


@pytest.mark.parametrize("interface_id", ["eni-a", "eni-b"])
def test_an_unknown_group_is_an_error_once_a_packet_comes_there(interface_id):
    """Also to the receiver of a packet that its sender may not send, and after a change; in the same words."""
    steps = InStep(_with_unknown_group(interface_id), EngineOptions(recorded=True))
    assert not steps.filter(_burst(1))
    plain = inventory(group(*OPEN, "all to 0.0.0.0/0"), interface(), interface("198.18.0.0", interface_id="eni-b"))
    later = InStep(plain, EngineOptions())
    assert later.filter(_burst(2))
    later.change(_with_unknown_group(interface_id), START_NS)
    later.compare()
    assert not later.filter(_burst(2))


@pytest.mark.parametrize("peer", ["pl-unknown", "sg-unknown"])
@pytest.mark.parametrize("service", ["udp 53", "all", "udp all"])
def test_unresolved_references_are_told_in_the_same_words(service, peer):
    known = inventory(group(f"{service} from {peer}"), interface(), has_interface_document=False)
    steps = InStep(known, EngineOptions())
    assert not steps.filter(_burst(1))
    with pytest.raises(UnresolvedReferenceError, match="the verdict hinges on") as caught:
        CompiledEngine(known, EngineOptions()).filter(_burst(1))
    assert caught.value.__notes__[0].startswith("packet 1 (")


def test_a_change_before_the_clock_is_refused_in_the_same_words():
    steps = InStep(HOST, EngineOptions())
    steps.filter(_burst(1))
    texts = set()
    for engine in (steps.expected, steps.actual):
        with pytest.raises(TimeOrderError) as caught:
            engine.change(HOST, START_NS - 1)
        texts.add(str(caught.value))
    assert 1 == len(texts)


def test_decisions_and_load_are_the_same_without_records_of_flows():
    rng = random.Random(7)
    known, options = random_inventory(rng), evolve(random_options(rng), recorded=True, remember=3)
    packets = random_packets(7, 3000, Traffic())
    with_flows, without = CompiledEngine(known, options), CompiledEngine(known, options, record_flows=False)
    expected, actual = with_flows.filter(packets), without.filter(packets)
    assert all((left == right).all() for left, right in zip(expected, actual, strict=True))
    assert with_flows.pressure() == without.pressure()
    assert 0 == len(without.ended_flows().flow)


def test_an_interface_with_many_flows_moves_at_once():
    """Found: each flow was looked for in the whole pool."""
    known = inventory(group(*OPEN), interface("192.0.2.10", "2001:db8::10", instance_id="i-1"))
    moved = inventory(group(*OPEN), interface("192.0.2.10", "2001:db8::10", instance_id="i-2"))
    steps = InStep(known, EngineOptions())
    steps.filter(_burst(20_000, step_ns=1))
    steps.change(moved, START_NS + 20_000)
    steps.compare()
    assert [0] == [load.count for load in steps.actual.pressure().values()]


def test_fragments_that_are_over_make_room():
    """Found: the memory of fragments grew with all that ever were."""
    steps = InStep(HOST, EngineOptions())
    first = _burst(2000, step_ns=SECOND_NS)
    first = first._replace(more_fragments=first.more_fragments + 1, fragment_id=np.arange(2000, dtype="u4"))
    steps.filter(first)
    steps.compare()
    slots = len(steps.actual._keeper.memory.fragments) // layout.FRAGMENT_WORDS
    assert slots <= 256
