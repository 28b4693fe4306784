"""Values and keys come back as they went in, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import etagere
from tests.serving.support import Client, StoreClient, serving

VALUES = [
    "null",
    "true",
    "0",
    "-0",
    "-0.0",
    "1e400",
    "-1E-400",
    "12345678901234567890.123",
    "9007199254740993",
    "3.14159265358979323846264338327950288",
    "1" * 5000,
    '""',
    '"v"',
    '"\\u00e9"',
    '"é"',
    '"\\/<>&\\u2028"',
    '"\\ud83d\\ude00"',
    '"\\ud800"',
    '"\\u0000"',
    '"😀"',
    "[]",
    "{}",
    '{"b":1,"a":2,"b":3}',
    '{ "a" : [ 1 ,\t2 ,\n3 ] ,\r\n"" : { } }',
    "[" * 900 + "]" * 900,
    '{"key":"k","value":{"key":"v"}}',
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[:30])
def test_a_value_is_kept_byte_for_byte(store: StoreClient, value: str) -> None:
    body = f'[{{"key":"a","value": {value} }}]'
    assert store.call("POST", store.path, body).status == 204
    assert store.get("a").body == value.encode()

    body = f'{{"operations":[{{"operation":"upsert","request":{{"key":"b","value":{value}}}}}]}}'
    assert store.call("POST", f"{store.path}/transaction", body).status == 204
    assert store.get("b").body == value.encode()

    answer = store.call("POST", f"{store.path}/bulk", '{"keys":["a","nope","b"]}')
    a, b = store.get("a").etag, store.get("b").etag
    assert answer.body.decode() == (
        f'[{{"key":"a","data":{value},"etag":"{a}"}},{{"key":"nope"}},'
        f'{{"key":"b","data":{value},"etag":"{b}"}}]\n'
    )


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[:30])
def test_a_value_is_kept_by_the_tolerant_reader_too(memory: StoreClient, value: str) -> None:
    body = f' [{{"KEY":"a","more":{value},"Value": {value} }}] , more'
    assert memory.call("POST", memory.path, body).status == 204
    assert memory.get("a").body == value.encode()


def test_a_value_that_is_absent_is_null(store: StoreClient) -> None:
    store.save({"key": "a"})
    found = store.get("a")
    assert (found.status, found.body) == (200, b"null")


def test_a_value_that_is_not_json_does_not_spoil_a_bulk_get(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/raw.db"

    async def write() -> None:
        async with etagere.open(url) as store:
            for key, value in {"raw": b"v", "binary": b"\xff\x00", "json": b" [1] "}.items():
                await store.set(key, value)
            await store.set("empty", b"")

    anyio.run(write)
    with serving(f"s={url}") as call:
        found = {item["key"]: item for item in StoreClient(call, "s").bulk("raw", "json", "binary")}
        assert found["json"]["data"] == [1]
        for key in ("raw", "binary"):
            assert "data" not in found[key]
            assert "not JSON" in found[key]["error"]
            assert found[key]["etag"] == StoreClient(call, "s").get(key).etag
        assert StoreClient(call, "s").get("binary").body == b"\xff\x00"
        empty = StoreClient(call, "s").get("empty")
        assert (empty.status, empty.body) == (200, b"")


# --- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "a/b",
        "/",
        "a//b",
        "../a",
        "...",
        "a b",
        "a+b",
        "100%",
        "%2F",
        "a?b=c#d",
        "a&b=c;d",
        "é",
        "日本語",
        "😀",
        "a|b",
        "bulk",
        "transaction",
        "keys",
        "\t\n",
        '"',
        "\\",
        "k" * 1024,
    ],
)
def test_a_key_of_any_text(store: StoreClient, key: str) -> None:
    assert store.save({"key": key, "value": key}).status == 204
    found = store.get(key)
    assert found.json == key
    assert store.bulk(key)[0]["data"] == key
    assert store.keys() == [key]
    escaped = quote(key, "")
    assert store.call("GET", f"{store.extensions}?key={escaped}").json == key
    assert store.delete(key, if_match=found.etag).status == 204
    assert store.keys() == []


def test_how_a_path_is_read(memory: StoreClient) -> None:
    memory.save(*({"key": key, "value": key} for key in ("a b", "a+b", "a/b", "é", "a")))
    spellings = {
        "a+b": "a b",
        "a%20b": "a b",
        "a%2Bb": "a+b",
        "a%2bb": "a+b",
        "a%2Fb": "a/b",
        "%C3%A9": "é",
        "%61": "a",
        "a/": "a",
        "/a": "a",
        "./a": "a",
        "x/../a": "a",
    }
    for spelling, key in spellings.items():
        assert memory.call("GET", f"{memory.path}/{spelling}").json == key, spelling
    assert memory.call("GET", "//v1.0/./state//memory/a?x=/../").json == "a"


@pytest.mark.parametrize("escape", ["%", "%2", "%zz", "a%g0", "%FF", "%C3", "%ED%A0%80"])
def test_escapes_that_make_no_sense(memory: StoreClient, escape: str) -> None:
    for path in (f"{memory.path}/{escape}", f"{memory.path}/a?consistency={escape}"):
        answer = memory.call("GET", path)
        assert answer.error == (400, "ERR_MALFORMED_REQUEST")


def test_store_names_of_any_text() -> None:
    names = ["状態", "a b", "a/b", "100%", "😀|", "a+b"]
    with serving(*(f"{name}=memory://" for name in names)) as call:
        for name in names:
            store = StoreClient(call, name)
            assert store.save({"key": "k", "value": name}).status == 204
        for name in names:
            assert StoreClient(call, name).get("k").json == name
        found = [each["name"] for each in call("GET", "/v1.0/metadata").json["components"]]
        assert found == names


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
TEXTS = st.builds(
    lambda value, ascii_only, indent: json.dumps(value, ensure_ascii=ascii_only, indent=indent),
    JSON,
    st.booleans(),
    st.sampled_from([None, 1]),
)
KEYS = st.text(
    st.characters(exclude_characters="\0|", exclude_categories=["Cs"]), min_size=1, max_size=256
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(texts=st.dictionaries(KEYS, TEXTS, min_size=1, max_size=8))
def test_whatever_is_saved_comes_back(session_client: Client, texts: dict[str, str]) -> None:
    store = StoreClient(session_client, "memory")
    parts = (f'{{"key":{json.dumps(key)},"value":{text}}}' for key, text in texts.items())
    assert store.call("POST", store.path, f"[{','.join(parts)}]").status == 204
    for key, text in texts.items():
        if key not in (".", ".."):
            assert store.get(key).body == text.encode()
    assert {item["key"] for item in store.bulk(*texts) if "data" in item} == set(texts)
