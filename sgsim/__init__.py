"""sgsim: AWS security groups as stateful packet filters.

>>> import sgsim
>>> rules = sgsim.load("groups.json", "interfaces.json")  # doctest: +SKIP
>>> sgsim.check(rules, "tcp 198.51.100.7:40000 -> 10.0.0.5:443").verdict  # doctest: +SKIP
<Verdict.ALLOW: 1>

Every public name is in the table below and is imported when it is first used, so that `import sgsim` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sgsim.analysis.finding import Finding
    from sgsim.analysis.lint import Lint, lint
    from sgsim.analysis.narrowing import Knobs
    from sgsim.analysis.quota import Limits, Quota, quota
    from sgsim.analysis.sweep import Sweep, sweep
    from sgsim.analysis.tighten import Tightening, tighten
    from sgsim.analysis.usage import Usage, usage
    from sgsim.conntrack.profile import PROFILES, Profile
    from sgsim.documents.load import load
    from sgsim.engine.firewall import Firewall, FirewallEntry
    from sgsim.engine.options import EngineOptions
    from sgsim.errors import (
        ConfigError,
        DocumentError,
        NoTrafficError,
        RuleError,
        SgsimError,
        SourceError,
        TimeOrderError,
        UnresolvedReferenceError,
    )
    from sgsim.model.decision import Decision, Reason, Verdict
    from sgsim.model.five_tuple import FiveTuple
    from sgsim.model.interface import Interface
    from sgsim.model.packet import Packet
    from sgsim.model.shorthand import parse_packet
    from sgsim.model.states import ConntrackState, Direction, TcpState, Tracking
    from sgsim.report.diffed import Diffed, diff
    from sgsim.report.explained import Explained, explain, explain_recorded
    from sgsim.report.searched import Searched, search
    from sgsim.report.shortened import Shortened, minimize
    from sgsim.rules.change import Change
    from sgsim.rules.inventory import Inventory
    from sgsim.rules.prefix_list import PrefixList
    from sgsim.rules.rule import Rule
    from sgsim.rules.security_group import SecurityGroup
    from sgsim.simulation.api import check, replay
    from sgsim.simulation.check import Answer
    from sgsim.simulation.driver import Replay
    from sgsim.sources import synthetic
    from sgsim.sources.inner import Inner

__version__ = "0.1.0"

__all__ = [
    "PROFILES",
    "Answer",
    "Change",
    "ConfigError",
    "ConntrackState",
    "Decision",
    "Diffed",
    "Direction",
    "DocumentError",
    "EngineOptions",
    "Explained",
    "Finding",
    "Firewall",
    "FirewallEntry",
    "FiveTuple",
    "Inner",
    "Interface",
    "Inventory",
    "Knobs",
    "Limits",
    "Lint",
    "NoTrafficError",
    "Packet",
    "PrefixList",
    "Profile",
    "Quota",
    "Reason",
    "Replay",
    "Rule",
    "RuleError",
    "Searched",
    "SecurityGroup",
    "SgsimError",
    "Shortened",
    "SourceError",
    "Sweep",
    "TcpState",
    "Tightening",
    "TimeOrderError",
    "Tracking",
    "UnresolvedReferenceError",
    "Usage",
    "Verdict",
    "__version__",
    "check",
    "diff",
    "explain",
    "explain_recorded",
    "lint",
    "load",
    "minimize",
    "parse_packet",
    "quota",
    "replay",
    "search",
    "sweep",
    "synthetic",
    "tighten",
    "usage",
]

_HOMES: Final = {
    "sgsim.analysis.finding": ("Finding",),
    "sgsim.analysis.lint": ("Lint", "lint"),
    "sgsim.analysis.narrowing": ("Knobs",),
    "sgsim.analysis.quota": ("Limits", "Quota", "quota"),
    "sgsim.analysis.sweep": ("Sweep", "sweep"),
    "sgsim.analysis.tighten": ("Tightening", "tighten"),
    "sgsim.analysis.usage": ("Usage", "usage"),
    "sgsim.conntrack.profile": ("PROFILES", "Profile"),
    "sgsim.documents.load": ("load",),
    "sgsim.engine.firewall": ("Firewall", "FirewallEntry"),
    "sgsim.engine.options": ("EngineOptions",),
    "sgsim.errors": (
        "ConfigError", "DocumentError", "NoTrafficError", "RuleError", "SgsimError", "SourceError", "TimeOrderError",
        "UnresolvedReferenceError",
    ),
    "sgsim.model.decision": ("Decision", "Reason", "Verdict"),
    "sgsim.model.five_tuple": ("FiveTuple",),
    "sgsim.model.interface": ("Interface",),
    "sgsim.model.packet": ("Packet",),
    "sgsim.model.shorthand": ("parse_packet",),
    "sgsim.model.states": ("ConntrackState", "Direction", "TcpState", "Tracking"),
    "sgsim.report.diffed": ("Diffed", "diff"),
    "sgsim.report.explained": ("Explained", "explain", "explain_recorded"),
    "sgsim.report.searched": ("Searched", "search"),
    "sgsim.report.shortened": ("Shortened", "minimize"),
    "sgsim.rules.change": ("Change",),
    "sgsim.rules.inventory": ("Inventory",),
    "sgsim.rules.prefix_list": ("PrefixList",),
    "sgsim.rules.rule": ("Rule",),
    "sgsim.rules.security_group": ("SecurityGroup",),
    "sgsim.simulation.api": ("check", "replay"),
    "sgsim.simulation.check": ("Answer",),
    "sgsim.simulation.driver": ("Replay",),
    "sgsim.sources.inner": ("Inner",),
}  # fmt: skip
"""Where each public name is at home."""

_MODULES: Final = {"synthetic": "sgsim.sources.synthetic"}
"""Public names that are modules."""

_HOME_OF: Final = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _HOME_OF and name not in _MODULES:
        raise AttributeError(f"module 'sgsim' has no attribute {name!r}")
    value: object = import_module(_MODULES[name]) if name in _MODULES else getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """What there is, for those who look."""
    return sorted({*globals(), *__all__})
