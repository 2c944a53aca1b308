"""What an engine may be told, and what is refused."""

import pytest

from sgsim.conntrack.profile import LINUX
from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError
from sgsim.model.interface import TimeoutOverrides


@pytest.mark.parametrize("remember", [0, -1])
def test_at_least_one_flow_is_remembered(remember):
    assert EngineOptions(remember=1).remember == 1
    with pytest.raises(ConfigError) as refused:
        EngineOptions(remember=remember)
    assert str(refused.value) == f"remember must be at least 1 flow, got {remember}"


@pytest.mark.parametrize("client_port", [0, 65536])
def test_ports_of_clients_begin_with_a_port(client_port):
    assert [EngineOptions(client_port=port).client_port for port in (1, 65535)] == [1, 65535]
    with pytest.raises(ConfigError) as refused:
        EngineOptions(client_port=client_port)
    assert str(refused.value) == f"client_port must be 1..65535, got {client_port}"


def test_a_change_sets_capacity_and_timeouts_and_nothing_else():
    before = EngineOptions(profile=LINUX, remember=7, recorded=True, client_port=1024)
    timeouts = TimeoutOverrides(udp_s=31)
    for other in (EngineOptions(capacity=3, timeouts=timeouts), EngineOptions(is_unlimited=True, timeouts=timeouts)):
        changed = before.changed_to(other)
        assert (changed.capacity, changed.is_unlimited, changed.timeouts) == (
            other.capacity, other.is_unlimited, timeouts,
        )  # fmt: skip
        assert (changed.profile, changed.remember, changed.recorded, changed.client_port) == (LINUX, 7, True, 1024)
