"""Servers of Dapr's API that are not ours: what their API can show, told honestly."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

import etagere
from etagere import (
    KEEP,
    Capabilities,
    Certainty,
    Clock,
    ConfigurationError,
    Delete,
    ETagMismatch,
    ETagOrigin,
    InvalidArgument,
    NotSupported,
    OutcomeUnknown,
    Set,
    Store,
    StoreFailed,
    TransactionScope,
)
from etagere.contract import UNMATCHABLE
from tests.backends.http.daprd import Daprd, Kept, daprd

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]


class TestCapabilities:
    """What is claimed is what the server says, and what the URL knows better."""

    async def test_of_its_features(self, foreign: Store) -> None:
        assert foreign.capabilities == Capabilities(
            why_not_strong=foreign.capabilities.why_not_strong,
            transactions=TransactionScope.FULL,
            etags=ETagOrigin.SERVER,
            clock=Clock.SERVER,
            ttl_resolution=1000,
            touching=False,
            deletes_tell=False,
            max_value_bytes=(4 * 2**20 - 16 * 2**10) * 3 // 4,
            event_loops=frozenset({"asyncio", "trio"}),
        )
        assert "strong=primary" in foreign.capabilities.why_not_strong

    async def test_of_few_features(self) -> None:
        with daprd(("ETAG",)) as server:
            async with etagere.open(server.store) as store:
                assert store.capabilities.transactions is TransactionScope.NONE
                assert store.capabilities.clock is Clock.NONE
                assert store.capabilities.conditional
        with daprd(("TTL",)) as server:
            async with etagere.open(server.store) as store:
                assert not store.capabilities.conditional

    async def test_that_the_url_knows(self, theirs: Daprd) -> None:
        async with etagere.open(f"{theirs.store}?strong=primary&transactions=none") as store:
            assert store.capabilities.strong
            assert store.capabilities.transactions is TransactionScope.NONE
            await store.set("k", b"1", consistency="strong")
            found = await store.get_many(["k", "none"], consistency="strong")
            assert [item and item.value for item in found] == [b"1", None]
        asked = [path for method, path in theirs.asked if method == "GET" and "/k" in path]
        assert asked == ["/v1.0/state/statestore/k?consistency=strong"]

    async def test_what_it_lacks_is_refused(self, foreign: Store) -> None:
        with pytest.raises(NotSupported, match="does not offer listing"):
            await anext(foreign.keys())
        with pytest.raises(NotSupported, match="when a key expires"):
            await foreign.touch("k", 60)
        with pytest.raises(NotSupported, match="strong=primary"):
            await foreign.set("k", b"", consistency="strong")

    async def test_a_store_that_is_not_there(self, theirs: Daprd) -> None:
        with pytest.raises(ConfigurationError, match="no state store 'other'; there are statestor"):
            await etagere.open(f"{theirs.url}/v1.0/state/other").__aenter__()

    async def test_a_token(self) -> None:
        with daprd(token="sesame") as server:
            with pytest.raises(ConfigurationError, match=":TOKEN@host"):
                await etagere.open(server.store).__aenter__()
            url = server.store.replace("://", "://:sesame@")
            async with etagere.open(url) as store:
                await store.ping()


class TestETags:
    """The server chooses them, and tells them to who reads."""

    async def test_a_write_is_told_one_that_matches_nothing(self, foreign: Store) -> None:
        etag = await foreign.set("k", b"1")
        assert etag == UNMATCHABLE
        with pytest.raises(ETagMismatch) as caught:
            await foreign.set("k", b"2", etag=etag)
        assert caught.value.actual == "1"
        assert await foreign.set_many({"k": b"3"}) == [UNMATCHABLE]
        assert await foreign.transact([Set("k", b"4"), Delete("gone")]) == [UNMATCHABLE, False]

    async def test_one_that_was_read_matches_once(self, foreign: Store) -> None:
        await foreign.set("k", b"1")
        item = await foreign.get("k")
        assert item is not None
        await foreign.set("k", b"2", etag=item.etag)
        for call in (foreign.set("k", b"3", etag=item.etag), foreign.delete("k", etag=item.etag)):
            with pytest.raises(ETagMismatch) as caught:
                await call
            assert (caught.value.expected, caught.value.actual) == ("1", "2")
        assert await foreign.delete("k", etag="2") is True
        with pytest.raises(ETagMismatch) as gone:
            await foreign.delete("k", etag="2")
        assert gone.value.actual is None

    @pytest.mark.parametrize("etag", ["not-a-number", "é", "a\nb"])
    async def test_one_of_another_form_does_not_match(self, foreign: Store, etag: str) -> None:
        await foreign.set("k", b"1")
        for call in (foreign.set("k", b"2", etag=etag), foreign.delete("k", etag=etag)):
            with pytest.raises(ETagMismatch) as caught:
                await call
            assert caught.value.actual == "1"

    async def test_first_write(self, foreign: Store) -> None:
        await foreign.set("k", b"1", concurrency="first-write")
        with pytest.raises(ETagMismatch) as caught:
            await foreign.set("k", b"2", concurrency="first-write")
        assert (caught.value.expected, caught.value.actual) == (None, "1")

    async def test_update(self, foreign: Store) -> None:
        for number in range(3):
            item = await foreign.update("k", lambda value: (value or b"") + b"x")
            assert item.value == b"x" * (number + 1)

    async def test_a_conflict_in_a_transaction(self, foreign: Store) -> None:
        await foreign.set_many({"a": b"1", "b": b"1"})
        with pytest.raises(ETagMismatch) as caught:
            await foreign.transact([Set("a", b"2", etag="1"), Delete("b", etag="7")])
        assert (caught.value.key, caught.value.index, caught.value.actual) == ("b", 1, "1")
        item = await foreign.get("a")
        assert item is not None
        assert item.value == b"1"

    async def test_what_deletes_of_a_transaction_found(self, foreign: Store) -> None:
        await foreign.set("a", b"1")
        done = await foreign.transact([Delete("a"), Delete("a"), Set("a", b"2"), Delete("a")])
        assert done == [True, False, UNMATCHABLE, True]


class TestValues:
    """Any bytes in base64, or JSON as it is."""

    async def test_any_bytes(self, theirs: Daprd, foreign: Store) -> None:
        for value in (b"", bytes(range(256)), b'{"a": 1}'):
            await foreign.set("k", value)
            (found,) = await foreign.get_many(["k"])
            assert found is not None
            assert not isinstance(found, etagere.EtagereError)
            assert found.value == value
        assert json.loads(theirs.kept["k"].text) == "eyJhIjogMX0="

    async def test_values_of_others(self, theirs: Daprd, foreign: Store) -> None:
        theirs.kept["k"] = Kept(b'{"a": 1}', "1")
        with pytest.raises(StoreFailed, match="values=json"):
            await foreign.get("k")
        await foreign.set("fine", b"1")
        found = await foreign.get_many(["k", "fine", "k"])
        assert [type(each) for each in found] == [StoreFailed, etagere.Item, StoreFailed]

    async def test_json(self, theirs: Daprd) -> None:
        async with etagere.open(f"{theirs.store}?values=json") as store:
            await store.set("k", b'{"a": [1, null]}')
            assert theirs.kept["k"].text == b'{"a": [1, null]}'
            item = await store.get("k")
            assert item is not None
            assert item.value == b'{"a": [1, null]}'
            with pytest.raises(InvalidArgument, match="not JSON"):
                await store.set("k", b"plain")


class TestExpiry:
    """Whole seconds, on the server's clock."""

    async def test_seconds_are_rounded_up(self, foreign: Store) -> None:
        before = datetime.now(UTC)
        await foreign.set("k", b"1", ttl=99.5)
        item = await foreign.get("k")
        assert item is not None
        assert item.expires_at is not None
        assert timedelta(seconds=98) < item.expires_at - before < timedelta(seconds=120)

    async def test_keep(self, foreign: Store) -> None:
        await foreign.set("k", b"1", ttl=1000)
        first = await foreign.get("k")
        await foreign.set("k", b"2", etag="1", ttl=KEEP)
        second = await foreign.get("k")
        assert first is not None
        assert second is not None
        assert first.expires_at is not None
        assert second.expires_at is not None
        assert abs(second.expires_at - first.expires_at) <= timedelta(seconds=1)
        await foreign.set("k", b"3", ttl=KEEP)
        third = await foreign.get("k")
        assert third is not None
        assert third.expires_at is not None
        assert abs(third.expires_at - first.expires_at) <= timedelta(seconds=2)
        await foreign.set("absent", b"1", ttl=KEEP)
        assert await foreign.exists("absent")
        with pytest.raises(ETagMismatch):
            await foreign.set("k", b"4", etag="1", ttl=KEEP)
        with pytest.raises(NotSupported, match="needs an ETag"):
            await foreign.transact([Set("k", b"4", ttl=KEEP)])


