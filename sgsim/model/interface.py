"""A network interface: who owns which addresses and carries which groups."""

from collections.abc import Iterable

from attrs import field, frozen
from netaddr import AddrFormatError, IPNetwork

from sgsim.errors import RuleError
from sgsim.model.address import Family


@frozen
class TimeoutOverrides:
    """Idle timeouts that somebody set by hand, in seconds; None where nobody did.

    Source: `ConnectionTrackingConfiguration`, `[aws-api]`.
    """

    tcp_established_s: float | None = None
    udp_s: float | None = None
    udp_stream_s: float | None = None

    def over(self, other: "TimeoutOverrides") -> "TimeoutOverrides":
        """These where set, else the other's."""
        return TimeoutOverrides(
            *(
                mine if mine is not None else theirs
                for mine, theirs in (
                    (self.tcp_established_s, other.tcp_established_s),
                    (self.udp_s, other.udp_s),
                    (self.udp_stream_s, other.udp_stream_s),
                )
            )
        )


def _to_networks(values: object) -> tuple[IPNetwork, ...]:
    """Read addresses and prefixes; a plain address is a prefix of full length."""
    if isinstance(values, str):
        values = (values,)
    networks = []
    for value in values:  # type: ignore[attr-defined]  # the caller's type is checked by the loop itself
        try:
            networks.append(value if isinstance(value, IPNetwork) else IPNetwork(str(value)).cidr)
        except (AddrFormatError, ValueError) as error:
            raise RuleError(f"address must be an IPv4 or IPv6 address or prefix, got {value!r}") from error
    return tuple(networks)


def _to_ids(values: Iterable[str]) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values)


@frozen(kw_only=True)
class Interface:
    """An elastic network interface (ENI).

    It owns its private, secondary and IPv6 addresses and the prefixes delegated to it; a public address is not its own
    (`[aws-sgr]`: references match private addresses).
    """

    interface_id: str = field()
    addresses: tuple[IPNetwork, ...] = field(converter=_to_networks)
    """What it owns, in the order of the document; full-length prefixes are single addresses."""
    group_ids: tuple[str, ...] = field(converter=_to_ids, default=())
    """Its security groups in order; none means that nothing filters it."""
    instance_id: str | None = None
    """Whose connection-tracking table it uses; None if it is the only interface of its own."""
    subnet_id: str | None = None
    vpc_id: str | None = None
    public_addresses: tuple[IPNetwork, ...] = field(converter=_to_networks, default=())
    """Addresses that others see it by through translation; never matched, only recognised in messages."""
    timeouts: TimeoutOverrides = TimeoutOverrides()
    origin: str = ""
    """The document that names it, for messages."""

    @interface_id.validator
    def _check_id(self, _attribute: object, value: object) -> None:
        if not isinstance(value, str) or not value:
            raise RuleError(f"interface_id must be a non-empty text, got {value!r}")

    @property
    def table_id(self) -> str:
        """The table that its flows take places in: its instance's, or its own where no instance is known."""
        return self.instance_id or self.interface_id

    def owned_ranges(self, family: Family) -> tuple[tuple[int, int], ...]:
        """First and last address of each thing it owns, as integers."""
        return tuple((net.first, net.last) for net in self.addresses if net.version == family)
