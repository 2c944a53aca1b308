"""Run the tests against each mutant: `python tests/mutants/run.py WORK`, with mutmut in the environment.

All tests run once, which tells which of them call which function. Then each mutant is woken in a fork of this process, in
which the tests that call its function run until one fails. So nothing is imported, collected or compiled twice.
hypothesis searches the same examples each time, and shrinks none.

A mutant of a function that only runs while modules are imported cannot be woken later; it gets a process of its own.

WORK is made, or used again: `RESULTS.jsonl` in it grows by a line for each mutant, and what it has is not run again.
"""

import argparse
import fnmatch
import gc
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from mutants.equivalent import equivalents
from mutants.making import Mutant, make

TESTS: Final = (
    "tests/rules", "tests/conntrack", "tests/engine", "tests/model", "tests/documents",
    "tests/conformance/test_vectors.py", "tests/conformance/test_checklist.py",
    "tests/conformance/test_batfish_cases.py", "tests/conformance/test_conntrack_scenarios.py",
    "tests/report/test_step_text.py", "tests/report/test_explanation.py", "tests/analysis/test_explain.py",
    "tests/analysis/test_near_miss.py", "tests/simulation/test_pressure_bins.py", "tests/simulation/test_fates.py",
)  # fmt: skip
"""Those that are fast, and tell of what is changed."""

LEFT_OUT: Final = {
    "tests/documents/test_yaml_syntax.py::test_yaml_is_imported_only_for_yaml":
        "It starts a Python of its own elsewhere, which does not find the copy.",
    "tests/report/test_step_text.py::test_every_outcome_that_the_engine_notes_has_its_sentence":
        "It reads the source of the engine, where every mutant stands.",
}  # fmt: skip
"""Tests among them that fail in a copy with mutants even while all are asleep, and why."""

PLAIN: Final = ("-p", "no:cacheprovider", "-o", "addopts=", "--import-mode=importlib", "-W", "ignore")
"""How pytest runs here: as it does otherwise, but for notebooks, which need a plugin."""

BUDGET_S: Final = 6.0
"""The tests of one mutant take so long at most, without it: those of its own module first, then the quickest."""

SPARE_S: Final = 3
"""What a test may take longer with a mutant than thrice its time without."""

MOST_S: Final = 600
"""What all tests of a mutant may take: some wait for what never comes."""

MEMORY_BYTES: Final = 6 << 30
"""What one may fill that never ends."""

SWITCH: Final = "MUTANT_UNDER_TEST"
"""mutmut's: the name of the mutant that is awake, or `stats` while hits are counted."""

Row = dict[str, Any]


