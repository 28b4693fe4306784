"""What a postgres URL says, and what is refused."""

from __future__ import annotations

import pytest

from etagere.backend import Reach, TransactionScope
from etagere.errors import ConfigurationError
from etagere_postgres import PostgresBackend
from etagere_postgres.settings import Host, Settings


def settings(url: str) -> Settings:
    return Settings.from_url(url)


def test_a_plain_url_has_the_defaults():
    plain = settings("postgres://user:secret@db.example:6432/app")
    assert plain.hosts == [Host("db.example", 6432)]
    assert plain.dsn == "postgres://user:secret@/app?"
    assert (plain.schema, plain.table, plain.migrate, plain.pgbouncer) == (
        None,
        "etagere",
        True,
        False,
    )
    assert (plain.acks, plain.ack_timeout, plain.connect_timeout) == (None, 5.0, 2.0)
    assert not plain.reads_standbys


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgres:///app", [Host()]),
        ("postgres://h/app", [Host("h")]),
        ("postgres://a:1,b,c:3/app", [Host("a", 1), Host("b"), Host("c", 3)]),
        ("postgres://[::1]:5433/app", [Host("::1", 5433)]),
        ("postgres://%2Fvar%2Frun:5433/app", [Host("/var/run", 5433)]),
        ("postgres:///app?host=/var/run&port=5433", [Host("/var/run", 5433)]),
        ("postgres:///app?port=5433", [Host(None, 5433)]),
        ("postgres:///app?host=a,b&port=1,2", [Host("a", 1), Host("b", 2)]),
        ("postgres:///app?host=a,b&port=1", [Host("a", 1), Host("b", 1)]),
        ("postgres://a/app?standbys=b:2,c", [Host("a"), Host("b", 2), Host("c")]),
    ],
)
def test_hosts(url: str, hosts: list[Host]):
    assert settings(url).hosts == hosts


def test_standbys_are_read_where_there_are_several_hosts_unless_told_otherwise():
    assert settings("postgres://a,b/app").reads_standbys
    assert settings("postgres://a/app?standbys=b").reads_standbys
    assert not settings("postgres://a,b/app?reads=primary").reads_standbys
    assert not settings("postgres://a/app?standbys=a").reads_standbys


def test_what_libpq_knows_goes_on_to_the_driver():
    given = settings("postgres://a/app?sslmode=require&application_name=shop&table=t")
    assert given.dsn == "postgres:///app?sslmode=require&application_name=shop"


def test_the_last_at_sign_ends_the_password():
    given = settings("postgres://user:p@ss@db/app")
    assert given.dsn == "postgres://user:p%40ss@/app?"
    assert given.hosts == [Host("db")]


def test_target_session_attrs_may_say_what_happens_anyway():
    assert settings("postgres://a,b/app?target_session_attrs=read-write").hosts


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgres://a/app?tabel=t", "tabel"),
        ("postgres://a/app?sslmod=require", "sslmod"),
        ("postgres://a/app?search_path=x", "search_path"),
        ("postgres://a/app?target_session_attrs=standby", "target_session_attrs"),
        ("postgres://a/app?acks=-1", "acks"),
        ("postgres://a/app?acks=many", "acks"),
        ("postgres://a/app?ack_timeout=0", "ack_timeout"),
        ("postgres://a/app?connect_timeout=never", "connect_timeout"),
        ("postgres://a/app?reads=replica", "reads"),
        ("postgres://a/app?pgbouncer=maybe", "pgbouncer"),
        ("postgres://a/app?host=b", "before the '?' and behind it"),
        ("postgres:///app?host=a,b,c&port=1,2", "does not go with"),
        ("postgres://a:port/app", "'port' is not a port"),
        ("postgres://a:99999/app", "'99999' is not a port"),
        ("postgres://a,,b/app", "names no host"),
        ("postgres://a/app?standbys=:5", "':5' names no host"),
        ("postgres://a/app?table=", "table"),
        ("postgres://a/app?table=a%00b", "table"),
        ("postgres://a/app?schema=a%00b", "schema"),
        ("postgres://a/app?table=etagere_migrations", "etagere_migrations"),
        ("postgres://a/app?table=" + "t" * 64, "at most 63 bytes"),
        ("postgres://a/app?table=" + "%C3%A9" * 32, "at most 63 bytes"),
    ],
)
def test_what_is_wrong_is_refused_by_name(url: str, named: str):
    with pytest.raises(ConfigurationError) as refusal:
        PostgresBackend.from_url(url)
    assert named in str(refusal.value)


def test_capabilities_can_be_asked_before_anything_is_opened():
    most = PostgresBackend.capabilities
    assert most.reach is Reach.FAILOVER
    assert most.transactions is TransactionScope.FULL
    assert PostgresBackend.from_url("postgres://nowhere/app").capabilities == most
