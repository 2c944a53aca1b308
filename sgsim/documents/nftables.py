"""Security groups as a rule set of nftables, for the Linux kernel: written, never read.

Law: one accept rule for each rule and address family, in the order in which sgsim names the deciding rule; nothing is
merged or left out without a line that says so. The same inventory gives the same bytes.

What the kernel cannot be told here, because its filter is another one, stands in `LIMITS` and at the top of each file.
"""

import enum
from collections.abc import Iterator
from typing import Final

from attrs import define, field

from sgsim.documents.nftables_syntax import INDENT, comment, elements, name_of, quotable
from sgsim.errors import ConfigError, UnresolvedReferenceError
from sgsim.model.address import Family
from sgsim.model.interface import Interface
from sgsim.model.protocol import ANY_PROTOCOL, NEIGHBOUR_DISCOVERY_TYPES, PORT_PROTOCOLS, Protocol, protocol_name
from sgsim.model.states import Direction
from sgsim.rules.address_set import AddressSet
from sgsim.rules.inventory import Inventory
from sgsim.rules.match import ResolvedRule, RuleMatcher
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule import Cidr, Rule

LIMITS: Final = (
    "every flow is tracked: nothing is untracked because of open rules, and no flow is cut when rules change",
    "nothing is exempt: DNS, DHCP, instance metadata and time pass only where a rule admits them",
    "groups and prefix lists are the addresses of today; nothing updates them",
    "capacity and timeouts are the kernel's, for all flows of the machine (sysctl net.netfilter.nf_conntrack_*)",
    (
        "the kernel judges an opener by rules until it is answered, picks up TCP in the middle, and lets rules judge what "
        "it calls invalid (sgsim's profile linux)"
    ),
)
"""In what the rule set is not the filter that AWS has."""

_KEYWORD: Final = {Family.IPV4: "ip", Family.IPV6: "ip6"}
_PEER: Final = {Direction.INGRESS: "saddr", Direction.EGRESS: "daddr"}
_OWN: Final = {Direction.INGRESS: "daddr", Direction.EGRESS: "saddr"}


class Hook(enum.Enum):
    """Where in the kernel packets are judged."""

    FORWARD = "forward"
    """On a router before the interface: what goes to or comes from its addresses."""
    HOST = "host"
    """On the machine that has the interface: all that comes in and goes out, but on the loopback."""


def write_nftables(inventory: Inventory, interface_id: str | None = None, hook: Hook = Hook.FORWARD) -> str:
    """Write the rules of one interface as an nftables file, for `nft -f`.

    Args:
        inventory: Groups, prefix lists and interfaces.
        interface_id: Which interface; None if there is only one.
        hook: Where its packets are judged.

    Returns:
        The file's text, which ends with a newline. Loading it twice leaves one copy.

    Raises:
        ConfigError: If there is no such interface, several to choose from, or it has no address.
        UnresolvedReferenceError: If nobody gave the addresses of a group or prefix list, unless the inventory allows it.
    """
    interface = _choose(inventory, interface_id)
    matcher = RuleMatcher(interface, Resolver(inventory))
    return _File(interface, matcher, hook).text()


def _choose(inventory: Inventory, interface_id: str | None) -> Interface:
    known = inventory.interfaces
    if interface_id is None and len(known) == 1:
        interface_id = next(iter(known))
    if interface_id is None or interface_id not in known:
        listed = ", ".join(list(known)[:5]) or "(none is given: add --interface ADDRESS=GROUP)"
        raise ConfigError(f"interface must be one of {listed}{' ...' if len(known) > 5 else ''}, got {interface_id!r}")
    if not known[interface_id].addresses:
        raise ConfigError(f"interface must have an address, got {interface_id!r}, of which no document gives any")
    return known[interface_id]


