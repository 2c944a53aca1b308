"""Addresses as plain integers beside their family.

Inside sgsim an address is an `int` and its family a `Family`: integers compare, hash and fit into arrays. Text is
made and read here alone; algebra on sets of addresses is in `sgsim.rules.address_set`.
"""

import enum
import socket

from sgsim.errors import RuleError


class Family(enum.IntEnum):
    """The two Internet protocols; rules of one never match packets of the other."""

    IPV4 = 4
    IPV6 = 6

    @property
    def bits(self) -> int:
        """How long an address is: 32 or 128."""
        return 32 if self is Family.IPV4 else 128


_SOCKET_FAMILY = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}


def format_address(address: int, family: Family) -> str:
    """Write an address as people do: `192.0.2.1`, `2001:db8::1`."""
    return socket.inet_ntop(_SOCKET_FAMILY[family], address.to_bytes(family.bits // 8, "big"))


def parse_address(text: str) -> tuple[int, Family]:
    """Read an address.

    Raises:
        RuleError: If `text` is not a whole IPv4 or IPv6 address.
    """
    family = Family.IPV6 if ":" in text else Family.IPV4
    try:
        return int.from_bytes(socket.inet_pton(_SOCKET_FAMILY[family], text), "big"), family
    except (OSError, ValueError) as error:
        raise RuleError(f"address must be IPv4 or IPv6, got {text!r}") from error
