"""What the server says about itself, in the shape of Dapr's metadata."""

from __future__ import annotations

from typing import Any

from etagere._version import __version__
from etagere.backend import Capabilities, Clock, TransactionScope
from etagere.serving.service import StateService
from etagere.serving.stores import NamedStore


class Metadata:
    """The metadata of one server, and what clients have added to it."""

    def __init__(self, service: StateService) -> None:
        self._service = service
        self._extended = {"daprRuntimeVersion": __version__, "server": "etagere"}

    def add(self, key: str, value: str) -> None:
        """Keep a word of a client's until the server stops."""
        self._extended[key] = value

    def describe(self) -> dict[str, Any]:
        """Return everything, as it goes into JSON."""
        return {
            "id": self._service.app_id,
            "runtimeVersion": __version__,
            "enabledFeatures": [],
            "actors": [],
            "components": [_component(named) for named in self._service.stores.values()],
            "extended": dict(self._extended),
            "subscriptions": [],
            "httpEndpoints": [],
            "appConnectionProperties": {},
            "actorRuntime": {
                "runtimeStatus": "DISABLED",
                "activeActors": [],
                "hostReady": False,
                "placement": "",
            },
            "scheduler": {"connected_addresses": []},
            "workflows": {},
        }


def features(capabilities: Capabilities) -> list[str]:
    """Return what a store can do, in Dapr's words."""
    transactional = capabilities.transactions is not TransactionScope.NONE
    offered = {
        "ETAG": capabilities.conditional,
        "TRANSACTIONAL": transactional,
        "TTL": capabilities.clock is not Clock.NONE,
        "DELETE_WITH_PREFIX": capabilities.listing,
        "ACTOR": transactional,
    }
    return [word for word, there in offered.items() if there]


def _component(named: NamedStore) -> dict[str, Any]:
    return {
        "name": named.name,
        "type": named.type,
        "version": named.version,
        "capabilities": features(named.store.capabilities),
    }
