"""Traffic made from a seed, by the million packets per second: `sgsim.synthetic` in Python, `sgsim synth` on the command line.

    import sgsim

    traffic = sgsim.synthetic.web(seed=1, rate=200, duration="10min")
    result = sgsim.replay(rules, traffic)
    traffic.write_pcap("web.pcap")

Each function is a scenario; its keywords are `seed`, `duration`, `start_ns`, `interface`, `name`, and every setting of a
`Part`. `mix` joins several. Read `part` first, then `layout` (what packets a flow has) and `traffic` (how parts become one
stream).

The same seed and settings give the same bytes on every machine: the words of numpy's PCG64 and its SeedSequence are all that
is taken from numpy, which promises that they never change; what is made of them here is arithmetic on whole numbers and
exactly rounded products. Another version of sgsim may make other traffic, and then says so in its changelog.
"""

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from sgsim.errors import ConfigError
from sgsim.sources.synthetic.distributions import parse_duration_ns
from sgsim.sources.synthetic.part import Part, part_of
from sgsim.sources.synthetic.scenarios import SCENARIOS, Scenario, find_scenario
from sgsim.sources.synthetic.traffic import DEFAULT_START_NS, Synthetic, SyntheticSource

__all__ = [
    "SCENARIOS",
    "Part",
    "Scenario",
    "Synthetic",
    "SyntheticSource",
    "dns",
    "idle_pool",
    "keep_alive",
    "masscan",
    "masscan_incident",
    "mix",
    "nat_fan_out",
    "ping",
    "port_scan",
    "scenario",
    "syn_flood",
    "udp_stream",
    "vpc",
    "web",
]


def scenario(
    kind: str,
    *,
    seed: int = 1,
    duration: object = None,
    start_ns: int = DEFAULT_START_NS,
    interface: str | None = None,
    name: str | None = None,
    **settings: object,
) -> Synthetic:
    """Make the traffic of a scenario.

    Args:
        kind: A name of `SCENARIOS`.
        seed: Other seeds give other traffic of the same kind; 0 to 2^64 - 1.
        duration: Such as `10min`; seconds without a unit; None: the scenario's own.
        start_ns: When it begins, nanoseconds since the epoch.
        interface: The interface at hand; None: the first of the rules that it is replayed with.
        name: What messages and the streams of random numbers call it; None: its kind.
        **settings: Settings of `Part`; of scenarios with several parts they hold for all.

    Raises:
        ConfigError: If there is no such scenario or setting, or a value is not of its kind.
    """
    found = find_scenario(kind)
    parts = tuple(
        part_of(part if name is None or len(found.parts) > 1 else name, given, settings)
        for part, given in found.parts.items()
    )
    return Synthetic(
        parts=parts,
        seed=seed,
        duration_ns=parse_duration_ns(found.duration if duration is None else duration, "duration"),
        start_ns=start_ns,
        interface=interface,
        name=name or found.name,
    )


def mix(
    *traffic: Synthetic | Part | Mapping[str, object],
    seed: int = 1,
    duration: object = None,
    start_ns: int = DEFAULT_START_NS,
    interface: str | None = None,
    name: str = "mix",
) -> Synthetic:
    """Join several kinds of traffic into one; each part is the same as it would be alone.

    Args:
        *traffic: Scenarios, whose own seeds and durations do not count; parts; or settings with a `scenario` and a `name`.
        seed: As of `scenario`.
        duration: None: the longest of the scenarios.
        start_ns: As of `scenario`.
        interface: As of `scenario`.
        name: What messages call it.

    Raises:
        ConfigError: If two parts have one name.
    """
    joined = [each if isinstance(each, Synthetic | Part) else _of_settings(each) for each in traffic]
    longest = max((each.duration_ns for each in joined if isinstance(each, Synthetic)), default=60 * 10**9)
    return Synthetic(
        parts=tuple(part for each in joined for part in (each.parts if isinstance(each, Synthetic) else (each,))),
        seed=seed,
        duration_ns=longest if duration is None else parse_duration_ns(duration, "duration"),
        start_ns=start_ns,
        interface=interface,
        name=name,
    )


def _of_settings(given: Mapping[str, object]) -> Synthetic | Part:
    settings = dict(given)
    name = settings.pop("name", None)
    kind = settings.pop("scenario", None)
    if name is not None and not isinstance(name, str):
        raise ConfigError(f"name of a part must be a text, got {name!r}")
    if kind is None:
        return part_of(name or "part", settings)
    made = scenario(str(kind), name=name, **settings)  # type: ignore[arg-type]  # settings are checked one by one
    if name is None or len(made.parts) == 1:
        return made
    return evolve(made, parts=tuple(part.renamed(f"{name}-{part.name}") for part in made.parts))


def web(**settings: Any) -> Synthetic:  # noqa: ANN401  # as of `scenario`
    """Web clients call the interface: HTTPS requests, from handshake to FIN."""
    return scenario("web", **settings)


def dns(**settings: Any) -> Synthetic:  # noqa: ANN401  # as above
    """The interface asks a resolver outside, one datagram each way."""
    return scenario("dns", **settings)


def idle_pool(**settings: Any) -> Synthetic:  # noqa: ANN401  # as above
    """Database connections of the interface that speak once in 10 minutes."""
    return scenario("idle-pool", **settings)


def keep_alive(**settings: Any) -> Synthetic:  # noqa: ANN401  # as above
    """The same connections with TCP keep-alives every 5 minutes."""
    return scenario("keep-alive", **settings)


def syn_flood(**settings: Any) -> Synthetic:  # noqa: ANN401  # as above
    """SYNs from very many addresses that never finish their handshakes."""
    return scenario("syn-flood", **settings)


def port_scan(**settings: Any) -> Synthetic:  # noqa: ANN401  # as above
    """One outside address tries the interface's ports in their order."""
    return scenario("port-scan", **settings)


def masscan(**settings: Any) -> Synthetic:  # noqa: ANN401  # as above
    """The interface itself scans the world."""
    return scenario("masscan", **settings)


def masscan_incident(**settings: Any) -> Synthetic:  # noqa: ANN401  # as above
    """Quiet traffic, in which the interface begins to scan the world."""
    return scenario("masscan-incident", **settings)


def nat_fan_out(**settings: Any) -> Synthetic:  # noqa: ANN401  # as above
    """Many clients that share one address call the interface."""
    return scenario("nat-fan-out", **settings)


def udp_stream(**settings: Any) -> Synthetic:  # noqa: ANN401  # as above
    """Calls of 50 datagrams per second each way."""
    return scenario("udp-stream", **settings)


def ping(**settings: Any) -> Synthetic:  # noqa: ANN401  # as above
    """Echo requests to the interface, answered."""
    return scenario("ping", **settings)


def vpc(**settings: Any) -> Synthetic:  # noqa: ANN401  # as above
    """All interfaces of the rules: called from outside, calling each other, asking a resolver."""
    return scenario("vpc", **settings)
