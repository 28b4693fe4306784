"""Arrays as text: PostgreSQL reads what was written down."""

from __future__ import annotations

import asyncpg
import pytest

from etagere_postgres.packing import flags, joined, numbers, texts

pytestmark = pytest.mark.anyio

AWKWARD = [
    "plain",
    "",
    "NULL",
    "null",
    "{}",
    "a,b",
    " spaces ",
    '"',
    "\\",
    '\\"',
    '","',
    "\\N",
    "\n\t\x01\x7f",
    "ü€𝄞",
]


async def asked(url: str, query: str, *arguments: object) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query, *arguments)]
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "items", [AWKWARD, [None, *AWKWARD, None], [], ['"'], *[[text] for text in AWKWARD]]
)
async def test_texts(each_url: str, items: list[str | None]):
    rows = await asked(each_url, "SELECT unnest($1::text::text[])", texts(items))
    assert rows == [(item,) for item in items]


@pytest.mark.parametrize("items", [[0, -1, 2**63 - 1], [None, 7, None], [7]])
async def test_numbers(each_url: str, items: list[int | None]):
    rows = await asked(each_url, "SELECT unnest($1::text::bigint[])", numbers(items))
    assert rows == [(item,) for item in items]


async def test_flags(each_url: str):
    rows = await asked(each_url, "SELECT unnest($1::text::boolean[])", flags([True, False, True]))
    assert rows == [(True,), (False,), (True,)]


async def test_arrays_of_nothing_are_filled_up(each_url: str):
    rows = await asked(
        each_url,
        "SELECT * FROM unnest($1::text::text[], $2::text::text[], $3::text::bigint[],"
        " $4::text::boolean[])",
        texts(["a", "b"]),
        texts([None, None]),
        numbers([None, None]),
        flags([False, False]),
    )
    assert rows == [("a", None, None, None), ("b", None, None, None)]


async def test_joined_values_are_found_again(each_url: str):
    values = [b"one", b"", b"\0three\xff", b"4"]
    rows = await asked(
        each_url,
        "SELECT substring($1::bytea FROM start FOR size)"
        " FROM unnest($2::text::integer[], $3::text::integer[]) AS place (start, size)",
        *joined(values),
    )
    assert rows == [(value,) for value in values]
