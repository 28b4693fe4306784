from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from etagere.errors import InvalidArgument
from etagere.histories.history import NEVER, Status
from etagere.histories.limits import Limits
from etagere.histories.models import Append, CasRegister, Product, Register
from etagere.histories.search import check_steps, competition, replay, search
from etagere.histories.search.competition import STRATEGIES
from etagere.histories.search.outcome import Found, Search
from etagere.histories.search.problem import Problem
from etagere.histories.search.relaxed import relaxed
from etagere.histories.steps import Model, Step
from etagere.histories.verdicts import Anomaly, Answer, KeyVerdict
from tests.histories.oracles import has_order
from tests.histories.simulated import misread, texts
from tests.histories.strategies import register_steps

OK, INFO, FAIL, MISMATCH = Status.OK, Status.INFO, Status.FAIL, Status.MISMATCH


def step(function: str, value: Any, start: int, finish: int = NEVER, status: Status = OK) -> Step:
    argument, result = (None, value) if function in ("read", "get") else (value, None)
    return Step(
        function=function,
        argument=argument,
        result=result,
        start=start,
        finish=finish,
        status=status,
    )


def found_by(strategy: Any, steps: Sequence[Step], model: Model[Any]) -> Found:
    run = strategy(Problem(steps, model))
    while True:
        try:
            next(run)
        except StopIteration as end:
            return end.value


def assert_yes(verdict: KeyVerdict, steps: Sequence[Step], model: Model[Any]) -> None:
    assert verdict.answer is Answer.YES
    assert verdict.order is not None
    assert replay(verdict.order, steps, model) is None


def assert_no(verdict: KeyVerdict, steps: Sequence[Step], model: Model[Any]) -> None:
    assert verdict.answer is Answer.NO
    [finding] = verdict.findings
    assert finding.anomaly is Anomaly.NO_ORDER
    assert verdict.partial is not None
    assert_is_stuck(verdict.partial, finding.witnesses, model)


def assert_is_stuck(order: Sequence[Step], frontier: Sequence[Step], model: Model[Any]) -> None:
    assert replay(order, order, model) is None
    assert frontier
    state = model.initial
    for each in order:
        state = model.step(state, each)
    for each in frontier:
        assert each not in order
        assert model.step(state, each) is None


# --- known histories ------------------------------------------------------------------------------

LINEARIZABLE = {
    "nothing": [],
    "the initial value": [step("read", None, 0, 1)],
    "one after the other": [step("write", 1, 0, 1), step("read", 1, 2, 3)],
    "a read during a write, of either value": [
        step("write", 1, 0, 10),
        step("read", None, 1, 2),
        step("read", 1, 3, 4),
    ],
    "a lost write that is seen late": [
        step("write", 1, 0, status=INFO),
        step("write", 2, 1, 2),
        step("read", 2, 3, 4),
        step("read", 1, 5, 6),
    ],
    "a lost write that never happened": [
        step("write", 1, 0, status=INFO),
        step("read", None, 1, 2),
    ],
    "a lost read of anything": [step("read", 7, 0, 1, INFO)],
    "a write that failed": [step("write", 1, 0, 1, FAIL), step("read", None, 2, 3)],
    "a chain through lost writes": [
        step("cas", (None, 1), 0, status=INFO),
        step("cas", (1, 2), 1, status=INFO),
        step("read", 2, 2, 3),
    ],
    "a cas that found another value": [
        step("write", 1, 0, 1),
        step("cas", (2, 3), 2, 3, MISMATCH),
        step("read", 1, 4, 5),
    ],
    "a write that takes effect some time": [
        step("write", 1, 0),
        step("read", None, 1, 2),
        step("read", 1, 3, 4),
    ],
    "times that touch do not bind": [step("write", 1, 0, 1), step("read", None, 1, 2)],
}
NOT_LINEARIZABLE = {
    "a value that nobody wrote": [step("read", 1, 0, 1)],
    "a stale read": [step("write", 1, 0, 1), step("read", None, 2, 3)],
    "new, then old": [
        step("write", 1, 0, 10),
        step("read", 1, 1, 2),
        step("read", None, 3, 4),
    ],
    "one lost write seen twice": [
        step("write", 1, 0, status=INFO),
        step("write", 2, 1, 2),
        step("read", 1, 3, 4),
        step("write", 2, 5, 6),
        step("read", 1, 7, 8),
    ],
    "a lost write seen before it began": [step("read", 1, 0, 1), step("write", 1, 2, status=INFO)],
    "a write that failed and was seen": [step("write", 1, 0, 1, FAIL), step("read", 1, 2, 3)],
    "two winners": [
        step("cas", (None, 1), 0, 5),
        step("cas", (None, 2), 1, 6),
    ],
    "a cas that missed what was there": [
        step("write", 1, 0, 1),
        step("cas", (1, 2), 2, 3, MISMATCH),
    ],
    "a write that must take effect some time": [
        step("cas", (7, 8), 0),
        step("read", None, 1, 2),
    ],
}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", LINEARIZABLE)
def test_it_finds_an_order(name: str, strategy: Any) -> None:
    steps = LINEARIZABLE[name]
    found = found_by(strategy, steps, CasRegister())
    assert found.complete
    assert replay(found.order, steps, CasRegister()) is None


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", NOT_LINEARIZABLE)
def test_it_finds_that_there_is_none_and_where_it_gets_stuck(name: str, strategy: Any) -> None:
    steps = NOT_LINEARIZABLE[name]
    found = found_by(strategy, steps, CasRegister())
    assert not found.complete
    assert_is_stuck(found.order, found.frontier, CasRegister())


