"""Scheme, host and port from headers of any form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.authority import scheme_of, server_of

PORTS = ["443,80", "443, 443", "", " ", ",", "abc", "-1", "0", "65536", "9" * 5000, "\u0664\u0664\u0663", "1.5", "+443"]


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("name", ("name", 443)),
        ("name:", ("name", 443)),
        ("name:8443", ("name", 8443)),
        (" name:8443 ", ("name", 8443)),
        ("[::1]", ("::1", 443)),
        ("[::1]:", ("::1", 443)),
        ("[::1]:8443", ("::1", 8443)),
        ("name:99999", ("name", 443)),
        ("name:0", ("name", 443)),
        ("198.51.100.7:80", ("198.51.100.7", 80)),
    ],
)
def test_a_host_is_read_by_rfc_3986(host: str, server: tuple[str, int]) -> None:
    assert server_of({"host": host}) == server


@pytest.mark.parametrize(
    "host", ["", ":", ":80", "a:b", "a:1:2", "::1", "[::1", "a/b", "a@b", "a b", "a, b", "[]", "[x]"]
)
def test_a_host_that_is_none_is_left_out(host: str) -> None:
    assert server_of({"host": host}) is None
    assert server_of({"host": host}, "chat.example.com") == ("chat.example.com", 443)


@pytest.mark.parametrize(("port", "read"), [("8443", 8443), ("8443, 443", 8443), *((port, 443) for port in PORTS)])
def test_forwarded_port_is_first_that_is_one(port: str, read: int) -> None:
    assert server_of({"host": "name", "x-forwarded-port": port}) == ("name", read)


@pytest.mark.parametrize(
    ("proto", "scheme"),
    [("http", "http"), ("HTTPS", "https"), ("http, https", "http"), ("", "https"), ("ftp", "https"), (",", "https")],
)
def test_the_scheme_is_http_or_https(proto: str, scheme: str) -> None:
    assert scheme_of({"x-forwarded-proto": proto}) == scheme


def test_the_default_port_is_that_of_the_scheme() -> None:
    assert server_of({"host": "name", "x-forwarded-proto": "http"}) == ("name", 80)


@given(st.fixed_dictionaries({}, optional={n: st.text() for n in ("host", "x-forwarded-port", "x-forwarded-proto")}))
def test_no_header_is_refused(headers: dict[str, str]) -> None:
    server = server_of(headers, "name")
    assert server is not None
    assert 0 < server[1] < 65536
