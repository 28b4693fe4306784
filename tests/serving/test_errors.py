"""Every row of the error table that concerns state: codes, messages and details."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from etagere.serving import Settings
from tests.serving.failing import failing_components
from tests.serving.support import Client, StoreClient, running_server, serving

INFO = "type.googleapis.com/google.rpc.ErrorInfo"
RESOURCE = {
    "@type": "type.googleapis.com/google.rpc.ResourceInfo",
    "resource_type": "state",
    "owner": "",
    "description": "",
}
ITEM = {"key": "a", "value": 1}
STRONG = {**ITEM, "options": {"consistency": "strong"}}


@pytest.fixture(scope="module")
def failing() -> Iterator[Client]:
    settings = Settings(stores=[("memory", "memory://")], port=0, timeout=1.0, app_id="shop")
    with (
        running_server(settings, failing_components()) as server,
        closing(Client(server.url)) as client,
    ):
        yield client


# --- stores -------------------------------------------------------------------------------------

ROUTES = [
    ("POST", "/v1.0/state/{}"),
    ("GET", "/v1.0/state/{}/a"),
    ("DELETE", "/v1.0/state/{}/a"),
    ("POST", "/v1.0/state/{}/bulk"),
    ("POST", "/v1.0/state/{}/transaction"),
    ("POST", "/v1.0-alpha1/state/{}/query"),
    ("POST", "/v1.0-etagere/state/{}"),
    ("GET", "/v1.0-etagere/state/{}?key=a"),
    ("DELETE", "/v1.0-etagere/state/{}?key=a"),
    ("POST", "/v1.0-etagere/state/{}/delete"),
    ("POST", "/v1.0-etagere/state/{}/touch"),
    ("GET", "/v1.0-etagere/state/{}/keys"),
    ("DELETE", "/v1.0-etagere/state/{}/keys?prefix=a"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("body", ["[]", "not json"])
def test_an_unknown_store_comes_before_the_body(
    failing: Client, method: str, path: str, body: str
) -> None:
    answer = failing(method, path.format("zz"), body)
    assert answer.status == 400
    assert answer.json == {
        "errorCode": "ERR_STATE_STORE_NOT_FOUND",
        "message": "state store zz is not found",
        "details": [
            {
                "@type": INFO,
                "domain": "dapr.io",
                "metadata": {"appID": "shop"},
                "reason": "DAPR_STATE_NOT_FOUND",
            }
        ],
    }


def test_no_store_at_all(tmp_path: object) -> None:
    with serving(components=tmp_path) as call:
        for method, path in ROUTES:
            answer = call(method, path.format("zz"), "[]")
            assert answer.status == 500
            assert answer.json == {
                "errorCode": "ERR_STATE_STORE_NOT_CONFIGURED",
                "message": "state store zz is not configured",
                "details": [
                    {
                        "@type": INFO,
                        "domain": "dapr.io",
                        "metadata": {"appID": ""},
                        "reason": "DAPR_STATE_NOT_CONFIGURED",
                    }
                ],
            }
        assert call("GET", "/v1.0/state/key1").status == 404
        assert call("GET", "/v1.0/metadata").json["components"] == []


# --- keys ---------------------------------------------------------------------------------------


def test_a_key_that_reaches_elsewhere(memory: StoreClient) -> None:
    doomed = {"key": "a||b"}
    answers = [
        memory.save(doomed),
        memory.save(ITEM, doomed),
        memory.get("a||b"),
        memory.delete("a||b"),
        memory.transact(("upsert", doomed)),
        memory.transact(("delete", doomed)),
        memory.call("POST", f"{memory.path}/bulk", {"keys": ["a", "a||b"]}),
        memory.call("GET", f"{memory.extensions}?key=a||b"),
        memory.call("POST", f"{memory.extensions}/touch", doomed),
        memory.call("POST", f"{memory.extensions}/delete", [doomed]),
    ]
    text = "input key/keyPrefix 'a||b' can't contain '||'"
    for answer in answers:
        assert answer.status == 400
        assert answer.json == {
            "errorCode": "ERR_MALFORMED_REQUEST",
            "message": f"api error: code = InvalidArgument desc = {text}",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "field_violations": [{"field": "a||b", "description": text}],
                },
                {**RESOURCE, "resource_name": "memory"},
                {
                    "@type": INFO,
                    "domain": "dapr.io",
                    "metadata": None,
                    "reason": "DAPR_STATE_ILLEGAL_KEY",
                },
            ],
        }


@pytest.mark.parametrize("key", ["a\0b", "k" * 1025], ids=["NUL", "too long"])
def test_a_key_that_cannot_be_stored(store: StoreClient, key: str) -> None:
    assert store.save({"key": key}).error == (400, "ERR_STATE_SAVE")
    assert store.get(key).error == (400, "ERR_STATE_GET")
    assert store.delete(key).error == (400, "ERR_STATE_DELETE")
    assert store.transact(("upsert", {"key": key})).error == (400, "ERR_STATE_TRANSACTION")
    answer = store.call("POST", f"{store.path}/bulk", {"keys": [key]})
    assert answer.error == (400, "ERR_STATE_BULK_GET")


# --- options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{"consistency": "STRONG"}, {"concurrency": "first"}, {"consistency": "none"}]
)
def test_a_word_that_is_no_option(store: StoreClient, options: dict[str, str]) -> None:
    item = {**ITEM, "options": options}
    strong = {"key": "b", "options": {"consistency": "strong"}}
    assert store.save(item).error == (400, "ERR_STATE_SAVE")
    assert store.transact(("upsert", strong), ("upsert", item)).error == (
        400,
        "ERR_STATE_TRANSACTION",
    )
    name, word = next(iter(options.items()))
    assert store.delete("a", f"?{name}={word}").error == (400, "ERR_STATE_DELETE")


# --- what a store cannot do ---------------------------------------------------------------------


def test_transactions_that_are_not_offered(failing: Client) -> None:
    for body in ("{}", "not json"):
        answer = failing("POST", "/v1.0/state/limited/transaction", body)
        assert answer.error == (500, "ERR_STATE_STORE_NOT_SUPPORTED")
        assert answer.json["message"] == "state store limited doesn't support transactions"
        assert [detail["@type"].rpartition(".")[2] for detail in answer.json["details"]] == [
            "Help",
            "ResourceInfo",
            "ErrorInfo",
        ]
        assert answer.json["details"][2]["reason"] == "DAPR_STATE_TRANSACTIONS_NOT_SUPPORTED"
        assert answer.json["details"][0]["links"][0]["url"].startswith("https://docs.dapr.io/")


def test_a_transaction_of_too_many_operations(failing: Client) -> None:
    store = StoreClient(failing, "small")
    assert store.transact(*[("delete", ITEM)] * 3).status == 204
    answer = store.transact(*[("delete", ITEM)] * 4)
    assert answer.error == (400, "ERR_STATE_STORE_TOO_MANY_TRANSACTIONS")
    assert answer.json["message"] == (
        "the transaction contains 4 operations, which is more than what the state store supports: 3"
    )
    assert answer.json["details"][-1] == {
        "@type": INFO,
        "domain": "dapr.io",
        "metadata": {"currentOpsTransaction": "4", "maxOpsPerTransaction": "3"},
        "reason": "DAPR_STATE_TOO_MANY_TRANSACTIONS",
    }


def test_queries_are_not_offered(memory: StoreClient) -> None:
    answer = memory.call("POST", "/v1.0-alpha1/state/memory/query", "{}")
    assert answer.error == (500, "ERR_STATE_STORE_NOT_SUPPORTED")
    assert answer.json["message"] == "state store does not support querying"
    assert answer.json["details"][-1]["reason"] == "DAPR_STATE_QUERYING_NOT_SUPPORTED"


def test_strong_that_is_not_offered(failing: Client) -> None:
    store = StoreClient(failing, "limited")
    answers = [
        (store.save(STRONG), "ERR_STATE_SAVE"),
        (store.get("a", "?consistency=strong"), "ERR_STATE_GET"),
        (store.delete("a", "?consistency=strong"), "ERR_STATE_DELETE"),
    ]
    for answer, code in answers:
        assert answer.error == (500, code)
        assert answer.json["details"][0]["reason"] == "NOT_SUPPORTED"
        assert "it has no replicas" in answer.json["message"]
    assert store.get("a").status == 204


def test_strong_that_is_not_offered_to_one_item_of_several(failing: Client) -> None:
    store = StoreClient(failing, "limited")
    answer = store.save({"key": "first", "value": 1}, STRONG)
    assert answer.error == (500, "ERR_STATE_SAVE")
    assert answer.info()["index"] == "1"
    assert store.get("first").body == b"1"


def test_listing_that_is_not_offered(failing: Client) -> None:
    path = "/v1.0-etagere/state/limited/keys"
    assert failing("GET", path).error == (500, "ERR_STATE_LIST")
    assert failing("DELETE", f"{path}?prefix=a").error == (500, "ERR_STATE_DELETE_PREFIX")


def test_a_value_that_is_too_large_for_the_store(failing: Client) -> None:
    store = StoreClient(failing, "small")
    answer = store.save({"key": "a", "value": "x" * 10})
    assert answer.error == (400, "ERR_STATE_SAVE")
    assert answer.json["details"][0]["reason"] == "TOO_LARGE"
    assert answer.info() == {"certainty": "not applied"}


# --- how sure a failure is ----------------------------------------------------------------------

FAILURES = [
    ("unreachable", "UNAVAILABLE", "not applied"),
    ("unanswered", "OUTCOME_UNKNOWN", "unknown"),
    ("full", "STORE_FAILED", "not applied"),
    ("lagging", "NOT_REPLICATED", "applied"),
]


@pytest.mark.parametrize(("name", "reason", "certainty"), FAILURES)
def test_a_write_that_fails(failing: Client, name: str, reason: str, certainty: str) -> None:
    store = StoreClient(failing, name)
    touch = failing("POST", f"{store.extensions}/touch", {"key": "a", "ttlInSeconds": 5})
    answers = [
        (store.save(STRONG), "ERR_STATE_SAVE", "failed saving state in state store"),
        (store.save(ITEM, ITEM), "ERR_STATE_SAVE", "failed saving state in state store"),
        (store.delete("a"), "ERR_STATE_DELETE", "failed deleting state with key a: "),
        (store.transact(("upsert", ITEM)), "ERR_STATE_TRANSACTION", "error while executing"),
        (touch, "ERR_STATE_TOUCH", "failed touching state with key a: "),
    ]
    for answer, code, message in answers:
        assert answer.error == (500, code)
        assert answer.json["message"].startswith(message)
        assert answer.json["details"][0]["reason"] == reason
        assert answer.info()["certainty"] == certainty


def test_a_write_that_may_be_there_has_its_etag(failing: Client) -> None:
    for name in ("unanswered", "lagging"):
        store = StoreClient(failing, name)
        answer = store.save(ITEM)
        assert answer.info()["key"] == "a"
        assert len(answer.info()["etag"]) == 32
        if name == "lagging":
            assert store.get("a").etag == answer.info()["etag"]


def test_a_read_that_fails(failing: Client) -> None:
    store = StoreClient(failing, "unreachable")
    answer = store.get("a")
    assert answer.error == (500, "ERR_STATE_GET")
    assert answer.json["message"].startswith("fail to get a from state store unreachable: ")
    assert failing("POST", f"{store.path}/bulk", {"keys": ["a", "b"]}).error == (
        500,
        "ERR_STATE_BULK_GET",
    )
    assert failing("GET", f"{store.extensions}/keys").error == (500, "ERR_STATE_LIST")


def test_one_key_of_a_bulk_get_that_fails(failing: Client) -> None:
    found = StoreClient(failing, "full").bulk("a", "bad")
    assert found[0] == {"key": "a"}
    assert "bad sector" in found[1]["error"]


def test_a_conflict_goes_before_other_failures(failing: Client) -> None:
    store = StoreClient(failing, "limited")
    answer = store.save({**ITEM, "etag": "stale"}, STRONG)
    assert answer.error == (409, "ERR_STATE_SAVE")
    reasons = [detail["reason"] for detail in answer.json["details"]]
    assert reasons == ["ETAG_MISMATCH", "NOT_SUPPORTED"]


def test_a_backend_that_makes_no_sense(failing: Client) -> None:
    store = StoreClient(failing, "faulty")
    assert store.save(ITEM).error == (500, "ERR_STATE_SAVE")
    assert store.get("a").error == (500, "ERR_STATE_GET")


def test_a_fault_is_logged_under_the_id_that_is_answered(
    failing: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = failing("GET", "/v1.0-etagere/state/faulty/keys")
    assert answer.error == (500, "ERR_INTERNAL")
    request_id = answer.info()["requestId"]
    assert request_id in answer.json["message"]
    [record] = [record for record in caplog.records if record.name == "etagere.http"]
    assert record.facts == {  # type: ignore[attr-defined]
        "request_id": request_id,
        "method": "GET",
        "path": "/v1.0-etagere/state/faulty/keys",
    }
    assert "ZeroDivisionError" in caplog.text
    assert StoreClient(failing, "memory").save(ITEM).status == 204


# --- strict -------------------------------------------------------------------------------------


def test_strict_answers_as_dapr_does() -> None:
    with serving("s=memory://", strict=True) as call:
        store = StoreClient(call, "s")
        saved = store.save(ITEM)
        assert saved.status == 204
        assert "etag" not in saved.headers
        conflict = store.transact(("upsert", {**ITEM, "etag": "stale"}))
        assert conflict.error == (500, "ERR_STATE_TRANSACTION")
        assert conflict.info()["actual"] == store.get("a").etag
        assert store.save({**ITEM, "etag": "stale"}).error == (409, "ERR_STATE_SAVE")
        bad = {**ITEM, "options": {"consistency": "foo"}}
        assert store.save(bad).error == (500, "ERR_STATE_SAVE")
        assert store.save({**ITEM, "metadata": {"ttlInSeconds": "x"}}).status == 500
        assert store.delete("a", "?concurrency=foo").status == 500
        assert store.save({"key": "a||b"}).status == 400
