"""What an engine may be told, and what is refused."""

import pytest

from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError


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
