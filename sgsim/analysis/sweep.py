"""Which capacity and which timeouts some traffic needs, found by replaying it at each point.

The least capacity that refuses nothing is the peak of the table without a limit; a replay with it, and one with a place
less, prove it. Each point is a replay of its own, so several run at the same time; the order of the answers is that of
the points.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Unpack

from attrs import evolve, field, frozen

from sgsim.analysis.idle import IdleFlow, IdleGaps, MidstreamFlows
from sgsim.analysis.lint import peak_by_rule
from sgsim.analysis.lint_exposure import exposure
from sgsim.analysis.processes import map_apart
from sgsim.analysis.untracking import opened_back
from sgsim.conntrack.policies import BypassProtocols
from sgsim.conntrack.profile import AWS_NITRO_V6
from sgsim.errors import ConfigError
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.states import TcpState
from sgsim.rules.inventory import Inventory, check_inventory
from sgsim.simulation.api import TrafficOptions, inputs_of, traffic_options
from sgsim.simulation.driver import Wanted, run
from sgsim.simulation.engines import choose_engine, make_engine
from sgsim.sources.inner import Inner

if TYPE_CHECKING:
    from sgsim.engine.options import EngineOptions
    from sgsim.simulation.summary import Summary

LONGEST_S: Final = 432000.0
"""The longest idle timeout of established TCP that AWS allows, and its default before Nitro v6. Source: `[aws-ct]`."""

TIMEOUTS_S: Final = (60.0, 350.0, 3600.0, 86400.0, LONGEST_S)
"""Tried where nobody names any: AWS's least, Nitro v6's default, an hour, a day, AWS's greatest."""

MOST_IDLE: Final = 10
MOST_ADVICE: Final = 5


@frozen(kw_only=True)
class Point:
    """What came of one replay."""

    tcp_established_s: float | None
    """Idle timeout of established TCP; None for that of the profile, instance types and interfaces."""
    capacity: int | None
    """Places of each table; None without limit."""
    peak: int
    """Of the fullest table."""
    refused: int
    """Packets, or records, refused because a table was full: conntrack_allowance_exceeded."""
    cut_flows: int
    """Flows with packets, or records, in the middle of no flow that the longest timeout lets pass."""
    cut_packets: int
    """How many more of them there are than with the longest timeout."""
    allowed: int
    denied: int


@frozen(kw_only=True)
class Advice:
    """What opening the way back of a rule would do, found by a replay with it."""

    rule_id: str
    rule: str
    group_id: str
    places: int
    """Places that flows of the rule take at the peaks."""
    change: str
    peak_before: int
    peak_after: int
    warning: str
    """What else the change would do; empty if it opens only what goes out."""


@frozen(kw_only=True)
class Sweep:
    """What some traffic needs."""

    profile: str
    files: tuple[str, ...]
    start_ns: int | None
    end_ns: int | None
    unit: str = "packet"
    """What is counted: `record` where the traffic is flow logs."""
    least_capacity: int
    """With the timeouts as they are: the fewest places with which nothing is refused."""
    at_least: Point | None
    """The replay with it; None if nothing is tracked."""
    below_least: Point | None
    """The replay with a place less; None if the least is 1, which no table has less than."""
    timeouts: tuple[Point, ...]
    """Without limit, one for each timeout."""
    capacities: tuple[Point, ...]
    """With the timeouts as they are, one for each capacity."""
    nitro_v6: Point | None
    """With Nitro v6's defaults; None for profiles of others."""
    longest_idle_ns: int
    """The longest silence of an established TCP flow that then went on; each shorter timeout cuts it."""
    idle: tuple[IdleFlow, ...]
    """The longest silences."""
    idle_flows: int
    """How many flows were silent for a second or longer."""
    cut_by_v6: int
    """How many of them were silent for as long as Nitro v6 waits, 350 s, or longer."""
    advice: tuple[Advice, ...]
    tcp: int = 0
    """Records of TCP, where the traffic is flow logs."""
    tcp_without_flags: int = 0
    """Those whose log tells no `tcp-flags`, so that nobody sees a connection close."""
    notes: tuple[str, ...] = ()
    broken: str | None = None
    """Where and why the input broke off; None if it did not."""


@frozen(kw_only=True)
class _Job:
    """One replay to make, in this process or another."""

    inventory: Inventory
    traffic: tuple[Any, ...]
    options: "EngineOptions"
    engine: str
    with_gaps: bool = False


