"""What Redis URLs say, and which are refused."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from etagere.backend import TransactionScope
from etagere.errors import ConfigurationError
from etagere_redis import RedisBackend
from etagere_redis.settings import Address, Login, Settings, Shape


@pytest.mark.parametrize(
    ("url", "shape", "addresses", "service", "login"),
    [
        ("redis://", Shape.SINGLE, [("localhost", 6379)], "", Login()),
        ("redis://h", Shape.SINGLE, [("h", 6379)], "", Login()),
        ("redis://h:1/", Shape.SINGLE, [("h", 1)], "", Login()),
        ("redis://h:1/5", Shape.SINGLE, [("h", 1)], "", Login(database=5)),
        ("redis://[::1]:7", Shape.SINGLE, [("::1", 7)], "", Login()),
        ("redis://[::1]", Shape.SINGLE, [("::1", 6379)], "", Login()),
        ("redis://:s%40crt@h", Shape.SINGLE, [("h", 6379)], "", Login("", "s@crt")),
        ("redis://u%3Ax:p%2F%23@h/1", Shape.SINGLE, [("h", 6379)], "", Login("u:x", "p/#", 1)),
        (
            "redis:///3?unix_socket=/a/b.sock",
            Shape.SINGLE,
            [("/a/b.sock", 0)],
            "",
            Login("", "", 3),
        ),
        ("redis+sentinel://a,b:1/m", Shape.SENTINEL, [("a", 26379), ("b", 1)], "m", Login()),
        (
            "redis+sentinel://u:p@a/m%20x/2",
            Shape.SENTINEL,
            [("a", 26379)],
            "m x",
            Login("u", "p", 2),
        ),
        ("redis+cluster://a:1,b", Shape.CLUSTER, [("a", 1), ("b", 6379)], "", Login()),
        ("redis+cluster://a/0", Shape.CLUSTER, [("a", 6379)], "", Login()),
    ],
)
def test_a_url_names_servers_and_a_login(
    url: str, shape: Shape, addresses: list[tuple[str, int]], service: str, login: Login
) -> None:
    settings = Settings.from_url(url)
    assert settings.shape is shape
    assert list(settings.addresses) == addresses
    assert settings.service == service
    assert settings.login == login
    assert settings.tls is None


def test_settings_have_defaults() -> None:
    settings = Settings.from_url("redis://h")
    assert settings.acks is None
    assert settings.ack_timeout == 1.0
    assert settings.connect_timeout == 2.0
    assert settings.reply_timeout == 5.0
    assert not settings.read_replicas
    assert settings.replicas == ()


def test_settings_can_be_given() -> None:
    settings = Settings.from_url(
        "redis://h?acks=0&ack_timeout=0.5&connect_timeout=3&reply_timeout=7"
        "&reads=replica&replicas=a:1,b"
    )
    assert settings.acks == 0
    assert settings.ack_timeout == 0.5
    assert settings.connect_timeout == 3.0
    assert settings.reply_timeout == 7.0
    assert settings.read_replicas
    assert settings.replicas == (Address("a", 1), Address("b", 6379))


def test_sentinels_have_a_login_of_their_own() -> None:
    url = "redis+sentinel://:p@a/m?sentinel_user=su&sentinel_password=sp"
    settings = Settings.from_url(url)
    assert settings.login == Login("", "p")
    assert settings.sentinel_login == Login("su", "sp")


@pytest.mark.parametrize("scheme", ["rediss", "rediss+sentinel", "rediss+cluster"])
def test_rediss_verifies_certificates_unless_told_not_to(scheme: str) -> None:
    path = "/m" if "sentinel" in scheme else ""
    tls = Settings.from_url(f"{scheme}://h{path}").tls
    assert tls is not None
    assert tls.verify_mode is ssl.CERT_REQUIRED
    assert tls.check_hostname
    lax = Settings.from_url(f"{scheme}://h{path}?tls_verify=no").tls
    assert lax is not None
    assert lax.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://h/x", "number of a database"),
        ("redis://h/-1", "number of a database"),
        ("redis://h/1/2", "number of a database"),
        ("redis://h/²", "number of a database"),
        ("redis://h:x", "'h:x' does not end with a port"),
        ("redis://h:0", "does not end with a port"),
        ("redis://h:65536", "does not end with a port"),
        ("redis://:6379", "names no host"),
        ("redis://a,b", "redis+sentinel:// or redis+cluster://"),
        ("redis://user@h", "a user comes with a password"),
        ("redis://:p#q@h", "%23"),
        ("redis://h?unix_socket=/s", "neither a host nor TLS"),
        ("rediss://?unix_socket=/s", "neither a host nor TLS"),
        ("redis+sentinel://h", "names the primary"),
        ("redis+sentinel://h/", "names the primary"),
        ("redis+cluster://h/1", "only database 0"),
        ("redis+cluster://a,,b", "names no host"),
        ("redis://h?replicas=a:1", "reads=replica"),
        ("redis+cluster://h?reads=replica&replicas=a:1", "names its replicas itself"),
        ("redis://h?reads=all", "primary, replica"),
        ("redis://h?acks=-1", "acks='-1'"),
        ("redis://h?acks=many", "acks='many'"),
        ("redis://h?ack_timeout=0", "ack_timeout='0'"),
        ("redis://h?akcs=1", "unknown settings: 'akcs'"),
        ("redis://h?tls_ca=/ca.pem", "unknown settings: 'tls_ca'"),
        ("rediss://h?tls_ca=/no/such/file", "no such file"),
        ("rediss://h?tls_cert=/no/such/file", "no such file"),
    ],
)
def test_a_url_that_makes_no_sense_is_refused(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RedisBackend.from_url(url)
    assert words in str(caught.value)


def test_a_password_is_in_no_message() -> None:
    with pytest.raises(ConfigurationError) as caught:
        RedisBackend.from_url("redis://:hunter2@h:port")
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(Settings.from_url("redis://:hunter2@h"))


def test_an_authority_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    with pytest.raises(ConfigurationError):
        RedisBackend.from_url(f"rediss://h?tls_ca={file}")


@pytest.mark.parametrize(
    ("url", "scope"),
    [
        ("redis://h", TransactionScope.FULL),
        ("redis+sentinel://h/m", TransactionScope.FULL),
        ("redis+cluster://h", TransactionScope.SAME_SLOT),
    ],
)
def test_transactions_reach_as_far_as_the_servers_allow(url: str, scope: Any) -> None:
    assert RedisBackend.from_url(url).capabilities.transactions is scope
    assert RedisBackend.capabilities.transactions is TransactionScope.FULL
