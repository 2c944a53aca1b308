"""Which instance types are built on version 6 of the Nitro system, where idle TCP flows are forgotten after 350 s.

Source: `[aws-nitro-types]`, `[aws-ct]`. The digit in a type's name does not tell the version.
"""

from typing import Final

NITRO_V6_FAMILIES: Final = frozenset(
    """
    m8a m8azn m8gb m8gn m8i m8id m8i-flex m8in m8idn m8ine m8ib m8idb m9g m9gd t8i
    c8a c8gb c8gn c8i c8id c8i-flex c8in c8ine c8ib c9g c9gd
    r8a r8gb r8gn r8i r8id r8i-flex r8in r8idn r8ib r8idb r9g r9gd x8aedz x8i
    i8ge g7 g7e p6-b200 p6-b300 hpc8a
    """.split()  # noqa: SIM905  # stands as in the source, so that the two can be compared
)
"""The part of an instance type before the dot."""

V6_TCP_ESTABLISHED_S: Final = 350.0
"""Default idle timeout of established TCP flows on these."""

EARLIER_TCP_ESTABLISHED_S: Final = 432000.0
"""On all others."""


def default_tcp_established_s(instance_type: str) -> float:
    """The default idle timeout of established TCP flows on an instance type, in seconds."""
    family = instance_type.partition(".")[0].lower()
    return V6_TCP_ESTABLISHED_S if family in NITRO_V6_FAMILIES else EARLIER_TCP_ESTABLISHED_S
