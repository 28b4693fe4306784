"""Health, metadata, tokens, limits and isolation between applications."""

from __future__ import annotations

from pathlib import Path

import pytest

from etagere import __version__
from tests.servers import free_port
from tests.serving.support import Client, StoreClient, serving

ITEM = {"key": "a", "value": 1}

# --- health -------------------------------------------------------------------------------------


def test_health(call: Client) -> None:
    for path in ("/v1.0/healthz", "/v1.0/healthz/outbound", "/v1.0/healthz/"):
        answer = call("GET", path)
        assert (answer.status, answer.body) == (204, b"")


def test_the_health_of_an_app() -> None:
    with serving("s=memory://", app_id="shop") as call:
        assert call("GET", "/v1.0/healthz?appid=shop").status == 204
        answer = call("GET", "/v1.0/healthz?appid=other")
        assert answer.json == {
            "errorCode": "ERR_HEALTH_APPID_NOT_MATCH",
            "message": "dapr app-id does not match",
        }
        assert answer.status == 500


def test_a_store_that_is_down_at_start() -> None:
    url = f"redis://127.0.0.1:{free_port()}"
    with serving(f"down={url}", "up=memory://", timeout=1.0) as call:
        assert call("GET", "/v1.0/healthz").status == 204
        assert call("GET", "/v1.0/healthz/outbound").status == 204
        answer = StoreClient(call, "down").save(ITEM)
        assert answer.error == (500, "ERR_STATE_SAVE")
        assert answer.info()["certainty"] == "not applied"
        assert StoreClient(call, "up").save(ITEM).status == 204
        health = call("GET", "/v1.0-etagere/health")
        assert health.status == 503
        down, up = health.json["stores"]
        assert (down["name"], down["ready"]) == ("down", False)
        assert down["error"]
        assert up == {"name": "up", "ready": True}


def test_the_health_of_the_stores(call: Client) -> None:
    answer = call("GET", "/v1.0-etagere/health")
    assert answer.status == 200
    assert all(store["ready"] for store in answer.json["stores"])


# --- metadata -----------------------------------------------------------------------------------


def test_metadata(tmp_path: Path) -> None:
    stores = ("one=memory://", f"two=sqlite:///{tmp_path}/two.db")
    with serving(*stores, app_id="shop") as call:
        answer = call("GET", "/v1.0/metadata")
        assert answer.status == 200
        found = answer.json
        assert (found["id"], found["runtimeVersion"]) == ("shop", __version__)
        assert found["extended"]["daprRuntimeVersion"] == __version__
        words = ["ETAG", "TRANSACTIONAL", "TTL", "DELETE_WITH_PREFIX", "ACTOR"]
        assert found["components"] == [
            {"name": "one", "type": "state.in-memory", "version": "v1", "capabilities": words},
            {"name": "two", "type": "state.sqlite", "version": "v1", "capabilities": words},
        ]
        for name in ("enabledFeatures", "actors", "subscriptions", "httpEndpoints"):
            assert found[name] == []
        assert found["actorRuntime"]["runtimeStatus"] == "DISABLED"


def test_adding_to_the_metadata() -> None:
    with serving("s=memory://") as call:
        assert call("PUT", "/v1.0/metadata/owner%2Fname", "me, é".encode()).status == 204
        assert call("PUT", "/v1.0/metadata/empty").status == 204
        extended = call("GET", "/v1.0/metadata").json["extended"]
        assert (extended["owner/name"], extended["empty"]) == ("me, é", "")
        assert call("PUT", "/v1.0/metadata/bad", b"\xff").status == 400


# --- token --------------------------------------------------------------------------------------


def test_a_token() -> None:
    with serving("s=memory://", api_token="säcret") as call:
        token = {"dapr-api-token": "säcret".encode().decode("latin-1")}
        for method, path in [
            ("GET", "/v1.0/state/s/a"),
            ("POST", "/v1.0/state/s"),
            ("GET", "/v1.0/metadata"),
            ("POST", "/v1.0/shutdown"),
            ("GET", "/v1.0-etagere/openapi.json"),
            ("GET", "/nowhere"),
            ("POST", "/v1.0/healthz"),
        ]:
            for headers in ({}, {"dapr-api-token": "wrong"}, {"dapr-api-token": ""}):
                answer = call(method, path, "[]" if method == "POST" else None, headers)
                assert (answer.status, answer.body) == (401, b"invalid api token")
                assert answer.headers["content-type"].startswith("text/plain")
        assert call("GET", "/v1.0/healthz").status == 204
        assert call("GET", "/v1.0/healthz/outbound").status == 204
        assert call("POST", "/v1.0/state/s", [ITEM], token).status == 204
        assert call("GET", "/v1.0/state/s/a", headers=token).body == b"1"
        assert call("GET", "/nowhere", headers=token).status == 404


# --- limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1.0/state/s"),
        ("POST", "/v1.0/state/s/bulk"),
        ("POST", "/v1.0/state/s/transaction"),
        ("PUT", "/v1.0/metadata/key"),
        ("POST", "/v1.0-etagere/state/s/delete"),
    ],
)
def test_a_body_that_is_too_large(method: str, path: str) -> None:
    with serving("s=memory://", max_body_size=1000) as call:
        for size in (1001, 200_000, 3_000_000):
            answer = call(method, path, b"x" * size)
            assert answer.status == 400
            assert answer.json == {
                "errorCode": "ERR_MALFORMED_REQUEST",
                "message": "stream too large",
            }
        assert b"stream too large" not in call(method, path, b" " * 1000).body


def test_a_body_at_the_limit(call: Client) -> None:
    limit = 4 * 2**20
    store = StoreClient(call, "memory")
    value = "x" * (limit - len('[{"key":"a","value":""}]'))
    body = f'[{{"key":"a","value":"{value}"}}]'
    assert len(body) == limit
    assert store.call("POST", store.path, body).status == 204
    assert len(store.get("a").body) == len(value) + 2
    assert store.call("POST", store.path, f"{body} ").status == 400


# --- applications -------------------------------------------------------------------------------


def test_applications_do_not_see_each_other(tmp_path: Path) -> None:
    url = f"s=sqlite:///{tmp_path}/shared.db"
    with (
        serving(url, app_id="one") as one,
        serving(url, app_id="two") as two,
        serving(url) as bare,
    ):
        for call, value in ((one, 1), (two, 2), (bare, 3)):
            assert StoreClient(call, "s").save({"key": "a", "value": value}).status == 204
        for call, value in ((one, b"1"), (two, b"2"), (bare, b"3")):
            assert StoreClient(call, "s").get("a").body == value
        assert StoreClient(one, "s").keys() == ["a"]
        assert StoreClient(bare, "s").keys() == ["a"]
        assert one("DELETE", "/v1.0-etagere/state/s/keys?prefix=a").json == {"deleted": 1}
        assert StoreClient(two, "s").get("a").body == b"2"
        long = StoreClient(one, "s")
        assert long.save({"key": "k" * 1019}).status == 204
        assert long.save({"key": "k" * 1020}).status == 400
