"""Who opened the flow that a record belongs to, by compiled code; the twin of `OpenerMemory`."""

import numpy as np
from attrs import define, field

from sgsim.kernels import flow_log_arrays
from sgsim.kernels.addresses import addresses
from sgsim.kernels.entry_points import tell_roles
from sgsim.kernels.flow_log_arrays import RoleColumns, as_typed
from sgsim.model.columns import Column, RecordColumns
from sgsim.model.record_roles import MEMORY_PLACES, WAYS
from sgsim.sources.flow_log_binding import KnownInterfaces
from sgsim.sources.flow_log_openers import Roles

_SECOND_NS = 1_000_000_000


@define(eq=False)
class NativeOpenerMemory:
    """Remembers who opened flows; to be asked about records in the order of their starts."""

    places: int = MEMORY_PLACES
    _memory: flow_log_arrays.RememberedOpeners = field(init=False)
    _memory_addresses: Column = field(init=False)
    _known: KnownInterfaces | None = field(init=False, default=None)
    """Whose timeouts are in the memory."""
    _fingerprints: flow_log_arrays.Fingerprints = field(init=False)
    _fingerprint_addresses: Column = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Begin with nothing."""
        words, sizes = np.zeros(2 * self.places, np.int64), np.zeros(4, np.int64)
        sizes[flow_log_arrays.SET_MASK] = self.places // WAYS - 1
        self._memory = flow_log_arrays.RememberedOpeners(words, np.zeros(0, np.int64), sizes)
        self._reserve(0)

    def _hold(self, known: KnownInterfaces) -> None:
        """Let other timeouts hold."""
        answered_ns, sizes = known.tcp_idle_ns, self._memory.sizes
        idle_ns = np.concatenate([answered_ns, np.minimum(answered_ns, known.tcp_opening_ns)])
        sizes[flow_log_arrays.INTERFACES] = len(answered_ns)
        sizes[flow_log_arrays.ICMP_IDLE_S] = known.icmp_idle_ns // _SECOND_NS
        sizes[flow_log_arrays.CLIENT_PORT] = known.client_port
        self._memory = self._memory._replace(idle_s=idle_ns.astype(np.int64) // _SECOND_NS)
        self._memory_addresses = addresses(self._memory)
        self._known = known

    def _reserve(self, rows: int) -> None:
        """Have room for a batch of so many records."""
        self._fingerprints = flow_log_arrays.Fingerprints(np.empty(rows, np.uint64), np.empty(rows, np.uint8))
        self._fingerprint_addresses = addresses(self._fingerprints)

    def roles(self, records: RecordColumns, known: KnownInterfaces) -> Roles:
        """Tell the roles of a batch, with the timeouts that are known to hold."""
        rows = len(records.line)
        if known is not self._known:
            self._hold(known)
        if rows > len(self._fingerprints.keys):
            self._reserve(rows)
        columns = RoleColumns(*np.empty((4, rows), np.uint8))
        typed = as_typed(records)
        lists = addresses(typed), addresses(columns), self._memory_addresses, self._fingerprint_addresses
        tell_roles(*[*(each.ctypes.data for each in lists), rows])
        return Roles(columns.role, columns.method, columns.is_first.view(np.bool_), columns.is_reopening.view(np.bool_))
