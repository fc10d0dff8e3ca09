"""Plays over a socket: every byte as the play says."""

import json
from collections.abc import Iterator

import httpx2
import pytest

from infra.standin.plays import play
from infra.standin.server import StandIn


def post(http: httpx2.Client, message: str, *, stream: bool = True) -> httpx2.Response:
    return http.post("/responses", json={"model": "m", "input": message, "stream": stream})


def chunks_of(http: httpx2.Client, message: str) -> Iterator[bytes]:
    body = {"model": "m", "input": message, "stream": True}
    with http.stream("POST", "/responses", json=body) as response:
        yield from response.iter_raw()


def test_an_event_goes_out_with_its_type_and_as_it_is(http: httpx2.Client) -> None:
    response = post(http, play({"event": {"type": "x", "text": "水", "n": None}}))
    assert response.content == 'event: x\ndata: {"type":"x","text":"水","n":null}\n\n'.encode()
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"


def test_an_event_without_a_type_has_no_event_line(http: httpx2.Client) -> None:
    assert post(http, play({"event": {"n": 1}})).content == b'data: {"n":1}\n\n'


def test_raw_text_and_raw_bytes_go_out_untouched(http: httpx2.Client) -> None:
    assert post(http, play({"raw": ": é\r\n"}, {"base64": "/wA="})).content == ": é\r\n".encode() + b"\xff\x00"


def test_an_empty_play_ends_at_once(http: httpx2.Client) -> None:
    response = post(http, play())
    assert (response.status_code, response.content) == (200, b"")


def test_each_step_is_a_chunk_of_its_own(http: httpx2.Client) -> None:
    assert list(chunks_of(http, play({"raw": "ab"}, {"raw": "c"}))) == [b"ab", b"c"]


def test_a_split_cuts_what_follows_also_inside_a_character(http: httpx2.Client) -> None:
    message = play({"raw": "abc"}, {"split": 2}, {"raw": "水x"}, {"raw": "yz"})
    assert list(chunks_of(http, message)) == [b"abc", b"\xe6\xb0", b"\xb4x", b"yz"]


def test_a_status_answers_with_its_body_and_headers(http: httpx2.Client) -> None:
    response = post(http, play({"status": 418, "headers": {"x-a": "b"}, "body": {"c": 1}}))
    assert (response.status_code, response.headers["x-a"], response.json()) == (418, "b", {"c": 1})


def test_the_body_of_a_status_may_be_text(http: httpx2.Client) -> None:
    response = post(http, play({"status": 502, "headers": {"content-type": "text/html"}, "body": "<p>bad"}))
    assert (response.headers["content-type"], response.text) == ("text/html", "<p>bad")


@pytest.mark.parametrize("stream", [True, False])
def test_a_status_comes_whether_streamed_or_not(http: httpx2.Client, *, stream: bool) -> None:
    response = post(http, play({"status": 401}), stream=stream)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_api_key")


def test_a_status_with_times_comes_so_often_to_the_same_message(http: httpx2.Client) -> None:
    message = play({"status": 500, "times": 1}, {"status": 429, "times": 2}, {"text": "a"})
    assert [post(http, message).status_code for _ in range(5)] == [500, 429, 429, 200, 200]


def test_another_message_counts_for_itself(http: httpx2.Client) -> None:
    post(http, play({"status": 500, "times": 1}))
    assert post(http, play({"status": 500, "times": 1}, {"text": "a"})).status_code == 500


def test_a_cut_leaves_the_body_without_an_end(http: httpx2.Client) -> None:
    chunks = chunks_of(http, play({"raw": "ab"}, {"cut": True}))
    assert next(chunks) == b"ab"
    with pytest.raises(httpx2.RemoteProtocolError, match="incomplete chunked read"):
        next(chunks)


def test_a_cut_that_comes_first_still_sends_the_head(http: httpx2.Client) -> None:
    with http.stream(
        "POST", "/responses", json={"model": "m", "input": play({"cut": True}), "stream": True}
    ) as response:
        assert response.status_code == 200
        with pytest.raises(httpx2.RemoteProtocolError):
            response.read()


def test_a_gate_holds_back_what_follows_it(http: httpx2.Client, standin: StandIn) -> None:
    chunks = chunks_of(http, play({"raw": "a"}, {"gate": "g"}, {"raw": "b"}))
    assert next(chunks) == b"a"
    assert standin.requests()[0].state == "open"
    standin.open_gate("g")
    assert list(chunks) == [b"b"]


def test_a_gate_before_the_first_bytes_holds_back_the_head(http: httpx2.Client) -> None:
    body = {"model": "m", "input": play({"gate": "never"}), "stream": True}
    with pytest.raises(httpx2.ReadTimeout):
        http.post("/responses", json=body, timeout=0.1)


def test_empty_raw_text_sends_the_head_alone(http: httpx2.Client) -> None:
    body = {"model": "m", "input": play({"raw": ""}, {"gate": "never"}), "stream": True}
    with http.stream("POST", "/responses", json=body) as response:
        assert response.status_code == 200


def test_a_delay_waits(http: httpx2.Client) -> None:
    assert post(http, play({"delay": 0.05}, {"text": "a"})).elapsed.total_seconds() >= 0.05


def test_a_bad_play_is_answered_with_the_step_that_is_wrong(http: httpx2.Client) -> None:
    response = post(http, '/play [{"text": "a"}, {"oops": 1}]')
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["param"], error["code"]) == ("input", "bad_play")
    assert error["message"].startswith("step 2: ")


def test_a_play_may_come_in_the_last_user_message_of_a_list(http: httpx2.Client) -> None:
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": [{"type": "input_text", "text": play({"raw": "a"})}]},
    ]
    response = http.post("/responses", json={"model": "m", "input": messages, "stream": True})
    assert response.content == b"a"


def test_a_request_without_a_key_is_refused(standin: StandIn) -> None:
    response = httpx2.post(f"{standin.base_url}/responses", json={"model": "m", "input": "Hi"})
    assert response.status_code == 401
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_a_body_that_is_not_json_is_refused(http: httpx2.Client) -> None:
    response = http.post("/responses", content=b"{")
    assert response.status_code == 400
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_a_missing_input_is_named(http: httpx2.Client) -> None:
    response = http.post("/responses", json={"model": "m"})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "input")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("PUT", "/responses", 405)])
def test_another_url_or_method_is_refused_in_the_same_shape(
    http: httpx2.Client, method: str, path: str, status: int
) -> None:
    response = http.request(method, path)
    assert (response.status_code, list(response.json())) == (status, ["error"])


def test_the_demo_keeps_its_time() -> None:
    with StandIn(first_token=0.1, tokens_per_second=1000) as standin:
        body = {"model": "m", "input": "Hi", "stream": True, "max_output_tokens": 50}
        response = httpx2.post(f"{standin.base_url}/responses", json=body, headers={"authorization": "Bearer key"})
    assert response.elapsed.total_seconds() >= 0.1 + 49 / 1000
    assert json.loads(response.text.strip().splitlines()[-1][6:])["type"] == "response.incomplete"
