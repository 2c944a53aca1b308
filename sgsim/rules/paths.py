"""Which path leads to a peer: labels that the user puts on blocks of addresses."""

from collections.abc import Iterable

from attrs import frozen
from netaddr import IPNetwork

from sgsim.model.address import Family
from sgsim.model.interface import Interface
from sgsim.model.path import PathLabel
from sgsim.rules.ranges import Ranges, difference, union


@frozen
class PathRule:
    """Peers in `network`, or in the prefix list, are reached over `label`."""

    label: PathLabel
    network: IPNetwork | None = None
    prefix_list_id: str | None = None
    """In place of `network`: each entry of this list."""
    scope: str | None = None
    """An interface or subnet id that the label is limited to; None for all."""


@frozen
class PathMap:
    """The labels that concern one interface."""

    _labelled: tuple[tuple[IPNetwork, bool, PathLabel], ...]

    @classmethod
    def of(cls, rules: Iterable[tuple[PathRule, Iterable[IPNetwork]]], interface: Interface) -> "PathMap":
        """Build from rules and the networks that each stands for; a scope other than the interface's is left out."""
        here = {interface.interface_id, interface.subnet_id, None}
        return cls(
            tuple(
                (network, rule.scope is not None, rule.label)
                for rule, networks in rules
                if rule.scope in here
                for network in networks
            )
        )

    def label(self, peer: int, family: Family) -> PathLabel:
        """The label of the longest prefix that holds the peer; of equals one with a scope wins, then the last given."""
        best, found = (-1, False), PathLabel.DIRECT
        for network, has_scope, label in self._labelled:
            rank = (network.prefixlen, has_scope)
            if network.version == family and network.first <= peer <= network.last and rank >= best:
                best, found = rank, label
        return found

    def ranked(self) -> list[tuple[IPNetwork, PathLabel]]:
        """The labelled blocks, the one that wins first."""
        order = sorted(enumerate(self._labelled), key=lambda each: (each[1][0].prefixlen, each[1][1], each[0]))
        return [(network, label) for _, (network, _, label) in reversed(order)]

    def automatic(self, family: Family) -> Ranges:
        """Every peer whose path AWS tracks whatever the rules."""
        decided: Ranges = ()
        found: Ranges = ()
        for network, label in self.ranked():
            if network.version == family:
                block = ((network.first, network.last),)
                if label.is_automatic:
                    found = union(found, difference(block, decided))
                decided = union(decided, block)
        return found
