"""The property can fail: a fault in any file of kernels, one boundary moved or one word exchanged, is caught.

The faults stand in copies of the kernels' sources that plain Python runs (see `uncompiled`), because compiling the kernels
anew for each of them would take half a minute. One more is truly compiled, in CI. The same traffic finds nothing in a
copy without a fault; and that run is the one in which coverage sees the kernels' lines.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from equivalence.play import Scenario, play
from equivalence.uncompiled import kernel_modules, module_with, uncompiled

SEEDS, PACKETS = 150, 400

FAULTS = [
    ("rules.wide_lo[middle] <= lo", "rules.wide_lo[middle] < lo"),
    ("address >> 8 & 255", "address >> 9 & 255"),
    ("m.due[at * 3 - 2] > flow", "m.due[at * 3 - 2] < flow"),
    ("apart >> 8 * (level + 1)", "apart >> 8 * (level + 2)"),
    ("segment == RST and not word", "segment == RST and word"),
    ("found >= CELL_IGNORE", "found > CELL_IGNORE"),
    ("m.clock[POOL_USED] += 1", "m.clock[POOL_USED] += 0"),
    ("DHCPV6_CLIENT <= src_port", "DHCPV6_CLIENT < src_port"),
    ("(direction == EGRESS) == (role == QUERY)", "(direction == EGRESS) != (role == QUERY)"),
    ("np.int64(out.opener[at_out]) << 32", "np.int64(out.opener[at_out]) << 33"),
    ("m.tables[row + COUNT] > m.tables[row + PEAK]", "m.tables[row + COUNT] >= m.tables[row + PEAK]"),
    ("m.pool[word + FLOW] <= m.tables[table * TABLE_WORDS + PEAK_FLOW]", "m.pool[word + FLOW] < 1"),
    ("return np.int64(opener != direction)", "return np.int64(opener == direction)"),
    ("if due_ns > now_ns:", "if due_ns >= now_ns:"),
    ("+ BESIDE] > facts.options[REMEMBER]", "+ BESIDE] >= facts.options[REMEMBER]"),
    ("p.src_port[row] >= facts.options[EPHEMERAL_PORT]", "p.src_port[row] > facts.options[EPHEMERAL_PORT]"),
    ("[1] <= capacity", "[1] < capacity"),
    ("is_sooner = expires < m.pool[word + EXPIRES]", "is_sooner = expires > m.pool[word + EXPIRES]"),
    ("state & 15 != ST_SYN_SENT", "state & 15 == ST_SYN_SENT"),
    ("tracking == UNTRACKED or state", "tracking == TRACKED or state"),
    ("if time_ns < m.clock[NOW]:", "if time_ns <= m.clock[NOW]:"),
    ("m.clock[STARTED], m.clock[START] = 1, now_ns", "m.clock[STARTED], m.clock[START] = 1, 0"),
    ("PLACES_AT: Final = 17", "PLACES_AT: Final = 18"),
]

WITHOUT_DECISIONS = {"arrays"}
"""Names and types alone; a fault there is an error at once."""


def is_caught(make_compiled):
    """Whether one of the scenarios tells the engines apart; a kernel with a fault may also end in an error, or never."""
    before = signal.signal(signal.SIGALRM, _never_ends)
    signal.alarm(30)
    try:
        for seed in range(SEEDS):
            play(Scenario.of(seed, PACKETS), make_compiled)
    except Exception:  # noqa: BLE001 - any
        return True
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return False


def _never_ends(_number, _frame):
    raise TimeoutError


@pytest.mark.parametrize(("before", "after"), FAULTS, ids=[f"{module_with(fault[0])}-{fault[1]}" for fault in FAULTS])
def test_a_fault_is_caught(before, after):
    with uncompiled(before, after) as engine:
        assert is_caught(engine)


def test_each_file_of_kernels_has_a_fault():
    assert set(kernel_modules()) - WITHOUT_DECISIONS == {module_with(before) for before, _ in FAULTS}


def test_without_a_fault_nothing_is_caught():
    with uncompiled() as engine:
        for seed in range(25):
            play(Scenario.of(seed, PACKETS), engine)


COMPILED_FAULT = """
import sys
from importlib.abc import SourceLoader
from importlib.machinery import SourceFileLoader
BEFORE, AFTER, MODULE = sys.argv[1:4]
class Loader(SourceFileLoader):
    def get_data(self, path):
        data = super().get_data(path)
        return data.replace(BEFORE.encode(), AFTER.encode()) if path.endswith(f"kernels/{MODULE}.py") else data
    def path_stats(self, path):
        raise OSError  # no bytecode of the true source
    def set_data(self, *_args, **_kwargs):
        pass
class Finder:
    @staticmethod
    def find_spec(name, path, target=None):
        import importlib.util
        if name != f"sgsim.kernels.{MODULE}":
            return None
        file = f"{path[0]}/{MODULE}.py"
        return importlib.util.spec_from_file_location(name, file, loader=Loader(name, file))
sys.meta_path.insert(0, Finder)
from sgsim.kernels import jit
jit._keep_on_disk = lambda dispatcher: None
from equivalence.test_planted_faults import is_caught
from sgsim.engine.compiled import CompiledEngine
sys.exit(0 if is_caught(CompiledEngine) else 1)
"""


@pytest.mark.skipif(not os.environ.get("HYPOTHESIS_PROFILE"), reason="compiles all kernels; where a profile is chosen")
@pytest.mark.parametrize(("before", "after"), [FAULTS[0]], ids=[FAULTS[0][1]])
def test_a_compiled_fault_is_caught(before, after):
    tests = str(Path(__file__).parents[1])
    arguments = [sys.executable, "-c", COMPILED_FAULT, before, after, module_with(before)]
    done = subprocess.run(arguments, env={**os.environ, "PYTHONPATH": tests}, cwd=tests, check=False)
    assert 0 == done.returncode
