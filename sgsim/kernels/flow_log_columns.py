"""Records of flow logs as kernels find them, and what is told of them beside what they say."""

from typing import NamedTuple

import numpy as np

from sgsim.kernels.arrays import Column
from sgsim.kernels.structs import struct
from sgsim.model.columns import RECORD_DTYPES, RecordColumns


class RoleColumns(NamedTuple):
    """What the senders of records are in their flows, all uint8 (records,); see `sgsim.model.record_roles`."""

    role: Column
    method: Column
    is_first: Column
    is_reopening: Column


records_at = struct("records", RECORD_DTYPES)
roles_at = struct("roles", dict.fromkeys(RoleColumns._fields, "uint8"))


def as_typed(records: RecordColumns) -> RecordColumns:
    """The same records with each column in one piece and of its type, as kernels take it for granted."""
    return RecordColumns._make(map(np.ascontiguousarray, records, RECORD_DTYPES.values()))
