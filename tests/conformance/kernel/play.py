"""Hold both engines against the kernel for as long as you like::

    sudo .venv/bin/python tests/conformance/kernel/play.py FIRST_SEED SEEDS PACKETS

Each seed is one session: three sets of rules, one after the other, under traffic of so many packets in all. Prints each
seed at which an engine differs, and how.
"""

import itertools
import random
import sys
import time
from pathlib import Path
from typing import Final

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from conformance.kernel.compare import ENGINES, DiffersError, Recording, assert_same, record, timed
from conformance.kernel.oracle import LONG_S, Kernel
from conformance.kernel.rules import CLIENT, OPEN, SERVER, random_rules
from conformance.kernel.traffic import PORTS, Traffic

RULE_SETS: Final = 3


def session(kernel: Kernel, seed: int, packets: int) -> Recording:
    """Send the traffic of a seed."""
    rng = random.Random(seed)
    inventories = [rng.choice([OPEN, SERVER, CLIENT, *[random_rules(rng) for _ in range(5)]]) for _ in range(RULE_SETS)]
    traffic = Traffic(seed, talks=rng.choice((3, 10, 40, 200)), ports=PORTS[: rng.choice((2, 4, 7))])
    sizes = [packets // RULE_SETS] * (RULE_SETS - 1)
    sizes.append(packets - sum(sizes))
    moves = iter(traffic)
    parts = [(known, list(itertools.islice(moves, size))) for known, size in zip(inventories, sizes, strict=True)]
    return record(kernel, parts, timed(LONG_S))


def _search(first: int, seeds: int, size: int) -> None:
    judged = wrong = 0
    begin = time.monotonic()
    with Kernel() as kernel:
        for seed in range(first, first + seeds):
            recording = session(kernel, seed, size)
            judged += recording.packets
            for name, make_engine in ENGINES.items():
                try:
                    assert_same(recording, make_engine)
                except DiffersError as error:
                    wrong += 1
                    sys.stdout.write(f"seed {seed}, {name} engine: {error}\n\n")
                    sys.stdout.flush()
    took_s = time.monotonic() - begin
    sys.stdout.write(f"{judged} packets, {wrong} differences, {took_s:.0f} s\n")


if __name__ == "__main__":
    _search(*map(int, sys.argv[1:4]))