def test_a_verdict_shows_what_cannot_come_next() -> None:
    write, inversion = step("write", 1, 0, 1), step("read", 3, 4, 5)
    steps = [write, step("read", 1, 2, 3), inversion, step("read", 1, 6, 7)]
    verdict = search(steps, Register())
    assert_no(verdict, steps, Register())
    assert verdict.partial == steps[:2]
    assert verdict.findings[0].witnesses == (inversion,)
    assert "of the 4 calls" in verdict.findings[0].message


# --- against every order there is -----------------------------------------------------------------


@given(register_steps())
@settings(max_examples=400, deadline=None)
def test_both_strategies_agree_with_every_order(steps: list[Step]) -> None:
    model = CasRegister(0)
    expected = has_order(steps, model)
    for strategy in STRATEGIES:
        found = found_by(strategy, steps, model)
        assert found.complete is expected
        if expected:
            assert replay(found.order, steps, model) is None
        else:
            assert_is_stuck(found.order, found.frontier, model)


@given(st.lists(st.tuples(st.sampled_from("ab"), register_steps(4)), min_size=1, max_size=2))
@settings(max_examples=200, deadline=None)
def test_keys_apart_and_keys_together_are_one_answer(parts: list[tuple[str, list[Step]]]) -> None:
    steps = [replace(each, key=key) for key, some in parts for each in some]
    model = CasRegister(0)
    together = check_steps(steps, model, partition=False)
    assert check_steps(steps, model).answer is together.answer
    assert has_order(steps, Product(model, "ab")) is (together.answer is Answer.YES)


@given(register_steps())
@settings(max_examples=400, deadline=None)
def test_what_the_easier_question_answers_is_right(steps: list[Step]) -> None:
    model = CasRegister(0)
    found = found_by(relaxed, steps, model)
    if found is None:
        return
    assert found.complete is has_order(steps, model)
    if found.complete:
        assert replay(found.order, steps, model) is None
    elif found.possible:
        assert_is_stuck(found.order, found.frontier, model)


def test_states_that_nobody_reads_are_one_and_the_answers_stay_the_same() -> None:
    answers: list[bool] = []
    for seed in range(200):
        random = Random(seed)
        steps = texts(random, 6, 3, keys=1)
        gets = [index for index, each in enumerate(steps) if each.function == "get"]
        if gets and seed % 2:
            result = "".join(str(each.argument) for each in steps[:2] if each.argument)
            steps[gets[-1]] = replace(steps[gets[-1]], result=result)
        answers.append(has_order(steps, Append()))
        for strategy in STRATEGIES:
            found = found_by(strategy, steps, Append())
            assert found.complete is answers[-1]
            if found.complete:
                assert replay(found.order, steps, Append()) is None
            else:
                assert_is_stuck(found.order, found.frontier, Append())
    assert 20 < sum(answers) < 180


# --- size -----------------------------------------------------------------------------------------


def test_a_long_history_is_no_deep_recursion() -> None:
    steps = [
        each
        for time in range(0, 40_000, 4)
        for each in (step("write", time, time, time + 1), step("read", time, time + 2, time + 3))
    ]
    for strategy in STRATEGIES:
        found = found_by(strategy, steps, Register())
        assert found.complete
        assert found.order == steps
    steps[-1] = replace(steps[-1], result="another")
    for strategy in STRATEGIES:
        found = found_by(strategy, steps, Register())
        assert (found.order, found.frontier) == (steps[:-1], steps[-1:])


def test_hundreds_of_clients_at_once() -> None:
    writes = [step("write", value, value, 1000) for value in range(300)]
    reads = [step("read", value, 300 + value, 1000) for value in range(300)]
    steps = writes + reads
    assert_yes(search(steps, Register()), steps, Register())


def test_crashed_steps_of_one_kind_are_counted_and_not_told_apart() -> None:
    crashed = [step("write", value % 2, time, status=INFO) for time, value in enumerate(range(60))]
    reads = [step("read", value % 2, 100 + 2 * value, 101 + 2 * value) for value in range(60)]
    steps = crashed + reads
    assert_yes(search(steps, Register(1), Limits(states=5_000)), steps, Register(1))
    one_too_many = [*steps, step("read", 0, 300, 301), step("read", 1, 302, 303)]
    verdict = search(one_too_many, Register(1), Limits(states=5_000))
    assert_no(verdict, one_too_many, Register(1))


