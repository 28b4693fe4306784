"""The shapes of the bodies, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

TEXT = {"type": ["string", "null"]}
WORDS = {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
ITEM: dict[str, Any] = {
    "type": "object",
    "required": ["key"],
    "properties": {
        "key": {"type": "string", "minLength": 1, "maxLength": 256},
        "value": {"description": "Any JSON, kept byte for byte; absent means null"},
        "etag": {**TEXT, "description": "Write only if this is the key's ETag"},
        "metadata": {**WORDS, "description": "ttlInSeconds: a whole number, as text"},
        "options": {
            "type": ["object", "null"],
            "properties": {
                "concurrency": {"enum": ["", "first-write", "last-write", None]},
                "consistency": {"enum": ["", "strong", "eventual", None]},
            },
        },
        "contentType": TEXT,
    },
}

SCHEMAS: dict[str, Any] = {
    "Anything": {},
    "Item": ITEM,
    "Items": {"type": ["array", "null"], "items": {"$ref": "#/components/schemas/Item"}},
    "BulkGet": {
        "type": "object",
        "properties": {
            "keys": {"type": ["array", "null"], "items": {"type": "string", "minLength": 1}},
            "parallelism": {"type": ["integer", "null"]},
            "metadata": WORDS,
        },
    },
    "BulkItems": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["key"],
            "properties": {
                "key": {"type": "string"},
                "data": {},
                "etag": {"type": "string"},
                "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
                "error": {"type": "string"},
            },
        },
    },
    "Transaction": {
        "type": "object",
        "properties": {
            "operations": {
                "type": ["array", "null"],
                "items": {
                    "type": "object",
                    "required": ["operation", "request"],
                    "properties": {
                        "operation": {"enum": ["upsert", "delete"]},
                        "request": {"$ref": "#/components/schemas/Item"},
                    },
                },
            },
            "metadata": WORDS,
        },
    },
    "Results": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["key"],
            "properties": {
                "key": {"type": "string"},
                "etag": {"type": "string"},
                "deleted": {"type": "boolean"},
                "error": {"$ref": "#/components/schemas/ItemError"},
            },
        },
    },
    "Touch": {
        "type": "object",
        "required": ["key"],
        "additionalProperties": False,
        "properties": {
            "key": {"type": "string", "minLength": 1},
            "ttlInSeconds": {
                "type": ["integer", "null"],
                "minimum": -1,
                "maximum": 2**31 - 1,
                "description": "null, 0 and -1: never expire",
            },
            "ttlInMilliseconds": {
                "type": ["integer", "null"],
                "minimum": 1,
                "maximum": 2**31 - 1,
                "description": "Goes before ttlInSeconds",
            },
            "etag": TEXT,
            "consistency": {"enum": ["", "strong", "eventual", None]},
        },
    },
    "Transacted": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"etag": {"type": "string"}, "deleted": {"type": "boolean"}},
        },
    },
    "Existed": {
        "type": "object",
        "required": ["deleted"],
        "properties": {"deleted": {"type": "boolean"}},
    },
    "Described": {
        "type": "object",
        "required": ["version", "maxBodySize", "capabilities"],
        "properties": {
            "version": {"type": "string"},
            "maxBodySize": {"type": "integer", "description": "Bytes of a request's body"},
            "capabilities": {"type": "object"},
        },
    },
    "Found": {
        "type": "object",
        "required": ["found"],
        "properties": {"found": {"type": "boolean"}},
    },
    "Deleted": {
        "type": "object",
        "required": ["deleted"],
        "properties": {"deleted": {"type": "integer"}},
    },
    "KeyPage": {
        "type": "object",
        "required": ["keys", "next"],
        "properties": {
            "keys": {"type": "array", "items": {"type": "string"}},
            "next": {**TEXT, "description": "The `after` of the next page; null: there is none"},
        },
    },
    "StoresHealth": {
        "type": "object",
        "required": ["stores"],
        "properties": {
            "stores": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "ready"],
                    "properties": {
                        "name": {"type": "string"},
                        "ready": {"type": "boolean"},
                        "error": {"type": "string"},
                    },
                },
            }
        },
    },
    "Error": {
        "type": "object",
        "required": ["errorCode", "message"],
        "properties": {
            "errorCode": {"type": "string"},
            "message": {"type": "string"},
            "details": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["@type"],
                    "properties": {"@type": {"type": "string"}},
                },
            },
        },
    },
    "ItemError": {
        "type": "object",
        "required": ["errorCode", "message", "status"],
        "properties": {
            "errorCode": {"type": "string"},
            "message": {"type": "string"},
            "details": {"type": "array"},
            "status": {"type": "integer"},
        },
    },
}
