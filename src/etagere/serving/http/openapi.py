"""The OpenAPI document of the HTTP face."""

from __future__ import annotations

from etagere._version import __version__
from etagere.serving.http.openapi_parts import (
    CONCURRENCY,
    CONSISTENCY,
    EXACT,
    IF_MATCH,
    KEY,
    LIMIT,
    STORE,
    TTL,
    VALUE,
    Json,
    answer,
    content,
    failures,
    operation,
    query,
    writing,
)
from etagere.serving.http.openapi_schemas import SCHEMAS

STATE = "/v1.0/state/{store}"
EXTENSIONS = "/v1.0-etagere/state/{store}"
DELETED: Json = {
    "200": content("Existed", "It is not there now; whether it was, if exact"),
    "204": answer("It is not there now"),
    **failures("400", "409", "500"),
}


def document() -> Json:
    """Return the document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "etagere",
            "version": __version__,
            "summary": "Dapr's state API, and what it lacks under /v1.0-etagere",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{}, {"token": []}],
        "paths": paths(),
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "dapr-api-token"}
            },
        },
    }


def paths() -> dict[str, Json]:
    """Return every path with its operations."""
    return {
        STATE: {
            "parameters": [STORE],
            **writing(
                "SaveState",
                "Write items, each on its own",
                "Items",
                {"204": answer("Written", etag=True), **failures("400", "409", "500")},
                [TTL, EXACT],
            ),
        },
        STATE + "/{key}": {
            "parameters": [STORE, KEY],
            "get": operation(
                "GetState",
                "Read a key",
                {"200": VALUE, "204": answer("There is none"), **failures("400", "500")},
                [CONSISTENCY, EXACT],
            ),
            "delete": operation(
                "DeleteState",
                "Delete a key",
                DELETED,
                [IF_MATCH, CONCURRENCY, CONSISTENCY, EXACT],
            ),
        },
        STATE + "/bulk": {
            "parameters": [STORE],
            **writing(
                "GetBulkState",
                "Read many keys",
                "BulkGet",
                {"200": content("BulkItems"), **failures("400", "500")},
                [CONSISTENCY, EXACT],
            ),
        },
        STATE + "/transaction": {
            "parameters": [STORE],
            **writing(
                "ExecuteStateTransaction",
                "Do several things in order, or nothing",
                "Transaction",
                {
                    "200": content("Transacted", "Done, if exact"),
                    "204": answer("Done"),
                    **failures("400", "409", "500"),
                },
                [TTL, EXACT],
            ),
        },
        "/v1.0-alpha1/state/{store}/query": {
            "parameters": [STORE],
            **writing(
                "QueryStateAlpha1",
                "Refused: no store can be queried",
                "Anything",
                failures("400", "500"),
            ),
        },
        **extension_paths(),
        **operations_paths(),
    }


def extension_paths() -> dict[str, Json]:
    """Return our own paths for state."""
    bulk = {"200": content("Results"), **failures("400", "500")}
    return {
        EXTENSIONS: {
            "parameters": [STORE],
            "post": operation(
                "SaveEachState", "Write items; answer for each", bulk, [TTL, EXACT], "Items"
            ),
            "get": operation(
                "GetStateByKey",
                "Read the key that the query names",
                {"200": VALUE, "204": answer("There is none"), **failures("400", "500")},
                [{**KEY, "in": "query"}, CONSISTENCY, EXACT],
            ),
            "delete": operation(
                "DeleteStateByKey",
                "Delete the key that the query names",
                DELETED,
                [{**KEY, "in": "query"}, IF_MATCH, CONCURRENCY, CONSISTENCY, EXACT],
            ),
        },
        EXTENSIONS + "/delete": {
            "parameters": [STORE],
            "post": operation("DeleteBulkState", "Delete keys; answer for each", bulk, [], "Items"),
        },
        EXTENSIONS + "/touch": {
            "parameters": [STORE],
            "post": operation(
                "TouchState",
                "Change only when a key expires",
                {"200": content("Found"), **failures("400", "409", "500")},
                [],
                "Touch",
            ),
        },
        EXTENSIONS + "/keys": {
            "parameters": [STORE],
            "get": operation(
                "ListKeys",
                "List keys in the order of their UTF-8 bytes",
                {"200": content("KeyPage"), **failures("400", "500")},
                [query("prefix"), query("after"), LIMIT, CONSISTENCY],
            ),
            "delete": operation(
                "DeletePrefix",
                "Delete every key that starts with a prefix",
                {"200": content("Deleted"), **failures("400", "500")},
                [{**query("prefix", minLength=1), "required": True}],
            ),
        },
        EXTENSIONS + "/capabilities": {
            "parameters": [STORE],
            "get": operation(
                "GetCapabilities",
                "What can the store do?",
                {"200": content("Described"), **failures("400", "500")},
            ),
        },
    }


def operations_paths() -> dict[str, Json]:
    """Return the paths about the server itself."""
    ready = {"204": answer("Ready"), **failures("500")}
    return {
        "/v1.0/healthz": {
            "get": operation("GetHealth", "Is the server ready?", ready, [query("appid")])
        },
        "/v1.0/healthz/outbound": {
            "get": operation("GetOutboundHealth", "Can stores be called?", ready)
        },
        "/v1.0/metadata": {
            "get": operation(
                "GetMetadata", "Describe the server", {"200": content("Anything"), **failures()}
            )
        },
        "/v1.0/metadata/{key}": {
            "parameters": [KEY],
            "put": {
                **operation(
                    "SetMetadata",
                    "Add a word to the description",
                    {"204": answer("Added"), **failures("400")},
                ),
                "requestBody": {"content": {"text/plain": {"schema": {"type": "string"}}}},
            },
        },
        "/v1.0/shutdown": {
            "post": operation("Shutdown", "Stop", {"204": answer("Stopping"), **failures()})
        },
        "/v1.0-etagere/health": {
            "get": operation(
                "GetStoresHealth",
                "Which stores answer?",
                {
                    "200": content("StoresHealth", "All of them"),
                    "503": content("StoresHealth", "Not all of them"),
                    **failures(),
                },
            )
        },
        "/v1.0-etagere/openapi.json": {
            "get": operation(
                "GetOpenApi", "This document", {"200": content("Anything"), **failures()}
            )
        },
    }
