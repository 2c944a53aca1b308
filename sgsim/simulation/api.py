"""What people call from Python: `sgsim.check` and `sgsim.replay`; `sgsim.explain` is in `sgsim.report.explained`.

Options are keywords, and mean the same in each function and on the command line.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from attrs import evolve

from sgsim.conntrack.profile import DEFAULT_PROFILE, Profile, find_profile
from sgsim.conntrack.table import DEFAULT_REMEMBER
from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.packet import Packet
from sgsim.model.protocol import CLIENT_PORT
from sgsim.model.shorthand import parse_packet
from sgsim.model.spread import Spread
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory, check_inventory
from sgsim.simulation.check import Answer, check_packet

if TYPE_CHECKING:
    from sgsim.simulation.driver import Replay


class FilterOptions(TypedDict, total=False):
    """Whose behaviour to follow, and with which table."""

    profile: str | Profile
    """A name, or a profile of your own; `aws-nitro` if left out."""
    capacity: int | None
    """Places in each instance's table; None, or left out: what the documents say, else without limit."""
    tcp_established_s: float
    udp_s: float
    udp_stream_s: float
    """Idle timeouts that beat those of interfaces, instance types and profile."""
    settings: Mapping[str, object]
    """Other settings of the profile, by name: `{"midstream": "pickup"}`."""


class TrafficOptions(FilterOptions, total=False):
    """The same, and how recorded traffic is to be understood."""

    recorded: bool
    """Whether the traffic was recorded somewhere (left out: yes), so that it holds answers to what is denied here."""
    cold_start: bool
    """Whether the table is empty at the first packet, so that no flow is presumed to be open already."""
    as_recorded: bool
    """Whether answers to denied packets are judged as if somebody had sent them."""
    remember: int
    """How many flows beside the table each instance remembers."""
    client_port: int
    """Where ports of clients begin (left out: 32768); they tell who opened a flow where nothing else does."""
    spread: str
    """How the packets of a flow-log record lie between its start and its end: `"even"` (left out) or `"ends"`."""
    log_format: str | None
    """The fields of flow logs that have no header and not the default format: `"${version} ${srcaddr} ..."`."""


def check(
    rules: Inventory, packet: str | Packet, *, interface: str | None = None, **options: Unpack[FilterOptions]
) -> Answer:
    """Say whether a packet is allowed, and by which rules; the table is empty when it comes.

    Args:
        rules: What `sgsim.load` gives.
        packet: As on the command line, `"tcp 198.51.100.7:40000 -> 10.0.0.5:443"`, or a `Packet`.
        interface: Judge it at this interface alone; None for each that it touches.
        **options: Profile, capacity and timeouts, see `FilterOptions`.

    Raises:
        NoTrafficError: If no known interface sends or receives it.
        UnresolvedReferenceError: If the verdict hinges on a reference whose addresses nobody gave.
    """
    return check_packet(rules, packet_at(rules, packet, interface), filter_options(**options))


def replay(  # noqa: PLR0913  # keywords, one for each thing that can be kept
    rules: Inventory,
    traffic: object,
    *,
    engine: str = "auto",
    changes: str | Path | Iterable[Change] = (),
    decisions: str | Path | Iterable[str | Path] = (),
    flows: str | Path | Iterable[str | Path] = (),
    keep: bool = True,
    write_allowed: str | Path | None = None,
    write_denied: str | Path | None = None,
    threads: int = 2,
    **options: Unpack[TrafficOptions],
) -> "Replay":
    """Replay traffic through the groups.

    Args:
        rules: What `sgsim.load` gives.
        traffic: The path of a capture, a flow log or a folder of them (`"eni-a=FILE"` binds it to an interface), a stream,
            scapy packets, `Inner` of a mirrored capture, `sgsim.synthetic` traffic, or a list of these.
        engine: `reference`, `compiled`, or `auto`, which takes the compiled one for large files; the answers are equal.
        changes: Rules, timeouts and capacity that take over while the traffic runs; or the path of a YAML timeline.
        decisions: Tables to write decisions to, `.parquet`, `.csv` or `.jsonl`.
        flows: Tables to write flows to.
        keep: Whether decisions and flows are kept in memory; without them memory does not grow with the input.
        write_allowed: A capture, `.pcap` or `.pcapng`, for the packets that every interface on their way allows, as they were.
        write_denied: The same for the packets that an interface denies.
        threads: 1, or 2 to read in one thread while the compiled engine judges in another; the answers are equal.
        **options: Profile, capacity, timeouts and how recordings are understood, see `TrafficOptions`.

    Raises:
        SourceError: If nothing of the traffic can be read.
        NoTrafficError: If no packet touches a known interface.
        UnresolvedReferenceError: If a verdict hinges on a reference whose addresses nobody gave.
    """
    check_inventory(rules)
    from sgsim.simulation.driver import Wanted, run  # noqa: PLC0415  # numpy is only for those who replay

    wanted = Wanted(
        decisions=_paths(decisions),
        flows=_paths(flows),
        in_memory=keep,
        write_allowed=write_allowed,
        write_denied=write_denied,
    )
    return run(
        rules,
        inputs_of(traffic),
        traffic_options(**options),
        engine=engine,
        wanted=wanted,
        changes=changes_of(changes, rules),
        threads=threads,
    )


