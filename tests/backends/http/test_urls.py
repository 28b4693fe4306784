"""What HTTP URLs say, and which are refused."""

from __future__ import annotations

import ssl

import pytest

from etagere.backend import Reach, TransactionScope
from etagere.errors import ConfigurationError
from etagere_http.settings import Settings

HERE = "http://h/v1.0/state/s"


@pytest.mark.parametrize(
    ("url", "server", "store", "token"),
    [
        (HERE, "http://h", "s", ""),
        ("http://h:3500/v1.0/state/s/", "http://h:3500", "s", ""),
        ("http://[::1]:3500/v1.0/state/s", "http://[::1]:3500", "s", ""),
        ("https://h/below/here/v1.0/state/s", "https://h/below/here", "s", ""),
        ("http://h/v1.0/state/a%20b%2Bc", "http://h", "a b+c", ""),
        ("http://:s%40crt@h:1/v1.0/state/s", "http://h:1", "s", "s@crt"),
    ],
)
def test_a_url_names_a_server_and_a_store(url: str, server: str, store: str, token: str) -> None:
    settings = Settings.from_url(url)
    assert (settings.server, settings.store, settings.token) == (server, store, token)
    assert (settings.tls is not None) == url.startswith("https")


def test_the_paths_of_a_store_are_escaped() -> None:
    settings = Settings.from_url("http://h/v1.0/state/a%20b%2Bc")
    assert settings.state == "/v1.0/state/a%20b%2Bc"
    assert settings.extensions == "/v1.0-etagere/state/a%20b%2Bc"


def test_defaults() -> None:
    settings = Settings.from_url(HERE)
    assert settings.connect_timeout == 2.0
    assert not settings.json_values
    assert settings.reach is Reach.NONE
    assert settings.transactions is None
    assert settings.max_body_size == 4 * 2**20


def test_what_is_known_better() -> None:
    words = (
        "values=json&strong=failover&transactions=same-slot&max_body_size=64Ki&connect_timeout=9"
    )
    settings = Settings.from_url(f"{HERE}?{words}")
    assert settings.json_values
    assert settings.reach is Reach.FAILOVER
    assert settings.transactions is TransactionScope.SAME_SLOT
    assert settings.max_body_size == 65_536
    assert settings.connect_timeout == 9.0


def test_any_certificate() -> None:
    settings = Settings.from_url("https://h/v1.0/state/s?tls_verify=no")
    assert settings.tls is not None
    assert settings.tls.verify_mode is ssl.CERT_NONE


def test_a_token_is_not_shown() -> None:
    assert "sesame" not in repr(Settings.from_url("http://:sesame@h/v1.0/state/s"))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://h", "names a server and a store"),
        ("http://h/v1.0/state/", "names a server and a store"),
        ("http:///v1.0/state/s", "names a server and a store"),
        ("http://h/v1.0/state/s/key", "the name of the store ends it"),
        ("http://h:99999/v1.0/state/s", "no such port"),
        (f"{HERE}#x", "%23"),
        ("http://user:token@h/v1.0/state/s", "only an API token"),
        ("http://:a%0Ab@h/v1.0/state/s", "only an API token"),
        (f"{HERE}?max_body_size=4M", "max_body_size"),
        (f"{HERE}?strong=yes", "one of none, primary, failover, always"),
        (f"{HERE}?values=raw", "one of base64, json"),
        (f"{HERE}?token=x", "unknown settings: 'token'"),
        (f"{HERE}?tls_ca=/x", "unknown settings: 'tls_ca'"),
        ("https://h/v1.0/state/s?tls_ca=/no/such/file", "tls_ca"),
    ],
)
def test_a_url_that_makes_no_sense_is_refused(url: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Settings.from_url(url)
