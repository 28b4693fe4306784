"""Histories: what clients are told while things go wrong, held against what can be true."""

from __future__ import annotations

import random
from collections.abc import Sequence
from inspect import iscoroutinefunction
from typing import Any, Final, cast

import anyio

from etagere.conformance.clauses import Level, clause
from etagere.conformance.faults.chaos import chaos
from etagere.conformance.faults.losing import losing
from etagere.conformance.lab import Lab
from etagere.conformance.races.judging import check_linearizable
from etagere.conformance.races.playing import play
from etagere.conformance.races.programs import random_program
from etagere.errors import (
    EtagereError,
    ETagMismatch,
    Interrupted,
    NotReplicated,
    OutcomeUnknown,
    StoreFailed,
    Unavailable,
)
from etagere.histories.recording import Recorder
from etagere.store import Store

PROGRAMS: Final = 4
CLIENTS: Final = 4
STEPS: Final = 8
LOSS: Final = 0.2
PATIENCE: Final = 2.0
HASTE: Final = 4
"""Times as long as a call takes: callers hang up at any moment within that."""
FAILURES: Final = (
    ETagMismatch,
    Interrupted,
    NotReplicated,
    OutcomeUnknown,
    StoreFailed,
    Unavailable,
)
"""What a call may be told when things go wrong."""


class HistoryClauses:
    """What is said stays true: done, not done, or unknown."""

    @clause(
        "ETG-FAULT-050",
        Level.CONDITIONAL,
        "While answers are lost, histories are linearizable, where each call took effect, did not,"
        " or may have, as its caller was told.",
        seconds=300,
        soaks=True,
    )
    async def test_histories_with_lost_answers(self, lab: Lab) -> None:
        async with losing(lab) as (store, layer):
            for _ in lab.rounds(PROGRAMS):
                layer.lose_if(lambda: lab.random.random() < LOSS)
                await run(lab, [store, lab.store])

    @clause(
        "ETG-FAULT-051",
        Level.CONDITIONAL,
        "While callers are cancelled at any moment, histories are linearizable; what was cancelled"
        " may have taken effect, or may yet.",
        seconds=300,
        soaks=True,
    )
    async def test_histories_with_cancelled_calls(self, lab: Lab) -> None:
        async with lab.open(name="other") as other:
            stores = [await impatient(lab, lab.store), other]
            for _ in lab.rounds(PROGRAMS):
                await run(lab, stores)

    @clause(
        "ETG-FAULT-052",
        Level.CONDITIONAL,
        "While connections are cut, refused, slow or silent, histories are linearizable, where each"
        " call took effect, did not, or may have, as its caller was told.",
        proxied=True,
        seconds=300,
        soaks=True,
    )
    async def test_histories_through_chaos(self, lab: Lab) -> None:
        async with lab.behind_proxy(timeout=PATIENCE) as (store, proxy):
            for _ in lab.rounds(PROGRAMS):
                async with chaos(lab, proxy):
                    await run(lab, [store, store, lab.store])


async def run(lab: Lab, stores: Sequence[Store]) -> None:
    """Play a program on stores that fail, and judge what was recorded."""
    recorder = Recorder()
    program = random_program(lab.capabilities, lab.random, CLIENTS, STEPS)
    await play(lab, program, stores, recorder, is_bearable)
    check_linearizable(lab, recorder.history())


def is_bearable(error: EtagereError) -> bool:
    """Tell whether a client goes on after an error."""
    return isinstance(error, FAILURES)


class Impatient:
    """A store whose callers wait for a moment only, and hang up."""

    def __init__(self, store: Store, choice: random.Random, patience: float) -> None:
        self._store = store
        self._choice = choice
        self._patience = patience

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if not iscoroutinefunction(method):
            return method

        async def call(*arguments: Any, **options: Any) -> object:
            with anyio.move_on_after(self._choice.uniform(0, self._patience)):
                return await method(*arguments, **options)
            raise Interrupted("the caller hung up")

        return call


async def impatient(lab: Lab, store: Store) -> Store:
    """Return a store whose calls are cancelled at random, about one in four before it is done."""
    began = anyio.current_time()
    await store.set(lab.key(), b"")
    took = anyio.current_time() - began
    return cast("Store", Impatient(store, lab.random, HASTE * took))