class Judge:
    """A plugin of pytest that runs all tests once, and then some for each mutant."""

    def __init__(self, mutants: Sequence[Mutant], results: Path, budget_s: float) -> None:
        """Nothing runs before pytest calls it."""
        self.mutants, self.results, self.budget_s = mutants, results, budget_s
        self.known = results.with_name("TESTS.json")
        self.seconds: dict[str, float] = {}
        self.tests_of: dict[str, set[str]] = defaultdict(set)
        self.at_import: set[str] = set()
        self.failed: set[str] = set()
        self.pipe: int | None = None
        """Where a fork tells which test has failed; None in the first process."""

    def pytest_sessionstart(self) -> None:
        """Have hypothesis search the same each time."""
        from hypothesis import HealthCheck, Phase, settings  # noqa: PLC0415  # pytest has to come first

        settings.register_profile(
            "mutants", deadline=None, max_examples=50, stateful_step_count=30, derandomize=True, database=None,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        settings.load_profile("mutants")

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A test that fails ends its mutant."""
        if report.failed:
            self.failed.add(report.nodeid)
            if self.pipe is not None:
                self._end(report.nodeid)

    def pytest_runtestloop(self, session: Any) -> bool:
        """Run everything."""
        items = {item.nodeid: item for item in session.items}
        if session.testsfailed:
            raise session.Interrupted("all tests must be collected: install what they import beside mutmut")
        self._ask(items)
        forget_answers()
        os.environ[SWITCH] = ""
        gc.collect()
        gc.freeze()
        for mutant in self.mutants:
            begun = time.monotonic()
            calling = self.tests_of[mutant.name.partition("__mutmut_")[0]] & items.keys()
            chosen = self._chosen(mutant, calling)
            result, killer = self._fork(mutant, [items[nodeid] for nodeid in chosen]) if chosen else ("untested", "")
            note(
                self.results,
                mutant,
                result,
                killer,
                tests=len(chosen),
                of=len(calling),
                seconds=time.monotonic() - begun,
            )
        return True

    def _ask(self, items: Mapping[str, Any]) -> None:
        """Run every test once, and note which functions it calls; or read what an earlier run has noted."""
        from mutmut.state import state  # noqa: PLC0415  # reads its settings from the working directory

        if self.known.exists():
            at_import, self.seconds, tests_of = json.loads(self.known.read_text(encoding="utf-8"))
            self.at_import = set(at_import)
            self.tests_of |= {function: set(tests) for function, tests in tests_of.items()}
            return
        hits = state()._stats
        self.at_import = set(hits)
        for item, following in pairs(items.values()):
            hits.clear()
            begun = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            self.seconds[item.nodeid] = time.process_time() - begun
            for function in hits:
                self.tests_of[function].add(item.nodeid)
        for tests in self.tests_of.values():
            tests.difference_update(self.failed)
        if self.failed:
            sys.stderr.write(f"left out, as they fail without a mutant: {sorted(self.failed)}\n")
        told = [sorted(self.at_import), self.seconds, {name: sorted(tests) for name, tests in self.tests_of.items()}]
        self.known.write_text(json.dumps(told), encoding="utf-8")

    def _chosen(self, mutant: Mutant, calling: Iterable[str]) -> list[str]:
        """The tests to run: those of the module itself, then the quickest, as many as there is time for."""
        own = f"/test_{mutant.module.rpartition('.')[2]}"
        left_s = self.budget_s
        chosen: list[str] = []
        for nodeid in sorted(calling, key=lambda nodeid: (own not in nodeid, self.seconds[nodeid], nodeid)):
            left_s -= self.seconds[nodeid]
            if left_s < 0 and chosen:
                break
            chosen.append(nodeid)
        return chosen

    def _fork(self, mutant: Mutant, items: Sequence[Any]) -> tuple[str, str]:
        """Run tests with a mutant awake; what became of it, and the test that killed it."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            self.pipe = writing
            os.environ[SWITCH] = mutant.name
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
            signal.alarm(MOST_S)
            try:
                self._run(items)
            except BaseException as error:  # noqa: BLE001  # whatever it is, the test has not passed
                self._end(repr(error))
            self._end("")
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as pipe:
            killer = pipe.read()
        if os.waitpid(child, 0)[1]:
            return "timeout", ""
        return ("killed", killer) if killer else ("survived", "")

    def _run(self, items: Sequence[Any]) -> None:
        for item, following in pairs(items):
            most_s = int(time.process_time() + 3 * self.seconds[item.nodeid]) + SPARE_S
            resource.setrlimit(resource.RLIMIT_CPU, (most_s, resource.RLIM_INFINITY))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)

    def _end(self, killer: str) -> None:
        """End a fork, and tell who ended it."""
        assert self.pipe is not None
        os.write(self.pipe, killer.encode())
        os._exit(0)


def forget_answers() -> None:
    """Empty what functions keep of earlier answers, as a mutant that is asked nothing cannot be told."""
    for kept in gc.get_objects():
        if hasattr(type(kept), "cache_clear") and str(getattr(kept, "__module__", "")).startswith("sgsim."):
            kept.cache_clear()


