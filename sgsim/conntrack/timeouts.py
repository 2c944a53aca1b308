"""The idle timeouts that hold at one interface, in nanoseconds.

An option beats the interface's own setting, that the default of its instance type, that the profile.
"""

from collections.abc import Mapping

from attrs import frozen

from sgsim.conntrack.nitro import default_tcp_established_s
from sgsim.conntrack.profile import Profile
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.protocol import Protocol
from sgsim.model.states import TcpState

NANOSECONDS = 1_000_000_000

_NOBODY_SET = TimeoutOverrides()


@frozen
class Timeouts:
    """How long a flow may be silent before it is forgotten, nanoseconds."""

    tcp_ns: Mapping[TcpState, int]
    udp_ns: int
    udp_stream_ns: int
    icmp_ns: int
    icmpv6_ns: int
    other_ns: int

    @classmethod
    def at(
        cls,
        profile: Profile,
        *,
        option: TimeoutOverrides = _NOBODY_SET,
        interface: TimeoutOverrides = _NOBODY_SET,
        instance_type: str | None = None,
    ) -> "Timeouts":
        """The timeouts at an interface.

        Raises:
            ConfigError: If one is outside the bounds that the profile sets it.
        """
        if profile.knows_nitro and instance_type is not None:
            by_type = TimeoutOverrides(tcp_established_s=default_tcp_established_s(instance_type))
        else:
            by_type = TimeoutOverrides()
        chosen = option.over(interface).over(by_type)
        for name in ("tcp_established_s", "udp_s", "udp_stream_s"):
            value = getattr(chosen, name)
            if value is not None:
                profile = profile.given(name, value)
        return cls(
            tcp_ns={state: _ns(setting.value) for state, setting in profile.tcp_s.items()},
            udp_ns=_ns(profile.udp_s.value),
            udp_stream_ns=_ns(profile.udp_stream_s.value),
            icmp_ns=_ns(profile.icmp_s.value),
            icmpv6_ns=_ns(profile.icmpv6_s.value),
            other_ns=_ns(profile.other_s.value),
        )

    def longest_ns(self, protocol: int) -> int:
        """The longest silence after which a flow of this protocol may still be remembered."""
        match protocol:
            case Protocol.TCP:
                return max(self.tcp_ns.values())
            case Protocol.UDP:
                return max(self.udp_ns, self.udp_stream_ns)
            case Protocol.ICMP:
                return self.icmp_ns
            case Protocol.ICMPV6:
                return self.icmpv6_ns
        return self.other_ns


def _ns(seconds: float) -> int:
    return max(1, round(seconds * NANOSECONDS))
