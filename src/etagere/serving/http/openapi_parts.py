"""The parts that the operations of the OpenAPI document are made of."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


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
EXACT = query("metadata.exact", enum=["", "true"])
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
