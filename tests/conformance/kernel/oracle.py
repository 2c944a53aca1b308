"""The kernel as a filter: what it lets through, and what it remembers."""

import os
import time
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from types import TracebackType
from typing import Final, NamedTuple, Self

from attrs import define, field
from conformance.kernel import frames
from conformance.kernel.moves import HOSTS, Datagram
from conformance.kernel.namespace import Namespace

from sgsim.documents.nftables import write_nftables
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory

LIBERAL: Final = {
    "nf_conntrack_tcp_be_liberal": 1,
    "nf_conntrack_tcp_max_retrans": 255,
    "nf_conntrack_tcp_loose": 1,
    # Each shortens the timeout of any state in some circumstances, if it is the shorter one.
    "nf_conntrack_tcp_timeout_unacknowledged": 1_000_000,
    "nf_conntrack_tcp_timeout_max_retrans": 1_000_000,
}
"""What the kernel does and the profile does not model, set off."""

LONG_S: Final = {
    "nf_conntrack_tcp_timeout_syn_sent": 10_000,
    "nf_conntrack_tcp_timeout_syn_recv": 11_000,
    "nf_conntrack_tcp_timeout_established": 12_000,
    "nf_conntrack_tcp_timeout_fin_wait": 13_000,
    "nf_conntrack_tcp_timeout_close_wait": 14_000,
    "nf_conntrack_tcp_timeout_last_ack": 15_000,
    "nf_conntrack_tcp_timeout_time_wait": 16_000,
    "nf_conntrack_tcp_timeout_close": 17_000,
    "nf_conntrack_udp_timeout": 18_000,
    "nf_conntrack_udp_timeout_stream": 19_000,
    "nf_conntrack_icmp_timeout": 20_000,
    "nf_conntrack_icmpv6_timeout": 21_000,
    "nf_conntrack_generic_timeout": 22_000,
}
"""Timeouts that no run comes near, each another one, so that the seconds left tell which holds."""

_DRAIN_EVERY: Final = 64


class Seen(NamedTuple):
    """One datagram, when it was sent, and whether it came out."""

    datagram: Datagram
    time_ns: int
    passed: bool


class Entry(NamedTuple):
    """What is remembered of one flow, in the words of `conntrack -L`."""

    protocol: int
    src: str
    dst: str
    detail: tuple[int, ...]
    """Ports; of ICMP type, code and identifier; else nothing."""
    state: str
    """Of TCP, else empty."""
    answered: bool


@define
class Kernel:
    """A namespace whose router filters as an inventory says."""

    namespace: Namespace = field(init=False, factory=lambda: Namespace(tuple(map(str, HOSTS))))
    _loaded: Inventory | None = field(init=False, default=None)
    _mark: int = field(init=False, default=0)
    strange: list[bytes] = field(init=False, factory=list)
    """Packets that came out though nobody had sent them there; there must be none."""

    def __attrs_post_init__(self) -> None:
        """Set off what is not modelled."""
        self.namespace.set(**LIBERAL)
        self.time_out_after(LONG_S)

    def __enter__(self) -> Self:
        """Use it as a context."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the namespace."""
        self.namespace.close()

    def time_out_after(self, seconds: dict[str, int]) -> None:
        """Set timeouts; those of GRE, which the kernel has, follow that of all other protocols."""
        other_s = seconds["nf_conntrack_generic_timeout"]
        self.namespace.set(**seconds, nf_conntrack_gre_timeout=other_s, nf_conntrack_gre_timeout_stream=other_s)

    def load(self, inventory: Inventory) -> None:
        """Let these rules hold from now on."""
        if inventory is not self._loaded:
            self.namespace.run("nft", "-f", "-", stdin=write_nftables(inventory))
            self._loaded = inventory

    def forget(self) -> None:
        """Forget every flow."""
        self.namespace.run("conntrack", "-F")

    def mark(self) -> int:
        """A mark that no packet on its way has."""
        self._mark = self._mark % frames.MARKS[-1] + 1
        return self._mark

    def send(self, datagrams: Iterable[Datagram]) -> list[Seen]:
        """Send datagrams, each after the one before it, and see which come out."""
        sent: list[tuple[Datagram, int]] = []
        came: list[dict[int, bytes]] = []
        waiting = 0
        for each in datagrams:
            device = self.namespace.inside if each.way is Direction.EGRESS else self.namespace.outside
            sent.append((each, time.monotonic_ns()))
            for frame in each.frames:
                os.write(device, frame)
            waiting += 1
            if waiting == _DRAIN_EVERY:
                came.append(self._came_out())
                waiting = 0
        came.append(self._came_out())
        out = {mark: frame for part in came for mark, frame in part.items()}
        return [Seen(each, time_ns, self._is_out(each, out)) for each, time_ns in sent]

    def _came_out(self) -> dict[int, bytes]:
        out = {}
        for device, side in ((self.namespace.outside, 0), (self.namespace.inside, 1 << 20)):
            for frame in self.namespace.read_all(device):
                mark = frames.mark_of(frame)
                if mark:  # what the kernel itself sends has none
                    out[mark | side] = frame
        return out

    def _is_out(self, each: Datagram, out: dict[int, bytes]) -> bool:
        side = 0 if each.way is Direction.EGRESS else 1 << 20
        frame = out.pop(frames.mark_of(each.frames[0]) | side, None)
        if frame is None:
            return False
        if frames.ends_of(frame) != frames.ends_of(each.frames[0]):
            self.strange.append(frame)
            return False
        return True

    def table(self) -> dict[Entry, int]:
        """Every flow that it remembers, and the seconds that it has left."""
        return dict(_entry(line) for line in self.namespace.run("conntrack", "-L", "-o", "extended").splitlines())


def _entry(line: str) -> tuple[Entry, int]:
    """Read a line such as `ipv4 2 tcp 6 11999 ESTABLISHED src=... [ASSURED] ...`."""
    words = line.split()
    protocol, seconds, rest = int(words[3]), int(words[4]), words[5:]
    state = rest.pop(0) if "=" not in rest[0] else ""
    values = dict(_first_values(rest))
    names = ("type", "code", "id") if "type" in values else ("sport", "dport") if "sport" in values else ()
    entry = Entry(
        protocol,
        str(ip_address(values["src"])),
        str(ip_address(values["dst"])),
        tuple(int(values[name]) for name in names),
        state,
        "[UNREPLIED]" not in rest,
    )
    return entry, seconds


def _first_values(words: list[str]) -> Iterator[tuple[str, str]]:
    """`name=value` of the opener's direction, which comes first."""
    seen = set()
    for word in words:
        name, separator, value = word.partition("=")
        if not separator:
            continue
        if name in seen:
            return
        seen.add(name)
        yield name, value
