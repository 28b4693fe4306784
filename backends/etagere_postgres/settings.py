"""What a postgres URL says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self
from urllib.parse import unquote, urlencode

from msgspec import Struct

from etagere.errors import ConfigurationError
from etagere.urls import Options

LIBPQ = (
    "user",
    "password",
    "dbname",
    "database",
    "passfile",
    "service",
    "sslmode",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslrootcert",
    "sslcrl",
    "sslnegotiation",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "krbsrvname",
    "gsslib",
    "options",
    "application_name",
)
"""What goes on to the driver as it stands."""


class Host(Struct, frozen=True):
    """Where a server listens; what is None is the driver's choice."""

    name: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"{self.name or 'the default host'}{port}"


class Settings(Struct, frozen=True, kw_only=True):
    """Which servers there are, where the records are in them, and how to treat them."""

    dsn: str
    """User, password, database and TLS, without hosts."""
    hosts: Sequence[Host]
    reads_standbys: bool
    schema: str | None
    table: str
    migrate: bool
    pgbouncer: bool
    acks: int | None
    """How many standbys have to acknowledge a strong write; None: a majority."""
    ack_timeout: float
    connect_timeout: float

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Read the settings from a URL, without touching the network."""
        options = Options(url)
        # The primary is looked for among all hosts: the two words of libpq that mean it are true.
        options.choice("target_session_attrs", "primary", "read-write")
        named = _hosts_of_url(options) + _host_list(options.text("standbys"))
        hosts = list(dict.fromkeys(named))
        reads = options.choice("reads", "standby", "primary")
        settings = cls(
            hosts=hosts,
            reads_standbys=reads == "standby" and len(hosts) > 1,
            schema=options.text("schema") or None,
            table=options.text("table", "etagere"),
            migrate=options.flag("migrate", default=True),
            pgbouncer=options.flag("pgbouncer"),
            acks=options.integer("acks", 0) if options.given("acks") else None,
            ack_timeout=options.seconds("ack_timeout", 5.0),
            connect_timeout=options.seconds("connect_timeout", 2.0),
            dsn=_dsn(options),
        )
        options.done()
        return settings


def _hosts_of_url(options: Options) -> list[Host]:
    names, ports = options.text("host"), options.text("port")
    before = options.parts.netloc.rpartition("@")[2]
    if before and (names or ports):
        raise _wrong("it names hosts before the '?' and behind it")
    if before:
        return _host_list(before)
    places, numbers = names.split(","), ports.split(",")
    if len(numbers) == 1:
        numbers *= len(places)
    if len(numbers) != len(places):
        raise _wrong(f"port={ports!r} does not go with host={names!r}")
    pairs = zip(places, numbers, strict=True)
    return [Host(place or None, _port(number)) for place, number in pairs]


def _host_list(text: str) -> list[Host]:
    return [_host(part) for part in text.split(",")] if text else []


def _host(text: str) -> Host:
    if text.startswith("["):
        name, _, port = text[1:].partition("]")
    else:
        name, _, port = text.partition(":")
    if not name:
        raise _wrong(f"{text!r} names no host")
    return Host(unquote(name), _port(port.removeprefix(":")))


def _port(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise _wrong(f"{text!r} is not a port")
    return int(text)


def _dsn(options: Options) -> str:
    # The driver takes the first '@' for the end of the password, we the last.
    login, at, _ = options.parts.netloc.rpartition("@")
    given = {name: value for name in LIBPQ if (value := options.text(name))}
    return f"postgres://{login.replace('@', '%40')}{at}{options.parts.path}?{urlencode(given)}"


def _wrong(problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"the postgres URL is wrong: {problem}."
        " It is postgres://user:password@host:port/database, or several host:port with commas"
    )