@define
class _File:
    """One file while it is written."""

    interface: Interface
    matcher: RuleMatcher
    hook: Hook
    _sets: dict[tuple[str, Family], str] = field(init=False, factory=dict)
    """The name of the set for each reference and family."""
    _names: set[str] = field(init=False, factory=set)

    @property
    def families(self) -> list[Family]:
        """Those in which the interface has addresses."""
        return [family for family in Family if self.interface.owned_ranges(family)]

    @property
    def is_filtered(self) -> bool:
        """Without groups nothing filters an interface."""
        return bool(self.interface.group_ids)

    def text(self) -> str:
        table = f"inet {name_of('sgsim_' + self.interface.interface_id)}"
        # What is referred to is named first: the rules below need the names.
        sets = [line for direction in Direction for line in self._set_lines(direction)]
        body = [
            *sets,
            *self._base_chains(),
            *(line for direction in Direction for line in self._rule_chain(direction)),
        ]
        lines = [*self._head(), "", f"add table {table}", f"delete table {table}", "", f"table {table} {{"]
        lines += [f"{INDENT}{line}" if line else "" for line in body]
        return "\n".join([*lines, "}", ""])

    def _head(self) -> Iterator[str]:
        yield "#!/usr/sbin/nft -f"
        owned = ", ".join(str(net.ip) if net.size == 1 else str(net) for net in self.interface.addresses)
        groups = ", ".join(self.interface.group_ids) or "(none)"
        yield from comment(f"Interface {self.interface.interface_id} ({owned}), groups {groups}.")
        yield from comment(f"Written by sgsim convert, for the {self.hook.value} hook.")
        missing = [family for family in Family if family not in self.families]
        for family in missing:
            yield from comment(
                f"The interface has no IPv{family.value} address, so there are no rules of IPv{family.value}."
            )
        yield "#"
        yield "# The rules are those of the security groups; the filter is not AWS's:"
        for limit in LIMITS:
            yield from comment(limit, first="# - ", next_="#   ")

    def _set_lines(self, direction: Direction) -> Iterator[str]:
        """The addresses of each group and list that rules refer to, once for each family."""
        for rule in self.matcher.rules[direction] if self.is_filtered else ():
            if isinstance(rule.rule.peer, Cidr):
                continue
            addresses = self._addresses(rule)
            peer = str(rule.rule.peer)
            for family in self.families:
                if not addresses.ranges(family) or (peer, family) in self._sets:
                    continue
                name = self._sets[peer, family] = self._free_name(f"{peer}_v{family.value}")
                yield from comment(f"{peer}, IPv{family.value}")
                yield f"set {name} {{"
                yield f"{INDENT}type ipv{family.value}_addr"
                yield f"{INDENT}flags interval"
                yield from elements(_networks(addresses, family))
                yield "}"
                yield ""

    def _addresses(self, rule: ResolvedRule) -> AddressSet:
        if rule.addresses is not None:
            return rule.addresses
        if self.matcher.resolver.inventory.allow_unresolved:
            return AddressSet()
        peer = rule.rule.peer
        raise UnresolvedReferenceError(
            f"addresses of {peer} must be given, for rule {rule.ref.rule_id} ({rule.ref.text}) of {rule.ref.group_id}, "
            f"got none: add the document that has them, or --members {peer}=ADDRESS[,...], or --allow-unresolved to "
            "count it as empty"
        )

    def _free_name(self, wanted: str) -> str:
        """A name that nothing else has: different ids may be one after their signs are replaced."""
        name, number = name_of(wanted), 2
        while name in self._names:
            name, number = f"{name_of(wanted)}_{number}", number + 1
        self._names.add(name)
        return name

    def _base_chains(self) -> Iterator[str]:
        if self.hook is Hook.FORWARD:
            yield "chain forward {"
            yield f"{INDENT}type filter hook forward priority filter; policy accept;"
            for direction in (Direction.EGRESS, Direction.INGRESS):
                for family in self.families:
                    own = ", ".join(_own_networks(self.interface, family))
                    yield f"{INDENT}{_KEYWORD[family]} {_OWN[direction]} {{ {own} }} jump {direction}"
            yield "}"
            return
        for direction, hook, device in ((Direction.INGRESS, "input", "iif"), (Direction.EGRESS, "output", "oif")):
            yield f"chain {hook} {{"
            yield f"{INDENT}type filter hook {hook} priority filter; policy accept;"
            yield f'{INDENT}{device} "lo" accept'
            if Family.IPV6 in self.families:
                types = ", ".join(map(str, sorted(NEIGHBOUR_DISCOVERY_TYPES)))
                yield f'{INDENT}icmpv6 type {{ {types} }} accept comment "neighbour discovery and multicast listeners"'
            yield f"{INDENT}jump {direction}"
            yield "}"
            if hook == "input":
                yield ""

    def _rule_chain(self, direction: Direction) -> Iterator[str]:
        yield ""
        yield f"chain {direction} {{"
        if self.is_filtered:
            yield f"{INDENT}ct state established,related accept"
            for rule in self.matcher.rules[direction]:
                yield from self._rule_lines(rule)
            yield f"{INDENT}drop"
        else:
            yield f"{INDENT}# An interface without groups is not filtered."
            yield f"{INDENT}accept"
        yield "}"

    def _rule_lines(self, rule: ResolvedRule) -> Iterator[str]:
        said = f"{rule.rule.rule_id}: {rule.ref.text}" if rule.rule.rule_id else rule.ref.text
        said += f" ({rule.ref.description})" if rule.ref.description else ""
        for line in comment(said):
            yield f"{INDENT}{line}"
        lines = [
            f'{INDENT}{peer} {service}accept comment "{quotable(rule.ref.rule_id)}"'
            for family in self.families
            for peer in self._peer(rule, family)
            for service in _services(rule.rule, family)
        ]
        yield from lines or [f"{INDENT}# (admits nobody: {self._why_nobody(rule)})"]

    def _peer(self, rule: ResolvedRule, family: Family) -> Iterator[str]:
        """Who may be the other side; nothing where the rule has no address of the family."""
        keyword = f"{_KEYWORD[family]} {_PEER[rule.rule.direction]}"
        name = self._sets.get((str(rule.rule.peer), family))
        if name is not None:
            yield f"{keyword} @{name}"
            return
        addresses = self._addresses(rule)
        if addresses.is_everything(family):
            yield f"meta nfproto ipv{family.value}"
        elif addresses.ranges(family):
            (network,) = _networks(addresses, family)
            yield f"{keyword} {network}"

    def _why_nobody(self, rule: ResolvedRule) -> str:
        addresses = self._addresses(rule)
        if not addresses:
            return f"no address of {rule.rule.peer} is known"
        if any(addresses.ranges(family) for family in self.families):
            return f"{protocol_name(rule.rule.protocol)} is of the other family"
        return "the interface has no address of that family"


