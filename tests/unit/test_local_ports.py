"""Ports belong to one stack at a time, also while nobody listens on them."""

import socket
import sys

import pytest

from local.errors import PortTaken
from local.ports import HOST, Ports


def test_a_name_keeps_its_port() -> None:
    ports = Ports({}, {})
    assert ports.port("api") == ports.port("api") == ports.numbers["api"]
    assert ports.port("kafka") != ports.port("api")
    ports.close()


def test_a_stack_gets_the_ports_of_its_last_run_again() -> None:
    before = Ports({}, {})
    chosen = before.port("api")
    before.close()
    after = Ports({"api": chosen}, {})
    assert after.port("api") == chosen
    after.close()


def test_a_remembered_port_that_somebody_else_took_meanwhile_is_replaced() -> None:
    with socket.create_server((HOST, 0)) as somebody:
        taken = somebody.getsockname()[1]
        ports = Ports({"api": taken}, {})
        assert ports.port("api") != taken
        ports.close()


def test_a_port_fixed_by_a_setting_is_that_port_or_an_error() -> None:
    with socket.create_server((HOST, 0)) as somebody:
        taken = somebody.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {taken}, asked for api, is in use"):
            Ports({}, {"api": taken}).port("api")
    free = Ports({}, {"api": taken})
    assert free.port("api") == taken
    free.close()


if sys.platform == "linux":

    def test_a_port_is_held_while_its_server_is_down_and_yet_the_server_can_listen() -> None:
        ports = Ports({}, {})
        port = ports.port("api")
        with socket.socket() as stranger, pytest.raises(OSError, match="Address already in use"):
            stranger.bind((HOST, port))
        with socket.create_server((HOST, port)) as server:  # as servers do it, with SO_REUSEADDR
            assert server.getsockname()[1] == port
        ports.close()
