"""Ports are asked for in words that help."""

import os
import socket
from collections.abc import Iterator

import pytest

from app.local import ports


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server((ports.HOST, 0)) as server:
        yield server.getsockname()[1]


def test_a_busy_port_is_named_with_its_holder_and_the_option_that_changes_it(listener: int) -> None:
    with pytest.raises(ports.PortBusy) as refusal:
        ports.demand(listener, "--internal-port")
    message = str(refusal.value)
    assert f"Port {listener} is in use by process {os.getpid()} (" in message
    assert message.endswith("choose another: --internal-port PORT")


def test_a_free_port_is_granted() -> None:
    ports.demand(ports.free_port(), "--port")


def test_a_port_is_free_while_only_ended_connections_linger_on_it() -> None:
    with socket.create_server((ports.HOST, 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection((ports.HOST, port))
        connection, _ = server.accept()
    connection.close()  # the side that closes first keeps the port in TIME_WAIT
    client.close()
    assert ports.is_free(port)


def test_the_port_of_the_last_time_is_preferred_until_it_is_taken(listener: int) -> None:
    last = ports.free_port()
    assert ports.free_port(last) == last
    assert ports.free_port(listener) != listener
