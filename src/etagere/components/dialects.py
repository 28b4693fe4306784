"""From the settings of a Dapr component to the URL of a store, for each type of store."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

from msgspec import Struct

from etagere.components.properties import Properties

SQLITE: Final = ("table", "readers", "inline", "busy_timeout", "durability", "sweep")
REDIS: Final = (
    *("reads", "replicas", "acks", "ack_timeout", "connect_timeout", "reply_timeout"),
    *("tls_ca", "tls_cert", "tls_key", "tls_verify", "sentinel_user", "sentinel_password"),
)
POSTGRES: Final = (
    *("schema", "table", "standbys", "reads", "acks", "ack_timeout", "connect_timeout"),
    *("migrate", "pgbouncer"),
)
LIBPQ_PAIR: Final = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|\S*)")
OF_DAPRS_DRIVER: Final = re.compile(
    r"pool_\w+|default_query_exec_mode|(statement|description)_cache_capacity"
)


class Dialect(Struct, frozen=True):
    """How one type of component is understood."""

    schemes: frozenset[str]
    """The URLs that its setting `url` may have."""
    settings: tuple[str, ...]
    """Settings of our own URLs, which are passed on as they are."""
    url_of: Callable[[Properties], str]
    """Make the URL of Dapr's own settings."""
    versions: frozenset[str] = frozenset({"", "v1"})


def url_of(dialect: Dialect, properties: Properties) -> str:
    """Return the URL that a component's settings add up to."""
    scheme, is_url, _ = properties.peek("url").lower().partition("://")
    if is_url and scheme not in dialect.schemes | {"file"}:
        schemes = ", ".join(f"{each}://" for each in sorted(dialect.schemes))
        raise properties.wrong("url", f"a store of this type has a URL with {schemes}")
    base = properties.text("url") if scheme in dialect.schemes else dialect.url_of(properties)
    return with_settings(base, properties.taken(*dialect.settings))


def with_settings(url: str, settings: Mapping[str, str]) -> str:
    """Return a URL with settings put in, in place of those of the same name."""
    if not settings:
        return url
    base, _, query = url.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query, True) if name not in settings]
    return f"{base}?{urlencode([*kept, *settings.items()])}"


# --- SQLite -----------------------------------------------------------------------------------


def sqlite_url(properties: Properties) -> str:
    """Make a URL of `connectionString`: a path, `file:...` or `:memory:`."""
    given = properties.text("connectionString", "url")
    if not given:
        raise properties.wrong("connectionString", "it names the database file, as in state.db")
    path, _, query = given.partition("?")
    if path.startswith("file:"):
        path = unquote(path.removeprefix("file:").removeprefix("//"))
    in_memory = path in (":memory:", "") or "mode=memory" in query
    if query and not in_memory:
        properties.note("connectionString", f"{query!r} of the connection string has no effect")
    url = "sqlite://" if in_memory else f"sqlite:///{quote(path)}"
    settings = {"table": properties.text("tableName")}
    if (seconds := properties.seconds("busyTimeout")) is not None:
        settings["busy_timeout"] = f"{seconds:g}"
    return with_settings(url, filled(settings))


# --- Redis ------------------------------------------------------------------------------------


def redis_url(properties: Properties) -> str:
    """Make a URL of `redisHost` and what goes with it."""
    hosts = _redis_hosts(properties)
    scheme, path = _redis_shape(properties)
    user, password = properties.text("redisUsername"), properties.text("redisPassword")
    login = f"{quote(user, '')}:{quote(password, '')}@" if user or password else ""
    settings = {
        "sentinel_user": properties.text("sentinelUsername"),
        "sentinel_password": properties.text("sentinelPassword"),
        "tls_verify": "no" if properties.flag("insecureSkipTLSVerify") else "",
        "tls_cert": _file(properties, "clientCert"),
        "tls_key": _file(properties, "clientKey"),
    }
    for ours, theirs in (("connect_timeout", "dialTimeout"), ("reply_timeout", "readTimeout")):
        if (seconds := properties.seconds(theirs, bare=0.001)) is not None:
            settings[ours] = f"{seconds:g}"
    return with_settings(f"{scheme}://{login}{hosts}{path}", filled(settings))


