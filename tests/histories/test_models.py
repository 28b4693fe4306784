from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from etagere.histories.history import NEVER, Call, Kind, Status
from etagere.histories.limits import Limits
from etagere.histories.models import (
    MODELS,
    Append,
    CasRegister,
    Contract,
    Register,
    VersionedKey,
    step_of,
    steps_of,
    versioned_steps,
)
from etagere.histories.search import check_steps, replay, search
from etagere.histories.steps import Step
from etagere.histories.verdicts import Answer
from etagere.operations import Consistency
from tests.histories.oracles import versioned_has_order
from tests.histories.simulated import simulated, spoiled

OK, INFO, MISMATCH = Status.OK, Status.INFO, Status.MISMATCH


def call(kind: str, start: int, finish: int = NEVER, status: Status = OK, **fields: Any) -> Call:
    return Call(kind=Kind(kind), start=start, finish=finish, status=status, key="k", **fields)


def read(value: str, etag: str, start: int, finish: int) -> Call:
    return call("get", start, finish, found=True, value=value, etag=etag)


def absent(start: int, finish: int) -> Call:
    return call("get", start, finish, found=False)


def is_linearizable(calls: Sequence[Call], **initial: Any) -> bool:
    model = VersionedKey(calls, **initial)
    steps = [step_of(each) for each in calls]
    verdict = search(steps, model)
    assert verdict.answer is not Answer.UNDECIDED
    if verdict.order is not None:
        assert replay(verdict.order, steps, model) is None
    return verdict.answer is Answer.YES


# --- plain values ---------------------------------------------------------------------------------


def test_models_have_the_names_of_the_command_line() -> None:
    assert list(MODELS) == ["register", "cas-register", "append"]
    assert [MODELS[name](initial="0").name for name in MODELS] == list(MODELS)


@pytest.mark.parametrize(
    ("model", "state", "function", "argument", "result", "status", "after"),
    [
        (Register(), (1,), "read", None, 1, OK, (1,)),
        (Register(), (1,), "read", None, 2, OK, None),
        (Register(), (1,), "read", None, 2, INFO, (1,)),
        (Register(), (1,), "write", None, None, OK, (None,)),
        (CasRegister(), (1,), "cas", (1, 2), None, OK, (2,)),
        (CasRegister(), (3,), "cas", (1, 2), None, OK, None),
        (CasRegister(), (3,), "cas", (1, 2), None, INFO, (3,)),
        (CasRegister(), (3,), "cas", (1, 2), None, MISMATCH, (3,)),
        (CasRegister(), (1,), "cas", (1, 2), None, MISMATCH, None),
        (Append(), "a", "append", "b", None, OK, "ab"),
        (Append(), "a", "put", "b", None, INFO, "b"),
        (Append(), "a", "get", None, "a", OK, "a"),
        (Append(), "a", "get", None, "b", OK, None),
    ],
)
def test_what_a_step_makes_of_a_state(
    model: Any, state: Any, function: str, argument: Any, result: Any, status: Status, after: Any
) -> None:
    step = Step(function=function, argument=argument, result=result, start=0, status=status)
    assert model.step(state, step) == after


# --- versioned keys -------------------------------------------------------------------------------

