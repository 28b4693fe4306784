"""Settings in URLs."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import pytest

from etagere import ConfigurationError
from etagere.urls import Options


def options(query: str) -> Options:
    return Options(f"db://host/path?{query}")


@pytest.mark.parametrize(
    ("query", "take", "value"),
    [
        ("a=x", lambda o: o.text("a"), "x"),
        ("a=", lambda o: o.text("a", "d"), ""),
        ("", lambda o: o.text("a", "d"), "d"),
        ("a=%20%26", lambda o: o.text("a"), " &"),
        ("n=7", lambda o: o.integer("n", 1), 7),
        ("n=0", lambda o: o.integer("n", 1), 0),
        ("n=-2", lambda o: o.integer("n", 1, least=-5), -2),
        ("", lambda o: o.integer("n", 3), 3),
        ("s=0.5", lambda o: o.seconds("s", 1), 0.5),
        ("", lambda o: o.seconds("s", 1), 1.0),
        ("f=yes", lambda o: o.flag("f"), True),
        ("f=TRUE", lambda o: o.flag("f"), True),
        ("f=0", lambda o: o.flag("f", True), False),
        ("", lambda o: o.flag("f", True), True),
        ("", lambda o: o.flag("f"), False),
        ("c=b", lambda o: o.choice("c", "a", "b"), "b"),
        ("", lambda o: o.choice("c", "a", "b"), "a"),
    ],
)
def test_taken(query: str, take: Callable[[Options], object], value: object) -> None:
    taken = options(query)
    assert take(taken) == value
    taken.done()


@pytest.mark.parametrize(
    ("query", "take", "message"),
    [
        ("n=x", lambda o: o.integer("n", 1), "n='x' in the db URL is wrong.* whole number from 0"),
        ("n=1.5", lambda o: o.integer("n", 1), "whole number"),
        ("n=--1", lambda o: o.integer("n", 1, least=-9), "whole number"),
        ("n=", lambda o: o.integer("n", 1), "whole number"),
        ("n=-1", lambda o: o.integer("n", 1), "whole number from 0"),
        ("n=0", lambda o: o.integer("n", 1, least=1), "whole number from 1"),
        ("s=x", lambda o: o.seconds("s", 1), "seconds more than 0"),
        ("s=0", lambda o: o.seconds("s", 1), "seconds more than 0"),
        ("s=nan", lambda o: o.seconds("s", 1), "seconds more than 0"),
        ("s=inf", lambda o: o.seconds("s", 1), "seconds more than 0"),
        ("f=maybe", lambda o: o.flag("f"), "yes or no"),
        ("c=z", lambda o: o.choice("c", "a", "b"), "one of a, b"),
    ],
)
def test_wrong(query: str, take: Callable[[Options], object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        take(options(query))


def test_what_nobody_took_is_refused_with_what_is_known() -> None:
    taken = options("colour=red&size=1&size2=2")
    taken.integer("size", 0)
    taken.text("depth")
    assert taken.given("colour")
    assert not taken.given("size")
    with pytest.raises(ConfigurationError) as raised:
        taken.done()
    assert str(raised.value) == (
        "the db URL has unknown settings: 'colour', 'size2'; known are: depth, size"
    )


def test_none_is_known() -> None:
    with pytest.raises(ConfigurationError, match="known are: none"):
        options("x=1").done()


def test_twice() -> None:
    with pytest.raises(ConfigurationError, match="the db URL names 'a' twice"):
        options("a=1&a=2")


@pytest.mark.parametrize("url", ["db://[::1", "db://[host]/", "db://ho\u2100st/"])
def test_no_url_at_all(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a URL"):
        Options(url)


def test_tls_is_checked_unless_the_url_says_otherwise() -> None:
    context = options("").tls_context()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    lax = options("tls_verify=no").tls_context()
    assert not lax.check_hostname
    assert lax.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize("query", ["tls_ca=/no/such/file", "tls_cert=/no/such/file"])
def test_a_missing_file_of_tls_is_told(query: str) -> None:
    with pytest.raises(ConfigurationError, match="the db URL is wrong: tls_ca, tls_cert"):
        options(query).tls_context()
