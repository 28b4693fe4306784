"""Exact requests: bytes, milliseconds, and ETags that the client mints."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest

from etagere._version import __version__
from tests.serving.support import Client, StoreClient, serving

EXACT = "?metadata.exact=true"
VALUE = base64.b64encode(b"\x00\xff").decode()


@pytest.fixture
def store(call: Client) -> StoreClient:
    return StoreClient(call, "memory")


def item(key: str = "a", **metadata: str) -> dict[str, Any]:
    return {"key": key, "value": VALUE, "metadata": metadata}


def test_a_save_and_a_get(store: StoreClient) -> None:
    before = time.time() * 1000
    answer = store.save(item(newETag="mine", ttlInMilliseconds="1500000"), query=EXACT)
    assert (answer.status, answer.etag) == (204, "mine")
    found = store.get("a", EXACT)
    assert (found.body, found.etag) == (b"\x00\xff", "mine")
    assert 1_499_999 <= int(found.headers["metadata.expiresat"]) - before < 1_520_000
    assert "metadata.ttlexpiretime" not in found.headers


def test_a_save_that_is_sent_again(store: StoreClient) -> None:
    first = item(newETag="one") | {"options": {"concurrency": "first-write"}}
    for _ in range(2):
        assert store.save(first, query=EXACT).status == 204
    assert store.save(item(newETag="two") | {"etag": "one"}, query=EXACT).etag == "two"
    assert store.save(first, query=EXACT).status == 409


def test_an_expiry_is_kept(store: StoreClient) -> None:
    store.save(item(ttlInMilliseconds="1500000"), query=EXACT)
    expires = store.get("a", EXACT).headers["metadata.expiresat"]
    store.save(item(ttlInMilliseconds="keep"), query=EXACT)
    assert store.get("a", EXACT).headers["metadata.expiresat"] == expires
    store.save(item(), query=EXACT)
    assert "metadata.expiresat" not in store.get("a", EXACT).headers


def test_bulk_calls(store: StoreClient) -> None:
    items = [item("a", newETag="x"), item("b", newETag="y", ttlInMilliseconds="9000")]
    results = store.call("POST", store.extensions + EXACT, items).json
    assert results == [{"key": "a", "etag": "x"}, {"key": "b", "etag": "y"}]
    body = {"keys": ["a", "none", "b"]}
    a, none, b = store.call("POST", f"{store.path}/bulk{EXACT}", body).json
    assert a == {"key": "a", "data": VALUE, "etag": "x"}
    assert none == {"key": "none"}
    assert (b["data"], b["etag"], list(b["metadata"])) == (VALUE, "y", ["expiresAt"])


def test_a_delete_says_what_it_found(store: StoreClient) -> None:
    store.save(item(), query=EXACT)
    assert store.delete("a", EXACT).json == {"deleted": True}
    assert store.delete("a", EXACT).json == {"deleted": False}


def test_a_transaction_says_what_it_did(store: StoreClient) -> None:
    write, delete = ("upsert", item(newETag="x")), ("delete", {"key": "b"})
    answer = store.transact(write, delete, ("delete", {"key": "a"}), write, query=EXACT)
    assert answer.status == 200
    assert answer.json == [{"etag": "x"}, {"deleted": False}, {"deleted": True}, {"etag": "x"}]


def test_a_touch_in_milliseconds(store: StoreClient) -> None:
    store.save({"key": "a", "value": 1})
    body = {"key": "a", "ttlInMilliseconds": 1_500_000, "consistency": "strong"}
    assert store.call("POST", f"{store.extensions}/touch", body).json == {"found": True}
    assert "metadata.expiresat" in store.get("a", EXACT).headers
    body["consistency"] = "never"
    assert store.call("POST", f"{store.extensions}/touch", body).status == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": 5},
        {"value": "not base64!"},
        {"metadata": {"newETag": "a\r\nx-header: b"}},
        {"metadata": {"newETag": "é"}},
        {"metadata": {"newETag": ""}},
        {"metadata": {"newETag": "?"}},
        {"metadata": {"newETag": "x" * 257}},
        {"metadata": {"ttlInMilliseconds": "1.5"}},
        {"metadata": {"ttlInMilliseconds": "0"}},
        {"metadata": {"ttlInMilliseconds": "9" * 16}},
    ],
)
def test_an_item_that_makes_no_sense(store: StoreClient, wrong: dict[str, Any]) -> None:
    answer = store.save(item() | wrong, query=EXACT)
    assert answer.error == (400, "ERR_STATE_SAVE")
    assert answer.info()["certainty"] == "not applied"
    assert store.get("a").status == 204


def test_the_words_mean_nothing_otherwise(store: StoreClient) -> None:
    answer = store.save(item(newETag="mine", ttlInMilliseconds="5"))
    assert answer.etag != "mine"
    assert store.get("a").json == VALUE


def test_capabilities(store: StoreClient) -> None:
    described = store.call("GET", f"{store.extensions}/capabilities").json
    assert described["version"] == __version__
    assert described["maxBodySize"] == 4 * 2**20
    assert described["capabilities"]["transactions"] == "full"
    assert described["capabilities"]["etags"] == "writer"
    assert store.call("GET", "/v1.0-etagere/state/nope/capabilities").status == 400


def test_a_strict_server_takes_them_too() -> None:
    with serving("memory=memory://", strict=True) as call:
        store = StoreClient(call, "memory")
        assert store.save(item(newETag="mine"), query=EXACT).status == 204
        assert store.get("a", EXACT).etag == "mine"