LINEARIZABLE = {
    "a lost write tells its etag to a reader": [
        call("set", 0, status=INFO, value="a"),
        read("a", "e1", 1, 2),
        call("set", 3, 4, expected="e1", value="b", etag="e2"),
    ],
    "a lost write has the etag that nobody else wrote": [
        call("set", 0, status=INFO, value="a"),
        call("set", 1, 2, expected="e1", value="b", etag="e2"),
    ],
    "a lost write explains a mismatch": [
        call("set", 0, 1, value="a", etag="e1"),
        call("set", 2, status=INFO, value="b"),
        call("set", 3, 4, MISMATCH, expected="e1", value="c"),
        read("a", "e1", 0, 5),
    ],
    "a mismatch tells what is there": [
        call("set", 0, 1, value="a", etag="e1"),
        call("set", 2, 3, MISMATCH, expected="", value="b", actual="e1"),
        call("delete", 4, 5, MISMATCH, expected="e0"),
    ],
    "the same write, sent again": [
        call("set", 0, status=INFO, expected="", value="a", etag="e1"),
        call("set", 1, 2, expected="", value="a", etag="e1"),
    ],
    "a lost delete": [
        call("set", 0, 1, value="a", etag="e1"),
        call("delete", 2, status=INFO, expected="e1"),
        read("a", "e1", 3, 4),
        absent(5, 6),
    ],
    "a delete that is not told whether it found anything": [call("delete", 0, 1), absent(2, 3)],
    "a record that expires": [
        call("set", 0, 1, value="a", etag="e1", ttl=50),
        read("a", "e1", 2, 3),
        absent(4, 5),
        call("set", 6, 7, expected="", value="b", etag="e2"),
    ],
    "a touch gives a record an end": [
        call("set", 0, 1, value="a", etag="e1"),
        call("touch", 2, 3, ttl=50, found=True),
        call("delete", 4, 5, MISMATCH, expected="e1", actual=""),
    ],
    "a write that keeps the end": [
        call("set", 0, 1, value="a", etag="e1", ttl=50),
        call("set", 2, 3, value="b", etag="e2", ttl=0),
        absent(4, 5),
    ],
    "an eventual read of the past": [
        call("set", 0, 1, value="a", etag="e1"),
        call("set", 2, 3, value="b", etag="e2"),
        replace(read("a", "e1", 4, 5), consistency=Consistency.EVENTUAL),
    ],
    "a read of which nothing is known": [call("get", 0, 1)],
}
NOT_LINEARIZABLE = {
    "an etag consumed twice": [
        call("set", 0, 1, value="a", etag="e1"),
        call("set", 2, 5, expected="e1", value="b", etag="e2"),
        call("set", 3, 6, expected="e1", value="c", etag="e3"),
    ],
    "an etag consumed twice, beside a lost write": [
        call("set", 0, 1, value="a", etag="e1"),
        call("set", 2, 5, expected="e1", value="b", etag="e2"),
        call("set", 3, status=INFO, value="d"),
        call("set", 3, 6, expected="e1", value="c", etag="e3"),
    ],
    "an etag of nobody's consumed twice, beside two lost writes": [
        call("set", 0, status=INFO, value="a"),
        call("set", 1, status=INFO, value="b"),
        call("set", 2, 5, expected="e1", value="c", etag="e2"),
        call("set", 3, 6, expected="e1", value="d", etag="e3"),
    ],
    "a lost write has one etag": [
        call("set", 0, status=INFO, value="a"),
        read("a", "e1", 1, 2),
        read("a", "e2", 3, 4),
    ],
    "a lost write does not have the etag that was missed": [
        call("set", 0, 1, value="a"),
        call("delete", 2, 3, MISMATCH, expected="e1"),
        read("a", "e1", 4, 5),
    ],
    "a mismatch with what was there": [
        call("set", 0, 1, value="a", etag="e1"),
        call("delete", 2, 3, MISMATCH, expected="e1"),
    ],
    "a mismatch that tells another etag": [
        call("set", 0, 1, value="a", etag="e1"),
        call("delete", 2, 3, MISMATCH, expected="e0", actual="e7"),
    ],
    "a record without an end that vanishes": [
        call("set", 0, 1, value="a", etag="e1", ttl=50),
        call("touch", 2, 3, found=True),
        absent(4, 5),
    ],
    "a delete of nothing that found something": [call("delete", 0, 1, found=True)],
    "a version that comes back": [
        call("set", 0, 1, value="a", etag="e1"),
        call("delete", 2, 3, found=True),
        read("a", "e1", 4, 5),
    ],
    "an eventual read of the future": [
        replace(read("a", "e1", 0, 1), consistency=Consistency.EVENTUAL),
        call("set", 2, 3, value="a", etag="e1"),
    ],
}


