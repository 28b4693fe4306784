from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence

import pytest
from msgspec.structs import replace

from etagere.histories.counterexamples import minimise, minimise_calls
from etagere.histories.counterexamples.dependencies import needs_of
from etagere.histories.counterexamples.grounds import Grounds
from etagere.histories.history import Call, History, Kind, Status
from etagere.histories.limits import Limits
from etagere.histories.models import CasRegister
from etagere.histories.search import search
from etagere.histories.steps import Step
from etagere.histories.verdicts import Anomaly, Answer, Finding, KeyVerdict, Verdict
from etagere.histories.versioned import check_versioned
from tests.histories.samples import LOST, REGISTER, RIVAL, WINNER, call, step

NAMES = {Anomaly.LOST_UPDATE}


def names(verdict: Verdict | KeyVerdict) -> set[Anomaly]:
    return {finding.anomaly for finding in verdict.findings}


def check_register(steps: Sequence[Step]) -> KeyVerdict:
    return search(steps, CasRegister(), Limits())


def bystanders(count: int, keys: int = 5, clients: int = 6) -> list[Call]:
    """Return calls with which nothing is wrong: each key has writers that wait for each other."""
    rng = random.Random(7)
    calls = []
    for number in range(count):
        key, client = f"other{rng.randrange(keys)}", f"d{rng.randrange(clients)}"
        start = 1000 + 2 * number
        written = {"value": f"w{number}", "etag": f"t{number}"}
        calls.append(call("set", client, start, start + 1, key=key, **written))
    return calls


# --- what is left -----------------------------------------------------------------------------


def test_only_the_calls_that_show_the_anomaly_are_left() -> None:
    history = History(calls=[*LOST, *bystanders(200)])
    small = minimise(history, check_versioned)
    assert list(small.calls) == [LOST[0], WINNER, RIVAL]
    assert names(check_versioned(small)) == NAMES


def test_a_write_that_is_still_consumed_stays() -> None:
    small = minimise(History(calls=LOST), check_versioned)
    assert LOST[0] in small.calls, "the etag that both rivals expect comes from here"


def test_the_history_keeps_its_source_and_initial_value() -> None:
    history = History(calls=LOST, source="run.jsonl", initial=None)
    assert minimise(history, check_versioned).source == "run.jsonl"


def test_steps_of_any_model_are_minimised() -> None:
    noise = [step("read", f"q{at}", 20 + 2 * at, 21 + 2 * at, result=2) for at in range(30)]
    small = minimise_calls([*REGISTER, *noise], check_register)
    assert check_register(small).answer is Answer.NO
    assert len(small) <= 3


def test_a_history_with_nothing_wrong_comes_back_whole() -> None:
    history = History(calls=bystanders(20))
    assert minimise(history, check_versioned).calls == history.calls


def test_the_anomaly_that_is_asked_for_is_kept() -> None:
    phantom = call("get", "c9", 30, 31, key="other", value="never", etag="never", found=True)
    history = History(calls=[*LOST, phantom])
    assert names(check_versioned(history)) == {Anomaly.LOST_UPDATE, Anomaly.PHANTOM_READ}
    for anomaly in (Anomaly.LOST_UPDATE, Anomaly.PHANTOM_READ):
        small = minimise(history, check_versioned, anomaly=anomaly)
        assert names(check_versioned(small)) == {anomaly}
    assert list(small.calls) == [phantom]


def test_any_failure_will_do_where_the_checker_gives_no_names() -> None:
    def nameless(steps: Sequence[Step]) -> KeyVerdict:
        return KeyVerdict(key="", answer=check_register(steps).answer)

    small = minimise_calls(REGISTER, nameless)
    assert check_register(small).answer is Answer.NO
    assert len(small) < len(REGISTER)


def test_calls_of_a_transaction_stay_together() -> None:
    parts = (
        call("set", "t", 2, 6, key="a", value="x", etag="x"),
        call("set", "t", 2, 6, key="b", value="y", etag="y"),
    )
    transaction = call("transaction", "t", 2, 6, key="", parts=parts)
    stale = call("get", "r", 8, 9, key="b", found=False)
    later = call("get", "r", 10, 11, key="b", value="y", etag="y", found=True)
    history = History(calls=[transaction, stale, later, *bystanders(40)])
    assert check_versioned(history).answer is Answer.NO
    small = minimise(history, check_versioned)
    assert small.calls[0] is transaction
    assert len(small.calls) <= 3