def filter_options(**options: Unpack[FilterOptions]) -> EngineOptions:
    """How an engine is to run, for packets that nobody recorded.

    Raises:
        ConfigError: If a value is outside its bounds.
        TypeError: If there is no such option.
    """
    refuse_unknown(options, FilterOptions)
    profile = options.get("profile", DEFAULT_PROFILE)
    profile = find_profile(profile) if isinstance(profile, str) else profile
    for name, value in options.get("settings", {}).items():
        profile = profile.given(name, value)
    timeouts = TimeoutOverrides(
        tcp_established_s=options.get("tcp_established_s"),
        udp_s=options.get("udp_s"),
        udp_stream_s=options.get("udp_stream_s"),
    )
    capacity = options.get("capacity")
    if capacity is not None and capacity < 1:
        raise ConfigError(f"capacity must be at least 1, got {capacity!r}")
    return EngineOptions(profile=profile, capacity=capacity, timeouts=timeouts)


def traffic_options(**options: Unpack[TrafficOptions]) -> EngineOptions:
    """How an engine is to run, for recorded traffic.

    Raises:
        ConfigError: If a value is outside its bounds.
        TypeError: If there is no such option.
    """
    refuse_unknown(options, TrafficOptions)
    recorded: TrafficOptions = {}
    given: FilterOptions = {}
    for name, value in options.items():
        (given if name in FilterOptions.__annotations__ else recorded)[name] = value  # type: ignore[literal-required]  # names of both
    return evolve(
        filter_options(**given),
        recorded=recorded.get("recorded", True),
        cold_start=recorded.get("cold_start", False),
        as_recorded=recorded.get("as_recorded", False),
        remember=recorded.get("remember", DEFAULT_REMEMBER),
        client_port=recorded.get("client_port", CLIENT_PORT),
        spread=_spread(recorded.get("spread", Spread.EVEN.value)),
        log_format=recorded.get("log_format"),
    )


def _spread(word: str) -> Spread:
    try:
        return Spread(word)
    except ValueError as error:
        raise ConfigError(f"spread must be one of {', '.join(map(str, Spread))}, got {word!r}") from error


def refuse_unknown(options: Mapping[str, object], known: type[FilterOptions]) -> None:
    """Say which option is none, as Python does of keywords.

    Raises:
        TypeError: If there is any.
    """
    for name in options:
        if name not in known.__annotations__:
            raise TypeError(f"option must be one of {', '.join(known.__annotations__)}, got {name!r}")


def packet_at(rules: Inventory, packet: str | Packet, interface: str | None) -> Packet:
    """Read a packet, and bind it to an interface if one is named.

    Raises:
        ConfigError: If there is no such interface.
        RuleError: If the text is no packet.
    """
    check_inventory(rules)
    packet = parse_packet(packet).packet if isinstance(packet, str) else packet
    if not isinstance(packet, Packet):
        raise ConfigError(f"packet must be a text or a Packet, got {packet!r}")
    if interface is None:
        return packet
    if interface not in rules.interfaces:
        raise ConfigError(f"interface must be one of {', '.join(rules.interfaces) or '(none)'}, got {interface!r}")
    return evolve(packet, taken_at=interface)


def inputs_of(traffic: object) -> list[Any]:
    """What somebody calls traffic as a list of inputs; a list of scapy packets is one input."""
    if not isinstance(traffic, list | tuple):
        return [traffic]
    is_of_packets = bool(traffic) and all(hasattr(item, "fields_desc") for item in traffic)
    return [traffic] if is_of_packets else list(traffic)


def changes_of(changes: str | Path | Iterable[Change], rules: Inventory) -> list[Change]:
    """What somebody calls changes: the changes, or the path of a YAML timeline.

    Raises:
        SgsimError: If the timeline cannot be read.
    """
    if not isinstance(changes, str | Path):
        return list(changes)
    from sgsim.documents.timeline import load_timeline  # noqa: PLC0415  # most replays have none

    return load_timeline(changes, rules)


def _paths(targets: str | Path | Iterable[str | Path]) -> list[str | Path]:
    return [targets] if isinstance(targets, str | Path) else list(targets)
