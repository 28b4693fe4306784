"""Which kind of server it is, and what its store can do."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from etagere.backend import (
    Capabilities,
    Clock,
    ETagOrigin,
    Reach,
    TransactionScope,
)
from etagere.errors import ConfigurationError, EtagereError, Interrupted, Unavailable
from etagere_http.bodies import decoded, largest_value
from etagere_http.connection import Answer, Connection
from etagere_http.dapr import DaprServer
from etagere_http.exact import ExactServer
from etagere_http.exact_items import Description
from etagere_http.failures import NO_STORE, error_of, failure_in
from etagere_http.server import Server
from etagere_http.settings import Settings

LOOPS: Final = frozenset({"asyncio", "trio"})
OFFERED: Final = Capabilities(
    reach=Reach.ALWAYS,
    transactions=TransactionScope.FULL,
    clock=Clock.SERVER,
    listing=True,
    event_loops=LOOPS,
)
"""The most that a server can do."""
IN_MEMORY: Final = "state.in-memory"
NOT_TOLD: Final = (
    "Dapr's API does not tell whether a store keeps to it; strong=primary (or failover, or always)"
    " in the URL says that this one does"
)


class Component(Struct, frozen=True):
    """A component of a server."""

    name: str
    type: str = ""
    capabilities: list[str] | None = None


class Metadata(Struct, frozen=True):
    """What a server says of itself."""

    components: list[Component] | None = None
    version: str = field(default="", name="runtimeVersion")

    @property
    def stores(self) -> dict[str, Component]:
        """The state stores, by name."""
        found = self.components or []
        return {each.name: each for each in found if each.type.startswith("state.")}


async def discovered(connection: Connection, settings: Settings) -> Server:
    """Ask a server what it is.

    Raises `Unavailable` when it does not answer, `ConfigurationError` when it has no such store.
    """
    try:
        answer = await connection.call("GET", f"{settings.extensions}/capabilities")
        if (described := description_in(answer)) is not None:
            return ExactServer(connection, settings, described)
        return await other(connection, settings, answer)
    except Interrupted as error:
        raise Unavailable(str(error)) from error


def description_in(answer: Answer) -> Description | None:
    """Return what a server of ours says of a store; None if it is no server of ours."""
    try:
        described = msgspec.json.decode(answer.body, type=Description)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    capabilities = replace(described.capabilities, event_loops=LOOPS)
    return replace(described, capabilities=capabilities)


async def other(connection: Connection, settings: Settings, refusal: Answer) -> DaprServer:
    """Return a store of another server, which refused to answer as ours do."""
    failure = failure_in(refusal)
    if refusal.status == 401:
        raise error_of(failure, reading=True)
    answer = await connection.call("GET", "/v1.0/metadata")
    if not answer.is_good:
        raise refused(answer)
    metadata = decoded(answer, Metadata)
    component = metadata.stores.get(settings.store)
    if component is None or failure.code in NO_STORE:
        names = ", ".join(sorted(metadata.stores)) or "none"
        raise ConfigurationError(
            f"{settings.server} has no state store {settings.store!r}; there are {names}"
        )
    version = f"Dapr {metadata.version}".rstrip()
    return DaprServer(connection, settings, capabilities_of(component, settings), version)


def refused(answer: Answer) -> EtagereError:
    """Return the error for a server that does not say what it has."""
    failure = failure_in(answer)
    if answer.status >= 500:
        return Unavailable(failure.told)
    return error_of(failure, reading=True)


def capabilities_of(component: Component, settings: Settings) -> Capabilities:
    """Return what the API of a server shows of a store, and what the URL knows better."""
    features = set(component.capabilities or ())
    scope = TransactionScope.FULL if "TRANSACTIONAL" in features else TransactionScope.NONE
    limit = settings.max_body_size
    return Capabilities(
        reach=settings.reach,
        why_not_strong=NOT_TOLD if settings.reach is Reach.NONE else "",
        transactions=settings.transactions or scope,
        conditional="ETAG" in features,
        etags=ETagOrigin.SERVER,
        clock=Clock.SERVER if "TTL" in features else Clock.NONE,
        ttl_resolution=1000,
        touching=False,
        deletes_tell=False,
        durable=component.type != IN_MEMORY,
        max_value_bytes=limit if settings.json_values else largest_value(limit),
        event_loops=LOOPS,
    )
