"""Commands that take a packet in words, where an arrow is no option."""

import re

import click


class PacketCommand(click.Command):
    """A command in whose arguments a leading `->` is the word `to`; click would take it for options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line."""
        return super().parse_args(ctx, [re.sub("^->", "to", arg) for arg in args])
