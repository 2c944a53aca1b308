"""What the kernel said of some traffic, and whether an engine says the same.

A `Recording` is made once; engines can be held against it again and again, and without a kernel.
"""

import io
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

from attrs import define, field, frozen
from conformance.kernel.moves import Move, Send, datagram, said
from conformance.kernel.oracle import Entry, Kernel, Seen

from sgsim.conntrack.entry import ConntrackEntry
from sgsim.conntrack.profile import LINUX, Profile
from sgsim.conntrack.timeouts import NANOSECONDS
from sgsim.engine.base import Engine
from sgsim.engine.compiled import CompiledEngine
from sgsim.engine.options import EngineOptions
from sgsim.engine.reference_batches import ReferenceBatches
from sgsim.model.address import Family, format_address
from sgsim.model.columns import FlowColumns, PacketColumns
from sgsim.model.decision import Verdict
from sgsim.model.protocol import ICMP_PROTOCOLS, PORT_PROTOCOLS
from sgsim.model.states import TcpState
from sgsim.rules.inventory import Inventory
from sgsim.sources.merge import concatenated
from sgsim.sources.native import NativePcapSource

MakeEngine = Callable[[Inventory, EngineOptions], Engine]
ENGINES: Final[dict[str, MakeEngine]] = {"reference": ReferenceBatches, "compiled": CompiledEngine}

_RAW_IP: Final = 101
_PCAP_HEADER: Final = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, _RAW_IP)

SLACK_S: Final = 2
"""How far the seconds left may differ: the kernel counts in ticks and shows whole seconds."""


class DiffersError(AssertionError):
    """An engine and the kernel do not say the same."""


@frozen
class Part:
    """Some traffic under one set of rules."""

    inventory: Inventory
    since_ns: int
    """When the rules were loaded."""
    seen: Sequence[Seen]
    packets: PacketColumns | None
    """The same as a capture holds them; None if there are none. They are read once, by kernels without a fault."""


@define
class Recording:
    """What the kernel did, part by part, and what it remembered at the end."""

    profile: Profile
    parts: list[Part] = field(factory=list)
    table: dict[Entry, int] = field(factory=dict)
    """With the seconds left."""
    ended_ns: int = 0
    """When the table was asked for."""

    @property
    def packets(self) -> int:
        """How many datagrams were sent."""
        return sum(len(part.seen) for part in self.parts)


def record(
    kernel: Kernel,
    parts: Iterable[tuple[Inventory, Iterable[Move]]],
    profile: Profile,
    wait: Callable[[], None] | None = None,
) -> Recording:
    """Send moves through the kernel, whose table is empty at the beginning.

    Args:
        kernel: Where.
        parts: Rules, and the moves while they hold.
        profile: The profile that is to say the same.
        wait: Called before each part, if any.
    """
    kernel.forget()
    recording = Recording(profile)
    for inventory, moves in parts:
        made = [datagram(move, kernel.mark()) for move in moves]
        if wait is not None:
            wait()
        kernel.load(inventory)
        since_ns, seen = time.monotonic_ns(), kernel.send(made)
        recording.parts.append(Part(inventory, since_ns, seen, columns_of(seen) if seen else None))
    if wait is not None:
        wait()
    recording.ended_ns = time.monotonic_ns()
    recording.table = kernel.table()
    if kernel.strange:
        raise DiffersError(f"{len(kernel.strange)} packets came out that nobody had sent: {kernel.strange[0].hex()}")
    return recording


def assert_same(recording: Recording, make_engine: MakeEngine) -> None:
    """Hold an engine against the kernel: each verdict, then each entry that is left.

    Raises:
        DiffersError: If they do not say the same.
    """
    engine = make_engine(recording.parts[0].inventory, EngineOptions(profile=recording.profile))
    before: list[Seen] = []
    for number, part in enumerate(recording.parts):
        if number:
            engine.change(part.inventory, part.since_ns)
        if part.packets is None:
            continue
        allowed = engine.filter(part.packets).verdict == Verdict.ALLOW
        wrong = next(_wrong(part.seen, allowed), None)
        if wrong is not None:
            raise DiffersError(_verdict_text(part, before, wrong))
        before += part.seen
    engine.change(recording.parts[-1].inventory, recording.ended_ns)  # sets the clock
    expected, actual = Counter(map(_short, recording.table)), Counter(_live(engine.live_flows()))
    if expected != actual:
        raise DiffersError(_table_text(expected, actual, before))
    if isinstance(engine, ReferenceBatches):
        _compare_entries(recording, engine, before)


def _compare_entries(recording: Recording, engine: ReferenceBatches, before: Sequence[Seen]) -> None:
    """What only the reference engine shows of a flow: ICMP type and code, whether it was answered, the seconds left."""
    entries = {_entry_of(entry): entry for entry in engine._engine.entries()}
    if recording.table.keys() != entries.keys():
        raise DiffersError(_table_text(Counter(recording.table), Counter(entries), before))
    for entry, seconds in recording.table.items():
        left_s = (entries[entry].expires_at_ns - recording.ended_ns) / NANOSECONDS
        if abs(left_s - seconds) > SLACK_S:
            raise DiffersError(
                f"{entry}: {seconds} s left in the kernel, {left_s:.1f} s here\n{_history(entry, before)}"
            )


