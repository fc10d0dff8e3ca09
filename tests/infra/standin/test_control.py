"""The request log, in the process and over HTTP."""

import math
import time

import httpx2
import pytest

from infra.standin.asgi import create_standin_app, is_loopback
from infra.standin.demo import Timing
from infra.standin.language import script
from infra.standin.server import StandIn
from infra.standin.state import State


def control(standin: StandIn, path: str) -> str:
    return standin.base_url.removesuffix("/v1") + "/standin/" + path


def body_of(message: str) -> dict[str, object]:
    return {"model": "m", "input": message, "stream": True}


def test_request_is_recorded_with_body_and_token(http: httpx2.Client, standin: StandIn) -> None:
    before = time.time()
    http.post("/responses", json=body_of(script()))
    received = standin.wait_ended()
    assert (received.body, received.token, received.state) == (body_of(script()), "key", "finished")
    assert received.ended_at is not None
    assert before <= received.received_at <= received.ended_at <= time.time()


def test_refused_request_is_recorded(standin: StandIn) -> None:
    httpx2.post(f"{standin.base_url}/responses", content=b"{")
    received = standin.wait_ended()
    assert (received.body, received.token, received.state) == ("{", None, "finished")


@pytest.mark.parametrize("wait", [{"gate": "never"}, {"delay": 60}])
def test_disconnect_during_wait_is_noticed(http: httpx2.Client, standin: StandIn, wait: dict[str, object]) -> None:
    with http.stream("POST", "/responses", json=body_of(script({"raw": "a"}, wait))):
        assert standin.wait_received().state == "open"
    assert standin.wait_ended().state == "closed"


def test_disconnect_between_chunks_is_noticed(http: httpx2.Client, standin: StandIn) -> None:
    with http.stream("POST", "/responses", json=body_of(script({"split": 1}, {"raw": "a" * 200_000}))):
        pass
    assert standin.wait_ended().state == "closed"


def test_disconnect_at_gate_keeps_it_open(http: httpx2.Client, standin: StandIn) -> None:
    message = script({"raw": "a"}, {"gate": "g"}, {"raw": "b"})
    with http.stream("POST", "/responses", json=body_of(message)) as stays:
        with http.stream("POST", "/responses", json=body_of(message)):
            pass
        assert standin.wait_ended(1).state == "closed"
        standin.open_gate("g")
        assert stays.read() == b"ab"


async def test_async_wait_does_not_block_client(standin: StandIn) -> None:
    async with httpx2.AsyncClient(headers={"authorization": "Bearer key"}) as client:
        url = f"{standin.base_url}/responses"
        async with client.stream("POST", url, json=body_of(script({"raw": "a"}, {"gate": "never"}))):
            pass
        assert (await standin.wait_ended_async()).state == "closed"


def test_wait_timeout_shows_requests(http: httpx2.Client, standin: StandIn) -> None:
    http.post("/responses", json=body_of(script()))
    with pytest.raises(TimeoutError, match="finished"):
        standin.wait_ended(1, within=0.01)


def test_reset_clears_requests_counts_and_gates(http: httpx2.Client, standin: StandIn) -> None:
    message = script({"status": 500, "times": 1})
    http.post("/responses", json=body_of(message))
    standin.open_gate("g")
    standin.reset()
    assert standin.requests() == []
    assert http.post("/responses", json=body_of(message)).status_code == 500
    with pytest.raises(httpx2.ReadTimeout):
        http.post("/responses", json=body_of(script({"gate": "g"})), timeout=0.1)


def test_gate_opens_over_http(http: httpx2.Client, standin: StandIn) -> None:
    with http.stream("POST", "/responses", json=body_of(script({"raw": "a"}, {"gate": "g"}))) as response:
        assert httpx2.post(control(standin, "gates/g")).status_code == 204
        assert response.read() == b"a"


def test_requests_are_listed_over_http(http: httpx2.Client, standin: StandIn) -> None:
    http.post("/responses", json=body_of(script()))
    standin.wait_ended()
    (entry,) = httpx2.get(control(standin, "requests")).json()
    assert entry["body"] == body_of(script())
    assert (entry["token"], entry["state"]) == ("***", "finished")


def test_reset_works_over_http(http: httpx2.Client, standin: StandIn) -> None:
    http.post("/responses", json=body_of(script()))
    assert httpx2.delete(control(standin, "requests")).status_code == 204
    assert standin.requests() == []


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.88.0.2", False),
        ("::ffff:10.88.0.2", False),
        ("192.0.2.1", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_control_takes_only_loopback_peers(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/standin/requests"), ("DELETE", "/standin/requests"), ("POST", "/standin/gates/g")]
)
async def test_control_refuses_other_peers(method: str, path: str) -> None:
    """Sets the peer's address: all sockets of a test are on loopback."""
    app = create_standin_app(State(Timing(0, math.inf)))
    transport = httpx2.ASGITransport(app, client=("10.88.0.2", 40000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://standin") as client:
        assert (await client.request(method, path)).status_code == 403
