"""What rules and subnets tell of the cause of a disagreement."""

from collections.abc import Sequence

import numpy as np
from attrs import define, field

from sgsim.model.address import Family
from sgsim.model.columns import Column, DecisionColumns, RecordColumns
from sgsim.model.decision import Verdict
from sgsim.model.protocol import PORT_PROTOCOLS
from sgsim.model.states import Direction
from sgsim.rules.header import Header
from sgsim.rules.inventory import Inventory
from sgsim.rules.rule import Cidr
from sgsim.simulation.causes import Cause


@define
class CauseDetails:
    """Tells stale members from other rules, and what no network ACL can have refused from what one may have."""

    inventory: Inventory
    interface_ids: Sequence[str]
    _has_reference: dict[tuple[int, ...], bool] = field(init=False, factory=dict)
    _crosses: dict[tuple[int, ...], bool] = field(init=False, factory=dict)

    def hold(self, inventory: Inventory) -> None:
        """Tell by another inventory from now on."""
        if inventory is not self.inventory:
            self.inventory = inventory
            self._has_reference.clear()
            self._crosses.clear()

    def refined(self, found: Column, records: RecordColumns, rows: Column, decided: DecisionColumns) -> Column:
        """Put more exact causes in place of `RULES` and `NETWORK_ACL`."""
        refined = found.copy()
        for cause, verdict, test, otherwise in (
            (Cause.RULES, Verdict.DENY, self._may_be_stale, Cause.STALE_MEMBERS),
            (Cause.NETWORK_ACL, Verdict.ALLOW, self._is_no_acl, Cause.UNKNOWN),
        ):
            is_meant = (found == cause) & (decided.verdict == verdict)
            at = np.flatnonzero(is_meant & (decided.interface >= 0) & (decided.direction > 0))
            if not len(at):
                continue
            facts = zip(*(column.tolist() for column in _facts(records, rows[at], decided, at)), strict=True)
            is_it = [test(*each) for each in facts]
            refined[at[np.array(is_it, np.bool_)]] = otherwise
        return refined

    def _may_be_stale(self, interface: int, direction: int, family: int, protocol: int, port: int, *_peer: int) -> bool:
        """Whether a rule that refers to a group or list would admit the packet, were its peer a member."""
        key = (interface, direction, family, protocol, port)
        known = self._has_reference.get(key)
        if known is None:
            known = self._has_reference[key] = self._refers(*key)
        return known

    def _refers(self, interface: int, direction: int, family: int, protocol: int, port: int) -> bool:
        known = self.inventory.interfaces.get(self.interface_ids[interface])
        groups = [self.inventory.groups.get(group_id) for group_id in (known.group_ids if known else ())]
        header = Header(Direction(direction), Family(family), 0, protocol, port if protocol in PORT_PROTOCOLS else None)
        return any(
            not isinstance(rule.peer, Cidr) and rule.admits_service(header)
            for group in groups
            if group is not None
            for rule in group.rules_of(Direction(direction))
        )

    def _is_no_acl(self, interface: int, _way: int, family: int, _protocol: int, _port: int, *peer: int) -> bool:
        """Whether no network ACL can have refused the packet.

        One that is described has let it pass, and none judges what stays in its subnet.
        """
        key = (interface, family, *peer)
        known = self._crosses.get(key)
        if known is None:
            known = self._crosses[key] = self._is_inside(interface, family, peer[0] << 64 | peer[1])
        return known

    def _is_inside(self, interface: int, family: int, peer: int) -> bool:
        known = self.inventory.interfaces.get(self.interface_ids[interface])
        subnet = self.inventory.subnets.get(known.subnet_id or "") if known else None
        if known is not None and any(known.subnet_id in acl.subnet_ids for acl in self.inventory.network_acls.values()):
            return True
        return subnet is not None and any(
            network.version == family and network.first <= peer <= network.last for network in subnet.networks
        )


def _facts(records: RecordColumns, rows: Column, decided: DecisionColumns, at: Column) -> list[Column]:
    """Interface, direction, family, protocol, port and the two halves of the peer's address."""
    is_out = decided.direction[at] == Direction.EGRESS
    return [
        decided.interface[at],
        decided.direction[at],
        records.family[rows],
        records.protocol[rows],
        records.dst_port[rows],
        np.where(is_out, records.dst_hi[rows], records.src_hi[rows]),
        np.where(is_out, records.dst_lo[rows], records.src_lo[rows]),
    ]
