"""Options that mean the same in every command, and what is built from them.

`rule_options` are what a filter is made of, `document_options` those of them that say which rules there are;
`traffic_options` are those that only recorded traffic knows, `recording_options` those of them that change nothing
while it runs; `traffic_argument` is the traffic itself. Each decorator hands its command one object as a keyword:
`given: RuleOptions`, and `recorded: TrafficOptions`::

    @click.command("check")
    @rule_options
    @click.argument("packet", nargs=-1)
    def command(given: RuleOptions, packet: tuple[str, ...]) -> None:
        inventory, options = given.inventory(), given.engine_options()

An option beats the interface document, that the instance type, that the profile.
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import click
from attrs import evolve, field, fields, frozen

from sgsim.cli.declarations import DOCUMENT_OPTIONS, RECORDING_OPTIONS, RULE_OPTIONS, TRAFFIC_OPTION, TRAFFIC_OPTIONS
from sgsim.conntrack.profile import DEFAULT_PROFILE, Profile, find_profile
from sgsim.conntrack.table import DEFAULT_REMEMBER
from sgsim.documents import load, load_sides
from sgsim.documents.options import naming
from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError
from sgsim.model.interface import Interface, TimeoutOverrides
from sgsim.model.protocol import CLIENT_PORT
from sgsim.model.spread import Spread
from sgsim.rules.change import Change
from sgsim.rules.inventory import Instance, Inventory

Command = Callable[..., Any]

_INSTANCE_TYPE: Final = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+")

_OWN_OPTIONS: Final = {
    "tcp_established_s": "--tcp-established",
    "udp_s": "--udp",
    "udp_stream_s": "--udp-stream",
    "midstream": "--midstream",
}
"""Settings of a profile that have options of their own."""


@frozen(kw_only=True)
class RuleOptions:
    """What a command line says about the filter."""

    rules: tuple[str, ...] = ()
    interface: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    allow_unresolved: bool = False
    assume: tuple[str, ...] = ()
    vpc: str | None = None
    vpc_cidr: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    profile: str = DEFAULT_PROFILE.name
    instance_type: str | None = None
    capacity: int | None = None
    tcp_established: float | None = None
    udp: float | None = None
    udp_stream: float | None = None
    midstream: str | None = None
    settings: tuple[str, ...] = field(default=(), metadata={"option": "--set"})

    def inventory(self) -> Inventory:
        """Read the documents and what options add to them.

        Raises:
            SgsimError: If a document or an option is not right.
        """
        if not self.rules:
            raise ConfigError("rules must be given as at least one file or directory, got none: add -r RULES")
        return self.typed(load(*self.rules, **self._loading()))

    def sides(self, old: str, new: str) -> tuple[Inventory, Inventory]:
        """Read two sets of rules that are to be compared; the documents are what both share.

        Raises:
            SgsimError: If a document or an option is not right.
        """
        before, after = load_sides(self.rules, old, new, **self._loading())
        return self.typed(before), self.typed(after)

    def _loading(self) -> dict[str, Any]:
        return {
            "vpc": self.vpc,
            "vpc_cidrs": self.vpc_cidr,
            "interfaces": self.interface,
            "members": self.members,
            "paths": self.path,
            "allow_unresolved": self.allow_unresolved,
            "assume": self.assume,
        }

    def typed(self, inventory: Inventory) -> Inventory:
        """Give every interface an instance of `--instance-type`, whatever the documents say."""
        if self.instance_type is None:
            return inventory
        with naming("--instance-type", self.instance_type):
            if not _INSTANCE_TYPE.fullmatch(self.instance_type):
                raise ConfigError(f"instance type must be FAMILY.SIZE such as m8i.large, got {self.instance_type!r}")
        interfaces: dict[str, Interface] = {
            key: evolve(interface, instance_id=interface.table_id) for key, interface in inventory.interfaces.items()
        }
        instances = {item.table_id: Instance(instance_id=item.table_id) for item in interfaces.values()}
        instances = {
            key: evolve(instance, instance_type=self.instance_type)
            for key, instance in {**instances, **inventory.instances}.items()
        }
        return evolve(inventory, interfaces=interfaces, instances=instances)

    def engine_options(self) -> EngineOptions:
        """How the engine is to run, for packets that nobody recorded.

        Raises:
            ConfigError: If a value is outside its bounds.
        """
        timeouts = TimeoutOverrides(self.tcp_established, self.udp, self.udp_stream)
        return EngineOptions(profile=self._profile(), capacity=self.capacity, timeouts=timeouts)

    def _profile(self) -> Profile:
        with naming("--profile", self.profile):
            profile = find_profile(self.profile)
        for text in self.settings:
            with naming("--set", text):
                profile = _set(profile, text)
        if self.midstream is not None:
            with naming("--midstream", self.midstream):
                profile = profile.given("midstream", self.midstream)
        for name in ("tcp_established_s", "udp_s", "udp_stream_s"):
            option = _OWN_OPTIONS[name]
            value = getattr(self, option.removeprefix("--").replace("-", "_"))
            if value is not None:
                with naming(option, f"{value:g}"):
                    profile.given(name, value)
        return profile

    def words(self) -> list[str]:
        """The options that were given, as somebody would type them again."""
        return list(_words(self))


@frozen(kw_only=True)
class TrafficOptions:
    """What a command line says about how recorded traffic is to be understood."""

    cold_start: bool = False
    as_recorded: bool = False
    remember: int = DEFAULT_REMEMBER
    client_port: int = CLIENT_PORT
    spread: str = Spread.EVEN.value
    change: tuple[str, ...] = ()
    timeline: tuple[str, ...] = ()
    log_format: str | None = None
    inner: str | None = None

    def inputs(self, traffic: Sequence[Any]) -> list[Any]:
        """The inputs as a run takes them; with `--inner` those whose packets carry others.

        Raises:
            ConfigError: If packets carry nothing of this kind.
        """
        if self.inner is None:
            return list(traffic)
        from sgsim.sources.inner import Inner  # noqa: PLC0415  # numpy, which `sgsim --help` needs not

        with naming("--inner", self.inner):
            return [Inner(item, self.inner) for item in traffic]

    def engine_options(self, given: RuleOptions) -> EngineOptions:
        """How the engine is to run on recorded traffic.

        Raises:
            ConfigError: If a value is outside its bounds.
        """
        return evolve(
            given.engine_options(),
            recorded=True,
            cold_start=self.cold_start,
            as_recorded=self.as_recorded,
            remember=self.remember,
            client_port=self.client_port,
            spread=Spread(self.spread),
            log_format=self.log_format,
        )

    def check_unused(self) -> None:
        """Refuse options that say how traffic is to be understood, where there is none.

        Raises:
            ConfigError: If any was given.
        """
        words = self.words()
        if words:
            raise ConfigError(f"{words[0]} must go with -t TRAFFIC, got {' '.join(words)} alone")

    def changes(self, given: RuleOptions, inventory: Inventory) -> list[Change]:
        """What `--change` and `--timeline` say, in the order of times; `inventory` holds before the first.

        Raises:
            SgsimError: If a time or a document is not right.
        """
        if not self.change and not self.timeline:
            return []
        from sgsim.cli.changes import parse_changes  # noqa: PLC0415  # most replays have no changes

        return parse_changes(self.change, inventory, given.typed, given.vpc, self.timeline)

    def words(self) -> list[str]:
        """The options that were given, as somebody would type them again."""
        return list(_words(self))


def _set(profile: Profile, text: str) -> Profile:
    name, separator, value = text.partition("=")
    if not separator or not value:
        raise ConfigError(f"setting must be NAME=VALUE, got {text!r}")
    if name in _OWN_OPTIONS:
        raise ConfigError(f"setting must be one without an option of its own, got {name!r}: use {_OWN_OPTIONS[name]}")
    return profile.given(name, _value(value))


def _value(text: str) -> object:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _words(options: Any) -> Iterator[str]:  # noqa: ANN401  # any class of options
    for attribute in fields(type(options)):
        value = getattr(options, attribute.name)
        if value == attribute.default:
            continue
        name = attribute.metadata.get("option") or "--" + attribute.name.replace("_", "-")
        name = "-r" if name == "--rules" else name
        if value is True:
            yield name
        for each in value if isinstance(value, tuple) else () if value is True else (value,):
            yield from (name, f"{each:.15g}" if isinstance(each, float) else str(each))


def rule_options(command: Command) -> Command:
    """Add the options of every command, and hand them over as `given`."""
    return _collected(command, RULE_OPTIONS, "given", RuleOptions)


def document_options(command: Command) -> Command:
    """Add the options that say which rules there are, and hand them over as `given`; all others have their defaults."""
    return _collected(command, DOCUMENT_OPTIONS, "given", RuleOptions)


def traffic_options(command: Command) -> Command:
    """Add the options of recorded traffic, and hand them over as `recorded`."""
    return _collected(command, TRAFFIC_OPTIONS, "recorded", TrafficOptions)


def recording_options(command: Command) -> Command:
    """Add the options of recorded traffic under the same rules all the time, and hand them over as `recorded`."""
    return _collected(command, RECORDING_OPTIONS, "recorded", TrafficOptions)


def traffic_argument(command: Command) -> Command:
    """Add `TRAFFIC...`, or `-t TRAFFIC` as often, and hand both over as `traffic`."""

    @functools.wraps(command)
    def with_traffic(traffic: tuple[str, ...], more: tuple[str, ...], **values: Any) -> Any:  # noqa: ANN401  # whatever click hands over
        return command(traffic=(*more, *traffic), **values)

    argument: Callable[[Command], Command] = click.argument("traffic", nargs=-1, metavar="TRAFFIC...")
    return argument(TRAFFIC_OPTION(with_traffic))


def _collected(command: Command, options: tuple[Callable[[Command], Command], ...], name: str, kind: Any) -> Command:  # noqa: ANN401  # an attrs class
    """Wrap a command so that the values of some options come as one object."""

    @functools.wraps(command)
    def with_object(**values: Any) -> Any:  # noqa: ANN401  # whatever click hands over
        own: Mapping[str, Any] = {each.name: values.pop(each.name) for each in fields(kind) if each.name in values}
        return command(**values, **{name: kind(**own)})

    decorated: Command = with_object
    for option in reversed(options):
        decorated = option(decorated)
    return decorated
