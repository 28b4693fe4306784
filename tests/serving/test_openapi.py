"""The OpenAPI document says what is served, and the server keeps to it."""

from __future__ import annotations

import copy
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from jsonschema_rs import validator_for
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from etagere.serving import Server, Settings
from etagere.serving.health import Health
from etagere.serving.http import routes_of
from etagere.serving.http.openapi import document, paths
from etagere.serving.stores import NamedStore
from tests.serving.support import Client

NOT_CALLED = ["Shutdown"]
FAILS_ON_PURPOSE = {"QueryStateAlpha1", "QueryStateAlpha1ByPut", "GetHealth"}
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]


def with_known_stores(described: dict[str, Any]) -> dict[str, Any]:
    """Let callers of the document choose among stores that are there, and one that is not."""
    for operations in described["paths"].values():
        for parameter in operations.get("parameters", []):
            if parameter["name"] == "store":
                parameter["schema"] = {"enum": ["memory", "sqlite", "zz"]}
    return described


SCHEMA = schemathesis.openapi.from_dict(with_known_stores(copy.deepcopy(document())))


def test_every_route_is_described_and_nothing_else() -> None:
    store = NamedStore("s", None)  # type: ignore[arg-type]
    strict = Settings(stores=[("s", "memory://")], strict=True)
    routes = routes_of([store], strict, Health(), lambda: None)
    served = {(route.path, method.lower()) for route in routes for method in route.methods}
    described = {
        (path, method)
        for path, operations in paths().items()
        for method in operations
        if method != "parameters"
    }
    assert served == described


def test_the_names_of_operations_are_unique() -> None:
    names = [
        operation["operationId"]
        for operations in paths().values()
        for method, operation in operations.items()
        if method != "parameters"
    ]
    assert len(names) == len(set(names))


def test_the_document_is_served(call: Client) -> None:
    answer = call("GET", "/v1.0-etagere/openapi.json")
    assert answer.status == 200
    assert answer.json == document()
    assert answer.json["openapi"] == "3.1.0"


def test_every_reference_leads_somewhere() -> None:
    schemas = document()["components"]["schemas"]
    for name in schemas:
        validator_for({"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}})


@SCHEMA.exclude(operation_id=NOT_CALLED).parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_server_keeps_to_its_document(case: Any, server: Server) -> None:
    checks = list(CHECKS)
    if case.operation.definition.raw["operationId"] not in FAILS_ON_PURPOSE:
        checks.append(not_a_server_error)
    case.call_and_validate(base_url=server.url, checks=checks)
