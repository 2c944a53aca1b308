"""The property can fail: a fault in any file of kernels, one boundary moved or one word exchanged, is caught.

The faults stand in copies of the kernels' sources that plain Python runs (see `uncompiled`), because compiling the kernels
anew for each of them would take half a minute. The same traffic finds nothing in a copy without a fault; and that run is the one in which coverage sees the kernels' lines.
"""

import signal
import sys
from contextlib import contextmanager

import pytest
from equivalence.play import Scenario, play
from equivalence.uncompiled import kernel_modules, module_with, uncompiled

from sgsim.engine.lowering.memory import MemoryKeeper

SEEDS, PACKETS = 150, 400
MOST_S = 10
"""A scenario takes some tenths of a second."""

FAULTS = [
    ("number | KEY)", "number + 1 | KEY)"),
    ("(service >> SPACE_BITS & 1) << 5", "(service >> SPACE_BITS & 0) << 5"),
    ("WIDE_FIRST + wide_greater(", "WIDE_FIRST + 1 + wide_greater("),
    ("range(1, rules.trees[tree + TREE_PIECES] + 1)", "range(1, rules.trees[tree + TREE_PIECES])"),
    ("    return node - 1\n", "    return node\n"),
    ("due[before + DUE_FLOW] <= flow", "due[before + DUE_FLOW] >= flow"),
    ("highest_bit(np.uint64(apart)) >> 3", "highest_bit(np.uint64(apart)) >> 2"),
    ("segment == RST and not word", "segment == RST and word"),
    ("segment == SYN and state == SYN_SENT", "segment == SYN and state != SYN_SENT"),
    ("found >= CELL_IGNORE", "found > CELL_IGNORE"),
    ("m.clock[POOL_USED] += 1", "m.clock[POOL_USED] += 0"),
    ("protocol == UDP) and port == wanted", "protocol == UDP) and port != wanted"),
    ("(direction == EGRESS) == (role == QUERY)", "(direction == EGRESS) != (role == QUERY)"),
    ("np.int64(out.state[at_out]) << 16", "np.int64(out.state[at_out]) << 17"),
    ("if count <= m.tables[row + PEAK]", "if count < m.tables[row + PEAK]"),
    ("m.pool[word + FLOW] <= m.tables[table * TABLE_WORDS + PEAK_FLOW]", "m.pool[word + FLOW] < 1"),
    ("m.pool[word + FLOW] > m.tables[table", "m.pool[word + FLOW] >= m.tables[table"),
    ("remote >> IPV4_BLOCK_SHIFT << PEAK_PLACES_BITS | places", "remote >> IPV4_BLOCK_SHIFT << PEAK_PLACES_BITS | 1"),
    ("wides += 1", "wides += 2"),
    ("return np.int64(opener != direction)", "return np.int64(opener == direction)"),
    ("if due_ns > now_ns:", "if due_ns >= now_ns:"),
    ("+ BESIDE] > facts.options[REMEMBER]", "+ BESIDE] >= facts.options[REMEMBER]"),
    ("p.src_port[row] >= facts.options[CLIENT_PORT]", "p.src_port[row] > facts.options[CLIENT_PORT]"),
    ("places <= capacity", "places < capacity"),
    ("(is_answered_udp & is_stream) << STREAM_AT", "(is_answered_udp | is_stream) << STREAM_AT"),
    ("if expires_ns >= m.pool[word + EXPIRES]", "if expires_ns <= m.pool[word + EXPIRES]"),
    ("expires_ns >= m.pool[word + OPENED] + EARLY_NS", "expires_ns <= m.pool[word + OPENED] + EARLY_NS"),
    ("step = (after & 15) | is_reply << ANSWERED_AT", "step = after & 15"),
    ("(before ^ version) & versions", "(before ^ version) & 0"),
    ("time_ns < now_ns or time_ns >= due_ns:", "time_ns < now_ns:"),
    ("if time_ns < now_ns or not opens", "if not opens"),
    ("if time_ns < now_ns or not opens", "if time_ns < now_ns"),
    ("if time_ns >= due_ns:\n", "if False:\n"),
    ("~(is_udp & np.int64(goes_to_client(facts, p, row)))", "1"),
    ("opened * (is_udp ^ 1)", "opened"),
    ("if with_tag(m, line, items.hashed[item]) or not", "if not"),
    ("if open_rule >= 0:\n            break", "if open_rule > 1 << 31:\n            break"),
    ("unit += items.direction[item] == EGRESS", "unit += items.direction[item] == INGRESS"),
    ("silence_ns >= EARLY_NS", "silence_ns < EARLY_NS"),
    ("m.clock[EARLY_HEAD] = at + 1", "m.clock[EARLY_HEAD] = at + 2"),
    ("STATE] >> EARLY_AT & 1 and m.pool[word + LINKS] == at", "LINKS] == at"),
    ("STATE] >> EARLY_AT & 1 and m.pool[word + LINKS] == at", "STATE] >> EARLY_AT & 1"),
    ("return tick_of(m, m.pool[entry * 8 + OPENED] + EARLY_NS)", "return m.clock[TICK] + 1 << 13"),
    ("IN_DUE_LIST & _LOW or m.pool[entry * 8 + STATE] >> EARLY_AT & 1", "IN_DUE_LIST & _LOW"),
    ("else is_known != (receiver != 0))", "else is_known)"),
    ("state & 15 != ST_SYN_SENT", "state & 15 == ST_SYN_SENT"),
    ("tracking == UNTRACKED or state", "tracking == TRACKED or state"),
    ("if time_ns < m.clock[NOW]:", "if time_ns <= m.clock[NOW]:"),
    ("m.clock[STARTED], m.clock[START] = 1, now_ns", "m.clock[STARTED], m.clock[START] = 1, 0"),
    ("elif is_reply and not facts.options[AS_RECORDED]", "elif is_reply and facts.options[AS_RECORDED]"),
    (
        "first_rule(rules, unit + (direction == EGRESS), is_ipv6, hi, lo, service)\n    if direction == INGRESS",
        "first_rule(rules, unit + (direction == INGRESS), is_ipv6, hi, lo, service)\n    if direction == INGRESS",
    ),
    ("if unit < 0 or items.is_exempt[item]", "if unit < 0"),
    (
        "if not facts.options[FRAGMENTS_RULES] or recall_fragment(",
        "if not facts.options[FRAGMENTS_RULES] or False and recall_fragment(",
    ),
    ("if not facts.options[FRAGMENTS_RULES] or recall_fragment(", "if recall_fragment("),
    ("return goes_back(m, entry, direction) != 0", "return goes_back(m, entry, direction) == 0"),
    ("np.int64(barred_by != 0) << BARRED_AT", "np.int64(barred_by == 0) << BARRED_AT"),
    ("PLACES_AT: Final = 17", "PLACES_AT: Final = 18"),
    ("ICMP_FROM: Final = 131072", "ICMP_FROM: Final = 65536"),
    ("m.pool[word + EXPIRES] + longer_ns, m.clock[NOW])", "m.pool[word + EXPIRES] - longer_ns, m.clock[NOW])"),
    ("segment > SYN and not picks_up", "segment > SYN and picks_up"),
    ("(not is_open or facts.options[MIDSTREAM_UNTRACKED])", "(not is_open)"),
    ("(not is_open or facts.options[FULL_UNTRACKED])", "(not is_open)"),
    ("(not is_open or facts.options[FULL_UNTRACKED]) and", "facts.options[FULL_UNTRACKED] and"),
    ("if not facts.bypass[protocol]", "if not facts.bypass[0]"),
    ("or not facts.options[RELATED_REFRESH]", "or facts.options[RELATED_REFRESH]"),
]

