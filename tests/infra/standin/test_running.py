"""Scripts over a socket, compared byte by byte."""

import json
from collections.abc import Iterator

import httpx2
import pytest

from infra.standin.language import script
from infra.standin.server import StandIn


def post(http: httpx2.Client, message: str, *, stream: bool = True) -> httpx2.Response:
    return http.post("/responses", json={"model": "m", "input": message, "stream": stream})


def chunks_of(http: httpx2.Client, message: str) -> Iterator[bytes]:
    body = {"model": "m", "input": message, "stream": True}
    with http.stream("POST", "/responses", json=body) as response:
        yield from response.iter_raw()


def test_event_is_sent_with_type(http: httpx2.Client) -> None:
    response = post(http, script({"event": {"type": "x", "text": "水", "n": None}}))
    assert response.content == 'event: x\ndata: {"type":"x","text":"水","n":null}\n\n'.encode()
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"


def test_untyped_event_has_no_event_line(http: httpx2.Client) -> None:
    assert post(http, script({"event": {"n": 1}})).content == b'data: {"n":1}\n\n'


def test_raw_text_and_bytes_are_unchanged(http: httpx2.Client) -> None:
    assert post(http, script({"raw": ": é\r\n"}, {"base64": "/wA="})).content == ": é\r\n".encode() + b"\xff\x00"


def test_empty_script_ends_at_once(http: httpx2.Client) -> None:
    response = post(http, script())
    assert (response.status_code, response.content) == (200, b"")


def test_each_step_is_one_chunk(http: httpx2.Client) -> None:
    assert list(chunks_of(http, script({"raw": "ab"}, {"raw": "c"}))) == [b"ab", b"c"]


def test_split_cuts_inside_characters(http: httpx2.Client) -> None:
    message = script({"raw": "abc"}, {"split": 2}, {"raw": "水x"}, {"raw": "yz"})
    assert list(chunks_of(http, message)) == [b"abc", b"\xe6\xb0", b"\xb4x", b"yz"]


def test_status_has_body_and_headers(http: httpx2.Client) -> None:
    response = post(http, script({"status": 418, "headers": {"x-a": "b"}, "body": {"c": 1}}))
    assert (response.status_code, response.headers["x-a"], response.json()) == (418, "b", {"c": 1})


def test_status_body_may_be_text(http: httpx2.Client) -> None:
    response = post(http, script({"status": 502, "headers": {"content-type": "text/html"}, "body": "<p>bad"}))
    assert (response.headers["content-type"], response.text) == ("text/html", "<p>bad")


@pytest.mark.parametrize("stream", [True, False])
def test_status_applies_with_and_without_stream(http: httpx2.Client, *, stream: bool) -> None:
    response = post(http, script({"status": 401}), stream=stream)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_api_key")


def test_status_with_times_is_limited(http: httpx2.Client) -> None:
    message = script({"status": 500, "times": 1}, {"status": 429, "times": 2}, {"text": "a"})
    assert [post(http, message).status_code for _ in range(5)] == [500, 429, 429, 200, 200]


def test_other_message_has_own_count(http: httpx2.Client) -> None:
    post(http, script({"status": 500, "times": 1}))
    assert post(http, script({"status": 500, "times": 1}, {"text": "a"})).status_code == 500


def test_cut_leaves_body_unfinished(http: httpx2.Client) -> None:
    chunks = chunks_of(http, script({"raw": "ab"}, {"cut": True}))
    assert next(chunks) == b"ab"
    with pytest.raises(httpx2.RemoteProtocolError, match="incomplete chunked read"):
        next(chunks)


def test_leading_cut_sends_head(http: httpx2.Client) -> None:
    with http.stream(
        "POST", "/responses", json={"model": "m", "input": script({"cut": True}), "stream": True}
    ) as response:
        assert response.status_code == 200
        with pytest.raises(httpx2.RemoteProtocolError):
            response.read()


def test_gate_holds_later_steps(http: httpx2.Client, standin: StandIn) -> None:
    chunks = chunks_of(http, script({"raw": "a"}, {"gate": "g"}, {"raw": "b"}))
    assert next(chunks) == b"a"
    assert standin.requests()[0].state == "open"
    standin.open_gate("g")
    assert list(chunks) == [b"b"]


def test_leading_gate_holds_head(http: httpx2.Client) -> None:
    body = {"model": "m", "input": script({"gate": "never"}), "stream": True}
    with pytest.raises(httpx2.ReadTimeout):
        http.post("/responses", json=body, timeout=0.1)


def test_empty_raw_text_sends_head(http: httpx2.Client) -> None:
    body = {"model": "m", "input": script({"raw": ""}, {"gate": "never"}), "stream": True}
    with http.stream("POST", "/responses", json=body) as response:
        assert response.status_code == 200


def test_delay_waits(http: httpx2.Client) -> None:
    assert post(http, script({"delay": 0.05}, {"text": "a"})).elapsed.total_seconds() >= 0.05


def test_invalid_script_names_wrong_step(http: httpx2.Client) -> None:
    response = post(http, '/play [{"text": "a"}, {"oops": 1}]')
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["param"], error["code"]) == ("input", "bad_play")
    assert error["message"].startswith("step 2: ")


def test_script_may_be_last_message(http: httpx2.Client) -> None:
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": [{"type": "input_text", "text": script({"raw": "a"})}]},
    ]
    response = http.post("/responses", json={"model": "m", "input": messages, "stream": True})
    assert response.content == b"a"


def test_request_without_key_is_refused(standin: StandIn) -> None:
    response = httpx2.post(f"{standin.base_url}/responses", json={"model": "m", "input": "Hi"})
    assert response.status_code == 401
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_non_json_body_is_refused(http: httpx2.Client) -> None:
    response = http.post("/responses", content=b"{")
    assert response.status_code == 400
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_missing_input_is_named(http: httpx2.Client) -> None:
    response = http.post("/responses", json={"model": "m"})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "input")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("PUT", "/responses", 405)])
def test_unknown_route_has_same_error_shape(http: httpx2.Client, method: str, path: str, status: int) -> None:
    response = http.request(method, path)
    assert (response.status_code, list(response.json())) == (status, ["error"])


def test_demo_keeps_timing() -> None:
    with StandIn(first_token=0.1, tokens_per_second=1000) as standin:
        body = {"model": "m", "input": "Hi", "stream": True, "max_output_tokens": 50}
        response = httpx2.post(f"{standin.base_url}/responses", json=body, headers={"authorization": "Bearer key"})
    assert response.elapsed.total_seconds() >= 0.1 + 49 / 1000
    assert json.loads(response.text.strip().splitlines()[-1][6:])["type"] == "response.incomplete"