@pytest.mark.parametrize("name", LINEARIZABLE)
def test_versions_that_have_an_order(name: str) -> None:
    assert is_linearizable(LINEARIZABLE[name])


@pytest.mark.parametrize("name", NOT_LINEARIZABLE)
def test_versions_that_have_none(name: str) -> None:
    assert not is_linearizable(NOT_LINEARIZABLE[name])


def test_a_key_can_start_with_a_record() -> None:
    reading = read("a", "e1", 0, 1)
    assert not is_linearizable([reading])
    assert is_linearizable([reading], initial="a")
    assert is_linearizable([reading], initial="a", etag="e1")
    assert not is_linearizable([reading], initial="a", etag="e2")
    assert not is_linearizable([read("b", "e1", 0, 1)], initial="a")


def test_another_write_does_not_have_the_etag_of_the_start() -> None:
    calls = [
        call("set", 0, 1, value="a", etag="e1"),
        call("set", 2, status=INFO, value="b"),
        call("delete", 3, 4, expected="e0", found=True),
    ]
    assert not is_linearizable(calls, initial="v", etag="e0")
    assert is_linearizable(calls[1:], initial="v", etag="e0")


def test_an_eventual_read_does_not_begin_before_the_write_of_what_it_saw() -> None:
    eventual = replace(read("b", "e2", 6, 7), consistency=Consistency.EVENTUAL)
    nothing = replace(absent(8, 9), consistency=Consistency.EVENTUAL)
    writes = [
        call("set", 0, 1, value="a", etag="e1"),
        call("set", 2, 3, value="b", etag="e2"),
        call("set", 4, 5, value="c", etag="e3"),
    ]
    steps = versioned_steps([*writes, eventual, nothing])
    assert [step.start for step in steps] == [-1, 0, 2, 2, 4]
    assert [step.start for step in versioned_steps([*writes, eventual], "b")] == [-1, 0, 2, 4]
    assert search(steps, VersionedKey([*writes, eventual, nothing])).answer is Answer.YES


@pytest.mark.timeout(60)
def test_thousands_of_eventual_reads_keep_within_the_limit_of_time() -> None:
    calls: list[Call] = []
    for time in range(0, 30_000, 10):
        calls.append(call("set", time, time + 5, value=f"v{time}", etag=f"e{time}"))
        old = max(0, time - 50)
        seen = read(f"v{old}", f"e{old}", time + 6, time + 7)
        calls.append(replace(seen, consistency=Consistency.EVENTUAL))
    verdict = search(versioned_steps(calls), VersionedKey(calls))
    assert verdict.answer is Answer.YES
    # Where each may begin at any time before, no search ends: what stops it is the limit.
    steps = [step_of(each) for each in calls]
    limited = search(steps, VersionedKey(calls), Limits(seconds=0.5))
    assert limited.answer is Answer.UNDECIDED


def test_lost_deletes_are_interchangeable() -> None:
    model = VersionedKey()
    first, second = call("delete", 0, status=INFO), call("delete", 5, status=INFO, client="b")
    other = call("delete", 5, status=INFO, expected="e1")
    assert model.essence(step_of(first)) == model.essence(step_of(second))
    assert model.essence(step_of(first)) != model.essence(step_of(other))


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.2, 0.4]), st.booleans(), st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_versions_agree_with_every_choice_of_etags(
    seed: int, lost: float, mortal: bool, spoilers: int
) -> None:
    random = Random(seed)
    calls = simulated(random, random.randint(3, 7), random.randint(2, 4), lost, mortal)
    for _ in range(spoilers):
        calls = spoiled(random, calls)
    expected = versioned_has_order(calls)
    assert expected or spoilers
    assert is_linearizable(calls) is expected


