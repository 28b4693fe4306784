"""Our own routes: bulk calls with an answer for each item, listing, deleting by prefix, touch."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.serving.support import StoreClient

ITEM = {"key": "a", "value": 1}


def test_saving_each(store: StoreClient) -> None:
    etag = store.save(ITEM).etag
    items = [
        {"key": "b", "value": 2},
        {"key": "a", "value": 3, "etag": "stale"},
        {"key": "a", "value": 4, "etag": etag, "options": {"consistency": "strong"}},
    ]
    answer = store.call("POST", store.extensions, items)
    assert answer.status == 200
    first, second, third = answer.json
    assert first == {"key": "b", "etag": store.get("b").etag}
    assert third == {"key": "a", "etag": store.get("a").etag}
    assert second["key"] == "a"
    assert (second["error"]["status"], second["error"]["errorCode"]) == (409, "ERR_STATE_SAVE")
    assert second["error"]["details"][0]["metadata"]["actual"] == etag
    assert store.get("a").body == b"4"


def test_saving_each_with_a_time_to_live(store: StoreClient) -> None:
    store.call("POST", f"{store.extensions}?metadata.ttlInSeconds=100", [ITEM])
    assert "metadata.ttlexpiretime" in store.get("a").headers


def test_deleting_each(store: StoreClient) -> None:
    etag = store.save(ITEM).etag
    store.save({"key": "b", "value": 2})
    doomed = [
        {"key": "b", "etag": "stale"},
        {"key": "a", "etag": etag},
        {"key": "nope"},
        {"key": "b", "options": {"concurrency": "first-write"}},
    ]
    answer = store.call("POST", f"{store.extensions}/delete", doomed)
    assert answer.status == 200
    results = answer.json
    assert [each.get("deleted") for each in results] == [None, True, False, None]
    assert results[0]["error"]["status"] == results[3]["error"]["status"] == 409
    assert results[0]["error"]["errorCode"] == "ERR_STATE_BULK_DELETE"
    assert store.keys() == ["b"]


@pytest.mark.parametrize("path", ["", "/delete"])
def test_bulk_calls_of_nothing_and_of_nonsense(store: StoreClient, path: str) -> None:
    assert store.call("POST", store.extensions + path, []).json == []
    assert store.call("POST", store.extensions + path, {}).status == 400
    bad = [ITEM, {"key": "a\0"}]
    assert store.call("POST", store.extensions + path, bad).status == 400
    assert store.keys() == []


# --- listing ------------------------------------------------------------------------------------


def test_listing_pages_of_keys(store: StoreClient) -> None:
    keys = sorted(
        f"{prefix}/{number:02}" for prefix in ("x", "y", "é", "😀") for number in range(9)
    )
    store.save(*({"key": key} for key in reversed(keys)))
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        query = f"limit=10&after={quote(after)}"
        page = store.call("GET", f"{store.extensions}/keys?{query}").json
        found += page["keys"]
        assert len(page["keys"]) <= 10
        after = page["next"]
    assert found == keys


def test_listing_by_prefix(store: StoreClient) -> None:
    store.save(*({"key": key} for key in ("a", "b", "b/", "b/1", "b/2", "c")))
    page = store.call("GET", f"{store.extensions}/keys?prefix=b%2F&consistency=strong").json
    assert page == {"keys": ["b/", "b/1", "b/2"], "next": None}
    page = store.call("GET", f"{store.extensions}/keys?prefix=b&after=b/&limit=1").json
    assert page == {"keys": ["b/1"], "next": "b/1"}
    page = store.call("GET", f"{store.extensions}/keys?prefix=b&after=b/1&limit=1").json
    assert page == {"keys": ["b/2"], "next": None}


@pytest.mark.parametrize("limit", ["0", "-1", "x", "", "1.5", "10001", "9" * 30])
def test_limits_that_make_no_sense(store: StoreClient, limit: str) -> None:
    answer = store.call("GET", f"{store.extensions}/keys?limit={limit}")
    assert answer.error == (400, "ERR_MALFORMED_REQUEST")


def test_text_that_no_key_holds(store: StoreClient) -> None:
    for name in ("prefix", "after"):
        answer = store.call("GET", f"{store.extensions}/keys?{name}=%00")
        assert answer.error == (400, "ERR_STATE_LIST")
    answer = store.call("DELETE", f"{store.extensions}/keys?prefix=%00")
    assert answer.error == (400, "ERR_STATE_DELETE_PREFIX")


def test_deleting_by_prefix(store: StoreClient) -> None:
    store.save(*({"key": key} for key in ("a", "b", "b1", "b2", "c")))
    answer = store.call("DELETE", f"{store.extensions}/keys?prefix=b")
    assert (answer.status, answer.json) == (200, {"deleted": 3})
    assert store.keys() == ["a", "c"]
    assert store.call("DELETE", f"{store.extensions}/keys?prefix=b").json == {"deleted": 0}


def test_deleting_everything_must_be_meant(store: StoreClient) -> None:
    store.save(ITEM)
    for query in ("", "?prefix="):
        answer = store.call("DELETE", f"{store.extensions}/keys{query}")
        assert answer.error == (400, "ERR_STATE_DELETE_PREFIX")
    assert store.keys() == ["a"]


# --- touch --------------------------------------------------------------------------------------


def test_touching(store: StoreClient) -> None:
    def touch(**request: object) -> object:
        return store.call("POST", f"{store.extensions}/touch", {"key": "a", **request}).json

    assert touch(ttlInSeconds=100) == {"found": False}
    etag = store.save(ITEM).etag
    for seconds in (100, None, 100, 0, 100, -1):
        assert touch(ttlInSeconds=seconds) == {"found": True}
        lives_on = (seconds or 0) <= 0
        assert ("metadata.ttlexpiretime" not in store.get("a").headers) == lives_on
    assert store.get("a").etag == etag
    assert touch(ttlInSeconds=100, etag=etag) == {"found": True}
    answer = store.call(
        "POST", f"{store.extensions}/touch", {"key": "a", "ttlInSeconds": 1, "etag": "stale"}
    )
    assert answer.error == (409, "ERR_STATE_TOUCH")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "ERR_MALFORMED_REQUEST"),
        ("[]", "ERR_MALFORMED_REQUEST"),
        ('{"key":"a","ttl":1}', "ERR_MALFORMED_REQUEST"),
        ('{"key":"a","ttlInSeconds":"1"}', "ERR_MALFORMED_REQUEST"),
        ("{}", "ERR_MALFORMED_REQUEST"),
        ('{"key":"a","ttlInSeconds":-2}', "ERR_STATE_TOUCH"),
        ('{"key":"a","ttlInSeconds":99999999999999999999}', "ERR_STATE_TOUCH"),
    ],
)
def test_touches_that_make_no_sense(store: StoreClient, body: str, code: str) -> None:
    assert store.call("POST", f"{store.extensions}/touch", body).error == (400, code)


# --- keys in the query --------------------------------------------------------------------------


def test_a_key_in_the_query(store: StoreClient) -> None:
    etag = store.save({"key": "a/b", "value": 1}).etag
    found = store.call("GET", f"{store.extensions}?key=a/b&consistency=strong")
    assert (found.status, found.body, found.etag) == (200, b"1", etag)
    refused = store.call("DELETE", f"{store.extensions}?key=a/b", headers={"if-match": "stale"})
    assert refused.status == 409
    gone = store.call("DELETE", f"{store.extensions}?key=a/b", headers={"if-match": etag})
    assert gone.status == 204
    assert store.call("GET", f"{store.extensions}?key=a/b").status == 204
    for method in ("GET", "DELETE"):
        assert store.call(method, store.extensions).error == (400, "ERR_MALFORMED_REQUEST")
