"""What etagere understands where Dapr answers with an error; and does not if it is strict."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.serving.support import Client, StoreClient, serving

ITEM = {"key": "a", "value": 1}


@pytest.fixture(scope="module")
def strict() -> Iterator[Client]:
    with serving("memory=memory://", strict=True) as call:
        yield call


def test_json_that_was_encoded_twice(store: StoreClient, strict: Client) -> None:
    save, keys = json.dumps([ITEM]), json.dumps({"keys": ["a"]})
    operations = json.dumps({"operations": [{"operation": "delete", "request": {"key": "a"}}]})
    assert store.call("POST", store.path, json.dumps(save)).status == 204
    assert store.call("POST", f"{store.path}/bulk", json.dumps(keys)).json[0]["data"] == 1
    assert store.call("POST", f"{store.path}/transaction", json.dumps(operations)).status == 204
    assert store.get("a").status == 204
    lone_surrogates = [
        f'"[{{\\"key\\":\\"{key}\\",\\"value\\":\\"\\ud800\\"}}]"' for key in ("a", "\\ud800")
    ]
    for body in ('"text"', '""', '"17"', '"null"', '"[}"', '"[]', *lone_surrogates):
        answer = store.call("POST", store.path, body)
        assert answer.status == 400, body

    answer = strict("POST", "/v1.0/state/memory", json.dumps(save))
    assert answer.error == (400, "ERR_MALFORMED_REQUEST")
    assert answer.json["message"] == (
        "json: cannot unmarshal string into Go value of type []state.SetRequest"
    )


def test_the_value_of_json_that_was_encoded_twice(store: StoreClient) -> None:
    inner = '[{"key":"a","value": { "pi" : 3.14159265358979323846, "é":"\\u00e9" } }]'
    assert store.call("POST", store.path, json.dumps(inner)).status == 204
    assert store.get("a").body == '{ "pi" : 3.14159265358979323846, "é":"\\u00e9" }'.encode()


def test_options_of_a_get_as_headers(store: StoreClient) -> None:
    store.save(ITEM)
    for headers in ({"consistency": "strong"}, {"concurrency": "first-write"}):
        assert store.get("a", **headers).status == 200


def test_options_of_a_delete_as_headers(store: StoreClient, strict: Client) -> None:
    store.save(ITEM)
    assert store.delete("a", concurrency="first-write").status == 409
    assert store.delete("a", consistency="nonsense").status == 400
    assert store.delete("a", "?concurrency=last-write", concurrency="first-write").status == 204

    other = StoreClient(strict, "memory")
    other.save(ITEM)
    assert other.delete("a", concurrency="first-write").status == 204


def test_an_etag_header_on_delete_is_a_condition(store: StoreClient, strict: Client) -> None:
    etag = store.save(ITEM).etag
    assert store.delete("a", etag="abc12345").status == 409
    assert store.delete("a", etag=etag, if_match="stale").status == 409
    assert store.delete("a", etag=etag).status == 204

    other = StoreClient(strict, "memory")
    other.save(ITEM)
    assert other.delete("a", etag="abc12345").status == 204


def test_an_etag_that_is_a_number(store: StoreClient, strict: Client) -> None:
    etag = store.save(ITEM).etag
    for number in ("17", "-1.50e3", "123456789012345678901234567890"):
        body = f'[{{"key":"a","value":2,"etag":{number}}}]'
        answer = store.call("POST", store.path, body)
        assert answer.error == (409, "ERR_STATE_SAVE")
        assert (answer.info()["expected"], answer.info()["actual"]) == (number, etag)
    body = '{"operations":[{"operation":"delete","request":{"key":"a","etag":17}}]}'
    assert store.call("POST", f"{store.path}/transaction", body).status == 409

    answer = strict("POST", "/v1.0/state/memory", '[{"key":"a","etag":17}]')
    assert answer.error == (400, "ERR_MALFORMED_REQUEST")
    assert answer.json["message"] == (
        "json: cannot unmarshal number into Go struct field SetRequest.etag of type string"
    )


def test_an_etag_in_an_unknown_format_is_one_that_does_not_match(store: StoreClient) -> None:
    store.save(ITEM)
    for etag in ("abc12345", "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~", "x" * 5000, "é😀", "\0"):
        assert store.save({**ITEM, "etag": etag}).status == 409


def test_the_etag_of_a_save_is_that_of_the_item(store: StoreClient) -> None:
    etag = store.save(ITEM).etag
    assert store.save({**ITEM, "etag": etag}).etag != etag
    assert store.save({**ITEM, "etag": store.get("a").etag}).status == 204
    assert store.delete("a", if_match=store.save(ITEM).etag).status == 204


# --- paths that name no store -------------------------------------------------------------------


def test_the_only_store_is_the_default() -> None:
    with serving("redis-store=memory://") as call:
        old = '[{ "key": "k1", "value": "Some Data", "options": { "consistency": "strong" }}]'
        assert call("POST", "/v1.0/state/key1", json.dumps(old)).status == 204
        found = call("GET", "/v1.0/state/k1")
        assert (found.status, found.body) == (200, b'"Some Data"')
        assert call("GET", "/v1.0/state/redis-store/k1").etag == found.etag
        assert call("DELETE", "/v1.0/state/k1", headers={"etag": "abc12345"}).status == 409
        assert call("DELETE", "/v1.0/state/k1").status == 204
        assert call("GET", "/v1.0/state/k1").status == 204
        assert call("GET", "/v1.0/state/redis-store").status == 404
        assert call("DELETE", "/v1.0/state/redis-store").status == 404


def test_a_misspelt_store_is_not_the_default() -> None:
    with serving("statestore=memory://") as call:
        answer = call("POST", "/v1.0/state/statestroe", [ITEM])
        assert answer.error == (400, "ERR_STATE_STORE_NOT_FOUND")
        assert StoreClient(call, "statestore").keys() == []


def test_a_default_store_that_is_named_on_purpose() -> None:
    with serving("one=memory://", "two=memory://", default_store="two") as call:
        assert call("POST", "/v1.0/state/key1", [ITEM]).status == 204
        assert call("GET", "/v1.0/state/a").status == 200
        assert (StoreClient(call, "one").keys(), StoreClient(call, "two").keys()) == ([], ["a"])


def test_statestore_is_the_default_of_several() -> None:
    with serving("one=memory://", "statestore=memory://") as call:
        call("POST", "/v1.0/state/statestore", [ITEM])
        assert call("GET", "/v1.0/state/a").status == 200


def test_strict_has_no_default_store(strict: Client) -> None:
    for method in ("GET", "DELETE"):
        assert strict(method, "/v1.0/state/a").error == (404, "ERR_DIRECT_INVOKE")
    answer = strict("POST", "/v1.0/state/key1", json.dumps(json.dumps([ITEM])))
    assert answer.error == (400, "ERR_STATE_STORE_NOT_FOUND")