def pairs(items: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Each item with the one after it, None after the last."""
    listed = list(items)
    return zip(listed, [*listed[1:], None], strict=True)


def note(results: Path, mutant: Mutant, result: str, killer: str, **more: float) -> None:
    """Add a line to the results."""
    row = {**mutant._asdict(), "result": result, "by": killer, **more}
    with results.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def found_in(results: Path, mutants: Iterable[Mutant]) -> dict[Mutant, str]:
    """What became of mutants, as far as the results tell; later lines count."""
    rows = map(json.loads, results.read_text(encoding="utf-8").splitlines()) if results.exists() else ()
    told = {Mutant(*(row[name] for name in Mutant._fields)): str(row["result"]) for row in rows}
    return {mutant: told[mutant] for mutant in mutants if mutant in told}


def judge(options: argparse.Namespace, work: Path, mutants: Sequence[Mutant], results: Path) -> None:
    """Run the tests against mutants."""
    import pytest  # noqa: PLC0415  # the copy of the package has to be found first

    os.environ[SWITCH] = "stats"
    sys.path[0:0] = [str(work), str(work / "tests"), str(work / "docs" / "_extensions")]
    plugin = Judge(mutants, results, options.budget)
    pytest.main(["-q", "--tb=no", *PLAIN, *(f"--deselect={test}" for test in LEFT_OUT), *TESTS], plugins=[plugin])
    for mutant, found in found_in(results, mutants).items():
        if found == "untested" and mutant.name.partition("__mutmut_")[0] in plugin.at_import:
            _judge_anew(work, mutant, results)


def _judge_anew(work: Path, mutant: Mutant, results: Path) -> None:
    """Run the tests of its package in a process in which a mutant lives from the beginning."""
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", *PLAIN, f"tests/{mutant.module.split('.')[1]}"],
        cwd=work, env={**os.environ, SWITCH: mutant.name, "PYTHONPATH": str(work)}, capture_output=True, check=False,
        text=True,
    )  # fmt: skip
    killer = done.stdout.strip().rpartition("\n")[2] if done.returncode else ""
    note(results, mutant, "killed" if killer else "survived", killer, seconds=time.monotonic() - begun)


def report(mutants: Sequence[Mutant], results: Path) -> bool:
    """Count what became of all mutants, and name those that live for no reason; whether there is none."""
    found = found_in(results, mutants)
    kinds = {(each.function, each.change): each.kind for each in equivalents()}
    alive = [mutant for mutant, result in found.items() if result in {"survived", "untested"}]
    listed = Counter(kinds.get((f"{mutant.module}.{mutant.function}", mutant.change), "") for mutant in alive)
    counts = Counter(found.values())
    lines = [f"{len(mutants):6,} mutants", f"{len(found):6,} run", f"{counts['killed'] + counts['timeout']:6,} killed"]
    lines += [f"{number:6,} equivalent: {kind}" for kind, number in sorted(listed.items()) if kind]
    lines.append(f"{listed['']:6,} alive for no reason")
    for mutant in alive:
        if (f"{mutant.module}.{mutant.function}", mutant.change) not in kinds:
            lines.append(
                f"{mutant.module}.{mutant.function} ({found[mutant]})\n  " + mutant.change.replace("\n", "\n  ")
            )
    sys.stdout.write("\n".join(lines) + "\n")
    return not listed[""]


def main() -> None:
    """Make the mutants, judge them, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, help="a folder for the mutants and what became of them")
    parser.add_argument("--only", action="append", default=[], help="some functions, as sgsim.rules.match.*")
    parser.add_argument("--again", action="store_true", help="run those once more that no test has killed")
    parser.add_argument("--budget", type=float, default=BUDGET_S, help="most seconds of tests for each mutant")
    options = parser.parse_args()
    work = options.work.resolve()
    mutants, results = make(work), work / "RESULTS.jsonl"
    found = found_in(results, mutants)
    again = {"survived", "untested"} if options.again else set()
    waiting = [mutant for mutant in mutants if mutant not in found or found[mutant] in again]
    if options.only:
        waiting = [
            mutant for mutant in waiting
            if any(fnmatch.fnmatch(f"{mutant.module}.{mutant.function}", pattern) for pattern in options.only)
        ]  # fmt: skip
    if waiting:
        judge(options, work, waiting, results)
    sys.exit(not report(mutants, results))


if __name__ == "__main__":
    main()
