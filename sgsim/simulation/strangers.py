"""What to say when no packet touches a known interface."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from sgsim.errors import NoTrafficError
from sgsim.model.address import Family, format_address
from sgsim.model.columns import DecisionColumns, PacketColumns
from sgsim.model.interface import Interface
from sgsim.rules.inventory import Inventory

Address = IPv4Address | IPv6Address

MOST_NAMED: Final = 5
MOST_COUNTED: Final = 65_536

_PRIVATE: Final = tuple(
    ip_network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


@define
class Strangers:
    """Counts addresses until a packet touches a known interface, which is most often the first."""

    has_met_interface: bool = False
    _packets: int = 0
    _counts: Counter[tuple[int, int, int]] = field(factory=Counter)

    def add(
        self, packets: PacketColumns, decisions: DecisionColumns, is_counted: NDArray[np.bool_] | None = None
    ) -> None:
        """Look at a batch; `is_counted`, (packets,), leaves out what stands for no record of its own; None counts all."""
        self.has_met_interface = self.has_met_interface or bool(np.any(decisions.interface >= 0))
        self._packets += len(packets.time_ns) if is_counted is None else int(is_counted.sum())
        if self.has_met_interface or len(self._counts) > MOST_COUNTED:
            return
        is_read = packets.family > 0
        is_read = is_read if is_counted is None else is_read & is_counted
        is_to_itself = (packets.src_hi == packets.dst_hi) & (packets.src_lo == packets.dst_lo)
        ends = (
            (packets.src_hi, packets.src_lo, is_read),
            (packets.dst_hi, packets.dst_lo, is_read & ~is_to_itself),
        )
        for high, low, counted in ends:
            keys = np.stack([packets.family.astype(np.uint64), high, low])[:, counted]
            different, counts = np.unique(keys, axis=1, return_counts=True)
            for (family, hi, lo), number in zip(different.T.tolist(), counts.tolist(), strict=True):
                self._counts[family, hi, lo] += number

    def check(self, inventory: Inventory, unknown: Mapping[str, int] | None = None) -> None:
        """Complain if not one packet touched a known interface.

        Args:
            inventory: What is known.
            unknown: Of flow logs, records of interfaces that nobody knows, by id; None for packets.

        Raises:
            NoTrafficError: Naming the commonest addresses, and what to do.
        """
        if self.has_met_interface or not self._counts:
            return
        noun, common = "packet" if unknown is None else "record", self._commonest()
        addresses = [str(address) for address, _ in common]
        if unknown:
            most = sorted(unknown.items(), key=lambda item: (-item[1], item[0]))
            more = f" and {len(most) - MOST_NAMED} more interfaces" if len(most) > MOST_NAMED else ""
            which = f"of interfaces that no document describes, {_listed(most[:MOST_NAMED], noun)}{more}"
        else:
            which = f"whose commonest addresses are {_listed(common, noun)}"
        raise NoTrafficError(
            f"traffic must touch a known interface, got {_counted(self._packets, noun)} {which}"
            f"{_public_hint(inventory, addresses)}{_interface_hint(inventory, addresses[0])}"
        )

    def _commonest(self) -> list[tuple[Address, int]]:
        """Addresses with most packets; among equals, private ones first, as interfaces have."""
        counted = [
            (ip_address(format_address(high << 64 | low, Family(family))), number)
            for (family, high, low), number in self._counts.items()
        ]
        return sorted(counted, key=lambda item: (-item[1], not _may_be_ours(item[0]), item[0].version, item[0]))[
            :MOST_NAMED
        ]


def _may_be_ours(address: Address) -> bool:
    return any(address in block for block in _PRIVATE if block.version == address.version)


def _listed(numbers: Iterable[tuple[object, int]], noun: str) -> str:
    return ", ".join(f"{what} ({_counted(number, noun)})" for what, number in numbers)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _public_hint(inventory: Inventory, addresses: Sequence[str]) -> str:
    """People capture outside the VPC, where packets carry public addresses."""
    for interface in inventory.interfaces.values():
        for network in interface.public_addresses:
            if str(network.ip) in addresses:
                return (
                    f"; {network.ip} is the public address of {interface.interface_id}, which groups never see: "
                    f"capture at the instance, where it is {interface.addresses[0].ip}"
                )
    return ""


def _interface_hint(inventory: Inventory, address: str) -> str:
    """What to add; with one group there is only one thing to try."""
    if inventory.interfaces:
        known = list(inventory.interfaces.values())
        listed = ", ".join(f"{item.interface_id} ({_own(item)})" for item in known[:MOST_NAMED])
        more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
        return f"; known are {listed}{more}"
    groups = list(inventory.groups)
    if len(groups) == 1:
        return f"; no interface is given: add --interface {address}={groups[0]}"
    listed = ", ".join(groups[:MOST_NAMED]) + (f" and {len(groups) - MOST_NAMED} more" if groups[MOST_NAMED:] else "")
    return f"; no interface is given: add --interface {address}=GROUP, where groups are {listed or 'none'}"


def _own(interface: Interface) -> str:
    return ", ".join(str(network.ip) for network in interface.addresses[:2]) or "no address"