# --- several keys ---------------------------------------------------------------------------------


def part(kind: str, key: str, **fields: Any) -> Call:
    return Call(kind=Kind(kind), start=0, key=key, **fields)


def transaction(start: int, finish: int, status: Status, *parts: Call, index: int = 0) -> Call:
    return Call(
        kind=Kind.TRANSACTION, start=start, finish=finish, status=status, index=index, parts=parts
    )


def reads(key: str, value: str | None, start: int, finish: int) -> Call:
    reading = absent(start, finish) if value is None else read(value, f"e-{value}", start, finish)
    return replace(reading, key=key)


def writes(key: str, value: str, **fields: Any) -> Call:
    return part("set", key, value=value, etag=f"e-{value}", **fields)


BOTH = (writes("a", "a1"), writes("b", "b1"))


def answer_of(*calls: Call) -> Answer:
    model, steps = Contract(calls), steps_of(calls)
    verdict = check_steps(steps, model)
    for each in verdict.keys.values():
        if each.order is not None:
            assert (
                replay(each.order, [step for step in steps if step.key == each.key], model) is None
            )
    return verdict.answer


def test_a_transaction_is_seen_whole() -> None:
    committed = transaction(0, 9, OK, *BOTH)
    assert answer_of(committed, reads("a", "a1", 1, 2), reads("b", "b1", 3, 4)) is Answer.YES
    assert answer_of(committed, reads("a", "a1", 1, 2), reads("b", None, 3, 4)) is Answer.NO


def test_a_lost_transaction_is_seen_whole_or_not_at_all() -> None:
    lost = transaction(0, NEVER, INFO, *BOTH)
    assert answer_of(lost, reads("a", None, 1, 2), reads("b", "b1", 3, 4)) is Answer.YES
    assert answer_of(lost, reads("b", "b1", 1, 2), reads("a", None, 3, 4)) is Answer.NO
    assert answer_of(lost, reads("b", None, 1, 2), reads("a", None, 3, 4)) is Answer.YES


def test_a_conflict_names_the_operation_and_changes_nothing() -> None:
    first = transaction(0, 1, OK, *BOTH)
    parts = [writes("a", "a2", expected="e-a1"), writes("b", "b2", expected="e-b0")]
    second = transaction(2, 3, MISMATCH, *parts, index=1)
    assert answer_of(first, second, reads("a", "a1", 4, 5)) is Answer.YES
    assert answer_of(first, second, reads("a", "a2", 4, 5)) is Answer.NO
    elsewhere = transaction(2, 3, MISMATCH, *parts, index=0)
    assert answer_of(first, elsewhere) is Answer.NO


def test_operations_of_a_transaction_see_the_earlier_ones() -> None:
    twice = transaction(0, 1, OK, writes("a", "a1"), writes("a", "a2", expected="e-a1"))
    assert answer_of(twice, reads("a", "a2", 2, 3)) is Answer.YES
    assert answer_of(twice, reads("a", "a1", 2, 3)) is Answer.NO


def test_a_transaction_finds_the_etag_of_a_lost_write() -> None:
    lost = part("set", "a", value="a1", status=INFO)
    parts = [writes("a", "a2", expected="e1"), part("delete", "b", found=False)]
    assert answer_of(lost, transaction(1, 2, OK, *parts)) is Answer.YES
    wrong = reads("a", "a1", 3, 4)
    assert answer_of(lost, transaction(1, 2, OK, *parts), wrong) is Answer.NO


def test_keys_that_no_transaction_connects_are_objects_of_their_own() -> None:
    ab, bc = (
        transaction(0, 1, OK, *BOTH),
        transaction(2, 3, OK, writes("b", "b2"), writes("c", "c")),
    )
    steps = steps_of([ab, bc, reads("d", None, 4, 5)])
    assert [step.key for step in steps] == ["a", "a", "d"]
