"""The server as a thread and as a program."""

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack

import httpx2
import pytest

from infra.standin.language import script
from infra.standin.server import StandIn
from tests.infra.programs import Program


def test_exit_drops_open_connections() -> None:
    body = {"model": "m", "input": script({"raw": "a"}, {"gate": "never"}), "stream": True}
    with ExitStack() as stack:
        client = stack.enter_context(httpx2.Client(headers={"authorization": "Bearer key"}))
        with StandIn() as standin:
            response = stack.enter_context(client.stream("POST", f"{standin.base_url}/responses", json=body))
        with pytest.raises(httpx2.RemoteProtocolError):
            response.read()


def test_server_is_ready_at_once() -> None:
    with StandIn() as standin:
        assert httpx2.get(f"{standin.base_url}/models").status_code == 401


def test_two_servers_run_together() -> None:
    with StandIn() as one, StandIn() as other:
        assert one.base_url != other.base_url


def test_exit_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with StandIn():
        assert set(threading.enumerate()) != before
    assert set(threading.enumerate()) == before


def test_program_serves_until_interrupt(program: Callable[..., Program]) -> None:
    standin = program("infra.standin", "--port", "0", "--first-token", "0", "--tokens-per-second", "inf")
    url = standin.url() + "/v1/responses"
    response = httpx2.post(url, json={"model": "m", "input": "Hi"}, headers={"authorization": "Bearer key"})
    assert response.json()["status"] == "completed"
    standin.interrupt()
    assert "Finished server process" in standin.output
    assert "Traceback" not in standin.output


def test_taken_port_is_one_line(program: Callable[..., Program]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        standin = program("infra.standin", "--port", str(port))
        assert standin.end() != 0
    assert f"('127.0.0.1', {port}): address already in use" in standin.output
    assert "Traceback" not in standin.output
