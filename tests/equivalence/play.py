"""Random scenarios, each from one seed: a network, options, traffic in batches, and changes between them.

To search further than the tests do::

    python tests/equivalence/play.py FIRST_SEED SEEDS PACKETS

prints each seed at which the engines differ, and how.
"""

import random
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from attrs import evolve, frozen

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from equivalence.in_step import InStep
from equivalence.random_setups import (
    open_groups,
    other_settings,
    port_acls,
    random_inventory,
    random_options,
    timed_profile,
    tracking_groups,
)
from equivalence.random_traffic import JUMPS_NS, START_NS, TICK_STEPS_NS, Traffic, random_packets

from sgsim.conntrack.policies import Fragments
from sgsim.conntrack.profile import AWS_NITRO, Profile
from sgsim.engine.base import Engine
from sgsim.engine.compiled import CompiledEngine
from sgsim.engine.options import EngineOptions
from sgsim.model.columns import PacketColumns, select_rows
from sgsim.rules.inventory import Inventory

EARLIEST_NS: Final = -(2**61)
"""A time before 1970, so that sums and differences of times come near the ends of 64 bits."""

TICK_TIMEOUTS_S: Final = (0.0001, 0.0003, 0.0005, 0.001, 0.002, 0.01)
LONG_TIMEOUTS_S: Final = (0.0005, 30.0, 1e6, 3e8, 1e9)


class Setup(NamedTuple):
    """What a scenario is made of."""

    inventory: Inventory
    options: EngineOptions
    traffic: Traffic
    opens: bool = False
    """Whether changes open the rules of groups, or close them, and do nothing else."""

    def sending(self, **kind: Any) -> "Setup":
        """With other traffic."""
        return self._replace(traffic=evolve(self.traffic, **kind))

    def behaving(self, profile: Profile) -> "Setup":
        """With another profile."""
        return self._replace(options=evolve(self.options, profile=profile))


Shape = Callable[[random.Random, Setup], Setup]


def _plain(_rng: random.Random, setup: Setup) -> Setup:
    return setup


def _jumps(rng: random.Random, setup: Setup) -> Setup:
    """Silences of up to years; some begin before 1970."""
    start_ns = rng.choice([0, EARLIEST_NS, START_NS])
    return setup.sending(steps_ns=JUMPS_NS, step_share=0.05, start_ns=start_ns)


def _ticks(rng: random.Random, setup: Setup) -> Setup:
    """Timeouts and silences shorter than a tick of the calendar."""
    sent = setup.sending(steps_ns=TICK_STEPS_NS, step_share=0.9, between_ns=1000, back_share=0.002)
    return sent.behaving(timed_profile(rng, TICK_TIMEOUTS_S))


def _long(rng: random.Random, setup: Setup) -> Setup:
    """Timeouts of up to thirty years, and silences as long."""
    sent = setup.sending(steps_ns=JUMPS_NS, step_share=0.02, start_ns=rng.choice([0, START_NS]))
    return sent.behaving(timed_profile(rng, LONG_TIMEOUTS_S))


def _fragments(rng: random.Random, setup: Setup) -> Setup:
    return setup.sending(fragment_share=0.7, fragment_ids=rng.choice([4, 300]))


def _fragments_at_the_edge(rng: random.Random, setup: Setup) -> Setup:
    """Network ACLs that allow some ports and nothing else: so not what has none, unless its first fragment was allowed."""
    policy = rng.choice([Fragments.RULES, Fragments.RULES, Fragments.DENY])
    made = setup.sending(fragment_share=0.7, fragment_ids=1)
    made = made.behaving(made.options.profile.given("fragments", policy.value))
    return made._replace(inventory=evolve(made.inventory, network_acls=port_acls(rng)))


def _ipv6(_rng: random.Random, setup: Setup) -> Setup:
    return setup.sending(ipv6_share=0.95)


def _still(_rng: random.Random, setup: Setup) -> Setup:
    """All packets at one instant."""
    return setup.sending(step_share=0, between_ns=0, back_share=0)


def _back(_rng: random.Random, setup: Setup) -> Setup:
    """A clock that goes back as often as not."""
    return setup.sending(back_share=0.5)


