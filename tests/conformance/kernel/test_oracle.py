"""The oracle itself: its namespace leaves nothing behind, its words are read rightly, and faults of engines are seen."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from conformance.kernel import oracle
from conformance.kernel.compare import DiffersError, assert_same, record, timed
from conformance.kernel.every_sequence import PATHS, along, talk
from conformance.kernel.moves import HOSTS, PEERS, Send, Talk, Tell, datagram, said
from conformance.kernel.namespace import Namespace, UnavailableError
from conformance.kernel.oracle import LONG_S, Entry
from conformance.kernel.play import session
from conformance.kernel.rules import OPEN, SERVER, known
from conformance.kernel.timing import in_time

from sgsim.conntrack.tcp import TCP_TRANSITIONS, Segment
from sgsim.engine.reference_batches import ReferenceBatches
from sgsim.model.protocol import parse_tcp_flags
from sgsim.model.states import ConntrackDirection, Direction, TcpState

INGRESS, EGRESS = Direction.INGRESS, Direction.EGRESS


def namespaces() -> set[str]:
    """The network namespaces that some thread of ours is in."""
    found = set()
    for path in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            found.add(str((path / "ns" / "net").readlink()))
    return found


@pytest.mark.usefixtures("kernel")
def test_the_namespace_goes_with_its_end():
    before = namespaces()
    with Namespace(("192.0.2.10",)) as made:
        assert len(namespaces()) == len(before) + 1
        assert "inside" in made.run("ip", "-brief", "link")
        assert not Path("/sys/class/net/inside").exists()
    assert soon(lambda: namespaces() == before)


def soon(holds: Callable[[], bool]) -> bool:
    """Whether something holds within some seconds: the end of a thread is not its last moment."""
    end_s = time.monotonic() + 5
    while not holds() and time.monotonic() < end_s:
        time.sleep(0.01)
    return holds()


@pytest.mark.usefixtures("kernel")
def test_the_namespace_goes_with_a_process_that_is_killed():
    code = (
        "import os, time; from conformance.kernel.namespace import Namespace\n"
        "made = Namespace(('192.0.2.10',))\n"
        "print(made.within(os.readlink, '/proc/thread-self/ns/net'), flush=True)\n"
        "time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        assert name.startswith("net:[")
        assert name in everywhere()
        child.send_signal(signal.SIGKILL)
    assert soon(lambda: name not in everywhere())


def everywhere() -> set[str]:
    """The network namespaces that any thread is in."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/task/*/ns/net"):
        with contextlib.suppress(OSError):
            found.add(str(path.readlink()))
    return found


def test_a_machine_without_the_programs_is_told(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UnavailableError, match="needs the programs ip, nft, conntrack"):
        Namespace(())


@pytest.mark.parametrize(
    ("line", "entry", "seconds"),
    [
        (
            "ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 [ASSURED]",
            Entry(6, "10.0.0.1", "10.0.0.2", (1, 2), "ESTABLISHED", answered=True),
            431999,
        ),
        (
            "ipv6     10 icmpv6   58 29 src=2001:db8::1 dst=2001:db8::2 type=128 code=0 id=7 [UNREPLIED] src=2001:db8::2",
            Entry(58, "2001:db8::1", "2001:db8::2", (128, 0, 7), "", answered=False),
            29,
        ),
        (
            "ipv4     2 unknown  50 599 src=10.0.0.1 dst=10.0.0.2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 mark=0 use=1",
            Entry(50, "10.0.0.1", "10.0.0.2", (), "", answered=False),
            599,
        ),
    ],
)
def test_a_line_of_conntrack(line, entry, seconds):
    assert (entry, seconds) == oracle._entry(line)


def test_moves_in_words():
    move = Send(Talk(HOSTS[0], PEERS[0], 6, 443, 1), INGRESS, flags=2, size_bytes=64, cuts=(4,), order=(1, 0))
    assert said(move) == "tcp 198.51.100.7 1 -> 192.0.2.10 443 flags 0x2 in 2 fragments (1, 0)"
    assert said(Tell(move, EGRESS, HOSTS[0], PEERS[0])).endswith(f"about ({said(move)})")
    assert datagram(move, 1).first == 1