@pytest.mark.parametrize("stuck", [0.0, 0.1])
def test_fifty_clients_append_to_ten_texts(stuck: float) -> None:
    # Without narrowed models, more than a million configurations are not enough.
    limits = Limits(states=50_000)
    for seed in range(3):
        random = Random(seed)
        good = texts(random, 1800, 50, stuck=stuck)
        verdict = check_steps(good, Append(), limits)
        for key, each in verdict.keys.items():
            assert_yes(each, [step for step in good if step.key == key], Append())
        for keys in (1, 4):
            bad = misread(random, good, keys)
            assert check_steps(bad, Append(), limits).answer is Answer.NO


def test_many_kinds_of_crashed_steps_are_no_secret_way_to_anything() -> None:
    kinds: list[tuple[str, Any]] = [("write", value) for value in range(5)]
    kinds += [("cas", (before, after)) for before in range(5) for after in range(5)]
    steps = [step(*kinds[time % 30], time, status=INFO) for time in range(67)]
    for time in range(100, 300, 4):
        steps += [step("write", time % 5, time, time + 9), step("cas", (0, 1), time, time + 9, OK)]
    steps.append(step("read", "never written", 400, 401))
    verdict = search(steps, CasRegister(), Limits(states=100_000))
    assert verdict.answer is Answer.NO
    assert verdict.findings[0].witnesses == (steps[-1],)


# --- limits ---------------------------------------------------------------------------------------


def hard(key: str = "", size: int = 40) -> list[Step]:
    """All orders of appends at once, none of which gives the text that was read."""
    appends = [step("append", chr(97 + i % 26) + str(i), i, 1000) for i in range(size)]
    reading = step("get", "not this", 2000, 2001)
    return [replace(each, key=key) for each in [*appends, reading]]


def test_no_time_is_no_answer() -> None:
    verdict = search(hard(), Append(), Limits(seconds=0.3))
    assert verdict.answer is Answer.UNDECIDED
    [finding] = verdict.findings
    assert finding.anomaly is Anomaly.UNDECIDED
    assert "in 0.3 s" in finding.message
    assert "raise the limit" in finding.message


def test_no_memory_is_no_answer() -> None:
    verdict = search(hard(), Append(), Limits(states=20_000))
    assert verdict.answer is Answer.UNDECIDED
    assert "with 20,000 configurations in memory" in verdict.findings[0].message


def test_a_search_that_shared_the_memory_gets_all_of_it_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The steady one holds more at first, and would have come to an answer."""

    def steady(problem: Problem) -> Search:
        for _ in range(8):
            yield 60
        return Found(True, problem.steps, [])

    def growing(_: Problem) -> Search:
        yield from range(15, 1000, 15)
        return None

    steps = [step("read", None, 0, 1)]
    monkeypatch.setattr(competition, "STRATEGIES", (steady, growing))
    assert_yes(search(steps, Register(), Limits(states=100)), steps, Register())
    assert search(steps, Register(), Limits(states=50)).answer is Answer.UNDECIDED


def test_one_undecided_key_leaves_the_others_their_answers() -> None:
    easy = replace(step("get", "", 0, 1), key="easy")
    verdict = check_steps([*hard("hard"), easy], Append(), Limits(states=20_000))
    assert verdict.answer is Answer.UNDECIDED
    answers = {key: each.answer for key, each in verdict.keys.items()}
    assert answers == {"easy": Answer.YES, "hard": Answer.UNDECIDED}


def test_one_bad_key_ends_the_check_while_another_is_still_searched() -> None:
    bad = [step("put", str(time), time, time + 1) for time in range(0, 100, 2)]
    bad = [replace(each, key="bad") for each in [*bad, step("get", "never put", 200, 201)]]
    verdict = check_steps([*hard("hard"), *bad], Append())
    assert verdict.answer is Answer.NO
    assert list(verdict.keys) == ["bad"]
    assert verdict.calls == len(hard()) + len(bad)


# --- mistakes -------------------------------------------------------------------------------------


def test_a_step_that_the_model_does_not_know_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="'register' has no function 'cas', only read, write"):
        search([step("cas", (1, 2), 0, 1)], Register())


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ([0, 0, 1, 2], "twice"),
        ([0, 1], "missing"),
        ([0, 2, 1], "was over when it began"),
        ([1, 0, 2], "was over when it began"),
    ],
)
def test_what_is_no_order_is_no_proof(order: list[int], problem: str) -> None:
    steps = [step("write", 1, 0, 1), step("read", 1, 2, 3), step("read", 1, 4, 5)]
    assert problem in str(replay([steps[i] for i in order], steps, Register()))


def test_what_is_no_part_of_a_history_is_no_proof() -> None:
    steps = [step("write", 1, 0, 1), step("read", 1, 2, 3)]
    assert "not in the history" in str(replay(steps, steps[:1], Register()))
    assert "does not explain" in str(replay(steps[1:], steps[1:], Register()))