@frozen(kw_only=True)
class _Outcome:
    summary: "Summary"
    midstream: frozenset[tuple[int, ...]]
    midstream_packets: int
    gaps: tuple[IdleFlow, ...] = field(default=())


def sweep(
    rules: Inventory,
    traffic: object,
    *,
    timeouts_s: Sequence[float] = TIMEOUTS_S,
    capacities: Sequence[int] = (),
    advise: bool = True,
    engine: str = "auto",
    jobs: int = 1,
    **options: Unpack[TrafficOptions],
) -> Sweep:
    """Find which capacity and timeouts some traffic needs.

    Args:
        rules: What `sgsim.load` gives.
        traffic: As `sgsim.replay` takes it; it is read many times, so not a stream.
        timeouts_s: Idle timeouts of established TCP to try, seconds.
        capacities: Capacities to try; none for some below the least.
        advise: Whether to try what opening the way back of rules would save.
        engine: `reference`, `compiled` or `auto`; the answers are equal.
        jobs: How many replays run at the same time, each in a process of its own; scripts need no `__main__` guard for it.
        **options: Profile, timeouts and how recordings are understood; a capacity is ignored.

    Raises:
        SourceError: If nothing of the traffic can be read.
        NoTrafficError: If no packet touches a known interface.
        UnresolvedReferenceError: If a verdict hinges on a reference whose addresses nobody gave.
    """
    check_inventory(rules)
    return sweep_points(
        rules,
        inputs_of(traffic),
        traffic_options(**options),
        timeouts_s=timeouts_s,
        capacities=capacities,
        advise=advise,
        engine=engine,
        jobs=jobs,
    )


def sweep_points(
    inventory: Inventory,
    traffic: Sequence[Any],
    options: "EngineOptions",
    *,
    timeouts_s: Sequence[float] = TIMEOUTS_S,
    capacities: Sequence[int] = (),
    advise: bool = True,
    engine: str = "auto",
    jobs: int = 1,
) -> Sweep:
    """Find what traffic needs; arguments as `sgsim.simulation.driver.run` takes them, and `sweep`."""
    if jobs > 1 and not all(isinstance(each.item if isinstance(each, Inner) else each, str | Path) for each in traffic):
        raise ConfigError("traffic must be files to be replayed by several processes, got something else: take jobs=1")
    for timeout in timeouts_s:
        options.profile.given("tcp_established_s", timeout)
    unlimited = _without_capacity(inventory)
    base = _Job(inventory=unlimited, traffic=tuple(traffic), options=evolve(options, capacity=None), engine=engine)
    is_aws = options.profile.name.startswith("aws-")
    first = [evolve(base, options=_timed(base.options, LONGEST_S), with_gaps=True), base]
    timed = [evolve(base, options=_timed(base.options, timeout)) for timeout in timeouts_s]
    v6 = [evolve(base, options=_nitro_v6(base.options))] if is_aws else []
    longest, plain, *rest = _run_all([*first, *timed, *v6], jobs)
    least = _peak(plain)
    tried = list(capacities) or _some_below(least)
    wanted = [*tried, *([least] if least else []), *([least - 1] if least > 1 else [])]
    limited = [evolve(base, options=evolve(base.options, capacity=capacity)) for capacity in wanted]
    openings = list(_openings(unlimited, plain, options)) if advise else []
    opened = [evolve(base, inventory=opened_back(unlimited, finding.rule_id)) for finding in openings]
    (*outcomes,) = _run_all([*limited, *opened], jobs)
    points = [
        _point(job, outcome, longest)
        for job, outcome in zip([*timed, *v6, *limited], [*rest, *outcomes[: len(limited)]], strict=True)
    ]
    of_timeouts, points = points[: len(timed)], points[len(timed) :]
    of_v6, points = points[: len(v6)], points[len(v6) :]
    of_capacities, proof = points[: len(tried)], points[len(tried) :]
    return Sweep(
        profile=plain.summary.profile,
        files=plain.summary.files,
        start_ns=plain.summary.start_ns,
        end_ns=plain.summary.end_ns,
        unit="packet" if plain.summary.records is None else "record",
        least_capacity=least,
        at_least=proof[0] if proof else None,
        below_least=proof[1] if len(proof) > 1 else None,
        timeouts=tuple(of_timeouts),
        capacities=tuple(of_capacities),
        nitro_v6=of_v6[0] if of_v6 else None,
        longest_idle_ns=longest.gaps[0].gap_ns if longest.gaps else 0,
        idle=longest.gaps[:MOST_IDLE],
        idle_flows=len(longest.gaps),
        cut_by_v6=sum(each.gap_ns >= 350_000_000_000 for each in longest.gaps),
        advice=tuple(_advice(openings, plain, outcomes[len(limited) :])),
        tcp=plain.summary.records.tcp if plain.summary.records else 0,
        tcp_without_flags=plain.summary.records.tcp_without_flags if plain.summary.records else 0,
        notes=plain.summary.notes,
        broken=plain.summary.broken,
    )


