"""Rules alone: how long it takes to compile them, and how many look-ups a second the tables answer.

    python benchmarks/lookups.py [N ...]

Rules are narrow ones at random, half for each direction; AWS lets an interface have 1,000 at most. `list` gives all N
entries to one prefix list of one rule. Before any time is taken, look-ups must agree with the rules taken one after the
other. Rates are of processor time on one thread, of random headers that were made beforehand, the median of some rounds;
half the peers are of some rule's block.
"""

import statistics
import sys
import time
from typing import Final

import numba
import numpy as np
from attrs import evolve
from netaddr import IPNetwork

from sgsim.engine.lowering.rules import LoweredRules, RuleLowering
from sgsim.kernels.addresses import addresses
from sgsim.kernels.groups import rules_at
from sgsim.kernels.jit import kernel
from sgsim.kernels.match import first_rule, service_number
from sgsim.model.address import Family
from sgsim.model.states import Direction
from sgsim.rules.header import Header
from sgsim.rules.inventory import Inventory
from sgsim.rules.match import RuleMatcher
from sgsim.rules.port_range import PortRange
from sgsim.rules.prefix_list import PrefixList
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule import PrefixListReference, Rule
from sgsim.simulation.made_rules import made_inventory

SIZES: Final = (10, 60, 300, 1_000, 10_000)
LOOKUPS: Final = 2_000_000
ROUNDS: Final = 7
CHECKED: Final = 300


@kernel(
    signature=numba.int64(numba.int64, numba.uint64[::1], numba.uint8[::1], numba.uint16[::1], numba.int32[::1]),
)
def look_up(place: int, peers: np.ndarray, protocols: np.ndarray, ports: np.ndarray, found: np.ndarray) -> int:
    """Find the first rule of each header; gives how many have none."""
    rules = rules_at(place)
    none = 0
    for row in range(len(peers)):
        service = service_number(np.int64(protocols[row]), np.int64(ports[row]), 0, 0)
        first = first_rule(rules, 0, 0, np.uint64(0), peers[row], service)
        found[row] = first
        none += first < 0
    return none


def with_list(entries: int) -> Inventory:
    """One rule whose peers are a prefix list of so many entries."""
    rng = np.random.default_rng(2)
    made: set[str] = set()
    while len(made) < entries:
        made.add(".".join(str(byte) for byte in rng.integers(1, 220, 3)) + ".0/24")
    inventory = made_inventory(0)
    rule = Rule(
        group_id="sg-1", direction=Direction.INGRESS, protocol=6, ports=PortRange(443, 443),
        peer=PrefixListReference("pl-1"),
    )  # fmt: skip
    group = evolve(inventory.groups["sg-1"], rules=[rule])
    entry = PrefixList(prefix_list_id="pl-1", entries=tuple(map(IPNetwork, sorted(made))))
    return evolve(inventory, groups={"sg-1": group}, prefix_lists={"pl-1": entry})


def headers(rng: np.random.Generator, matcher: RuleMatcher, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random peers, protocols and ports."""
    blocks = [
        pair
        for rule in matcher.rules[Direction.INGRESS]
        for pair in (rule.addresses.ranges(Family.IPV4) if rule.addresses else ())
    ]
    first, last = np.array(blocks).T
    chosen = rng.integers(0, len(blocks), count)
    within = first[chosen] + (rng.random(count) * (last[chosen] - first[chosen])).astype(np.int64)
    peers = np.where(rng.random(count) < 0.5, within, rng.integers(0, 1 << 32, count))
    protocols = np.where(rng.random(count) < 0.5, 6, 17).astype(np.uint8)
    return peers.astype(np.uint64), protocols, rng.integers(1, 65_536, count, np.uint16)


def measure(kind: str, size: int, inventory: Inventory) -> None:
    """Print the line of one set of rules."""
    matcher = RuleMatcher(inventory.interfaces["eni-a"], Resolver(inventory))
    compile_s = min(_timed(matcher)[0] for _ in range(3))
    lowered, lowering = _timed(matcher)[1:]
    place = addresses(lowered.rules)
    peers, protocols, ports = headers(np.random.default_rng(3), matcher, LOOKUPS)
    found = np.zeros(LOOKUPS, np.int32)
    look_up(place.ctypes.data, peers, protocols, ports, found)
    _check(matcher, lowering, peers, protocols, ports, found)
    rates = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        look_up(place.ctypes.data, peers, protocols, ports, found)
        rates.append(LOOKUPS / (time.process_time() - begun))
    size_mb = sum(column.nbytes for column in lowered.rules) / 1e6
    rate = statistics.median(rates) / 1e6
    print(
        f"{kind:5} {size:6,}  {rate:6.1f} M look-ups/s  compiled in {compile_s * 1e3:7.1f} ms  {size_mb:5.1f} MB",
        flush=True,
    )


def _timed(matcher: RuleMatcher) -> tuple[float, LoweredRules, RuleLowering]:
    begun, lowering = time.process_time(), RuleLowering()
    lowered = lowering.lower([matcher])
    return time.process_time() - begun, lowered, lowering


def _check(
    matcher: RuleMatcher,
    lowering: RuleLowering,
    peers: np.ndarray,
    protocols: np.ndarray,
    ports: np.ndarray,
    found: np.ndarray,
) -> None:
    for row in range(CHECKED):
        header = Header(Direction.INGRESS, Family.IPV4, int(peers[row]), int(protocols[row]), int(ports[row]))
        first = next(matcher.admitting(header), None)
        expected = None if first is None else first.ref
        actual = None if found[row] < 0 else lowering.refs[found[row]]
        if expected != actual:
            sys.exit(f"{header} must be admitted by {expected}, got {actual}")


def main() -> None:
    """Print a line for each number of rules, and of entries of a list."""
    sizes = [int(each) for each in sys.argv[1:]] or SIZES
    for size in sizes:
        measure("rules", size, made_inventory(size))
    for size in sizes:
        measure("list", size, with_list(size))


if __name__ == "__main__":
    main()
