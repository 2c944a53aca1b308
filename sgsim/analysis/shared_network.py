"""The blocks of VPCs and subnets, for both sides of a comparison where one side alone tells them.

They say which addresses groups never filter: the DNS server of a VPC, the router of a subnet. Most forms of rules do
not tell them. What only one document tells is no change of rules, so the other side is taken to have it too.

Law: what both sides tell stays as it is, and so do differences between them.
"""

from collections.abc import Iterable, Iterator, Sequence

from attrs import evolve, frozen

from sgsim.rules.inventory import Inventory, Subnet, Vpc

MOST_SHOWN = 3
"""How many VPCs or subnets are named."""


@frozen
class SharedNetwork:
    """Both sides with the network that either tells."""

    old: Inventory
    new: Inventory
    notes: tuple[str, ...]
    """What was taken from which side, in whole sentences."""


def share_network(old: Inventory, new: Inventory, partners: Iterable[tuple[str | None, str | None]]) -> SharedNetwork:
    """Give each side the blocks of VPCs and subnets that only the other tells.

    A side that tells no blocks of any VPC has those of the other. A side that tells some lacks those of a VPC if the
    other side tells them for the same id, or for a VPC whose groups are paired with groups of this one. With subnets it
    is alike, VPC by VPC; they must lie in a VPC of the side that lacks them, where that is known.

    Args:
        old: What was.
        new: What is to be.
        partners: The VPC ids of groups that are the same on both sides, of the old group and of the new one.
    """
    known = [(mine, theirs) for mine, theirs in partners if mine is not None and theirs is not None]
    for_new = _lacking(new, old, known)
    for_old = _lacking(old, new, [(theirs, mine) for mine, theirs in known])
    notes = (_note(for_new, "old"), _note(for_old, "new"))
    return SharedNetwork(for_old.added_to(old), for_new.added_to(new), tuple(filter(None, notes)))


@frozen
class _Lacking:
    """What one side does not tell of the network, and the other does."""

    vpcs: tuple[Vpc, ...]
    subnets: tuple[Subnet, ...]

    def added_to(self, inventory: Inventory) -> Inventory:
        if not self.vpcs and not self.subnets:
            return inventory
        return evolve(
            inventory,
            vpcs={**inventory.vpcs, **{vpc.vpc_id: vpc for vpc in self.vpcs}},
            subnets={**inventory.subnets, **{subnet.subnet_id: subnet for subnet in self.subnets}},
        )


def _lacking(taker: Inventory, giver: Inventory, partners: Sequence[tuple[str, str]]) -> _Lacking:
    """What the giver tells and the taker does not; partners are VPC ids of the giver and of the taker."""
    vpcs = tuple(_lacking_vpcs(taker, giver, partners))
    return _Lacking(vpcs, tuple(_lacking_subnets(_Lacking(vpcs, ()).added_to(taker), giver)))


def _lacking_vpcs(taker: Inventory, giver: Inventory, partners: Sequence[tuple[str, str]]) -> Iterator[Vpc]:
    told = {vpc.vpc_id for vpc in taker.vpcs.values() if vpc.networks}
    for vpc in giver.vpcs.values():
        same = {vpc.vpc_id, *(here for there, here in partners if there == vpc.vpc_id)} & taker.vpc_ids
        if vpc.networks and (not told or (same and not same & told)):
            yield vpc


def _lacking_subnets(taker: Inventory, giver: Inventory) -> Iterator[Subnet]:
    told = {_home(subnet, taker) for subnet in taker.subnets.values() if subnet.networks}
    is_vpc_told = any(vpc.networks for vpc in taker.vpcs.values())
    for subnet in giver.subnets.values():
        home = _home(subnet, taker)
        same = taker.subnets.get(subnet.subnet_id)
        is_lacking = home not in told if same is None else not same.networks
        if subnet.networks and is_lacking and (home is not None or not is_vpc_told):
            yield subnet


def _home(subnet: Subnet, inventory: Inventory) -> str | None:
    """The VPC whose blocks have those of a subnet in them, the one that it names if it can be; None if nobody tells."""
    homes = [
        vpc.vpc_id
        for vpc in inventory.vpcs.values()
        if any(block in network for block in subnet.networks for network in vpc.networks)
    ]
    return subnet.vpc_id if subnet.vpc_id in homes else next(iter(homes), None)


def _note(lacking: _Lacking, giver: str) -> str:
    parts = [
        *_named("VPC", [vpc.vpc_id for vpc in lacking.vpcs]),
        *_named("subnet", [subnet.subnet_id for subnet in lacking.subnets]),
    ]
    if not parts:
        return ""
    return (
        f"Only the {giver} side tells the blocks of {' and of '.join(parts)}; they are taken for both sides, as they say "
        "which addresses groups never filter."
    )


def _named(word: str, ids: Sequence[str]) -> Iterator[str]:
    if not ids:
        return
    listed = (
        ", ".join(ids) if len(ids) <= MOST_SHOWN else f"{', '.join(ids[:MOST_SHOWN])} and {len(ids) - MOST_SHOWN} more"
    )
    yield f"{word}{'' if len(ids) == 1 else 's'} {listed}"