def _redis_hosts(properties: Properties) -> str:
    hosts, port = properties.text("redisHost"), properties.text("redisPort")
    if not hosts:
        raise properties.wrong("redisHost", "it says where the server is, as in localhost:6379")
    if port and ":" in hosts:
        raise properties.wrong("redisPort", "redisHost has a port already")
    return ",".join(f"{host}:{port}" if port else host for host in hosts.split(","))


def _redis_shape(properties: Properties) -> tuple[str, str]:
    scheme = "rediss" if properties.flag("enableTLS") else "redis"
    database = properties.integer("redisDB") or 0
    kind = properties.text("redisType", default="node").lower()
    service = properties.text("sentinelMasterName")
    if properties.flag("failover"):
        if not service:
            raise properties.wrong("sentinelMasterName", "failover needs the name of the primary")
        return f"{scheme}+sentinel", f"/{quote(service, '')}/{database}"
    if kind == "cluster":
        return f"{scheme}+cluster", ""
    if kind != "node":
        raise properties.wrong("redisType", "it must be node or cluster")
    return scheme, f"/{database}"


def _file(properties: Properties, name: str) -> str:
    text = properties.text(name)
    if "-----BEGIN" in text:
        raise properties.wrong(name, "put it into a file, and write down the file's path")
    return text


# --- PostgreSQL -------------------------------------------------------------------------------


def postgres_url(properties: Properties) -> str:
    """Make a URL of `connectionString` (a URL or libpq's words), or of host, port and so on."""
    given = properties.text("connectionString", "url")
    base = given if "://" in given else "postgres://"
    words = {} if "://" in given else dict(_libpq_words(given))
    prefix = properties.text("tablePrefix")
    words |= filled(
        {
            "host": properties.text("host", "hostaddr"),
            "port": properties.text("port"),
            "user": properties.text("user"),
            "password": properties.text("password"),
            "dbname": properties.text("database"),
            "sslrootcert": properties.text("sslRootCert"),
            "table": properties.text("tableName", default=f"{prefix}state" if prefix else ""),
        }
    )
    url = with_settings(base, words)
    if url == "postgres://":
        raise properties.wrong("connectionString", "it says where the database is")
    return _without_words_of_daprs_driver(url, properties)


def _libpq_words(text: str) -> list[tuple[str, str]]:
    names = {"hostaddr": "host", "database": "dbname"}
    pairs: list[tuple[str, str]] = LIBPQ_PAIR.findall(text)
    return [
        (names.get(name, name), re.sub(r"\\(.)", r"\1", value.strip("'"))) for name, value in pairs
    ]


def _without_words_of_daprs_driver(url: str, properties: Properties) -> str:
    base, _, query = url.partition("?")
    words = parse_qsl(query, True)
    kept = [(name, value) for name, value in words if not OF_DAPRS_DRIVER.fullmatch(name)]
    if dropped := ", ".join(repr(name) for name, _ in words if OF_DAPRS_DRIVER.fullmatch(name)):
        properties.note("connectionString", f"{dropped} of the connection string has no effect")
    return f"{base}?{urlencode(kept)}" if kept else base


# --- all of them ------------------------------------------------------------------------------


def memory_url(properties: Properties) -> str:
    """Make the URL of a store in memory, which has no settings."""
    return "memory://"


def filled(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that are not empty."""
    return {name: value for name, value in settings.items() if value}


_SQLITE = Dialect(frozenset({"sqlite"}), SQLITE, sqlite_url)
_POSTGRES = Dialect(
    frozenset({"postgres", "postgresql"}), POSTGRES, postgres_url, frozenset({"", "v1", "v2"})
)
DIALECTS: Final[Mapping[str, Dialect]] = {
    "state.in-memory": Dialect(frozenset({"memory"}), (), memory_url),
    "state.sqlite": _SQLITE,
    "state.sqlite3": _SQLITE,
    "state.redis": Dialect(
        frozenset(
            tls + shape for tls in ("redis", "rediss") for shape in ("", "+sentinel", "+cluster")
        ),
        REDIS,
        redis_url,
    ),
    "state.postgresql": _POSTGRES,
    "state.postgres": _POSTGRES,
}
