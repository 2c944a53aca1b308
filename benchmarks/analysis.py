"""How long questions about rules take, from start to end of the process.

The network is one interface with 16 groups of 1,000 rules in all: blocks of all lengths, ports and ranges, references to
the other groups, and to four prefix lists of 1,000 entries each. The new side has one rule in twenty changed. A small
one stands beside it. Figures are seconds of wall time, the median of `RUNS`.

    python benchmarks/analysis.py
"""

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

GROUPS: Final = 16
RULES: Final = 1_000
LISTS: Final = 4
ENTRIES: Final = 1_000
RUNS: Final = 5
SEED: Final = 20_261_125

Document = dict[str, Any]

COMMANDS: Final = {
    "check": ("check", "-r", "interfaces.json", "-r", "old.json", "tcp 198.51.100.7:40000 -> 10.0.1.5:443"),
    "diff": ("diff", "-r", "interfaces.json", "old.json", "new.json"),
    "diff of the same": ("diff", "-r", "interfaces.json", "old.json", "old.json"),
    "diff, json": ("diff", "--format", "json", "-r", "interfaces.json", "old.json", "new.json"),
    "search": ("search", "-r", "interfaces.json", "-r", "old.json", "--to", "eni-a", "--proto", "tcp", "--dport", "1-1023"),
    "minimize": ("minimize", "-r", "interfaces.json", "-r", "old.json"),
    "lint": ("lint", "-r", "interfaces.json", "-r", "old.json"),
    "quota": ("quota", "-r", "interfaces.json", "-r", "old.json"),
}  # fmt: skip
"""What is timed; `search` has to look everywhere, as it is to find what is denied."""


def network(rng: random.Random, rules: int, groups: int, lists: int, entries: int) -> tuple[Document, Document]:
    """Groups with their rules, and everything around them."""
    list_ids = [f"pl-{number:04x}" for number in range(lists)]
    group_ids = [f"sg-{number:04x}" for number in range(groups)]
    made: dict[str, Document] = {
        group_id: {"name": f"group {group_id}", "ingress": [], "egress": []} for group_id in group_ids
    }
    for number in range(rules):
        group = made[group_ids[number % groups]]
        direction, word = (("ingress", "from"), ("egress", "to"))[number // groups % 2]
        group[direction].append({**_service(rng), word: _peer(rng, group_ids, list_ids), "id": f"sgr-{number:05x}"})
    around = {
        "prefix_lists": {
            list_id: [f"{rng.randrange(1, 224)}.{rng.randrange(256)}.{rng.randrange(256)}.0/24" for _ in range(entries)]
            for list_id in list_ids
        },
        "interfaces": {"eni-a": {"addresses": ["10.0.1.5", "2001:db8:1::5"], "groups": group_ids}}
        | {
            f"eni-{number}": {"addresses": [f"10.0.{2 + number}.9"], "groups": [group_id]}
            for number, group_id in enumerate(group_ids)
        },
    }
    return {"groups": made}, around


def _service(rng: random.Random) -> Document:
    kind = rng.random()
    if kind < 0.03:
        return {"protocol": "all"}
    if kind < 0.06:
        return {"protocol": "icmp", "icmp": {"type": rng.choice([0, 3, 8, 11])}}
    first = rng.choice([22, 53, 80, 123, 443, 3306, 5432, 6379, 8080, 9092, rng.randrange(1, 60_000)])
    last = first if rng.random() < 0.7 else min(first + rng.randrange(2_000), 65_535)
    return {
        "protocol": rng.choice(["tcp", "tcp", "tcp", "udp"]),
        "ports": first if first == last else f"{first}-{last}",
    }


def _peer(rng: random.Random, group_ids: list[str], list_ids: list[str]) -> str:
    kind = rng.random()
    if kind < 0.04:
        return rng.choice(list_ids)
    if kind < 0.2:
        return rng.choice(group_ids)
    if kind < 0.25:
        return rng.choice(["0.0.0.0/0", "::/0"])
    length = rng.choice([8, 16, 20, 24, 28, 32])
    address = (10 << 24 | rng.randrange(1 << 24)) if rng.random() < 0.6 else rng.randrange(1 << 24, 224 << 24)
    address = address >> (32 - length) << (32 - length)
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0)) + f"/{length}"


def changed(rng: random.Random, groups: Document) -> Document:
    """The same groups in another order, with one rule in twenty gone and as many new."""
    copy: Document = json.loads(json.dumps(groups))
    for group in copy["groups"].values():
        for direction, word in (("ingress", "from"), ("egress", "to")):
            rules = group[direction]
            rng.shuffle(rules)
            for number in range(0, len(rules), 20):
                rules[number] = {**_service(rng), word: _peer(rng, list(copy["groups"]), ["pl-0000"])}
    return copy


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        for title, sizes in (
            ("small: 2 groups, 10 rules", (10, 2, 1, 5)),
            (f"large: {GROUPS} groups, {RULES:,} rules", (RULES, GROUPS, LISTS, ENTRIES)),
        ):
            here = Path(folder) / title.split(":")[0]
            here.mkdir()
            rng = random.Random(SEED)
            groups, around = network(rng, *sizes)
            around["interfaces"] = dict(list(around["interfaces"].items())[: 1 + sizes[1]])
            for name, document in (("old", groups), ("new", changed(rng, groups)), ("interfaces", around)):
                (here / f"{name}.json").write_text(json.dumps(document, indent=1))
            print(title)
            for name, args in COMMANDS.items():
                print(f"  {name:<18}{_timed(args, here)}")


def _timed(args: tuple[str, ...], here: Path) -> str:
    command = [str(Path(sys.executable).with_name("sgsim")), *args]
    seconds = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        done = subprocess.run(command, cwd=here, check=False, capture_output=True, text=True)
        seconds.append(time.perf_counter() - begun)
        if done.returncode not in {0, 1}:
            return f"failed: {done.stderr.strip()}"
    return f"{statistics.median(seconds):6.3f} s"


if __name__ == "__main__":
    main()
