"""Simulated verdicts against logged actions, record by record.

Law: every record is in exactly one place: it agrees, it disagrees for one cause, or it is not compared for one reason.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from attrs import define, field

from sgsim.conntrack.pressure import PEER_BITS
from sgsim.model.address import Family, format_address
from sgsim.model.columns import Column, DecisionColumns, PacketColumns, RecordColumns
from sgsim.model.decision import Reason, Verdict
from sgsim.model.protocol import PORT_PROTOCOLS
from sgsim.model.states import Direction
from sgsim.simulation.agreement_summary import Agreement, AgreementCell, CauseCount, Disagreement, Weight
from sgsim.simulation.cause_details import CauseDetails
from sgsim.simulation.causes import Cause, causes
from sgsim.simulation.summary import FirstPacket
from sgsim.simulation.tally import first_packet

MOST_GROUPS: Final = 65_536
MOST_SHOWN: Final = 20
NO_ACTION: Final = "no_action"

_LOGGED: Final = {Verdict.ALLOW: "accept", Verdict.DENY: "reject"}
_JUDGED: Final = (Verdict.ALLOW, Verdict.DENY)


class _Key(NamedTuple):
    logged: int
    cause: int
    interface: int
    direction: int
    family: int
    peer_hi: int
    peer_lo: int
    protocol: int
    dst_port: int


@define
class _Group:
    reason: Reason
    first: FirstPacket
    count: Weight


@define
class AgreementTally:
    """Counts agreement batch by batch."""

    files: Sequence[str]
    details: CauseDetails
    _weights: dict[tuple[int, int], Weight] = field(init=False, factory=dict)
    """By logged and simulated verdict."""
    _not_compared: dict[int, Weight] = field(init=False, factory=dict)
    _causes: dict[tuple[int, int], Weight] = field(init=False, factory=dict)
    """By cause and logged verdict."""
    _groups: dict[_Key, _Group] = field(init=False, factory=dict)

    def add(self, packets: PacketColumns, decisions: DecisionColumns, records: RecordColumns, rows: Column) -> None:
        """Count a batch.

        Args:
            packets: The records' leads.
            decisions: What was decided of them.
            records: The records of the batch, and others.
            rows: Which record each packet stands for.
        """
        if not len(decisions.row):
            return
        others = self._weigh(decisions, records, rows)
        if len(others):
            decided = DecisionColumns(*(column.take(others) for column in decisions))
            self._add_disagreements(packets, decided, records, rows[decided.row])

    def _weigh(self, decisions: DecisionColumns, records: RecordColumns, rows: Column) -> Column:
        """Count a batch, and tell which decisions disagree."""
        last = np.flatnonzero(np.append(decisions.row[1:] != decisions.row[:-1], True))  # who decided in the end
        verdict, rows = decisions.verdict[last], rows[decisions.row[last]]
        logged = records.logged[rows]
        is_judged = verdict != Verdict.SKIP
        is_compared = is_judged & (logged > 0)
        why = np.where(is_judged, 0, decisions.reason[last]).astype(np.int64)
        for reason, weight in _weighed(why[~is_compared], records, rows[~is_compared]):
            self._add_not_compared(reason, weight)
        code = logged.astype(np.int64) * 4 + verdict
        for value, weight in _weighed(code[is_compared], records, rows[is_compared]):
            self._add_cell(value, weight)
        others: Column = last[is_compared & (logged != verdict)]
        return others

    def _add_cell(self, code: int, weight: Weight) -> None:
        cell = divmod(code, 4)
        self._weights[cell] = self._weights.get(cell, Weight()) + weight

    def _add_not_compared(self, reason: int, weight: Weight) -> None:
        self._not_compared[reason] = self._not_compared.get(reason, Weight()) + weight

    def _add_disagreements(
        self, packets: PacketColumns, decided: DecisionColumns, records: RecordColumns, rows: Column
    ) -> None:
        found = causes(records, rows, decided, _is_split(records, rows))
        found = self.details.refined(found, records, rows, decided)
        peer_hi, peer_lo = _peer_blocks(records, rows, decided.direction)
        columns = [
            records.logged[rows], found, decided.interface, decided.direction, records.family[rows], peer_hi, peer_lo,
            records.protocol[rows], records.dst_port[rows],
        ]  # fmt: skip
        order = np.lexsort(columns[::-1])
        begins = np.ones(len(order), np.bool_)
        begins[1:] = np.logical_or.reduce([column[order][1:] != column[order][:-1] for column in columns])
        starts = np.flatnonzero(begins)
        sums = [
            np.add.reduceat(values[order], starts).tolist()
            for values in (np.ones(len(rows), np.int64), records.packets[rows], records.bytes[rows])
        ]
        keys = zip(*(column[order[starts]].tolist() for column in columns), strict=True)
        firsts = order[starts].tolist()
        for key, first, counts in sorted(
            zip(map(_Key._make, keys), firsts, zip(*sums, strict=True), strict=True), key=lambda each: each[1]
        ):
            weight = Weight(*counts)
            bucket = (key.cause, key.logged)
            self._causes[bucket] = self._causes.get(bucket, Weight()) + weight
            group = self._groups.get(key)
            if group is not None:
                group.count += weight
            elif len(self._groups) < MOST_GROUPS:
                named = first_packet(packets, int(decided.row[first]), self.files)
                self._groups[key] = _Group(Reason(int(decided.reason[first])), named, weight)

    def agreement(self, interface_ids: Sequence[str]) -> Agreement:
        """What it comes to."""
        cells = [
            AgreementCell(
                logged=_LOGGED[logged],
                simulated=str(simulated),
                agrees=logged is simulated,
                count=self._weights.get((logged, simulated), Weight()),
            )
            for logged in _JUDGED
            for simulated in _JUDGED
        ]
        ranked = sorted(self._groups.items(), key=lambda item: (-item[1].count.records, item[0]))
        return Agreement(
            compared=sum((cell.count for cell in cells), Weight()),
            agreed=sum((cell.count for cell in cells if cell.agrees), Weight()),
            cells=tuple(cells),
            causes=tuple(self._cause_counts()),
            disagreements=tuple(_shown(key, group, interface_ids) for key, group in ranked[:MOST_SHOWN]),
            disagreement_groups=len(self._groups),
            not_compared={
                str(Reason(reason)) if reason else NO_ACTION: self._not_compared[reason]
                for reason in sorted(self._not_compared)
            },
        )

    def _cause_counts(self) -> list[CauseCount]:
        counts = [
            CauseCount(
                cause=str(cause),
                accepted_but_denied=self._causes.get((cause, Verdict.ALLOW), Weight()),
                rejected_but_allowed=self._causes.get((cause, Verdict.DENY), Weight()),
            )
            for cause in Cause
        ]
        return sorted((each for each in counts if _records(each)), key=lambda each: -_records(each))


def _records(count: CauseCount) -> int:
    return count.accepted_but_denied.records + count.rejected_but_allowed.records


def _shown(key: _Key, group: _Group, interface_ids: Sequence[str]) -> Disagreement:
    family = Family(key.family)
    block = format_address(key.peer_hi << 64 | key.peer_lo, family)
    return Disagreement(
        cause=str(Cause(key.cause)),
        logged=_LOGGED[Verdict(key.logged)],
        simulated=str(Verdict.ALLOW if key.logged == Verdict.DENY else Verdict.DENY),
        reason=str(group.reason),
        interface_id=interface_ids[key.interface] if key.interface >= 0 else None,
        direction=str(Direction(key.direction)) if key.direction else None,
        peer=f"{block}/{PEER_BITS[family]}",
        protocol=key.protocol,
        dst_port=key.dst_port if key.protocol in PORT_PROTOCOLS else None,
        count=group.count,
        first=group.first,
    )


def _weighed(codes: Column, records: RecordColumns, rows: Column) -> list[tuple[int, Weight]]:
    """Records, packets and bytes by a small code."""
    if not len(codes):
        return []
    counts = np.bincount(codes)
    packets, sizes = records.packets[rows], records.bytes[rows]
    return [
        (value, Weight(int(counts[value]), int(packets[codes == value].sum()), int(sizes[codes == value].sum())))
        for value in np.flatnonzero(counts).tolist()
    ]


def _peer_blocks(records: RecordColumns, rows: Column, direction: Column) -> tuple[Column, Column]:
    """The block of each record's other side, /24 or /64."""
    is_out = direction == Direction.EGRESS
    high = np.where(is_out, records.dst_hi[rows], records.src_hi[rows])
    low = np.where(is_out, records.dst_lo[rows], records.src_lo[rows])
    is_ipv4 = records.family[rows] == Family.IPV4
    mask = np.uint64(0xFFFFFFFF & ~((1 << (32 - PEER_BITS[Family.IPV4])) - 1))
    return high, np.where(is_ipv4, low & mask, np.uint64(0))


def _is_split(records: RecordColumns, rows: Column) -> Column:
    """Whether a record's packets were logged with the other action too, at about the same time."""
    keys = _five_tuples(records)
    wanted, place = np.unique(keys[rows], return_inverse=True)
    found = np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)
    is_wanted = wanted[found] == keys
    was_logged = np.zeros((len(wanted), 4), np.bool_)
    was_logged[found[is_wanted], records.logged[is_wanted]] = True
    is_accepted = records.logged[rows] == Verdict.ALLOW
    is_split: Column = was_logged[place, np.where(is_accepted, Verdict.DENY, Verdict.ALLOW)]
    return is_split


def _five_tuples(records: RecordColumns) -> Column:
    """64 bits that stand for interface, five-tuple and start."""
    word = np.uint64(0x9E3779B97F4A7C15)
    key = records.start_ns.astype(np.uint64)
    for column in (
        records.taken_at, records.protocol, records.src_hi, records.src_lo, records.dst_hi, records.dst_lo,
        records.src_port, records.dst_port,
    ):  # fmt: skip
        key = (key ^ key >> np.uint64(29)) * word + column.astype(np.uint64)
    return key
