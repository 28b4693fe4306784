"""`Component`: a store as a component file or a command line defines it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from msgspec import Struct

import etagere.opening
from etagere.store import DEFAULT_TIMEOUT, Store

TYPES = {
    "memory": "state.in-memory",
    "postgres": "state.postgresql",
    "rediss": "state.redis",
}


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a component file may refer to, beside itself."""

    app_id: str = ""
    environment: Mapping[str, str] = {}
    """Where secrets, `NAMESPACE` and `POD_NAME` come from."""

    @property
    def namespace(self) -> str:
        """The namespace that the application runs in; empty if none is set."""
        return self.environment.get("NAMESPACE", "")


class Component(Struct, frozen=True, kw_only=True):
    """A named store that is not open yet."""

    name: str
    url: str
    """May hold a password: not for messages."""
    type: str
    version: str = "v1"
    namespace: str | None = None
    """Keys are kept as `namespace||key`; None: as they are."""
    default_ttl: float | None = None
    """Seconds to live for what is written without a time to live."""
    timeout: float | None = None
    """Seconds within which a call ends; None: as the server says."""
    optional: bool = False
    """Whether the server starts without it when it cannot be opened (`ignoreErrors`)."""

    @classmethod
    def from_url(cls, name: str, url: str, *, app_id: str = "") -> Self:
        """Name a store by its URL alone; with an app id, its keys are that application's."""
        kind = etagere.opening.scheme_of(url).partition("+")[0]
        component_type = TYPES.get(kind, f"state.{kind}")
        return cls(name=name, url=url, type=component_type, namespace=app_id or None)

    def open(self, *, timeout: float = DEFAULT_TIMEOUT) -> Store:
        """Return the store, to be entered with `async with`."""
        return etagere.opening.open(
            self.url, namespace=self.namespace, timeout=self.timeout or timeout
        )