# --- what calls were told keeps its ground ----------------------------------------------------


def deletions() -> list[Call]:
    """Return two deletes that both say that they found the only record, and what is about them."""
    return [
        call("set", "a", 0, 1, value="x", etag="x"),
        call("set", "a", 2, 3, value="y", etag="y"),
        call("delete", "b", 4, 7, found=True),
        call("delete", "c", 5, 8, found=True),
        call("get", "a", 9, 10, found=False),
    ]


def unfounded(calls: Sequence[Call]) -> Verdict:
    """Find no order of whatever has two deletes, or one that lacks its write."""
    deletes = [each for each in calls if each.kind is Kind.DELETE]
    wrong = len(deletes) > 1 or (deletes and not any(each.kind is Kind.SET for each in calls))
    finding = Finding(anomaly=Anomaly.NO_ORDER, key="k", message="")
    answer = Answer.NO if wrong else Answer.YES
    found = KeyVerdict(key="k", answer=answer, findings=(finding,) if wrong else ())
    return Verdict(answer=answer, keys={"k": found}, calls=len(calls), seconds=0)


def test_a_delete_that_found_a_record_keeps_one_of_the_writes_before_it() -> None:
    small = minimise_calls(deletions(), unfounded)
    assert [each.kind for each in small] == [Kind.SET, Kind.DELETE, Kind.DELETE]


@pytest.mark.parametrize(
    ("kept", "holds"),
    [
        ({2}, False),
        ({0, 2}, True),
        ({1, 2}, True),
        ({0, 4}, False),
        ({4}, True),
        ({0, 2, 4}, True),
        ({0, 2, 3}, True),
    ],
)
def test_grounds(kept: set[int], holds: bool) -> None:
    assert Grounds(deletions()).hold(frozenset(kept)) is holds


def test_a_write_between_two_deletes_stays() -> None:
    calls = [
        call("set", "a", 0, 1, value="x", etag="x"),
        call("delete", "a", 2, 3, found=True),
        call("set", "a", 4, 5, value="y", etag="y"),
        call("delete", "a", 6, 7, found=True),
    ]
    grounds = Grounds(calls)
    assert not grounds.hold(frozenset({0, 1, 3}))
    assert grounds.hold(frozenset({0, 1, 2, 3}))
    assert Grounds([calls[0], calls[1], calls[3]]).hold(frozenset({0, 1, 2})), "never was a ground"


# --- planted faults ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_smaller_histories_fail_in_the_same_way(seed: int) -> None:
    calls = [*LOST, *bystanders(60)]
    random.Random(seed).shuffle(calls)
    small = minimise(History(calls=calls), check_versioned)
    assert names(check_versioned(small)) == NAMES
    assert_closed(list(small.calls), calls)


def assert_closed(small: Sequence[Call], whole: Sequence[Call]) -> None:
    """What a call needs is there, if it was there before."""
    for position, needed in enumerate(needs_of(whole)):
        if whole[position] in small:
            assert all(whole[at] in small for at in needed)


def test_one_history_always_gives_one_counterexample() -> None:
    history = History(calls=[*LOST, *bystanders(100)])
    assert minimise(history, check_versioned) == minimise(history, check_versioned)


def blind(history: History) -> Verdict:
    """Check, and say only what is wrong; keys, clients and calls must be taken away one by one."""
    verdict = check_versioned(history)
    keys = {
        key: replace(judged, findings=tuple(map(without_witnesses, judged.findings)))
        for key, judged in verdict.keys.items()
    }
    return replace(verdict, keys=keys)


def without_witnesses(finding: Finding) -> Finding:
    return replace(finding, witnesses=(), key="")


