"""What a Redis URL says."""

from __future__ import annotations

import ssl
from enum import Enum
from typing import NamedTuple, Self
from urllib.parse import unquote

from msgspec import Struct

from etagere.urls import Options

PORT = 6379
SENTINEL_PORT = 26379


class Shape(Enum):
    """How the servers behind a URL belong together."""

    SINGLE = ""
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


class Address(NamedTuple):
    """Where a server listens. Port 0: `host` is the path of a Unix socket."""

    host: str
    port: int

    def __str__(self) -> str:
        if not self.port:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Login(Struct, frozen=True):
    """What a server asks for before it talks to us."""

    user: str = ""
    password: str = ""
    database: int = 0

    def __repr__(self) -> str:
        # The password belongs in no log.
        return f"Login(user={self.user!r}, password=..., database={self.database})"


class Settings(Struct, frozen=True, kw_only=True):
    """Where the servers are, and how to treat them."""

    shape: Shape
    addresses: tuple[Address, ...]
    """The server; the Sentinels; some nodes of the cluster."""
    service: str
    """The name of the primary among the Sentinels."""
    login: Login
    sentinel_login: Login
    tls: ssl.SSLContext | None
    read_replicas: bool
    replicas: tuple[Address, ...]
    """Empty: ask the primary."""
    acks: int | None
    """None: a majority."""
    ack_timeout: float
    connect_timeout: float
    reply_timeout: float

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Read the settings from a URL, without touching the network."""
        options = Options(url)
        if options.parts.fragment:
            raise options.wrong("write '#' in a password as %23")
        shape = Shape(options.parts.scheme.partition("+")[2])
        service, database = _path(options, shape)
        user, password = _userinfo(options)
        acks_given = options.given("acks")
        acks = options.integer("acks", 0)
        settings = cls(
            shape=shape,
            addresses=_addresses(options, shape),
            service=service,
            login=Login(user, password, database),
            sentinel_login=_sentinel_login(options, shape),
            tls=options.tls_context() if options.parts.scheme.startswith("rediss") else None,
            read_replicas=options.choice("reads", "primary", "replica") == "replica",
            replicas=_hosts(options, options.text("replicas"), PORT),
            acks=acks if acks_given else None,
            ack_timeout=options.seconds("ack_timeout", 1.0),
            connect_timeout=options.seconds("connect_timeout", 2.0),
            reply_timeout=options.seconds("reply_timeout", 5.0),
        )
        options.done()
        settings._check_replicas(options)
        return settings

    def _check_replicas(self, options: Options) -> None:
        if self.replicas and not self.read_replicas:
            raise options.wrong("it names replicas= to read, which needs reads=replica")
        if self.replicas and self.shape is Shape.CLUSTER:
            raise options.wrong("a cluster names its replicas itself; leave replicas= out")


def _path(options: Options, shape: Shape) -> tuple[str, int]:
    words = [unquote(word) for word in options.parts.path.strip("/").split("/")]
    service = words.pop(0) if shape is Shape.SENTINEL else ""
    if shape is Shape.SENTINEL and not service:
        raise options.wrong("after the Sentinels it names the primary, as in .../mymaster")
    database = words.pop(0) if words else ""
    if words or (database and not (database.isascii() and database.isdecimal())):
        raise options.wrong("its path ends with the number of a database, as in /0")
    if shape is Shape.CLUSTER and int(database or 0):
        raise options.wrong("a cluster has only database 0")
    return service, int(database or 0)


def _userinfo(options: Options) -> tuple[str, str]:
    user, _, password = options.parts.netloc.rpartition("@")[0].partition(":")
    if user and not password:
        raise options.wrong("a user comes with a password: user:password@host, or :password@host")
    return unquote(user), unquote(password)


def _addresses(options: Options, shape: Shape) -> tuple[Address, ...]:
    hosts = options.parts.netloc.rpartition("@")[2]
    if shape is Shape.SINGLE and (path := options.text("unix_socket")):
        if hosts or options.parts.scheme == "rediss":
            raise options.wrong("with unix_socket= it has neither a host nor TLS")
        return (Address(path, 0),)
    port = SENTINEL_PORT if shape is Shape.SENTINEL else PORT
    addresses = _hosts(options, hosts, port) or (Address("localhost", port),)
    if shape is Shape.SINGLE and len(addresses) > 1:
        raise options.wrong("several hosts need redis+sentinel:// or redis+cluster://")
    return addresses


def _hosts(options: Options, text: str, port: int) -> tuple[Address, ...]:
    return tuple(_host(options, word, port) for word in text.split(",")) if text else ()


def _host(options: Options, text: str, default_port: int) -> Address:
    host, colon, port = text, "", ""
    if not text.endswith("]"):
        before, colon, after = text.rpartition(":")
        host, port = (before, after) if colon else (text, "")
    if colon and not (port.isascii() and port.isdecimal() and 0 < int(port) < 2**16):
        raise options.wrong(f"{text!r} does not end with a port")
    host = unquote(host.removeprefix("[").removesuffix("]"))
    if not host:
        raise options.wrong(f"{text!r} names no host")
    return Address(host, int(port) if port else default_port)


def _sentinel_login(options: Options, shape: Shape) -> Login:
    if shape is not Shape.SENTINEL:
        return Login()
    return Login(options.text("sentinel_user"), options.text("sentinel_password"))
