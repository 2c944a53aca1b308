"""What is redundant, unreachable, dangling or open: everything that rules alone tell, and what traffic adds."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from attrs import frozen

from sgsim.analysis.document_notes import document_notes, notes_on_traffic
from sgsim.analysis.finding import KIND_OF, KINDS, Finding, Severity
from sgsim.analysis.lint_exposure import ADMIN_PORTS, exposure
from sgsim.analysis.lint_redundant import redundant
from sgsim.analysis.lint_references import references
from sgsim.conntrack.policies import BypassProtocols
from sgsim.conntrack.profile import DEFAULT_PROFILE, Profile, find_profile
from sgsim.documents.scalars import HOST_BITS
from sgsim.errors import ConfigError
from sgsim.rules.inventory import Inventory, check_inventory

if TYPE_CHECKING:
    from sgsim.simulation.summary import Summary

_ORDER: Final = {kind.id: place for place, kind in enumerate(KINDS)}
_SEVERITY: Final = {str(severity): severity for severity in Severity}


@frozen(kw_only=True)
class Lint:
    """What was found."""

    profile: str
    groups: int
    rules: int
    interfaces: int
    findings: tuple[Finding, ...]
    """The worst first."""
    tcp: int = 0
    """Records of TCP, where the traffic is flow logs."""
    tcp_without_flags: int = 0
    """Those whose log tells no `tcp-flags`, so that nobody sees a connection close."""
    broken: str | None = None
    """Where and why the traffic broke off; None if it did not."""
    notes: tuple[str, ...] = ()
    """What the documents leave open and what was taken for it, in whole sentences; with traffic also what should be known
    of its files."""

    def at_least(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings that are as bad, or worse."""
        return tuple(each for each in self.findings if _SEVERITY[each.severity] >= severity)


def lint(
    rules: Inventory,
    *,
    profile: str | Profile = DEFAULT_PROFILE,
    disable: Iterable[str] = (),
    admin_ports: Iterable[int] = tuple(ADMIN_PORTS),
    summary: "Summary | None" = None,
) -> Lint:
    """Find what is wrong with rules.

    Args:
        rules: What `sgsim.load` gives.
        profile: Whose behaviour decides about tracking.
        disable: Kinds of findings that are not wanted.
        admin_ports: TCP ports that the Internet should not reach.
        summary: Of a replay of traffic through these rules (`replay(...).summary`), which tells what tracking costs.

    Raises:
        ConfigError: If a kind that is disabled does not exist.
    """
    check_inventory(rules)
    off = set(disable)
    for name in sorted(off - KIND_OF.keys()):
        raise ConfigError(f"finding must be one of {', '.join(KIND_OF)}, got {name!r}")
    found_profile = find_profile(profile) if isinstance(profile, str) else profile
    bypasses = found_profile.bypass.value is not BypassProtocols.NONE
    found = [
        *redundant(rules),
        *references(rules),
        *exposure(rules, admin_ports, bypasses=bypasses, peak_by_rule=peak_by_rule(summary)),
    ]
    wanted = [each for each in found if each.id not in off]
    wanted.sort(key=lambda each: (-_SEVERITY[each.severity], _ORDER[each.id]))
    records = None if summary is None else summary.records
    of_traffic = () if summary is None else notes_on_traffic(summary, rules)
    return Lint(
        profile=found_profile.name,
        groups=len(rules.groups),
        rules=sum(len(group.rules) for group in rules.groups.values()),
        interfaces=len(rules.interfaces),
        findings=tuple(wanted),
        tcp=0 if records is None else records.tcp,
        tcp_without_flags=0 if records is None else records.tcp_without_flags,
        broken=None if summary is None else summary.broken,
        notes=(*of_traffic, *document_notes(rules, without=(HOST_BITS,))),
    )


def peak_by_rule(summary: "Summary | None") -> Mapping[str, int] | None:
    """Places of all tables at their peaks, by rule; None without a replay."""
    if summary is None:
        return None
    found: dict[str, int] = {}
    for table in summary.tables:
        for rule_id, places in table.peak_by_rule.items():
            found[rule_id] = found.get(rule_id, 0) + places
    return found
