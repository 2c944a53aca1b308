"""Two inventories made comparable: who is who on both sides, and the network that both are in."""

from collections.abc import Mapping

from attrs import frozen

from sgsim.analysis.pairing import Pair, pair_groups, translated
from sgsim.analysis.shared_network import share_network
from sgsim.rules.inventory import Inventory


@frozen
class Sides:
    """What was and what is to be, where each side knows by its own ids what the other knows by others."""

    old: Inventory
    new: Inventory
    pairs: tuple[Pair, ...]
    """Every group of either side."""
    ids: Mapping[str, str]
    """New group ids by old ones."""
    notes: tuple[str, ...] = ()
    """What one side was taken to share with the other, in whole sentences."""

    @classmethod
    def of(cls, old: Inventory, new: Inventory, mapping: Mapping[str, str] | None = None) -> "Sides":
        """Pair groups, and give each side what the other alone tells of the network.

        Raises:
            ConfigError: If the mapping is contradictory.
            RuleError: If it names a group that no document describes.
        """
        pairs = pair_groups(old, new, mapping or {})
        both = [(pair.old, pair.new) for pair in pairs if pair.old and pair.new]
        ids = {mine.group_id: theirs.group_id for mine, theirs in both}
        new = translated(new, ids)
        old = translated(old, {value: key for key, value in ids.items()})
        if not both and not old.interfaces.keys() & new.interfaces.keys():
            return cls(old, new, pairs, ids)
        shared = share_network(old, new, [(mine.vpc_id, theirs.vpc_id) for mine, theirs in both])
        return cls(shared.old, shared.new, pairs, ids, shared.notes)