def test_without_witnesses_delta_debugging_finds_the_same() -> None:
    small = minimise(History(calls=[*bystanders(100), *LOST]), blind)
    assert sorted(small.calls, key=lambda call: call.start) == [LOST[0], WINNER, RIVAL]


def test_another_anomaly_is_no_smaller_version_of_this_one() -> None:
    phantom = call("get", "c9", 30, 31, key="other", value="never", etag="never", found=True)
    history = History(calls=[phantom, *LOST, *bystanders(20)])
    small = minimise(history, blind, anomaly=Anomaly.LOST_UPDATE)
    assert names(check_versioned(small)) == NAMES


# --- time -------------------------------------------------------------------------------------


def test_the_smallest_so_far_comes_back_when_time_is_up() -> None:
    checks = 0

    def slow(history: History) -> Verdict:
        nonlocal checks
        checks += 1
        if checks > 4:
            time.sleep(0.2)
        return check_versioned(history)

    history = History(calls=[*LOST, *bystanders(300)])
    small = minimise(history, slow, seconds=0.1)
    assert checks <= 6
    assert len(small.calls) < len(history.calls)
    assert names(check_versioned(small)) == NAMES


def test_no_time_at_all_gives_the_whole_history() -> None:
    history = History(calls=LOST)
    assert minimise(history, check_versioned, seconds=0).calls == LOST


# --- what needs what --------------------------------------------------------------------------


def needed(calls: Iterable[Call | Step]) -> list[set[int]]:
    return [set(positions) for positions in needs_of(list(calls))]


def test_a_read_needs_the_write_of_its_value_and_a_write_that_of_its_condition() -> None:
    assert needed(LOST) == [set(), {0}, {0}, {0}, set(), {0, 3}, {3}]


def test_an_etag_that_only_a_read_told_belongs_to_the_write_of_the_value() -> None:
    unanswered = call("set", "a", 1, value="v")
    read = call("get", "b", 2, 3, value="v", etag="e", found=True)
    consumer = call("set", "c", 4, 5, value="w", etag="f", expected="e")
    assert needed([unanswered, read, consumer]) == [set(), {0}, {0}]


def test_equal_values_of_other_keys_do_not_matter() -> None:
    write = call("set", "a", 1, 2, key="one", value="v", etag="e")
    read = call("get", "b", 3, 4, key="two", value="v", etag="e", found=True)
    assert needed([write, read]) == [set(), set()]


def test_a_read_of_a_text_needs_every_piece_in_it() -> None:
    steps = [
        step("append", "a", 1, 2, argument="x1"),
        step("append", "b", 3, 4, argument="x2"),
        step("append", "b", 5, 6, argument="x3"),
        step("get", "c", 7, 8, result="x1x2"),
    ]
    assert needed(steps)[3] == {0, 1}


def test_of_equal_writes_a_read_needs_those_that_it_can_have_seen() -> None:
    steps = [
        step("write", "a", 1, 2, argument=7),
        step("write", "a", 3, 4, argument=8),
        step("write", "b", 3, argument=7),
        step("write", "c", 5, 8, argument=7),
        step("read", "d", 6, 7, result=7),
        step("write", "a", 9, 10, argument=7),
    ]
    assert needed(steps)[4] == {2, 3}, "the first is written over, the last is still to come"
    assert needed([*steps[:2], step("read", "d", 6, 7, result=7)])[2] == {0}


def test_a_cas_needs_the_writes_of_what_it_found() -> None:
    write = step("write", "a", 1, 2, argument=1)
    done = step("cas", "b", 3, 4, argument=(1, 3))
    assert needed([write, done]) == [set(), {0}]


def test_a_refused_cas_needs_the_writes_of_anything_else() -> None:
    steps = [
        step("write", "a", 1, 6, argument=1),
        step("write", "b", 1, 6, argument=2),
        step("cas", "c", 3, 4, argument=(1, 9), status=Status.MISMATCH),
    ]
    assert needed(steps)[2] == {1}


def test_a_step_that_stands_for_a_call_needs_what_the_call_needs() -> None:
    steps = [step(str(Kind.SET), "a", at.start, at.finish, argument=at) for at in LOST]
    assert needed(steps) == needed(LOST)