def _without_capacity(inventory: Inventory) -> Inventory:
    """The network with tables without limit, whatever documents say of them."""
    instances = {key: evolve(instance, capacity=None) for key, instance in inventory.instances.items()}
    return evolve(inventory, instances=instances)


def _timed(options: "EngineOptions", tcp_established_s: float) -> "EngineOptions":
    given = TimeoutOverrides(tcp_established_s=tcp_established_s).over(options.timeouts)
    return evolve(options, timeouts=given)


def _nitro_v6(options: "EngineOptions") -> "EngineOptions":
    """Nitro v6's defaults; what the user has set stays set."""
    v6_s = AWS_NITRO_V6.tcp_s[TcpState.ESTABLISHED].value
    return options if options.timeouts.tcp_established_s is not None else _timed(options, v6_s)


def _some_below(least: int) -> list[int]:
    """Capacities to try where nobody names any."""
    return sorted({max(1, least * part // 4) for part in (1, 2, 3)} - {0, least}) if least > 1 else []


def _run_all(jobs: Sequence[_Job], workers: int) -> list[_Outcome]:
    """Make replays, several at the same time; answers come in the order of the jobs."""
    if workers <= 1 or len(jobs) <= 1:
        return [_run(job) for job in jobs]
    first = jobs[0]
    if choose_engine(first.engine, first.traffic) == "compiled":  # compiled, and said to be, once and not everywhere
        make_engine("compiled", first.inventory, first.options, record_flows=False)
    return map_apart(_run, jobs, min(workers, len(jobs)))


def _run(job: _Job) -> _Outcome:
    gaps, midstream = IdleGaps(), MidstreamFlows()

    wanted = Wanted(see=midstream.see, see_events=gaps.see if job.with_gaps else None)
    summary = run(job.inventory, job.traffic, job.options, engine=job.engine, wanted=wanted).summary
    return _Outcome(
        summary=summary,
        midstream=frozenset(midstream.keys),
        midstream_packets=midstream.packets,
        gaps=tuple(gaps.longest(summary.files)),
    )


def _peak(outcome: _Outcome) -> int:
    return max((table.peak for table in outcome.summary.tables), default=0)


def _point(job: _Job, outcome: _Outcome, longest: _Outcome) -> Point:
    counts = outcome.summary.packets
    return Point(
        tcp_established_s=job.options.timeouts.tcp_established_s,
        capacity=job.options.capacity,
        peak=_peak(outcome),
        refused=sum(table.conntrack_allowance_exceeded for table in outcome.summary.tables),
        cut_flows=len(outcome.midstream - longest.midstream),
        cut_packets=max(0, outcome.midstream_packets - longest.midstream_packets),
        allowed=counts.allowed,
        denied=counts.denied,
    )


def _openings(inventory: Inventory, plain: _Outcome, options: "EngineOptions") -> Iterator[Any]:
    """Open rules whose flows are tracked, those with most places first."""
    if options.profile.bypass.value is BypassProtocols.NONE:
        return
    found = [
        each
        for each in exposure(inventory, (), peak_by_rule=peak_by_rule(plain.summary))
        if each.id == "forces-tracking" and each.saved_entries
    ]
    found.sort(key=lambda each: -(each.saved_entries or 0))
    yield from found[:MOST_ADVICE]


def _advice(openings: Sequence[Any], plain: _Outcome, outcomes: Sequence[_Outcome]) -> Iterator[Advice]:
    before = sum(table.peak for table in plain.summary.tables)
    for finding, outcome in zip(openings, outcomes, strict=True):
        is_inbound = " from " in finding.rule
        yield Advice(
            rule_id=finding.rule_id,
            rule=finding.rule,
            group_id=finding.group_id,
            places=finding.saved_entries,
            change=finding.fix,
            peak_before=before,
            peak_after=sum(table.peak for table in outcome.summary.tables),
            warning="" if is_inbound else "it lets everyone in, on all ports",
        )
