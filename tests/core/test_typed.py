"""`store.typed`: values of one type, kept as JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypedDict

import anyio
import msgspec
import pytest

from etagere import DecodeError, ETagMismatch, InvalidArgument, Item, Store
from etagere.memory import MemoryBackend

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]


class Cart(msgspec.Struct):
    items: list[str] = []
    total: int = 0


@dataclass
class Point:
    x: int
    y: float


class Options(TypedDict):
    dark: bool


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with Store(MemoryBackend()) as store:
        yield store


@pytest.mark.parametrize(
    ("model", "value", "json"),
    [
        (Cart, Cart(["apple"], 2**70), b'{"items":["apple"],"total":1180591620717411303424}'),
        (Point, Point(1, 0.1), b'{"x":1,"y":0.1}'),
        (Options, {"dark": True}, b'{"dark":true}'),
        (list[int], [1, 2], b"[1,2]"),
        (dict[str, Any], {"é": None}, '{"é":null}'.encode()),
        (str, "text", b'"text"'),
        (bytes, b"\0", b'"AA=="'),
        (int | None, None, b"null"),
    ],
)
async def test_round_trip(store: Store, model: Any, value: Any, json: bytes) -> None:
    view = store.typed(model)
    etag = await view.set("k", value)
    raw = await store.get("k")
    assert raw is not None
    assert (raw.value, raw.etag) == (json, etag)
    assert await view.get("k", consistency="strong", timeout=5) == Item("k", value, etag)
    assert view.model is model


async def test_absent_is_none(store: Store) -> None:
    assert await store.typed(Cart).get("k") is None


async def test_set_passes_everything_on(store: Store) -> None:
    carts = store.typed(Cart)
    etag = await carts.set("k", Cart(), concurrency="first-write", ttl=50, consistency="strong")
    with pytest.raises(ETagMismatch):
        await carts.set("k", Cart(), etag="other")
    with pytest.raises(ETagMismatch):
        await carts.set("k", Cart(), concurrency="first-write")
    await carts.set("k", Cart(total=1), etag=etag, timeout=5)
    item = await carts.get("k")
    assert item is not None
    assert (item.value.total, item.expires_at) == (1, None)


async def test_update(store: Store) -> None:
    carts = store.typed(Cart)

    def add(cart: Cart | None) -> Cart:
        cart = cart or Cart()
        return Cart([*cart.items, "apple"], cart.total + 1)

    async def add_slowly(cart: Cart | None) -> Cart:
        await anyio.sleep(0)
        return add(cart)

    assert (await carts.update("k", add)).value == Cart(["apple"], 1)
    item = await carts.update("k", add_slowly, ttl=60, attempts=3, consistency="strong", timeout=5)
    assert item.value == Cart(["apple", "apple"], 2)
    stored = await carts.get("k")
    assert stored is not None
    assert (stored.value, stored.etag) == (item.value, item.etag)
    assert stored.expires_at is not None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"", "key 'k' is not a Cart: Input data was truncated"),
        (b"\xff", "key 'k' is not a Cart"),
        (b'"\xff"', "key 'k' is not a Cart"),
        (b'{"items":1}', r"key 'k' is not a Cart: Expected `array`.*\$\.items"),
        (b"[", "key 'k' is not a Cart"),
    ],
)
async def test_another_kind_of_value(store: Store, value: bytes, message: str) -> None:
    await store.set("k", value)
    carts = store.typed(Cart)
    with pytest.raises(DecodeError, match=message) as raised:
        await carts.get("k")
    assert raised.value.__cause__ is not None
    with pytest.raises(DecodeError, match=message):
        await carts.update("k", lambda cart: cart or Cart())


async def test_types_without_a_name(store: Store) -> None:
    await store.set("k", b'"text"')
    with pytest.raises(DecodeError, match=r"is not a (int \| None|Optional)"):
        await store.typed(int | None).get("k")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [object(), {1, object()}, {(1, 2): 3}, 1j])
async def test_what_json_cannot_say(store: Store, value: Any) -> None:
    with pytest.raises(InvalidArgument, match="the value for key 'k' cannot be kept as JSON"):
        await store.typed(object).set("k", value)
    assert await store.get("k") is None
