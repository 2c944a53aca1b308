"""What the sender of a flow log's record may be in its flow, and how that is known."""

from typing import Final

NO_ROLE, OPENER, ANSWER = 0, 1, 2
"""What the sender of a record is in its flow."""

BY_FLAGS, BY_PORTS, BY_FIRST = 1, 2, 3
"""How that is known; 0 if it is not asked."""
ORIENTATIONS: Final = {BY_FLAGS: "tcp_flags", BY_PORTS: "ports", BY_FIRST: "first"}
CONFIDENCES: Final = {BY_FLAGS: "high", BY_PORTS: "medium", BY_FIRST: "low"}

NEVER_S: Final = -(1 << 60)
"""When a flow was last heard of that nobody remembers, seconds."""
MEMORY_PLACES: Final = 1 << 20
"""How many flows are remembered while nobody's flags tell who has opened them; a power of two."""
WAYS: Final = 2
"""At how many places a flow may be remembered; where all are taken, the flow makes way that was last heard of first."""
