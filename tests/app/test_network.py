"""Proxies and certificate authorities of the environment, and unusable values."""

import ssl
from pathlib import Path

import pytest

from app.cold_start import create_cold_start_app
from app.network import authorities, check_network, proxy_for
from app.settings import ConfigurationError, Settings

API = "https://api.openai.com/v1"
LOCAL = "http://127.0.0.1:8001/v1"
PROXY = "http://proxy.example:3128"
CERTIFICATE = ssl.get_default_verify_paths().openssl_cafile


def settings(url: str = "") -> Settings:
    return Settings(_env_file=None, openai_base_url=url or None)


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, API, None),
        ({"HTTPS_PROXY": PROXY}, API, PROXY),
        ({"https_proxy": PROXY}, API, PROXY),
        ({"https_proxy": " ", "HTTPS_PROXY": PROXY}, API, PROXY),
        ({"HTTP_PROXY": PROXY}, API, None),
        ({"HTTP_PROXY": PROXY}, "http://model.example", PROXY),
        ({"ALL_PROXY": PROXY}, API, PROXY),
        ({"ALL_PROXY": "http://other", "HTTPS_PROXY": PROXY}, API, PROXY),
        ({"HTTPS_PROXY": "proxy.example:3128"}, API, PROXY),
        ({"HTTPS_PROXY": "https://user:word@proxy"}, API, "https://user:word@proxy"),
    ],
)
def test_the_variable_of_the_scheme_comes_first(environ: dict[str, str], url: str, proxy: str | None) -> None:
    assert proxy_for(url, environ) == proxy


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.1", "localhost", "LocalHost", "model.localhost", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_loopback_is_never_proxied(host: str) -> None:
    assert proxy_for(f"http://{host}:8001/v1", {"ALL_PROXY": PROXY, "HTTP_PROXY": PROXY}) is None


@pytest.mark.parametrize(
    ("exempt", "host", "is_direct"),
    [
        ("*", "api.openai.com", True),
        ("a.example, openai.com", "api.openai.com", True),
        ("OpenAI.com", "api.openai.com", True),
        (".openai.com", "api.openai.com", True),
        ("*.openai.com", "api.openai.com", True),
        ("api.openai.com", "api.openai.com", True),
        ("api.openai.com:443", "api.openai.com", True),
        ("api.openai.com:8443", "api.openai.com", False),
        ("api.openai.com:8443", "api.openai.com:8443", True),
        ("penai.com", "api.openai.com", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("2.3", "10.1.2.3", False),
        ("fd00::/8", "[fd00::7]", True),
        ("[fd00::7]:443", "[fd00::7]", True),
        ("fd00::7", "[fd00::8]", False),
        ("host:port,[,/,,", "api.openai.com", False),
        ("", "api.openai.com", False),
    ],
)
def test_no_proxy_names_hosts_networks_and_ports(exempt: str, host: str, *, is_direct: bool) -> None:
    environ = {"HTTPS_PROXY": PROXY, "no_proxy": exempt}
    assert (proxy_for(f"https://{host}/v1", environ) is None) is is_direct


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    "value",
    ["http://", "ftp://proxy", "http://se cret", "http://se\ncret", "http://secret:port", "http://[::1", "http://höst"],
)
def test_an_unusable_proxy_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}: ") as caught:
        check_network(settings(), {name: value})
    assert "cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_socks_proxy_is_refused_only_if_used() -> None:
    environ = {"ALL_PROXY": "socks5://127.0.0.1:1080"}
    with pytest.raises(ConfigurationError, match=r"^ALL_PROXY: SOCKS"):
        check_network(settings(), environ)
    check_network(settings(LOCAL), environ)
    check_network(settings(), {**environ, "HTTPS_PROXY": PROXY})


@pytest.fixture
def not_pem(tmp_path: Path) -> Path:
    path = tmp_path / "not-pem"
    path.write_text("secret")
    return path


def test_an_unusable_certificate_file_is_named(tmp_path: Path, not_pem: Path) -> None:
    for path in (tmp_path / "missing", tmp_path, not_pem, Path("\0")):
        with pytest.raises(ConfigurationError, match=r"^SSL_CERT_FILE: ") as caught:
            check_network(settings(LOCAL), {"SSL_CERT_FILE": str(path)})
        assert "\n" not in str(caught.value)


def test_an_unusable_certificate_directory_is_named(tmp_path: Path, not_pem: Path) -> None:
    for path in (tmp_path / "missing", tmp_path, not_pem):
        with pytest.raises(ConfigurationError, match=r"^SSL_CERT_DIR: "):
            check_network(settings(LOCAL), {"SSL_CERT_DIR": str(path)})


def test_a_certificate_file_replaces_the_systems_own(tmp_path: Path) -> None:
    only = tmp_path / "one.pem"
    pem = Path(CERTIFICATE).read_text()
    only.write_text(pem[: pem.index("-----END CERTIFICATE-----") + 26])
    trusted = authorities({"SSL_CERT_FILE": str(only), "SSL_CERT_DIR": " "})
    assert trusted is not None
    assert len(trusted.get_ca_certs()) == 1
    assert authorities({"SSL_CERT_FILE": ""}) is None


def test_the_front_checks_at_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing"))
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        create_cold_start_app(settings())
