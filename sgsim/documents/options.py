"""Rules and members given on the command line, where no document gives them.

Each option is read against what the documents say, so that a slip in a name is an error and not a rule that never
matches. Errors name the option as it was typed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from netaddr import IPNetwork

from sgsim.documents.scalars import network_of
from sgsim.documents.yaml_doc import read_label
from sgsim.errors import ConfigError, SgsimError
from sgsim.model.interface import Interface
from sgsim.rules.address_set import AddressSet, parse_cidr
from sgsim.rules.inventory import Inventory
from sgsim.rules.paths import PathRule
from sgsim.rules.rule import GroupReference, PrefixListReference

INTERFACE_OPTION = "--interface"


def parse_interface_option(text: str, inventory: Inventory) -> Interface:
    """Read `ADDRESS[,ADDRESS]=GROUP[,GROUP]`; the first address, as written, is the interface's id.

    Raises:
        ConfigError: If a part is missing, or a document gives an address already.
        RuleError: If an address is none, or a group is not known.
    """
    with naming(INTERFACE_OPTION, text):
        addresses, groups = _split(text, "ADDRESS[,ADDRESS]=GROUP[,GROUP]")
        networks = [network_of(address) for address in addresses]
        for network in networks:
            _check_unowned(network, inventory)
        found = [inventory.find_group(name) for name in groups]
        vpc_ids = {group.vpc_id for group in found}
        return Interface(
            interface_id=addresses[0],
            addresses=networks,
            group_ids=tuple(dict.fromkeys(group.group_id for group in found)),
            vpc_id=vpc_ids.pop() if len(vpc_ids) == 1 else None,
            origin=INTERFACE_OPTION,
        )


def parse_members_option(text: str, inventory: Inventory) -> tuple[str, AddressSet]:
    """Read `GROUP=ADDRESS|CIDR[,...]`; GROUP is a group or prefix list that is described, or that a rule refers to.

    Returns:
        The id of the group or prefix list, and its addresses.

    Raises:
        ConfigError: If a part is missing or no rule could mean the group.
        RuleError: If an address is none.
    """
    with naming("--members", text):
        names, addresses = _split(text, "GROUP=ADDRESS|CIDR[,...]", is_first_a_list=False)
        return _peer_id(names[0], inventory), AddressSet.of(_network(address) for address in addresses)


def parse_path_option(text: str, inventory: Inventory) -> PathRule:
    """Read `[INTERFACE|SUBNET:]CIDR|PREFIX-LIST=LABEL`.

    A scope is told from an IPv6 address by what is known: the longest id of an interface or subnet that leaves a peer
    behind it. `2001:db8::5:10.0.9.0/24` is a block of addresses, unless an interface is called `2001:db8::5`.

    Raises:
        ConfigError: If a part is missing, or the scope or prefix list is not known.
        RuleError: If the label is none.
    """
    with naming("--path", text):
        place, separator, label = text.rpartition("=")
        if not separator or not place:
            raise ConfigError(f"path must be [INTERFACE|SUBNET:]CIDR|PREFIX-LIST=LABEL, got {text!r}")
        path_label = read_label(label)
        scope, peer = _split_scope(place, inventory)
        network = _network_or_none(peer)
        if network is not None:
            return PathRule(path_label, network=network, scope=scope)
        if not _is_prefix_list(peer, inventory):
            raise ConfigError(
                f"peer must be a CIDR block, an address or a prefix list that a document describes, got {peer!r}"
            )
        return PathRule(path_label, prefix_list_id=peer, scope=scope)


@contextmanager
def naming(option: str, text: str) -> Iterator[None]:
    """Name an option, as it was typed, in errors from inside."""
    try:
        yield
    except SgsimError as error:
        error.add_note(f"{option} {text}")
        raise


def _split(text: str, form: str, *, is_first_a_list: bool = True) -> tuple[list[str], list[str]]:
    first, _, second = text.partition("=")
    left, right = (first.split(",") if is_first_a_list else [first]), second.split(",")
    if not all(left) or not all(right):
        raise ConfigError(f"value must be {form} with nothing left out, got {text!r}")
    return left, right


def _check_unowned(network: IPNetwork, inventory: Inventory) -> None:
    for interface in inventory.interfaces.values():
        if any(network in owned for owned in interface.addresses):
            raise ConfigError(
                f"address must be one that nothing else gives, got {network.ip}, "
                f"which {interface.origin or 'a document'} gives to {interface.interface_id}"
            )


def _peer_id(name: str, inventory: Inventory) -> str:
    """The id of a group or prefix list that may have members."""
    if name in inventory.prefix_lists or name in _referenced_ids(inventory):
        return name
    return inventory.find_group(name).group_id


def _referenced_ids(inventory: Inventory) -> set[str]:
    peers = [rule.peer for group in inventory.groups.values() for rule in group.rules]
    return {peer.group_id for peer in peers if isinstance(peer, GroupReference)} | {
        peer.prefix_list_id for peer in peers if isinstance(peer, PrefixListReference)
    }


def _is_prefix_list(name: str, inventory: Inventory) -> bool:
    """Whether a document describes this list, or `--members` gives addresses to what is no known group."""
    return name in inventory.prefix_lists or (name in inventory.members and name not in inventory.groups)


def _network(text: str) -> IPNetwork:
    return parse_cidr(text) if "/" in text else network_of(text)


def _network_or_none(text: str) -> IPNetwork | None:
    try:
        return _network(text)
    except SgsimError:
        return None


def _split_scope(place: str, inventory: Inventory) -> tuple[str | None, str]:
    known = [*inventory.interfaces, *inventory.subnets]
    for scope in sorted(known, key=len, reverse=True):
        peer = place.removeprefix(f"{scope}:")
        if peer != place and (_is_prefix_list(peer, inventory) or _network_or_none(peer) is not None):
            return scope, peer
    if ":" not in place or _network_or_none(place) is not None:
        return None, place
    scopes = [scope for scope in known if place.startswith(f"{scope}:")]
    if scopes:
        return scopes[0], place[len(scopes[0]) + 1 :]
    raise ConfigError(
        f"path must begin with a known interface or subnet, or be one CIDR block, got {place!r}; "
        f"known are {', '.join(known) or 'none'}"
    )
