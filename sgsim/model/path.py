"""What lies between an interface and its peer, where that decides about tracking.

Source: `[aws-ct]`, automatically tracked connections. Rules cannot tell the path, so the user does.
"""

import enum
from typing import Final


class PathLabel(enum.Enum):
    """Names for the paths that AWS lists, and `direct` for all others."""

    DIRECT = "direct"
    EGRESS_ONLY_INTERNET_GATEWAY = "egress-only-internet-gateway"
    GLOBAL_ACCELERATOR = "global-accelerator"
    NAT_GATEWAY = "nat-gateway"
    NETWORK_FIREWALL = "network-firewall"
    NETWORK_LOAD_BALANCER = "network-load-balancer"
    PRIVATELINK = "privatelink"
    LAMBDA = "lambda"
    DYNAMODB = "dynamodb"

    @property
    def is_automatic(self) -> bool:
        """Whether AWS tracks every flow on this path, whatever the rules."""
        return self is not PathLabel.DIRECT

    @property
    def places(self) -> int:
        """How many places of the table a flow on this path takes."""
        return _PLACES.get(self, 1)

    def __str__(self) -> str:
        """As the command line and the documents write it."""
        return self.value


_PLACES: Final = {PathLabel.DYNAMODB: 2}  # [aws-ct]: a DynamoDB connection through a gateway endpoint takes two