class TestLostAnswers:
    """Nothing is sent twice, and nothing is said that is not known."""

    @pytest.mark.parametrize("status", [500, 502, 504])
    async def test_a_write_that_failed_somehow(
        self, theirs: Daprd, foreign: Store, status: int
    ) -> None:
        await foreign.set("k", b"1")
        theirs.answers.append((status, b'{"errorCode":"ERR_STATE_SAVE","message":"timed out"}'))
        with pytest.raises(OutcomeUnknown, match="timed out") as caught:
            await foreign.set("k", b"2", etag="1")
        assert theirs.asked.count(("POST", "/v1.0/state/statestore")) == 2
        assert await foreign.settle(caught.value) is Certainty.UNKNOWN

    async def test_a_delete_that_failed_somehow(self, theirs: Daprd, foreign: Store) -> None:
        await foreign.set("k", b"1")
        theirs.answers.append((500, b"oops"))
        with pytest.raises(OutcomeUnknown, match="oops"):
            await foreign.delete("k")
        assert [method for method, _ in theirs.asked].count("DELETE") == 1

    async def test_a_write_that_was_refused(self, theirs: Daprd, foreign: Store) -> None:
        theirs.answers.append((400, b'{"errorCode":"ERR_MALFORMED_REQUEST","message":"no"}'))
        with pytest.raises(InvalidArgument, match="400 ERR_MALFORMED_REQUEST: no"):
            await foreign.set("k", b"1")


async def test_keys_that_no_path_can_hold(foreign: Store) -> None:
    await foreign.set("..", b"1")
    item = await foreign.get("..")
    assert item is not None
    assert item.value == b"1"
