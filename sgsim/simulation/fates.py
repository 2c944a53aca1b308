"""What a change of rules means for the flows that are live when it comes.

Law: the fate of a flow is what an engine makes of its next packet, in either direction, if no other change comes before
it. A flow that sends nothing more is gone when its timeout runs out, whatever its fate. Source: `[aws-ct]`,
`[aws-contain]`.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from sgsim.engine.base import Engine
from sgsim.engine.options import EngineOptions
from sgsim.model.columns import Column, FlowColumns
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import TcpState, Tracking
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory
from sgsim.simulation.fate import UNTOUCHED, Fate
from sgsim.simulation.flow_fates import FlowFates, five_tuple_of
from sgsim.simulation.summary import ChangeReport, FateCount, FlowFate, RuleFate
from sgsim.simulation.timeline import Look

MOST_RULES: Final = 100
MOST_FLOWS: Final = 100


_FATES: Final = max(Fate) + 1


def looking(engine: Engine, before: Inventory) -> Look:
    """Tell of each change what it means for the flows that an engine remembers."""
    holds = [before]

    def look(change: Change, time_ns: int, options: EngineOptions) -> ChangeReport:
        names = (engine.interface_ids, engine.rules)
        report = report_change(change, time_ns, engine.live_flows(), names, holds[-1], options)
        holds[:] = [change.inventory]
        return report

    return look


def report_change(
    change: Change,
    time_ns: int,
    flows: FlowColumns,
    names: tuple[Sequence[str], Sequence[RuleRef]],
    before: Inventory,
    options: EngineOptions,
) -> ChangeReport:
    """Tell the fate of every live flow.

    Args:
        change: What is about to be made.
        time_ns: When.
        flows: The flows that live now; those that are gone by then are left out.
        names: What the columns `interface` and `rule` count.
        before: What holds until then.
        options: How the engine runs then.
    """
    is_live = (flows.expires_at_ns > time_ns) & (flows.tracking != Tracking.REFUSED)
    if not is_live.all():
        flows = FlowColumns(*(column[is_live] for column in flows))
    fates = FlowFates(flows, names[0], before, change.inventory, options).columns()
    by_rule = _by_rule(flows, fates, names[1])
    touched = np.flatnonzero(~np.isin(fates, list(UNTOUCHED)))
    shown = touched[np.lexsort((flows.flow[touched], fates[touched]))][:MOST_FLOWS]
    return ChangeReport(
        text=change.origin,
        time_ns=time_ns,
        differences=tuple(each.text for each in change.changed_items or ()),
        settings=_settings(change),
        live=len(flows.flow),
        fates=tuple(_count(fate, flows, fates) for fate in Fate if (fates == fate).any()),
        rules=by_rule[:MOST_RULES],
        rules_left=max(0, len(by_rule) - MOST_RULES),
        flows=tuple(_flow(row, flows, Fate(int(fates[row])), names) for row in shown.tolist()),
        flows_left=len(touched) - len(shown),
    )


def _settings(change: Change) -> dict[str, float | None]:
    given = {
        "capacity": change.capacity,
        "tcp_established_s": change.timeouts.tcp_established_s,
        "udp_s": change.timeouts.udp_s,
        "udp_stream_s": change.timeouts.udp_stream_s,
    }
    lifted = {"capacity": None} if change.lifts_capacity else {}
    return {name: value for name, value in given.items() if value is not None} | lifted


def _count(fate: Fate, flows: FlowColumns, fates: Column) -> FateCount:
    of_fate = fates == fate
    return FateCount(fate=str(fate), flows=int(of_fate.sum()), last_expiry_ns=int(flows.expires_at_ns[of_fate].max()))


def _by_rule(flows: FlowColumns, fates: Column, rules: Sequence[RuleRef]) -> tuple[RuleFate, ...]:
    pairs, counts = np.unique((flows.rule.astype(np.int64) + 1) * _FATES + fates, return_counts=True)
    made = [
        _rule_fate(rules[rule - 1] if rule else None, Fate(fate), count)
        for (rule, fate), count in zip((divmod(pair, _FATES) for pair in pairs.tolist()), counts.tolist(), strict=True)
    ]
    return tuple(sorted(made, key=lambda item: (-item.flows, item.rule_id or "", item.fate)))


def _rule_fate(rule: RuleRef | None, fate: Fate, flows: int) -> RuleFate:
    return RuleFate(
        rule_id=rule.rule_id if rule else None,
        group_id=rule.group_id if rule else None,
        text=rule.text if rule else "",
        fate=str(fate),
        flows=flows,
    )


def _flow(row: int, flows: FlowColumns, fate: Fate, names: tuple[Sequence[str], Sequence[RuleRef]]) -> FlowFate:
    tcp_state, rule = int(flows.tcp_state[row]), int(flows.rule[row])
    return FlowFate(
        flow=int(flows.flow[row]),
        interface_id=names[0][flows.interface[row]],
        text=str(five_tuple_of(flows, row)),
        tracking=str(Tracking(int(flows.tracking[row]))),
        tcp_state=str(TcpState(tcp_state)) if tcp_state else None,
        rule_id=names[1][rule].rule_id if rule >= 0 else None,
        fate=str(fate),
        last_seen_ns=int(flows.last_seen_ns[row]),
        expires_at_ns=int(flows.expires_at_ns[row]),
    )
