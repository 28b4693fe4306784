"""Playing a program on real stores, and judging what its clients were told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import anyio

from etagere.conformance.lab import Lab
from etagere.conformance.races.programs import KEYS, Client, Do, Program, Step
from etagere.errors import Certainty, EtagereError, ETagMismatch
from etagere.histories.recorded import RecordedStore
from etagere.histories.recording import Recorder
from etagere.operations import KEEP, Delete, Item, Keep, Set
from etagere.store import Store

HOUR = 3600


async def play(
    lab: Lab,
    program: Program,
    stores: Sequence[Store],
    recorder: Recorder,
    bears: Callable[[EtagereError], bool] | None = None,
) -> None:
    """Run the clients of a program at the same time, on keys that were not used yet.

    Client n works on store n, counted in a circle. `bears` says after which errors a client goes
    on (by default `is_bearable`); any other ends the run.
    """
    names = dict(zip(KEYS, lab.together(*KEYS), strict=True))
    async with anyio.create_task_group() as tasks:
        for number, client in enumerate(program):
            store = recorder.client(f"c{number + 1}", stores[number % len(stores)])
            player = Player(lab, store, names, number + 1, bears or is_bearable)
            tasks.start_soon(player.play, client)


class Player:
    """One client of a program, which remembers the ETags that it has seen."""

    def __init__(
        self,
        lab: Lab,
        store: RecordedStore,
        names: dict[str, str],
        number: int,
        bears: Callable[[EtagereError], bool],
    ) -> None:
        self._store = store
        self._bears = bears
        self._level = lab.capabilities.freshest
        self._soon = lab.soon
        self._names = names
        self._number = number
        self._turn = 0
        self._values = 0
        self._seen: dict[str, str | None] = {}

    async def play(self, client: Client) -> None:
        """Make the calls of a client, one after the other."""
        for step in client:
            self._turn += 1
            try:
                await (self._one(step) if isinstance(step, Step) else self._together(step))
            except EtagereError as error:
                if not self._bears(error):
                    raise

    async def _one(self, step: Step) -> None:
        key = self._names[step.key]
        if step.do is Do.GET:
            self._note(step, await self._store.get(key, consistency=self._level))
        elif step.do is Do.TOUCH:
            await self._store.touch(key, self._lifetime(), consistency=self._level)
        elif step.do in (Do.DELETE, Do.DELETE_SEEN):
            etag = self._seen.get(step.key) if step.do is Do.DELETE_SEEN else None
            await self._store.delete(key, etag=etag, consistency=self._level)
            self._seen[step.key] = None
        else:
            await self._write(step, self._request(step))

    async def _write(self, step: Step, request: Set | Delete) -> None:
        assert isinstance(request, Set)
        self._seen[step.key] = await self._store.set(
            request.key,
            request.value,
            etag=request.etag,
            concurrency=request.concurrency,
            ttl=request.ttl,
            consistency=self._level,
        )

    async def _together(self, steps: Sequence[Step]) -> None:
        requests = [self._request(step) for step in steps]
        done = await self._store.transact(requests, consistency=self._level)
        for step, result in zip(steps, done, strict=True):
            self._seen[step.key] = result if isinstance(result, str) else None

    def _request(self, step: Step) -> Set | Delete:
        key, seen = self._names[step.key], self._seen.get(step.key)
        if step.do is Do.DELETE:
            return Delete(key)
        if step.do is Do.DELETE_SEEN:
            return Delete(key, etag=seen)
        if step.do is Do.CREATE or (step.do is Do.SWAP and not seen):
            return Set(key, self._value(), concurrency="first-write")
        if step.do is Do.SWAP:
            return Set(key, self._value(), etag=seen)
        lifetimes: dict[Do, float | Keep] = {Do.EXPIRE: self._soon, Do.KEEP: KEEP}
        return Set(key, self._value(), ttl=lifetimes.get(step.do))

    def _value(self) -> bytes:
        # Each value is written only once, so that whoever reads it tells whose it is.
        self._values += 1
        return b"%d.%d" % (self._number, self._values)

    def _lifetime(self) -> float:
        return self._soon if self._turn % 2 else HOUR

    def _note(self, step: Step, item: Item[bytes] | None) -> None:
        self._seen[step.key] = None if item is None else item.etag


def is_bearable(error: EtagereError) -> bool:
    """Tell whether a client goes on after an error: a conflict, or an outcome that is not known."""
    return isinstance(error, ETagMismatch) or error.certainty is not Certainty.NOT_APPLIED
