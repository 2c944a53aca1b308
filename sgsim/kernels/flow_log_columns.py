"""Records of flow logs as kernels find them, and what is told of them beside what they say."""

from sgsim.kernels.flow_log_arrays import RoleColumns
from sgsim.kernels.structs import struct
from sgsim.model.columns import RECORD_DTYPES

records_at = struct("records", RECORD_DTYPES)
roles_at = struct("roles", dict.fromkeys(RoleColumns._fields, "uint8"))
