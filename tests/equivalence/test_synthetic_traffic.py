"""`compiled(packets) == reference(packets)` for flows as applications make them: long, in order, most packets in peace.

Random packets seldom go on in a flow; those of a capture nearly always do, and so most of them are followed in one loop.
"""

import pytest
from builders import group, interface, inventory
from equivalence.in_step import InStep

import sgsim
from sgsim.conntrack.policies import UdpStream
from sgsim.conntrack.profile import AWS_NITRO, AWS_NITRO_V6, LINUX
from sgsim.engine.options import EngineOptions
from sgsim.model.columns import select_rows

TRACKED = inventory(
    group("all from 0.0.0.0/1", "all from 128.0.0.0/1", "all to 0.0.0.0/1", "all to 128.0.0.0/1", group_id="sg-web"),
    interface("10.0.0.5"),
)
BY_AGE = AWS_NITRO.given("udp_stream", UdpStream.ANSWERED_AND_OLD.value)


def packets():
    """Packets of TCP and UDP within two minutes, longer than most silences."""
    traffic = sgsim.synthetic.mix(
        sgsim.synthetic.web(rate=0.5), sgsim.synthetic.dns(rate=1), sgsim.synthetic.keep_alive(servers="198.51.100.9"),
        seed=3, duration="120s",
    )  # fmt: skip
    return select_rows(next(traffic.bound(TRACKED).batches()), 0, 6000)


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("profile", [AWS_NITRO, AWS_NITRO_V6, LINUX, BY_AGE], ids=lambda profile: profile.name)
def test_engines_agree(profile, recorded):
    steps = InStep(TRACKED, EngineOptions(profile=profile, recorded=recorded, capacity=40))
    batch = packets()
    for begin in range(0, len(batch.time_ns), 700):
        assert steps.filter(select_rows(batch, begin, min(begin + 700, len(batch.time_ns))))
    steps.compare()
    assert steps.packets > 4000
