"""Dapr's state routes: what a client sends, and what it gets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.servers import wait_until
from tests.serving.support import Client, StoreClient

ITEM = {"key": "a", "value": {"x": 1}}

# --- save ---------------------------------------------------------------------------------------


def test_saving_and_getting(store: StoreClient) -> None:
    saved = store.save(ITEM)
    assert (saved.status, saved.body) == (204, b"")
    found = store.get("a")
    assert (found.status, found.body) == (200, b'{"x": 1}')
    assert found.headers["content-type"] == "application/json"
    assert found.etag == saved.etag
    assert "metadata.ttlexpiretime" not in found.headers


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_both_methods_write(memory: StoreClient, method: str) -> None:
    assert memory.call(method, memory.path, [ITEM]).status == 204
    assert memory.call(method, f"{memory.path}/bulk", {"keys": ["a"]}).json[0]["data"] == {"x": 1}
    removal = {"operations": [{"operation": "delete", "request": {"key": "a"}}]}
    assert memory.call(method, f"{memory.path}/transaction", removal).status == 204
    assert memory.get("a").status == 204


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b'[{"key":"a"}]',
        b'[{"key":"a","value":1}]',
        b'[{"key":"a","value":1},{"key":"b","value":2}]',
        b'[{"key":"a","value":1},{"key":"a","value":2}]',
        b'[{"key":"a","etag":null,"metadata":null,"options":null,"contentType":null}]',
        b'[{"key":"a","etag":"","options":{"concurrency":"","consistency":""}}]',
        b'[{"key":"a","options":{"concurrency":null,"consistency":null}}]',
        b'[{"KEY":"a","Value":1,"eTag":"","Options":{"CONCURRENCY":"last-write"}}]',
        b'[{"key":"a","unknown":{"deep":[1,2]}}] trailing bytes',
        b' \n[\t{ "key" : "a" }\r] ',
    ],
)
def test_bodies_that_are_saved(store: StoreClient, body: bytes) -> None:
    assert store.call("POST", store.path, body).status == 204


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_the_content_type_does_not_matter(memory: StoreClient, kind: str) -> None:
    answer = memory.call("POST", memory.path, [ITEM], {"content-type": kind})
    assert answer.status == 204


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "EOF"),
        (b"  ", "EOF"),
        (b"{}", "cannot unmarshal object into Go value of type []state.SetRequest"),
        (b"17", "cannot unmarshal number into Go value of type []state.SetRequest"),
        (b"true", "cannot unmarshal bool into Go value of type []state.SetRequest"),
        (b'"text"', "cannot unmarshal string into Go value of type []state.SetRequest"),
        (b"foobar", "invalid character 'f'"),
        (b"[{}]", '"key" is a required field'),
        (b"[null]", '"key" is a required field'),
        (b'[{"key":null}]', '"key" is a required field'),
        (b'[{"kee":"a","value":1}]', '"key" is a required field'),
        (b'[{"key":"a"},{"value":1}]', '"key" is a required field'),
        (b'["a"]', "cannot unmarshal string into Go value of type state.SetRequest"),
        (b'[{"key":17}]', "cannot unmarshal number into Go struct field SetRequest.key"),
        (
            b'[{"key":"a","etag":true}]',
            "cannot unmarshal bool into Go struct field SetRequest.etag",
        ),
        (b'[{"key":"a","metadata":{"ttlInSeconds":120}}]', "SetRequest.metadata of type string"),
        (b'[{"key":"a","metadata":[]}]', "SetRequest.metadata of type map[string]string"),
        (b'[{"key":"a","options":"strong"}]', "into Go value of type state.SetStateOption"),
        (b'[{"key":"a",}]', "invalid character"),
        (b'[{"key":"a"},]', "invalid character"),
        (b'[{"key":"a"}', "unexpected EOF"),
        (b'[{"key":"a', "unexpected EOF"),
        (b'[{"key":"a","value":01}]', "invalid character"),
        (b'[{"key":"a","value":NaN}]', "invalid character 'N'"),
        (b'[{"key":"a","value":"\n"}]', "invalid character"),
        (b'[{"key":"a","value":"\xff"}]', "invalid UTF-8 in the body (byte 21)"),
        (b'[{"key":"\\ud800"}]', "invalid Unicode"),
        (b'[{"key":"\\ud800||"}]', "invalid Unicode"),
        (b'[{"key":"a","etag":"\\udc00"}]', "invalid Unicode"),
        (b"\xef\xbb\xbf[]", "invalid character"),
        (b"[" * 100_000, "exceeded max depth"),
        (b'[{"key":"a","value":' + b"[" * 100_000 + b"]" * 100_000 + b"}]", "exceeded max depth"),
    ],
    ids=lambda each: repr(each[:30]),
)
def test_bodies_that_are_refused(store: StoreClient, body: bytes, problem: str) -> None:
    answer = store.call("POST", store.path, body)
    assert answer.error == (400, "ERR_MALFORMED_REQUEST")
    assert problem in answer.json["message"]
    assert store.keys() == []


def test_nothing_is_saved_when_one_item_is_malformed(store: StoreClient) -> None:
    assert store.save(ITEM, {"key": "b||c"}).status == 400
    assert store.save(ITEM, {"key": ""}).status == 400
    assert store.save(ITEM, {"key": "b", "metadata": {"ttlInSeconds": "soon"}}).status == 400
    assert store.keys() == []


def test_several_items_are_each_on_their_own(store: StoreClient) -> None:
    etag = store.save(ITEM).etag
    answer = store.save({"key": "a", "value": 2, "etag": "old"}, {"key": "b", "value": 3})
    assert answer.error == (409, "ERR_STATE_SAVE")
    assert "possible etag mismatch. error from state store: " in answer.json["message"]
    assert answer.info() == {
        "key": "a",
        "index": "0",
        "expected": "old",
        "actual": etag,
        "certainty": "not applied",
    }
    assert store.get("a").body == b'{"x": 1}'
    assert store.get("b").body == b"3"


def test_several_items_have_no_etag_header(store: StoreClient) -> None:
    assert "etag" not in store.save({"key": "a"}, {"key": "b"}).headers


def test_items_on_one_key_take_effect_in_order(store: StoreClient) -> None:
    levels = ["strong", "eventual", "strong"]
    items = [
        {"key": "a", "value": number, "options": {"consistency": level}}
        for number, level in enumerate(levels)
    ]
    assert store.save(*items).status == 204
    assert store.get("a").body == b"2"


# --- the table of the contract ------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", ["", "last-write", "first-write"])
@pytest.mark.parametrize("etag", ["", "right", "wrong"])
@pytest.mark.parametrize("there", [True, False], ids=["present", "absent"])
def test_every_row_of_the_contract(
    store: StoreClient, concurrency: str, etag: str, there: bool
) -> None:
    item = {"key": "a", "value": 2, "options": {"concurrency": concurrency}}
    saved = store.save(ITEM) if there else None
    if etag:
        item["etag"] = saved.etag if saved and etag == "right" else "stale"
    first_write = concurrency == "first-write"
    conflicts = (etag == "wrong" or not there) if etag else (first_write and there)

    written = store.save(item)
    if not conflicts:
        assert written.status == 204
        assert store.get("a").body == b"2"
        return
    assert written.error == (409, "ERR_STATE_SAVE")
    current = store.get("a")
    assert written.info().get("actual") == (current.etag if there else None)
    assert current.body == (b'{"x": 1}' if there else b"")


# --- get ----------------------------------------------------------------------------------------


def test_getting_what_is_not_there(store: StoreClient) -> None:
    answer = store.get("nope")
    assert (answer.status, answer.body) == (204, b"")
    assert "etag" not in answer.headers


@pytest.mark.parametrize("level", ["strong", "eventual", "", "whatever"])
def test_a_get_takes_any_consistency(store: StoreClient, level: str) -> None:
    store.save(ITEM)
    assert store.get("a", f"?consistency={level}").status == 200


# --- bulk get -----------------------------------------------------------------------------------


def test_bulk_get_keeps_order_and_duplicates(store: StoreClient) -> None:
    store.save(*({"key": key, "value": key} for key in "abc"))
    found = store.bulk("c", "nope", "a", "c")
    assert [item["key"] for item in found] == ["c", "nope", "a", "c"]
    assert found[0] == {"key": "c", "data": "c", "etag": store.get("c").etag}
    assert found[1] == {"key": "nope"}
    assert found[3] == found[0]


@pytest.mark.parametrize(
    "body", ["{}", '{"keys":[]}', '{"keys":null}', "null", '{"KEYS":[],"more":1} x']
)
def test_bulk_get_of_nothing(memory: StoreClient, body: str) -> None:
    answer = memory.call("POST", f"{memory.path}/bulk", body)
    assert (answer.status, answer.body) == (200, b"[]\n")


def test_bulk_get_takes_what_dapr_takes(memory: StoreClient) -> None:
    memory.save(ITEM)
    body = '{"Keys":["a"],"parallelism":7,"metadata":{"x":"y"},"more":[]}'
    answer = memory.call("POST", f"{memory.path}/bulk?metadata.a=b&consistency=strong", body)
    assert answer.json[0]["data"] == {"x": 1}
    assert answer.headers["content-type"] == "application/json"
    assert answer.body.endswith(b"}]\n")


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("bulk", ""),
        ("bulk", "[]"),
        ("bulk", '{"keys":"a"}'),
        ("bulk", '{"keys":[1]}'),
        ("bulk", '{"keys":["\\ud800"]}'),
        ("bulk", '{"keys":["a"}'),
        ("bulk", '{"parallelism":"1"}'),
        ("bulk", '{"metadata":{"a":1}}'),
        ("transaction", ""),
        ("transaction", "[]"),
        ("transaction", '{"operations":{}}'),
        ("transaction", '{"operations":["a"]}'),
        ("transaction", '{"operations":[{"operation":1}]}'),
        ("transaction", '{"operations":[{"operation":"\\ud800"}]}'),
        ("transaction", '{"operations":[{"operation":"upsert","request":{"key":1}}]}'),
        ("transaction", '{"metadata":{"a":1}}'),
    ],
)
def test_other_bodies_that_are_refused(memory: StoreClient, route: str, body: str) -> None:
    answer = memory.call("POST", f"{memory.path}/{route}", body)
    assert answer.error == (400, "ERR_MALFORMED_REQUEST")
    assert answer.json["message"].startswith("failed deserializing HTTP body: ")


# --- delete -------------------------------------------------------------------------------------


def test_deleting(store: StoreClient) -> None:
    store.save(ITEM)
    assert store.delete("a").status == 204
    assert store.get("a").status == 204
    assert store.delete("a").status == 204


def test_deleting_with_an_etag(store: StoreClient) -> None:
    etag = store.save(ITEM).etag
    refused = store.delete("a", if_match="stale")
    assert refused.error == (409, "ERR_STATE_DELETE")
    assert refused.json["message"].startswith(
        "failed deleting state with key a: possible etag mismatch. error from state store: "
    )
    assert refused.info()["actual"] == etag
    assert store.delete("a", if_match=etag).status == 204
    assert store.delete("a", if_match=etag).status == 409


@pytest.mark.parametrize("match", ["*", '"{}"', "W/{}", "{}, {}"])
def test_an_etag_is_opaque(store: StoreClient, match: str) -> None:
    etag = store.save(ITEM).etag
    assert store.delete("a", if_match=match.replace("{}", etag)).status == 409


def test_an_empty_etag_is_none(store: StoreClient) -> None:
    store.save(ITEM)
    assert store.delete("a", if_match="").status == 204
    assert store.get("a").status == 204


def test_deleting_only_what_is_not_there(store: StoreClient) -> None:
    assert store.delete("a", "?concurrency=first-write").status == 204
    store.save(ITEM)
    assert store.delete("a", "?concurrency=first-write").status == 409
    assert store.delete("a", "?concurrency=last-write&consistency=strong").status == 204


# --- transactions -------------------------------------------------------------------------------


def test_a_transaction_takes_effect_in_order(store: StoreClient) -> None:
    store.save(ITEM)
    answer = store.transact(
        ("delete", {"key": "a"}),
        ("upsert", {"key": "b", "value": 1}),
        ("delete", {"key": "b"}),
        ("upsert", {"key": "c", "value": "value3"}),
    )
    assert (answer.status, answer.body) == (204, b"")
    assert store.keys() == ["c"]
    assert store.get("c").body == b'"value3"'


def test_a_transaction_does_everything_or_nothing(store: StoreClient) -> None:
    etag = store.save(ITEM).etag
    answer = store.transact(
        ("upsert", {"key": "b", "value": 1}),
        ("upsert", {"key": "c", "value": 1, "options": {"consistency": "strong"}}),
        ("delete", {"key": "a", "etag": "stale"}),
    )
    assert answer.error == (409, "ERR_STATE_TRANSACTION")
    assert answer.json["message"].startswith("error while executing state transaction: ")
    assert answer.info() == {
        "key": "a",
        "index": "2",
        "expected": "stale",
        "actual": etag,
        "certainty": "not applied",
    }
    assert store.keys() == ["a"]


def test_a_transaction_knows_first_write(store: StoreClient) -> None:
    first = {"key": "a", "value": 1, "options": {"concurrency": "first-write"}}
    assert store.transact(("upsert", first)).status == 204
    assert store.transact(("upsert", first)).status == 409


@pytest.mark.parametrize(
    "body",
    [
        '{"operations":[]}',
        "{}",
        "null",
        '{"operations":null,"metadata":null}',
        '{"Operations":[{"OPERATION":"upsert","Request":{"KEY":"a"},"more":1}]} more',
    ],
)
def test_transactions_that_are_accepted(memory: StoreClient, body: str) -> None:
    assert memory.call("POST", f"{memory.path}/transaction", body).status == 204


@pytest.mark.parametrize("word", ["Upsert", "DELETE", "set", ""])
def test_an_unknown_operation(store: StoreClient, word: str) -> None:
    answer = store.transact(("upsert", ITEM), (word, ITEM))
    assert answer.error == (400, "ERR_NOT_SUPPORTED_STATE_OPERATION")
    assert answer.json["message"] == f"operation type {word} not supported"
    assert store.keys() == []


def test_an_operation_without_a_request(memory: StoreClient) -> None:
    path = f"{memory.path}/transaction"
    for word in ("upsert", "delete"):
        body = {"operations": [{"operation": word}]}
        assert memory.call("POST", path, body).status == 400


# --- time to live -------------------------------------------------------------------------------


def expiry_of(store: StoreClient, key: str) -> datetime | None:
    text = store.get(key).headers.get("metadata.ttlexpiretime")
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) if text else None


def test_a_time_to_live_is_told(store: StoreClient) -> None:
    before = datetime.now(UTC)
    store.save({**ITEM, "metadata": {"ttlInSeconds": "100"}})
    expires = expiry_of(store, "a")
    assert expires is not None
    assert timedelta(seconds=98) < expires - before < timedelta(seconds=102)
    assert store.bulk("a")[0]["metadata"] == {
        "ttlExpireTime": expires.isoformat().replace("+00:00", "Z")
    }


def test_what_has_expired_is_gone(store: StoreClient) -> None:
    etag = store.save({**ITEM, "metadata": {"ttlInSeconds": "1"}}).etag
    assert store.get("a").status == 200
    wait_until(lambda: store.get("a").status == 204, "the item is gone")
    assert store.bulk("a") == [{"key": "a"}]
    assert store.delete("a", if_match=etag).status == 409


def test_an_update_without_a_time_to_live_clears_it(store: StoreClient) -> None:
    for metadata in ({}, {"ttlInSeconds": "-1"}, {"ttlInSeconds": "0"}, {"ttlInSeconds": ""}):
        store.save({**ITEM, "metadata": {"ttlInSeconds": "100"}})
        assert expiry_of(store, "a") is not None
        store.save({**ITEM, "metadata": metadata})
        assert expiry_of(store, "a") is None


def test_metadata_of_the_query_goes_first(store: StoreClient) -> None:
    item = {**ITEM, "metadata": {"ttlInSeconds": "100"}}
    store.save(item, query="?metadata.ttlInSeconds=-1&metadata.ttlInSeconds=100")
    assert expiry_of(store, "a") is None
    store.save(ITEM, query="?metadata.ttlInSeconds=100")
    assert expiry_of(store, "a") is not None
    store.save(ITEM, query="?METADATA.ttlInSeconds=100&ttlInSeconds=100")
    assert expiry_of(store, "a") is None


def test_a_time_to_live_in_a_transaction(store: StoreClient) -> None:
    item = {"key": "b", "value": 1, "metadata": {"ttlInSeconds": "100"}}
    store.transact(("upsert", ITEM), ("upsert", item))
    assert (expiry_of(store, "a") is None, expiry_of(store, "b") is None) == (True, False)
    store.transact(("upsert", ITEM), query="?metadata.ttlInSeconds=100")
    assert expiry_of(store, "a") is not None


@pytest.mark.parametrize("text", ["foo", "1.5", "-2", "2147483648", "1e3", "9" * 50, " 5", "٣"])
def test_a_time_to_live_that_makes_no_sense(store: StoreClient, text: str) -> None:
    item = {**ITEM, "metadata": {"ttlInSeconds": text}}
    answer = store.save(item)
    assert answer.error == (400, "ERR_STATE_SAVE")
    assert "ttlInSeconds" in answer.json["message"]
    assert store.transact(("upsert", item)).error == (400, "ERR_STATE_TRANSACTION")
    assert store.keys() == []


# --- what is not there --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1.0/state/memory"),
        ("DELETE", "/v1.0/state/memory"),
        ("GET", "/v1.0/state/memory/"),
        ("HEAD", "/v1.0/state/memory/a"),
        ("POST", "/v1.0/state/memory/a"),
        ("PATCH", "/v1.0/state/memory"),
        ("GET", "/v1.0/state/memory/a/b"),
        ("GET", "/v1.0/state"),
        ("GET", "/v1.0/invoke/app/method/x"),
        ("POST", "/v1.0/publish/pubsub/topic"),
        ("DELETE", "/v1.0-etagere/openapi.json"),
        ("GET", "/v1.0/shutdown"),
        ("GET", "/"),
        ("OPTIONS", "*"),
    ],
)
def test_everything_else_is_404(call: Client, method: str, path: str) -> None:
    answer = call(method, path)
    assert answer.status == 404
    if method != "HEAD":
        assert answer.json == {
            "errorCode": "ERR_DIRECT_INVOKE",
            "message": "failed getting app id either from the URL path or the header dapr-app-id",
        }