ALIKE = ("np.uint64(interface) * _K3)) | _ONE", "np.uint64(interface) * _K3)) | np.uint64(0xFFFFFFF9)")
"""All keys belong into the last line of the index, which is soon full: the others stand behind it, around, under few tags."""

CROWDED_FAULTS = [
    (">= (ahead - line) & mask", "> (ahead - line) & mask"),
    ("line, slot = ahead, other", "line, slot = line, slot"),
    ("    if was_full:", "    if not was_full:"),
    ("    while is_full:\n", "    if is_full:\n"),
    ("(line + _SLOTS) & np.uint64(m.clock[INDEX_MASK])", "line + _SLOTS"),
    (
        "== wide[3]\n            ):\n                return entry\n            slots &= slots - _ONE",
        "== wide[3]\n            ):\n                return entry\n            slots = _ZERO",
    ),
    ("(line + _SLOTS) & mask", "line + _SLOTS"),
    ("slot >> _SHIFT & mask & _LINE", "slot >> _SHIFT & mask >> _ONE & _LINE"),
    ("is_full or is_behind_full", "is_full"),
]
"""In what only full lines of the index, and its growth, come to."""

GROWTH_FAULTS = [
    ("further += goes", "further += 0"),
    ("LINKS] = end", "LINKS] = at"),
    ("m.clock[EARLY_TAIL] = end", "m.clock[EARLY_TAIL] = end - 1"),
    ("np.uint64(slots) != _ZERO\n", "np.uint64(slots) == _ZERO\n"),
]
"""In what only memory comes to that has to grow, in an index in which keys seldom meet."""

WITHOUT_DECISIONS = {"groups", "arrays"}
"""Names and types alone; a fault there is an error at once."""


def is_caught(make_compiled):
    """Whether one of the scenarios tells the engines apart; a kernel with a fault may also end in an error, or never."""
    for seed in range(SEEDS):
        before = signal.signal(signal.SIGALRM, _never_ends)
        signal.alarm(MOST_S)
        try:
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
    with uncompiled((before, after)) as engine:
        assert is_caught(engine)


def test_each_file_of_kernels_has_a_fault():
    assert set(kernel_modules()) - WITHOUT_DECISIONS == {module_with(before) for before, _ in FAULTS}


def test_without_a_fault_nothing_is_caught():
    with uncompiled() as engine:
        for seed in range(25):
            play(Scenario.of(seed, PACKETS), engine)


@contextmanager
def with_small_memory(*faults):
    """The engine with an index, and room for new entries, that soon have to grow."""
    with uncompiled(*faults) as engine:
        module = sys.modules[MemoryKeeper.__module__]
        module.FIRST_ENTRIES = module.FIRST_EARLY = 16
        yield engine


@pytest.mark.parametrize(
    "fault", CROWDED_FAULTS, ids=[after.strip().rpartition("\n")[2].strip() for _, after in CROWDED_FAULTS]
)
def test_a_fault_in_a_crowded_index_is_caught(fault):
    with with_small_memory(ALIKE, fault) as engine:
        assert is_caught(engine)


@pytest.mark.parametrize("fault", GROWTH_FAULTS, ids=[after for _, after in GROWTH_FAULTS])
def test_a_fault_in_the_growth_of_memory_is_caught(fault):
    with with_small_memory(fault) as engine:
        assert is_caught(engine)


@pytest.mark.parametrize("change", [(), (ALIKE,)], ids=["small memory", "crowded index"])
def test_without_a_fault_nothing_is_caught_in(change):
    with with_small_memory(*change) as engine:
        for seed in range(12):
            play(Scenario.of(seed, PACKETS), engine)