KINDS = tuple(int(parse_tcp_flags(flags)) for flags in ("S", "SA", "FA", "A", "R", "FU"))
"""One set of flags for each kind of segment, and one that is nonsense."""


@pytest.fixture(scope="module")
def states(kernel):
    """Flows in every state, then, while no rule admits anything, one more segment for each."""
    cases = [(path, way, flags) for path in PATHS.values() for way in Direction for flags in KINDS]
    before = [send for number, (path, _, _) in enumerate(cases) for send in along(path, talk(number))]
    probes = [Send(talk(number), way, flags=flags) for number, (_, way, flags) in enumerate(cases)]
    return record(kernel, [(OPEN, before), (known(), probes)], timed(LONG_S))


@pytest.fixture(scope="module")
def mixed(kernel):
    """Traffic of all kinds, under rules that admit much and little."""
    return [session(kernel, seed, 1500) for seed in range(5, 9)]


@pytest.fixture(scope="module")
def silent(kernel):
    """A flow that has expired, and a packet of it."""
    seconds = dict.fromkeys(LONG_S, 1)
    kernel.time_out_after(seconds)
    try:
        asked = Talk(HOSTS[0], PEERS[0], 17, 53, 1)
        parts = [(SERVER, [Send(asked, INGRESS)]), (SERVER, []), (SERVER, [Send(asked, EGRESS)])]
        return in_time(lambda wait: record(kernel, parts, timed(seconds), wait))
    finally:
        kernel.time_out_after(LONG_S)


def test_without_a_fault_nothing_differs(states, mixed, silent):
    for recording in (states, *mixed, silent):
        assert_same(recording, ReferenceBatches)


@pytest.mark.parametrize("way", ConntrackDirection, ids=lambda way: way.name.lower())
@pytest.mark.parametrize("state", TcpState, ids=str)
def test_a_fault_in_any_cell_of_the_tcp_table_is_seen(monkeypatch, states, way, state):
    """Each cell is taken out if it is there, and made another state."""
    row = TCP_TRANSITIONS[way][state]
    for segment in Segment:
        cell = row.get(segment)
        others = [each for each in TcpState if each not in {cell, state}]
        wrong = [{**row, segment: others[0]}] + ([{k: v for k, v in row.items() if k is not segment}] if cell else [])
        for faulty in wrong:
            with monkeypatch.context() as patch:
                patch.setitem(TCP_TRANSITIONS[way], state, faulty)
                with pytest.raises(DiffersError):
                    assert_same(states, ReferenceBatches)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("related_icmp", "never"),
        ("midstream", "deny"),
        ("invalid", "pass"),
        ("invalid", "deny"),
        ("unanswered", "established"),
        ("icmp_code_in_key", False),
        ("linux_tcp_rules", False),
        ("bypass", "tcp-udp"),
        ("tcp_established_s", 5000),
        ("udp_s", 5000),
        ("icmp_s", 5000),
        ("icmpv6_s", 5000),
        ("other_s", 5000),
        *((f"tcp_{state}_s", 5000) for state in TcpState if state is not TcpState.ESTABLISHED),
    ],
)
def test_a_setting_that_is_not_the_kernels_is_seen(mixed, states, name, value):
    def is_seen(recording):
        try:
            assert_same(evolve(recording, profile=recording.profile.given(name, value)), ReferenceBatches)
        except DiffersError:
            return True
        return False

    assert any(map(is_seen, (states, *mixed)))


def test_an_entry_that_lives_too_long_is_seen(silent):
    assert [seen.passed for part in silent.parts for seen in part.seen] == [True, False]
    with pytest.raises(DiffersError, match="which the kernel drops"):
        assert_same(evolve(silent, profile=silent.profile.given("udp_s", 2)), ReferenceBatches)


def test_a_rule_that_the_engine_does_not_know_is_seen(mixed):
    fewer = [evolve(part, inventory=known()) for part in mixed[0].parts]
    with pytest.raises(DiffersError):
        assert_same(evolve(mixed[0], parts=fewer), ReferenceBatches)
