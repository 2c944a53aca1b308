"""`sgsim convert`: the same rules in another form."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
from attrs import evolve, frozen

from sgsim.cli.options import RuleOptions, document_options
from sgsim.cli.output_option import write_text
from sgsim.documents.aws_writer import write_describe
from sgsim.documents.nftables import LIMITS, Hook, write_nftables
from sgsim.documents.yaml_writer import write_yaml
from sgsim.errors import ConfigError
from sgsim.rules.inventory import Inventory


@frozen(kw_only=True)
class Asked:
    """What was asked for beside the form."""

    interface_id: str | None
    """The interface whose rules are wanted, for forms that hold one; None if nobody said."""
    hook: Hook


def _nftables(inventory: Inventory, asked: Asked) -> str:
    return write_nftables(inventory, asked.interface_id, asked.hook)


def _yaml(inventory: Inventory, _asked: Asked) -> str:
    return write_yaml(inventory)


def _describe(inventory: Inventory, _asked: Asked) -> str:
    return write_describe(inventory)


WRITERS: Final[dict[str, Callable[[Inventory, Asked], str]]] = {
    "yaml": _yaml,
    "describe": _describe,
    "nftables": _nftables,
}
"""Each form that rules can be written in, by the name that `--to` takes."""

_LIMITS: Final = "\n".join(
    textwrap.fill(limit, 96, initial_indent="  - ", subsequent_indent="    ") for limit in LIMITS
)

HELP: Final = f"""Write rules in another form, to standard output or a file.

\b
--to yaml
  Everything that the documents say, in sgsim's own form, one line for each rule.

\b
--to describe
  The same as the AWS CLI prints groups, prefix lists and interfaces, in one JSON document.

\b
--to nftables
  The rules of one interface for the Linux kernel: accept rules for each direction, behind
  `ct state established,related accept`. Load it with `nft -f FILE`. Groups and prefix lists
  become named sets. --hook says where packets are judged. It is not the filter that AWS has:

\b
{_LIMITS}

--interface is that of every command where it has a `=`; without one it is the id of the interface to write,
which may be left out if there is only one.

\b
Examples:
  sgsim convert --to nftables -r groups.json -r interfaces.json --interface eni-a -o eni-a.nft
  sgsim convert --to nftables -r groups.json --interface 10.0.0.5=sg-web --hook host
"""


@click.command("convert", short_help="Write rules in another form", help=HELP)
@document_options
@click.option("--to", "form", type=click.Choice(list(WRITERS)), required=True, help="The form to write.")
@click.option(
    "--hook",
    type=click.Choice([hook.value for hook in Hook]),
    default=Hook.FORWARD.value,
    show_default=True,
    help="nftables: on a router before the interface, or on the machine that has it.",
)
@click.option("-o", "--output", metavar="FILE", help="Where to write; standard output if left out.")
def command(given: RuleOptions, form: str, hook: str, output: str | None) -> None:
    """Write rules in another form."""
    declared = tuple(text for text in given.interface if "=" in text)
    chosen = [text for text in given.interface if "=" not in text]
    if len(chosen) > 1:
        raise ConfigError(f"--interface must name at most one interface to write, got {', '.join(chosen)}")
    inventory = evolve(given, interface=declared).inventory()
    asked = Asked(interface_id=chosen[0] if chosen else None, hook=Hook(hook))
    text = WRITERS[form](inventory, asked)
    for note in inventory.notes:
        where = f"{note.origin}: " if note.origin else ""
        click.echo(f"sgsim: note: {where}{note.text}", err=True)
    if output is None or output == "-":
        click.echo(text, nl=False)
    else:
        write_text(Path(output), text)
