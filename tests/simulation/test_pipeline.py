import threading
from collections.abc import Iterator

import pytest
from builders import group, interface, inventory
from simulation.batches import ListSource, packets

from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError, SourceError
from sgsim.model.columns import PacketColumns
from sgsim.simulation.driver import run
from sgsim.simulation.pipeline import ReadAhead

WEB = "tcp 198.51.100.7:40000 -> 192.0.2.10:443 S"


def batches(count: int, broken: Exception | None = None) -> Iterator[PacketColumns]:
    yield from (packets(WEB, number=number) for number in range(count))
    if broken is not None:
        raise broken


@pytest.mark.parametrize("count", [0, 1, 20])
def test_all_batches_in_their_order(count):
    assert list(range(count)) == [int(batch.number[0]) for batch in ReadAhead(batches(count))]


def test_an_error_comes_after_the_batches_before_it():
    seen: list[int] = []
    with pytest.raises(SourceError, match="cut"):
        list(ReadAhead(_noting(seen, batches(3, SourceError("cut")))))
    assert [0, 1, 2] == seen


def _noting(seen: list[int], given: Iterator[PacketColumns]) -> Iterator[PacketColumns]:
    for batch in given:
        seen.append(int(batch.number[0]))
        yield batch


def test_reading_is_not_far_ahead():
    """However slowly batches are used, few of them are in memory."""
    seen: list[int] = []
    ahead = iter(ReadAhead(_noting(seen, batches(100))))
    for used in range(1, 50):
        next(ahead)
        assert len(seen) <= used + 4


def test_who_stops_leaves_no_thread():
    ahead = iter(ReadAhead(batches(100)))
    next(ahead)
    ahead.close()
    for thread in threading.enumerate():
        if thread.name == "read":
            thread.join(timeout=10)
            assert not thread.is_alive()


def test_one_thread_and_two_come_to_the_same():
    known = inventory(group("tcp 443 from 0.0.0.0/1"), interface("192.0.2.10"))
    source = ListSource([packets(WEB, WEB), packets("tcp 198.51.100.7:40001 -> 192.0.2.10:443 S", WEB, number=[3, 4])])
    both = [run(known, [source], EngineOptions(), engine="compiled", threads=threads).summary for threads in (1, 2)]
    assert both[0] == both[1]
    assert 4 == both[0].packets.read


def test_other_numbers_of_threads_are_refused():
    known = inventory(group("tcp 443 from 0.0.0.0/1"), interface("192.0.2.10"))
    with pytest.raises(ConfigError, match="threads must be 1 or 2, got 3"):
        run(known, [ListSource([packets(WEB)])], EngineOptions(), threads=3)
