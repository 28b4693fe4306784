"""The steps of the guide: what is sent, and what must come back."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import anyio
from httpx2 import AsyncClient, Response
from msgspec import Struct

STATE = "/v1.0/state/statestore"
RACES = 50
CLIENTS, INCREMENTS = 8, 25


class Answer(Struct, frozen=True):
    """What came back, in a few words, and whether it is what the guide promises."""

    text: str
    right: bool


class Step(Struct, frozen=True):
    """One step of the guide."""

    title: str
    sent: str
    play: Callable[[AsyncClient], Awaitable[Answer]]


async def save(client: AsyncClient, key: str, value: object, **more: object) -> Response:
    """Save one key, as Dapr's API wants it."""
    return await client.post(STATE, json=[{"key": key, "value": value, **more}])


def told(response: Response, status: int, *, body: str = "", etag: bool = False) -> Answer:
    """Compare an answer with the promise: a status, and maybe a body and an ETag."""
    right = response.status_code == status and ("etag" in response.headers) == etag
    words = str(response.status_code)
    if status >= 400:
        words += f" {response.json().get('errorCode')}"
    elif body:
        words += f" {response.text}"
        right = right and response.text == body
    if "etag" in response.headers:
        words += " + ETag"
    return Answer(words, right)


async def save_strong(client: AsyncClient) -> Answer:
    """Save, and return once a majority has it."""
    response = await save(client, "key1", "Some Data", options={"consistency": "strong"})
    return told(response, 204, etag=True)


async def save_eventual(client: AsyncClient) -> Answer:
    """Save, and return once the primary has it."""
    response = await save(client, "key1", "Some Data", options={"consistency": "eventual"})
    return told(response, 204, etag=True)


async def get_strong(client: AsyncClient) -> Answer:
    """Read the latest value with its ETag."""
    response = await client.get(f"{STATE}/key1", params={"consistency": "strong"})
    return told(response, 200, body='"Some Data"', etag=True)


async def create_twice(client: AsyncClient) -> Answer:
    """First-write-wins without an ETag means: create, or fail."""
    response = await save(client, "key1", "Late", options={"concurrency": "first-write"})
    return told(response, 409)


async def save_stale(client: AsyncClient) -> Answer:
    """An ETag that is not the key's is a conflict, whatever it looks like."""
    options = {"concurrency": "first-write"}
    return told(await save(client, "key1", "Late", etag="abc12345", options=options), 409)


async def race(client: AsyncClient) -> Answer:
    """Let two writers race on one ETag, again and again: each time just one wins."""
    single = 0
    for _ in range(RACES):
        etag = (await client.get(f"{STATE}/key1")).headers["etag"]
        statuses: list[int] = []

        async def write(name: str, etag: str = etag, statuses: list[int] = statuses) -> None:
            response = await save(client, "key1", name, etag=etag)
            statuses.append(response.status_code)

        async with anyio.create_task_group() as group:
            group.start_soon(write, "one")
            group.start_soon(write, "two")
        single += sorted(statuses) == [204, 409]
    return Answer(f"one winner: {single} of {RACES}", single == RACES)


async def count_together(client: AsyncClient) -> Answer:
    """Run the guide's retry loop in several clients at once on one counter."""
    await save(client, "counter", 0)
    conflicts = 0

    async def increment() -> None:
        nonlocal conflicts
        for _ in range(INCREMENTS):
            while True:
                got = await client.get(f"{STATE}/counter", params={"consistency": "strong"})
                saved = await save(client, "counter", got.json() + 1, etag=got.headers["etag"])
                if saved.status_code == 204:
                    break
                conflicts += 1
                await anyio.sleep(random.uniform(0, 0.01))

    async with anyio.create_task_group() as group:
        for _ in range(CLIENTS):
            group.start_soon(increment)
    total = (await client.get(f"{STATE}/counter", params={"consistency": "strong"})).json()
    return Answer(f"{total}, after {conflicts} conflicts", total == CLIENTS * INCREMENTS)


async def delete_stale(client: AsyncClient) -> Answer:
    """Deleting on an old ETag is a conflict."""
    return told(await client.delete(f"{STATE}/key1", headers={"If-Match": "abc12345"}), 409)


async def delete_matching(client: AsyncClient) -> Answer:
    """Deleting on the key's ETag works."""
    etag = (await client.get(f"{STATE}/key1", params={"consistency": "strong"})).headers["etag"]
    response = await client.delete(
        f"{STATE}/key1", headers={"If-Match": etag}, params={"consistency": "strong"}
    )
    return told(response, 204)


async def get_absent(client: AsyncClient) -> Answer:
    """What is gone is an empty answer."""
    return told(await client.get(f"{STATE}/key1", params={"consistency": "strong"}), 204)


GUIDE = [
    Step("save, strong", "POST key1, strong", save_strong),
    Step("save, eventual", "POST key1, eventual", save_eventual),
    Step("get, strong", "GET key1, strong", get_strong),
    Step("first write wins", "POST key1, first-write", create_twice),
    Step("stale ETag", "POST key1, etag abc12345", save_stale),
    Step("two writers, one ETag", f"{RACES} x two POSTs on its ETag", race),
    Step("retry on mismatch", f"{CLIENTS} clients x {INCREMENTS} counts", count_together),
    Step("delete, stale ETag", "DELETE key1, abc12345", delete_stale),
    Step("delete, current ETag", "DELETE key1, its ETag", delete_matching),
    Step("get what is gone", "GET key1, strong", get_absent),
]
