"""The OpenAPI document of the HTTP face."""

from __future__ import annotations

from typing import Any, TypeAlias

from etagere._version import __version__
from etagere.serving.http.openapi_schemas import SCHEMAS

Json: TypeAlias = dict[str, Any]

STATE = "/v1.0/state/{store}"
EXTENSIONS = "/v1.0-etagere/state/{store}"


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
                [TTL],
            ),
        },
        STATE + "/{key}": {
            "parameters": [STORE, KEY],
            "get": operation(
                "GetState",
                "Read a key",
                {"200": VALUE, "204": answer("There is none"), **failures("400", "500")},
                [CONSISTENCY],
            ),
            "delete": operation(
                "DeleteState",
                "Delete a key",
                {"204": answer("It is not there now"), **failures("400", "409", "500")},
                [IF_MATCH, CONCURRENCY, CONSISTENCY],
            ),
        },
        STATE + "/bulk": {
            "parameters": [STORE],
            **writing(
                "GetBulkState",
                "Read many keys",
                "BulkGet",
                {"200": content("BulkItems"), **failures("400", "500")},
                [CONSISTENCY],
            ),
        },
        STATE + "/transaction": {
            "parameters": [STORE],
            **writing(
                "ExecuteStateTransaction",
                "Do several things in order, or nothing",
                "Transaction",
                {"204": answer("Done"), **failures("400", "409", "500")},
                [TTL],
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
                "SaveEachState", "Write items; answer for each", bulk, [TTL], "Items"
            ),
            "get": operation(
                "GetStateByKey",
                "Read the key that the query names",
                {"200": VALUE, "204": answer("There is none"), **failures("400", "500")},
                [{**KEY, "in": "query"}, CONSISTENCY],
            ),
            "delete": operation(
                "DeleteStateByKey",
                "Delete the key that the query names",
                {"204": answer("It is not there now"), **failures("400", "409", "500")},
                [{**KEY, "in": "query"}, IF_MATCH, CONCURRENCY, CONSISTENCY],
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


# --- pieces -----------------------------------------------------------------------------------


def schema(name: str) -> Json:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def content(name: str, description: str = "The answer") -> Json:
    """Return a response with a JSON body."""
    return {
        "description": description,
        "content": {"application/json": {"schema": schema(name)}},
    }


def answer(description: str, *, etag: bool = False) -> Json:
    """Return a response without a body."""
    if not etag:
        return {"description": description}
    return {"description": description, "headers": {"ETag": ETAG}}


def failures(*statuses: str) -> dict[str, Json]:
    """Return the responses for errors; a token can be missing on every path."""
    described = {status: content("Error", FAILURES[status]) for status in statuses}
    described["401"] = {
        "description": "The API token is missing or wrong",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
    described["404"] = content("Error", "There is no such path")
    return described


def query(name: str, **constraints: object) -> Json:
    """Return a query parameter."""
    return {"name": name, "in": "query", "schema": {"type": "string", **constraints}}


def operation(
    name: str,
    summary: str,
    responses: dict[str, Json],
    parameters: list[Json] | None = None,
    body: str = "",
) -> Json:
    """Return an operation."""
    found: Json = {"operationId": name, "summary": summary, "responses": responses}
    if parameters:
        found["parameters"] = parameters
    if body:
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema(body)}},
        }
    return found


def writing(
    name: str,
    summary: str,
    body: str,
    responses: dict[str, Json],
    parameters: list[Json] | None = None,
) -> Json:
    """Return an operation that POST and PUT do alike."""
    return {
        method: operation(name + suffix, summary, responses, parameters, body)
        for method, suffix in (("post", ""), ("put", "ByPut"))
    }


FAILURES = {
    "400": "The request makes no sense, or there is no such store",
    "409": "Somebody wrote in between; the details have the key and its ETag now",
    "500": "The store failed or cannot do this; the details say whether anything was written",
}
ETAG: Json = {"schema": {"type": "string"}, "description": "The version; opaque, not in quotes"}
STORE: Json = {"name": "store", "in": "path", "required": True, "schema": {"type": "string"}}
KEY: Json = {
    "name": "key",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1},
}
TTL = query("metadata.ttlInSeconds")
CONSISTENCY = query("consistency", enum=["", "strong", "eventual"])
CONCURRENCY = query("concurrency", enum=["", "first-write", "last-write"])
LIMIT: Json = {
    "name": "limit",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1, "maximum": 10_000},
}
IF_MATCH: Json = {"name": "If-Match", "in": "header", "schema": {"type": "string"}}
VALUE: Json = {
    "description": "The value, byte for byte",
    "headers": {
        "ETag": ETAG,
        "metadata.ttlExpireTime": {"schema": {"type": "string", "format": "date-time"}},
    },
    "content": {"application/json": {"schema": {}}},
}
