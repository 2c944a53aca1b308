"""Rules alone: how long it takes to compile them, and how many look-ups a second the tables answer.

    python benchmarks/lookups.py [N ...]

Rules are narrow ones at random, half for each direction; AWS lets an interface have 1,000 at most. `list` gives all N
entries to one prefix list of one rule, `list6` does so with blocks of IPv6. Before any time is taken, look-ups must agree
with the rules taken one after the other. Rates are of processor time on one thread, the median of some rounds, of headers
in random order that were made beforehand: half are such that some narrow rule admits them, half are anything.
"""

import statistics
import sys
import time
from typing import Final, NamedTuple

import numba
import numpy as np
from attrs import evolve
from netaddr import IPNetwork

from sgsim.engine.lowering.rules import LoweredRules, RuleLowering
from sgsim.kernels.addresses import addresses
from sgsim.kernels.groups import rules_at
from sgsim.kernels.jit import kernel
from sgsim.kernels.match import first_rule, port_number, service_number
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


class Headers(NamedTuple):
    """Columns as in a batch of packets."""

    peer_hi: np.ndarray
    peer_lo: np.ndarray
    protocol: np.ndarray
    port: np.ndarray


_COLUMNS: Final = (numba.uint64[::1], numba.uint64[::1], numba.uint8[::1], numba.uint16[::1])


@kernel(signature=numba.int64(numba.int64, *_COLUMNS[1:], numba.int32[::1]))
def look_up(place: int, peers: np.ndarray, protocols: np.ndarray, ports: np.ndarray, found: np.ndarray) -> int:
    """Find the first rule of each header with an IPv4 peer, as the engine does ahead; gives how many have none."""
    rules = rules_at(place)
    none = 0
    for row in range(len(peers)):
        service = port_number(np.int64(protocols[row]), np.int64(ports[row]))
        first = first_rule(rules, 0, 0, np.uint64(0), peers[row], service)
        found[row] = first
        none += first < 0
    return none


@kernel(signature=numba.int64(numba.int64, *_COLUMNS, numba.int32[::1]))
def look_up_wide(
    place: int, his: np.ndarray, los: np.ndarray, protocols: np.ndarray, ports: np.ndarray, found: np.ndarray
) -> int:
    """The same with IPv6 peers."""
    rules = rules_at(place)
    none = 0
    for row in range(len(los)):
        service = service_number(np.int64(protocols[row]), np.int64(ports[row]), 0, 0)
        first = first_rule(rules, 0, 1, his[row], los[row], service)
        found[row] = first
        none += first < 0
    return none


def with_list(entries: int, family: Family) -> Inventory:
    """One rule whose peers are a prefix list of so many entries."""
    rng = np.random.default_rng(2)
    made: set[str] = set()
    while len(made) < entries:
        if family is Family.IPV4:
            made.add(".".join(str(byte) for byte in rng.integers(1, 220, 3)) + ".0/24")
        else:
            provider, site, lan = rng.integers(0, (30, 1 << 16, 1 << 16))
            made.add(f"2{provider:03x}:{site:x}:{lan:x}::/48")
    inventory = made_inventory(0)
    rule = Rule(
        group_id="sg-1", direction=Direction.INGRESS, protocol=6, ports=PortRange(443, 443),
        peer=PrefixListReference("pl-1"),
    )  # fmt: skip
    group = evolve(inventory.groups["sg-1"], rules=[rule])
    entry = PrefixList(prefix_list_id="pl-1", entries=tuple(map(IPNetwork, sorted(made))))
    return evolve(inventory, groups={"sg-1": group}, prefix_lists={"pl-1": entry})


def headers(matcher: RuleMatcher, family: Family, count: int) -> Headers:
    """Headers of which every other one fits a rule that is chosen at random."""
    rng = np.random.default_rng(3)
    rules = [rule for rule in matcher.rules[Direction.INGRESS] if rule.rule.ports is not None and rule.addresses]
    blocks = [rule.addresses.ranges(family) if rule.addresses else () for rule in rules]
    flat = [(block, number) for number, of_rule in enumerate(blocks) for block in of_rule]
    halves = np.array([[end >> 64, end & (1 << 64) - 1] for block, _ in flat for end in block], dtype=np.uint64)
    (first_hi, first_lo), (last_hi, last_lo) = halves[::2].T, halves[1::2].T
    chosen = rng.integers(0, len(flat), count)
    rule = np.array([number for _, number in flat])[chosen]
    ports = np.array([(each.rule.ports.first, each.rule.ports.last) for each in rules if each.rule.ports])[rule]
    fits = rng.random(count) < 0.5
    most_hi, most_lo = (1, 1 << 32) if family is Family.IPV4 else (1 << 62, 1 << 63)
    return Headers(
        np.where(fits, _between(rng, first_hi, last_hi, chosen), rng.integers(0, most_hi, count, np.uint64)),
        np.where(fits, _between(rng, first_lo, last_lo, chosen), rng.integers(0, most_lo, count, np.uint64)),
        np.where(fits, np.array([each.rule.protocol for each in rules])[rule], rng.choice([6, 17], count)).astype(
            np.uint8
        ),
        np.where(fits, rng.integers(ports[:, 0], ports[:, 1] + 1), rng.integers(0, 65_536, count)).astype(np.uint16),
    )


def _between(rng: np.random.Generator, first: np.ndarray, last: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    steps = (rng.random(len(chosen)) * (last - first)[chosen].astype(np.float64)).astype(np.uint64)
    return first[chosen] + np.minimum(steps, (last - first)[chosen])


def measure(kind: str, size: int, inventory: Inventory, family: Family = Family.IPV4) -> None:
    """Print the line of one set of rules."""
    matcher = RuleMatcher(inventory.interfaces["eni-a"], Resolver(inventory))
    compile_s = min(_timed(matcher)[0] for _ in range(3))
    lowered, lowering = _timed(matcher)[1:]
    place = addresses(lowered.rules)
    columns = headers(matcher, family, LOOKUPS)
    found = np.zeros(LOOKUPS, np.int32)
    run, needed = (look_up, columns[1:]) if family is Family.IPV4 else (look_up_wide, columns)
    run(place.ctypes.data, *needed, found)
    _check(matcher, lowering, family, columns, found)
    rates = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        run(place.ctypes.data, *needed, found)
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


def _check(matcher: RuleMatcher, lowering: RuleLowering, family: Family, columns: Headers, found: np.ndarray) -> None:
    for row in range(CHECKED):
        hi, lo, protocol, port = (int(column[row]) for column in columns)
        header = Header(Direction.INGRESS, family, hi << 64 | lo, protocol, port)
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
        measure("list", size, with_list(size, Family.IPV4))
    for size in sizes:
        measure("list6", size, with_list(size, Family.IPV6), Family.IPV6)


if __name__ == "__main__":
    main()
