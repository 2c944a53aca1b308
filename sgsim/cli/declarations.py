"""The shared options as the command line declares them: names, kinds and help texts.

What they mean is in `sgsim.cli.options`.
"""

from typing import Any, Final

import click

from sgsim.conntrack.profile import DEFAULT_PROFILE, PROFILES
from sgsim.conntrack.table import DEFAULT_REMEMBER
from sgsim.errors import ConfigError
from sgsim.model.protocol import CLIENT_PORT
from sgsim.model.spread import Spread
from sgsim.rules.port_range import LAST_PORT


class Number(click.ParamType[float]):
    """A number with a least value, and perhaps a greatest; its errors say them."""

    name = "number"

    def __init__(self, what: str, *, least: float, most: float | None = None, is_whole: bool = False) -> None:
        """Name what is counted, for messages; empty if nothing is."""
        self.what, self.least, self.most, self.is_whole = what, least, most, is_whole

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401, ARG002  # click's signature
        """Read the number."""
        try:
            number: float = int(value) if self.is_whole else float(value)
        except ValueError:
            number = float("nan")
        if not str(value).isascii():  # Python reads the digits of every script
            number = float("nan")
        is_beyond = number == float("inf") or (self.most is not None and number > self.most)
        if not number >= self.least or is_beyond:
            name = param.opts[-1] if param is not None else self.what
            kind = ("a whole number" if self.is_whole else "a number") + (f" of {self.what}" if self.what else "")
            most = "" if self.most is None else f" and at most {self.most:.15g}"
            raise ConfigError(f"{name} must be {kind}, at least {self.least:g}{most}, got {str(value)!r}")
        return number


class OneOf(click.Choice[str]):
    """One of some words; its errors say which."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401, ARG002  # click's signature
        """Take the word."""
        if value not in self.choices:
            name = param.opts[-1] if param is not None else "value"
            raise ConfigError(f"{name} must be one of {', '.join(self.choices)}, got {value!r}")
        return str(value)


DOCUMENT_OPTIONS: Final = (
    click.option(
        "-r", "--rules", multiple=True, metavar="RULES",
        help="File or directory with rules and interfaces: what aws ec2 describe-* prints, a Terraform plan or state, a "
        "CloudFormation template, or YAML. PLAN#before is a plan as things were. Repeatable.",
    ),
    click.option(
        "--interface", multiple=True, metavar="ADDRESS[,...]=GROUP[,...]",
        help="An interface that no document describes, named by its first address. Repeatable.",
    ),
    click.option(
        "--members", multiple=True, metavar="GROUP=CIDR[,...]",
        help="Addresses of a group or prefix list that rules refer to. Repeatable.",
    ),
    click.option(
        "--allow-unresolved", is_flag=True, help="Count references to unknown groups and lists as empty, and say so."
    ),
    click.option(
        "--assume", multiple=True, metavar="NAME=VALUE",
        help="What to take for a value that a plan or template leaves open. Repeatable.",
    ),
    click.option("--vpc", metavar="ID", help="Keep only what belongs to this VPC."),
)  # fmt: skip
"""Which rules and whom they mean."""

RULE_OPTIONS: Final = (
    *DOCUMENT_OPTIONS,
    click.option(
        "--vpc-cidr", multiple=True, metavar="CIDR",
        help="The VPC's block; tells where its Amazon DNS server is, which is not filtered. Repeatable.",
    ),
    click.option(
        "--path", multiple=True, metavar="[SCOPE:]PEER=LABEL",
        help="What lies between an interface and a peer (CIDR or prefix list), such as nat-gateway; "
        "SCOPE is an interface or subnet. Repeatable.",
    ),
    click.option(
        "--profile", default=DEFAULT_PROFILE.name, show_default=True, metavar="NAME",
        help=f"Whose behaviour to follow: {', '.join(PROFILES)}.",
    ),
    click.option(
        "--instance-type", metavar="TYPE",
        help="Take every instance to be of this type; on aws-* it decides the default idle timeout of TCP.",
    ),
    click.option(
        "--capacity", type=Number("entries", least=1, is_whole=True), metavar="N",
        help="Places in each instance's connection-tracking table. [default: without limit]",
    ),
    click.option(
        "--tcp-established", type=Number("seconds", least=0), metavar="S", help="Idle timeout of established TCP."
    ),
    click.option("--udp", type=Number("seconds", least=0), metavar="S", help="Idle timeout of UDP."),
    click.option("--udp-stream", type=Number("seconds", least=0), metavar="S", help="Idle timeout of UDP streams."),
    click.option(
        "--midstream", metavar="deny|pickup", help="A TCP segment of no tracked flow: deny it, or take the flow up."
    ),
    click.option(
        "--set", "settings", multiple=True, metavar="NAME=VALUE",
        help="Any other setting of the profile, such as fragments=rules. Repeatable.",
    ),
)  # fmt: skip

RECORDING_OPTIONS: Final = (
    click.option(
        "--inner", metavar="vxlan", help="Judge what the packets of captures carry: vxlan, as VPC Traffic Mirroring sends it."
    ),
    click.option(
        "--cold-start", is_flag=True, help="The table is empty at the first packet: presume no flow to be open already."
    ),
    click.option(
        "--as-recorded", is_flag=True, help="Judge answers to denied packets too, as if somebody had sent them."
    ),
    click.option(
        "--remember", type=Number("flows", least=1, is_whole=True), default=DEFAULT_REMEMBER, metavar="N",
        help=f"Flows remembered beside the table, for each instance. [default: {DEFAULT_REMEMBER}]",
    ),
    click.option(
        "--client-port", type=Number("", least=1, most=LAST_PORT, is_whole=True), default=CLIENT_PORT, metavar="N",
        help=f"Where ports of clients begin; they tell who opened a flow where nothing else does. [default: {CLIENT_PORT}]",
    ),
    click.option(
        "--spread", type=OneOf([str(each) for each in Spread]), default=str(Spread.EVEN), show_default=True,
        help="How packets of a flow-log record lie in time: evenly between its start and its end, or at the ends alone.",
    ),
    click.option(
        "--log-format", metavar="FORMAT",
        help="Fields of flow logs without a header, as AWS has them: '${version} ${srcaddr} ...'. "
        "[default: the default format]",
    ),
)  # fmt: skip
"""How recorded traffic is to be understood."""

CHANGE_OPTIONS: Final = (
    click.option(
        "--change", multiple=True, metavar="TIME=RULES",
        help="From TIME on (seconds after the first packet, or 2026-01-31T12:00:00Z) what RULES describe replaces "
        "what has the same id. Repeatable.",
    ),
    click.option(
        "--timeline", multiple=True, metavar="FILE",
        help="A YAML list of changes of rules, groups, addresses, timeouts and capacity, each at its time. Repeatable.",
    ),
)  # fmt: skip
"""What changes while the traffic runs."""

TRAFFIC_OPTIONS: Final = (*RECORDING_OPTIONS, *CHANGE_OPTIONS)

ENGINE_OPTION: Final = click.option(
    "--engine", default="auto", show_default=True, type=OneOf(["auto", "reference", "compiled"]),
    help="What judges the packets, with the same answers; auto takes the compiled one for large files.",
)  # fmt: skip

TRAFFIC_OPTION: Final = click.option(
    "--traffic", "-t", "more", multiple=True, metavar="TRAFFIC", help="The argument as an option. Repeatable."
)
"""Traffic as an option, for commands that take it as their argument."""
