"""What the broken backends are made from is sound: what fails, fails by the flaw alone."""

from __future__ import annotations

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from etagere.conformance.broken.server import Server
from etagere.conformance.broken.sound import Sound
from etagere.conformance.results import Outcome, Result
from etagere.conformance.running import Settings
from etagere.conformance.session import conduct
from etagere.conformance.subjects import Subject
from etagere.memory import MemoryBackend
from etagere.operations import (
    ABSENT,
    KEEP,
    Consistency,
    Operation,
    Read,
    Remove,
    Touch,
    Transaction,
    Write,
)

EVENTUAL = Consistency.EVENTUAL

# Few of each, so that operations meet: on a key, and with an etag that is there.
keys = st.sampled_from(["a", "b", "c"])
etags = st.sampled_from(["e1", "e2", "e3"])
expected = st.one_of(st.none(), st.just(ABSENT), etags)
ttls = st.sampled_from([None, 1, 1_000, KEEP])
writes = st.builds(Write, keys, st.binary(max_size=2), etags, expected, ttls)
removes = st.builds(Remove, keys, expected)
touches = st.builds(Touch, keys, st.sampled_from([None, 1, 1_000]), expected)
parts = st.lists(writes | removes, min_size=1, max_size=5).map(tuple)
mutations = st.one_of(writes, writes, removes, touches, st.builds(Transaction, parts))
batches = st.lists(mutations, min_size=1, max_size=6) | st.lists(st.builds(Read, keys), min_size=1)
steps = st.lists(st.tuples(st.sampled_from([0, 1, 1_000]), batches), min_size=1, max_size=12)


class Timed(Sound):
    """On a clock that the test moves."""

    time = 0

    def _now(self) -> int:
        return self.time


@given(steps)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_sound_agrees_with_the_contract(steps: list[tuple[int, list[Operation]]]) -> None:
    async def compare() -> None:
        sound = Timed(Server())
        model = MemoryBackend(clock=lambda: sound.time)
        for passing, operations in steps:
            sound.time += passing
            outcomes = await sound.execute(operations, EVENTUAL)
            assert outcomes == await model.execute(operations, EVENTUAL), operations
            pages = [page async for page in sound.scan("", "", None, EVENTUAL)]
            assert pages == [page async for page in model.scan("", "", None, EVENTUAL)]

    anyio.run(compare)


def test_sound_passes_every_clause() -> None:
    server = Server()
    subject = Subject(
        name="sound",
        make=lambda url: Sound(server),
        offered=Sound.capabilities,
        hooks=server.hooks,
    )
    run = conduct([subject], Settings(seed=1))
    assert {result.variant.split()[0] for result in run.results} == {"asyncio", "trio"}
    assert list(map(told, filter(failed, run.results))) == []


def failed(result: Result) -> bool:
    return result.outcome is Outcome.FAILED


def told(result: Result) -> str:
    return f"{result.clause} {result.variant}: {result.message}"
