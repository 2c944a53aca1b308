"""Replaying traffic: source, engine, recorder."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from attrs import asdict, define, evolve, field, frozen

from sgsim.conntrack.table import DEFAULT_REMEMBER
from sgsim.engine.base import Engine
from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError, NoTrafficError, SourceError, UnresolvedReferenceError
from sgsim.model.address import Family
from sgsim.model.columns import DecisionColumns, PacketColumns
from sgsim.model.protocol import CLIENT_PORT
from sgsim.model.spread import Spread
from sgsim.model.standing import Standing
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory
from sgsim.simulation.beside import Beside
from sgsim.simulation.engines import choose_engine, make_engine, make_record_tallies, make_tallies
from sgsim.simulation.epochs import Epoch
from sgsim.simulation.fates import looking
from sgsim.simulation.inputs import open_traffic
from sgsim.simulation.pipeline import THREADS, ReadAhead
from sgsim.simulation.recorder import Kept, Recorder, See
from sgsim.simulation.summary import ChangeReport, RuleUsage, Summary, TableLoad
from sgsim.simulation.tally import Tallies
from sgsim.simulation.timeline import Timeline, changes_in_vain
from sgsim.simulation.whole import ever_known, group_counts, instance_counts
from sgsim.sources.base import Source, has_records, is_recorded

if TYPE_CHECKING:
    import polars as pl

    from sgsim.simulation.records import RecordReplay
    from sgsim.sources.flow_log import EventBatch

Watch = Callable[[int], None]
"""Is told how many packets are done."""

MOST_DENIED: Final = 20
"""How many groups of denied packets a summary has."""


@frozen(kw_only=True)
class Wanted:
    """What a replay is to keep beside its summary."""

    decisions: Sequence[str | Path] = ()
    """Tables to stream decisions to."""
    flows: Sequence[str | Path] = ()
    """Tables to stream flows to."""
    in_memory: bool = False
    """Whether decisions and flows are kept in memory too."""
    stdout: IO[bytes] | None = None
    """What the table `-` means."""
    see: See | None = None
    """Is shown every batch with its decisions."""
    see_events: See | None = None
    """Is shown every packet, or of flow logs every event that records stand for, with its decisions."""
    write_allowed: str | Path | None = None
    """A capture for the packets that are allowed."""
    write_denied: str | Path | None = None
    """A capture for the packets that are denied."""


@define
class Replay:
    """The outcome: a summary, and the tables that were kept."""

    summary: Summary
    _decisions: "list[pl.DataFrame] | None" = field(default=None, repr=False)
    _flows: "list[pl.DataFrame] | None" = field(default=None, repr=False)

    @property
    def pressure(self) -> tuple[TableLoad, ...]:
        """The load on each table."""
        return self.summary.tables

    @property
    def usage(self) -> tuple[RuleUsage, ...]:
        """How often each rule decided."""
        return self.summary.rules

    @property
    def changes(self) -> tuple[ChangeReport, ...]:
        """Each change, and the fate of the flows that were live when it came."""
        return self.summary.changes

    @property
    def decisions(self) -> "pl.DataFrame":
        """One row for each packet and interface, in input order.

        Raises:
            ConfigError: If they were not kept.
        """
        from sgsim.simulation.frames import DECISION_SCHEMA  # noqa: PLC0415  # only who asks pays for polars

        return _joined(self._decisions, DECISION_SCHEMA)

    @property
    def flows(self) -> "pl.DataFrame":
        """One row for each flow and interface, in the order in which they ended.

        Raises:
            ConfigError: If they were not kept.
        """
        from sgsim.simulation.frames import FLOW_SCHEMA  # noqa: PLC0415  # as above

        return _joined(self._flows, FLOW_SCHEMA)


def _joined(frames: "list[pl.DataFrame] | None", schema: "pl.Schema") -> "pl.DataFrame":
    import polars as pl  # noqa: PLC0415  # as above

    if frames is None:
        raise ConfigError("decisions and flows must be kept in memory to be read, got a replay that kept neither")
    return pl.concat(frames) if frames else pl.DataFrame(schema=schema)


def run(
    inventory: Inventory,
    traffic: Sequence[Any],
    options: EngineOptions,
    *,
    engine: str = "auto",
    wanted: Wanted = Wanted(),
    changes: Sequence[Change] = (),
    watch: Watch | None = None,
    threads: int = 2,
) -> Replay:
    """Replay traffic.

    Args:
        inventory: Rules and interfaces.
        traffic: Captures, or flow logs, as paths (`INTERFACE=PATH` binds one to an interface) of files and folders,
            streams, scapy packets or sources.
        options: How the engine is to run.
        engine: `reference`, `compiled`, or `auto`, which takes the compiled one for large files.
        wanted: What to keep beside the summary.
        changes: Changes of rules in the order of their times.
        watch: Is told of each batch as it is done.
        threads: With 2, the compiled engine judges while another thread reads; the outcome is the same.

    Raises:
        ConfigError: If there is no such engine or number of threads.
        SourceError: If nothing of the traffic can be read.
        NoTrafficError: If no packet touches a known interface.
        UnresolvedReferenceError: If a verdict hinges on a reference whose addresses nobody gave.
    """
    if threads not in THREADS:
        raise ConfigError(f"threads must be 1 or 2, got {threads!r}")
    name = choose_engine(engine, traffic)
    source, taken_at = open_traffic(traffic, inventory, options, changes=changes, native=name == "compiled")
    options = evolve(options, recorded=options.recorded and is_recorded([source]))
    known = ever_known(inventory, changes)
    record_flows = bool(wanted.flows or changes) or wanted.in_memory
    judging = make_engine(name, inventory, options, record_flows=record_flows, interfaces=known.interfaces.values())
    beside = Beside.of(
        source, taken_at, see=wanted.see, write_allowed=wanted.write_allowed, write_denied=wanted.write_denied
    )
    source, wanted = beside.source, evolve(wanted, see=beside.see)
    try:
        recorder = _recorder(judging, source, wanted, make_tallies(name, source.files))
    except BaseException:
        beside.close(complete=False)
        raise
    timeline = Timeline(list(changes), options, looking(judging, inventory))
    records = None
    if has_records(source):
        from sgsim.simulation.records import RecordReplay  # noqa: PLC0415  # captures do without it

        records = RecordReplay.of(source, judging, recorder, inventory, *make_record_tallies(name))
    has_reader = threads == 2 and name == "compiled"  # the reference engine would only wait for the same interpreter
    complete = False
    try:
        if records is not None:
            events = records.source.event_batches(taken_at)
            events = iter(ReadAhead(events)) if has_reader else events
            broken = _pump_records(events, records, timeline, watch, wanted.see_events)
        else:
            batches = source.batches(taken_at, batch_rows=beside.batch_rows)
            batches = iter(ReadAhead(batches)) if has_reader else batches
            broken = _pump(batches, source, judging, recorder, timeline, watch, wanted.see_events)
        _check_met_interface(recorder, known, broken, None if records is None else records.source.unknown_names)
        recorder.finish()
        complete = True
    finally:
        beside.close(complete=complete)
        recorder.decisions.close(complete=complete)
        recorder.flows.close(complete=complete)
    summary = _summary(recorder, inventory, options, name, timeline, changes, broken)
    summary = evolve(summary, notes=(*summary.notes, *beside.notes()))
    if records is not None:
        summary = evolve(summary, records=records.summary(), packets=records.packet_counts(summary.packets))
    return Replay(summary, recorder.decisions.frames, recorder.flows.frames)


def _recorder(engine: Engine, source: Source, wanted: Wanted, tallies: Tallies) -> Recorder:
    if not (wanted.decisions or wanted.flows or wanted.in_memory):
        return Recorder(engine, source.files, see=wanted.see, tallies=tallies)
    from sgsim.simulation.frames import DECISION_SCHEMA, FLOW_SCHEMA  # noqa: PLC0415  # as above
    from sgsim.simulation.sinks import open_sink  # noqa: PLC0415  # as above

    decisions, flows = (
        Kept([open_sink(target, schema, wanted.stdout) for target in targets], [] if wanted.in_memory else None)
        for targets, schema in ((wanted.decisions, DECISION_SCHEMA), (wanted.flows, FLOW_SCHEMA))
    )
    return Recorder(engine, source.files, decisions, flows, see=wanted.see, tallies=tallies)


def _pump(
    batches: Iterator[PacketColumns],
    source: Source,
    engine: Engine,
    recorder: Recorder,
    timeline: Timeline,
    watch: Watch | None,
    see_events: See | None,
) -> str | None:
    """Send all batches through; give the break where the input has one after its beginning."""
    done = 0
    try:
        for batch in batches:
            for part in timeline.parts(batch, engine):
                decisions = _filter(engine, part, source)
                recorder.record(part, decisions)
                if see_events is not None:
                    see_events(part, decisions, engine)
                done += len(part.time_ns)
                del decisions  # as below
                if watch is not None:
                    watch(done)
                del part  # so that the memory of a batch can be used again
            del batch  # as above
    except SourceError as error:
        if not done:
            raise
        return str(error)
    return None


def _pump_records(
    batches: "Iterator[EventBatch]",
    records: "RecordReplay",
    timeline: Timeline,
    watch: Watch | None,
    see_events: See | None,
) -> str | None:
    """The same for the records of flow logs, which are judged by what they stand for."""
    done = 0
    try:
        for batch in batches:
            begin = 0
            for part in timeline.parts(batch.packets, records.engine):
                if timeline.epochs:
                    records.hold(timeline.epochs[-1].inventory)
                decisions = _filter(records.engine, part, records.source)
                records.record(batch, begin, part, decisions)
                if see_events is not None:
                    see_events(part, decisions, records.engine)
                begin += len(part.time_ns)
                done += int(batch.events.is_lead[begin - len(part.time_ns) : begin].sum())
                if watch is not None:
                    watch(done)
    except SourceError as error:
        if not done:
            raise
        return str(error)
    return None


def _check_met_interface(
    recorder: Recorder, inventory: Inventory, broken: str | None, unknown: Mapping[str, int] | None
) -> None:
    try:
        recorder.check_met_interface(inventory, unknown)
    except NoTrafficError as error:
        raise NoTrafficError(f"{error}; then the input broke off: {broken}") if broken else error from error


def _filter(engine: Engine, part: PacketColumns, source: Source) -> DecisionColumns:
    try:
        return engine.filter(part)
    except UnresolvedReferenceError as error:
        error.add_note(", ".join(source.files))
        raise


def _summary(
    recorder: Recorder,
    inventory: Inventory,
    options: EngineOptions,
    engine_name: str,
    timeline: Timeline,
    changes: Sequence[Change],
    broken: str | None,
) -> Summary:
    engine, known = recorder.engine, ever_known(inventory, changes)
    epochs = [Epoch(None, inventory, options), *timeline.epochs]
    interfaces, rules, tables = (
        recorder.interface_counts(known),
        recorder.rule_usage(epochs),
        recorder.table_loads(epochs),
    )
    return Summary(
        profile=options.profile.name,
        profile_title=options.profile.title,
        profile_dated=options.profile.dated,
        given=dict(_given(options)),
        engine=engine_name,
        files=recorder.files,
        start_ns=recorder.start_ns,
        end_ns=recorder.end_ns,
        packets=recorder.packet_counts(),
        reasons=recorder.reason_counts(),
        interfaces=interfaces,
        instances=instance_counts(interfaces, tables),
        groups=group_counts(interfaces, rules, known),
        denied=recorder.denied_groups(MOST_DENIED),
        denied_groups=recorder.denied_group_count,
        tables=tables,
        flows=recorder.flow_counts(),
        rules=rules,
        network_acls=recorder.acl_usage(),
        changes=timeline.reports(),
        assumed_empty=dict(engine.counts().assumed_empty or {}),
        notes=(*_notes(inventory, options), *changes_in_vain(changes)),
        broken=broken,
    )


def _given(options: EngineOptions) -> Iterator[tuple[str, str | float | bool]]:
    """What the user has set, by name."""
    plain = {"capacity": options.capacity, **asdict(options.timeouts)}
    yield from ((name, value) for name, value in plain.items() if value is not None)
    if options.remember != DEFAULT_REMEMBER:
        yield "remember", options.remember
    if options.client_port != CLIENT_PORT:
        yield "client_port", options.client_port
    if options.spread is not Spread.EVEN:
        yield "spread", str(options.spread)
    yield from ((name, True) for name in ("cold_start", "as_recorded") if getattr(options, name))
    for name, setting in options.profile.settings():
        if setting.standing is Standing.GIVEN:
            yield name, setting.value if isinstance(setting.value, bool | int | float) else str(setting.value)


def _notes(inventory: Inventory, options: EngineOptions) -> Iterator[str]:
    has_vpc_cidr = any(network.version == Family.IPV4 for network in inventory.networks)
    if options.profile.exempt_traffic.value and not has_vpc_cidr:
        yield "no VPC CIDR is given, so the Amazon DNS server at VPC+2 is filtered like any other peer: add --vpc-cidr"
    yield from map(str, inventory.notes)