def _steady(rng: random.Random, setup: Setup) -> Setup:
    """Long talks of one host with two others, that rules admit and track: packets go on in flows of batches before."""
    sent = setup.sending(
        ipv4=("10.0.0.5", "10.0.0.5", "198.51.100.7", "203.0.113.1"), ipv6_share=0, ports=(443, 40000),
        protocols=(6, 6, 17, 17, 47), flags=(2, 18, *(16, 24) * 6, 17, 4), packets_of_each=rng.choice([20, 40, 100]),
        fragment_share=0, unread_share=0.01, between_ns=rng.choice([1000, 200_000]), step_share=0.01,
    )  # fmt: skip
    return sent._replace(inventory=evolve(sent.inventory, network_acls={}, groups=tracking_groups()))


def _opened(rng: random.Random, setup: Setup) -> Setup:
    """The same under rules that are opened to everyone, and closed again, while nothing else changes."""
    made = _steady(rng, setup)
    return made.behaving(AWS_NITRO.given("untrack_when_opened", rng.random() < 0.7))._replace(opens=True)


SHAPES: Final[tuple[Shape, ...]] = (
    _plain, _plain, _plain, _steady, _steady, _opened, _jumps, _ticks, _long, _fragments, _ipv6, _still, _back, _fragments_at_the_edge,
)  # fmt: skip


@frozen
class Scenario:
    """What happens, but for the changes: `rng` makes those as it is played."""

    rng: random.Random
    inventory: Inventory
    options: EngineOptions
    packets: PacketColumns
    allow_unresolved: bool
    opens: bool

    @classmethod
    def of(cls, seed: int, size: int, shape: Shape | None = None) -> "Scenario":
        """Make a scenario of so many packets."""
        rng = random.Random(seed)
        allow_unresolved = rng.random() < 0.9
        inventory, options = random_inventory(rng, allow_unresolved=allow_unresolved), random_options(rng)
        bound = rng.choice([(-1,), tuple(range(-1, len(inventory.interfaces)))])
        setup = Setup(inventory, options, Traffic(taken_at=bound, step_share=rng.choice([0.02, 0.1, 0.3])))
        setup = (shape or rng.choice(SHAPES))(rng, setup)
        packets = random_packets(seed, size, setup.traffic)
        return cls(rng, setup.inventory, setup.options, packets, allow_unresolved, setup.opens)

    def change(self) -> Inventory:
        """What holds from now on."""
        if self.opens:
            return evolve(self.inventory, groups=self.rng.choice([tracking_groups(), open_groups()]))
        return random_inventory(self.rng, allow_unresolved=self.allow_unresolved)


def play(
    scenario: Scenario, make_compiled: Callable[[Inventory, EngineOptions], Engine] = CompiledEngine, *, cuts: int = 6
) -> int:
    """Play a scenario, comparing everything after each batch and each change.

    Returns:
        How many packets both engines judged; fewer than all where both found a reference unresolved.

    Raises:
        Differs: If the engines do not say the same.
    """
    rng, packets = scenario.rng, scenario.packets
    size, begin = len(packets.time_ns), 0
    steps = InStep(scenario.inventory, scenario.options, make_compiled)
    for end in [*sorted(rng.sample(range(1, size), rng.randint(0, min(cuts, size - 1)))), size]:
        if not steps.filter(select_rows(packets, begin, end)):
            break
        steps.compare()
        begin = end
        if end < size and rng.random() < 0.6:
            next_ns = int(packets.time_ns[end]) if rng.random() < 0.7 else EARLIEST_NS
            now_ns = steps.expected.now_ns
            time_ns = next_ns if now_ns is None else max(now_ns, next_ns)
            steps.change(scenario.change(), time_ns, other_settings(rng, scenario.options))
            steps.compare()
    return steps.packets


def _search(first: int, seeds: int, size: int) -> None:
    judged = wrong = 0
    begin = time.monotonic()
    for seed in range(first, first + seeds):
        try:
            judged += play(Scenario.of(seed, size))
        except Exception:  # noqa: BLE001 - whatever is wrong is told, and the search goes on
            wrong += 1
            sys.stdout.write(f"seed {seed}\n{traceback.format_exc(limit=-2)}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{judged} packets judged twice, {wrong} seeds wrong, {time.monotonic() - begin:.0f} s\n")


if __name__ == "__main__":
    _search(*map(int, sys.argv[1:4]))
