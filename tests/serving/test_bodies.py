"""The fast and the tolerant reader agree on what both can read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from etagere.serving.http import tolerant
from etagere.serving.http.bodies import bulk_get_in, is_json, items_in, transaction_in
from etagere.serving.model import StateItem

WORD = st.none() | st.text(max_size=5)
OPTIONS = st.none() | st.fixed_dictionaries({}, optional={"concurrency": WORD, "consistency": WORD})
WORDS = st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)
VALUE = st.recursive(
    st.none()
    | st.integers()
    | st.text(max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
ITEM = st.fixed_dictionaries(
    {"key": WORD},
    optional={"value": VALUE, "etag": WORD, "metadata": WORDS, "options": OPTIONS},
)


def plain(item: StateItem | None) -> Any:
    """An item in which absent, null and empty are one."""
    if item is None:
        return None
    options = item.options and {k: v or "" for k, v in structs.asdict(item.options).items()}
    return {
        "key": item.key or "",
        "value": bytes(item.value),
        "etag": item.etag or "",
        "metadata": item.metadata or {},
        "options": options or {"concurrency": "", "consistency": ""},
    }


@settings(max_examples=100, deadline=None, derandomize=True)
@given(items=st.lists(ITEM, max_size=3), ascii_only=st.booleans())
def test_both_readers_agree_on_items(items: list[Any], ascii_only: bool) -> None:
    text = json.dumps(items, ensure_ascii=ascii_only)
    fast = items_in(text.encode(), lenient=False)
    slow = tolerant.items_in(text, False)
    assert [plain(item) for item in fast] == [plain(item) for item in slow]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(items=st.lists(ITEM, max_size=3))
def test_both_readers_agree_on_transactions(items: list[Any]) -> None:
    text = json.dumps({"operations": [{"operation": "upsert", "request": item} for item in items]})
    fast = transaction_in(text.encode(), lenient=False).operations or []
    slow = tolerant.transaction_in(text, False).operations or []
    assert [plain(each.request) for each in fast] == [plain(each.request) for each in slow]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(keys=st.lists(st.text(max_size=5), max_size=5), parallelism=st.none() | st.integers(-9, 9))
def test_both_readers_agree_on_bulk_gets(keys: list[str], parallelism: int | None) -> None:
    text = json.dumps({"keys": keys, "parallelism": parallelism})
    fast = bulk_get_in(text.encode(), lenient=False)
    slow = tolerant.bulk_get_in(text, False)
    assert (fast.keys, fast.parallelism) == (slow.keys, slow.parallelism)


@pytest.mark.parametrize(
    ("value", "judgement"),
    [
        (b"1", True),
        (b" [1] \n", True),
        (b'"\\ud800"', True),
        ('"é"'.encode(), True),
        (b"", False),
        (b"v", False),
        (b"1 2", False),
        (b'"\xff"', False),
        (b"\xff", False),
        (b"NaN", False),
        (b"[1,]", False),
        (b"\xa01", False),
        (b"[" * 100_000, False),
    ],
)
def test_what_is_json(value: bytes, judgement: bool) -> None:
    assert is_json(value) is judgement


def test_of_two_fields_of_one_name_the_last_counts() -> None:
    for body in (
        b'[{"key":"a","key":"b"}]',
        b'[{"key":"a","KEY":"b"}]',
        b'[{"KEY":"a","key":"b"}]',
    ):
        assert items_in(body, lenient=False)[0].key == "b"
