"""The groups of arrays, as kernels find them again from the address of their list of addresses."""

from sgsim.kernels.arrays import (
    COUNTS_DTYPES,
    FACTS_DTYPES,
    FACTS_LENGTHS,
    ITEMS_DTYPES,
    ITEMS_LENGTHS,
    MEMORY_DTYPES,
    MEMORY_LENGTHS,
    NETWORK_DTYPES,
    PACKETS_DTYPES,
    RULES_DTYPES,
)
from sgsim.kernels.structs import struct
from sgsim.model.columns import DECISION_DTYPES

rules_at = struct("rules", RULES_DTYPES)
network_at = struct("network", NETWORK_DTYPES)
facts_at = struct("facts", FACTS_DTYPES, FACTS_LENGTHS)
memory_at = struct("memory", MEMORY_DTYPES, MEMORY_LENGTHS)
items_at = struct("items", ITEMS_DTYPES, ITEMS_LENGTHS)
packets_at = struct("packets", PACKETS_DTYPES)
decisions_at = struct("decisions", DECISION_DTYPES)
counts_at = struct("counts", COUNTS_DTYPES)