def columns_of(seen: Sequence[Seen]) -> PacketColumns:
    """The packets as a capture holds them."""
    records = [_PCAP_HEADER]
    for each in seen:
        seconds, nanoseconds = divmod(each.time_ns, 10**9)
        for frame in each.datagram.frames:
            records += (struct.pack("<IIII", seconds, nanoseconds, len(frame), len(frame)), frame)
    return concatenated(list(NativePcapSource(io.BytesIO(b"".join(records)), name="sent").batches()))


def _wrong(seen: Sequence[Seen], allowed: Any) -> Iterator[int]:
    """The datagrams of which an engine says something else: their first fragment decides, later ones must follow."""
    row = 0
    for number, each in enumerate(seen):
        after_first = allowed[row + each.datagram.first : row + len(each.datagram.frames)]
        if bool(after_first.all()) is not each.passed or bool(after_first.any()) is not each.passed:
            yield number
        row += len(each.datagram.frames)


def _live(flows: FlowColumns) -> Iterator[Entry]:
    """Live flows in the kernel's words, as far as columns tell."""
    for values in zip(*(column.tolist() for column in flows), strict=True):
        row = dict(zip(flows._fields, values, strict=True))
        kind = IPv4Address if row["family"] == Family.IPV4 else IPv6Address
        src, dst = (str(kind(row[f"{end}_hi"] << 64 | row[f"{end}_lo"])) for end in ("src", "dst"))
        state = str(TcpState(row["tcp_state"])).upper() if row["tcp_state"] else ""
        yield Entry(row["protocol"], src, dst, (row["src_port"], row["dst_port"]), state, answered=False)


def _short(entry: Entry) -> Entry:
    """An entry without what columns do not tell."""
    detail = (entry.detail[2], 0) if entry.protocol in ICMP_PROTOCOLS else entry.detail or (0, 0)
    return entry._replace(detail=detail, answered=False)


def _entry_of(flow: ConntrackEntry) -> Entry:
    """A flow in the kernel's words."""
    five_tuple, query = flow.five_tuple, flow.key.query
    detail: tuple[int, ...] = ()
    if query is not None:
        detail = (query.query_type, query.icmp_code or 0, five_tuple.src_port)
    elif five_tuple.protocol in PORT_PROTOCOLS:
        detail = (five_tuple.src_port, five_tuple.dst_port)
    return Entry(
        five_tuple.protocol,
        format_address(five_tuple.src_addr, five_tuple.family),
        format_address(five_tuple.dst_addr, five_tuple.family),
        detail,
        str(flow.tcp_state).upper() if flow.tcp_state else "",
        flow.answered,
    )


def _verdict_text(part: Part, before: Sequence[Seen], wrong: int) -> str:
    seen = part.seen[wrong]
    answer = "lets through" if seen.passed else "drops"
    rules = "\n".join(f"  {rule.text}" for rule in part.inventory.groups["sg-web"].rules)
    return (
        f"datagram {len(before) + wrong + 1}, which the kernel {answer}: {said(seen.datagram.move)}\n"
        f"{_story(seen.datagram.move, [*before, *part.seen[:wrong]])}\nunder these rules:\n{rules}"
    )


def _table_text(expected: "Counter[Entry]", actual: "Counter[Entry]", before: Sequence[Seen]) -> str:
    lost, extra = expected - actual, actual - expected
    one = next(iter(lost or extra))
    lines = [f"only in the kernel: {entry}" for entry in lost] + [f"only here: {entry}" for entry in extra]
    return "\n".join([*lines[:10], _history(one, before)])


def _history(entry: Entry, before: Sequence[Seen]) -> str:
    for each in reversed(before):
        move = each.datagram.move
        if isinstance(move, Send) and {str(move.talk.host), str(move.talk.peer)} == {entry.src, entry.dst}:
            if move.talk.protocol != entry.protocol:
                continue
            if move.talk.protocol in PORT_PROTOCOLS and set(entry.detail) != {move.talk.host_port, move.talk.peer_port}:
                continue
            return _story(move, before)
    return "(nothing was sent of it)"


def _story(move: Move, before: Sequence[Seen], most: int = 25) -> str:
    """What was sent of the same talk before."""
    talk = move.talk if isinstance(move, Send) else move.about.talk
    lines = [
        f"  {'passed ' if each.passed else 'dropped'} {said(each.datagram.move)}"
        for each in before
        if (each.datagram.move.talk if isinstance(each.datagram.move, Send) else each.datagram.move.about.talk) == talk
    ]
    return "\n".join([f"of its talk {len(lines)} were sent before:", *lines[-most:]])


SETTINGS: Final = {f"nf_conntrack_tcp_timeout_{state}": f"tcp_{state}_s" for state in TcpState} | {
    "nf_conntrack_udp_timeout": "udp_s",
    "nf_conntrack_udp_timeout_stream": "udp_stream_s",
    "nf_conntrack_icmp_timeout": "icmp_s",
    "nf_conntrack_icmpv6_timeout": "icmpv6_s",
    "nf_conntrack_generic_timeout": "other_s",
}
"""The kernel's parameters, and the settings of the profile."""


def timed(seconds: dict[str, int]) -> Profile:
    """The profile `linux` with the timeouts of kernel parameters."""
    profile = LINUX
    for name, value in seconds.items():
        profile = profile.given(SETTINGS[name], value)
    return profile