def _services(rule: Rule, family: Family) -> Iterator[str]:
    """What may be asked for, with a space behind it; nothing where the protocol is not of the family."""
    if rule.protocol == ANY_PROTOCOL:
        yield ""
    elif rule.icmp is not None:
        if (rule.protocol == Protocol.ICMP) is not (family is Family.IPV4):
            return
        name = protocol_name(rule.protocol)
        if rule.icmp.icmp_type is None:
            yield f"meta l4proto {_l4proto(rule.protocol)} "
        elif rule.icmp.icmp_code is None:
            yield f"{name} type {rule.icmp.icmp_type} "
        else:
            yield f"{name} type {rule.icmp.icmp_type} {name} code {rule.icmp.icmp_code} "
    elif rule.protocol in PORT_PROTOCOLS and rule.ports is not None and not rule.ports.is_all:
        yield f"{protocol_name(rule.protocol)} dport {rule.ports} "
    else:
        yield f"meta l4proto {_l4proto(rule.protocol)} "


def _l4proto(protocol: int) -> str:
    return "ipv6-icmp" if protocol == Protocol.ICMPV6 else protocol_name(protocol)


def _networks(addresses: AddressSet, family: Family) -> list[str]:
    return [_plain(str(network)) for network in addresses.networks() if network.version == family]


def _own_networks(interface: Interface, family: Family) -> list[str]:
    return _networks(AddressSet.of(interface.addresses), family)


def _plain(network: str) -> str:
    """One address is written without its length."""
    address, _, length = network.partition("/")
    return address if length == ("128" if ":" in address else "32") else network
