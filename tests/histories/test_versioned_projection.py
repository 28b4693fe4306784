"""Transactions as single-key calls, and what unanswered calls mean."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from etagere.histories.history import Call, History, Kind, Status
from etagere.histories.synthetic import Workload, generate
from etagere.histories.verdicts import Anomaly, Answer
from etagere.histories.versioned import calls_by_key, check_versioned
from tests.histories.calls import call, wrote


def part(kind: str, key: str = "k", expected: str | None = None, **fields: object) -> Call:
    return call(kind, 0, key=key, expected=expected, **fields)


def transaction(*parts: Call, status: str = "ok", **fields: object) -> Call:
    return call("transaction", 1, 2, status, key="", parts=parts, client="c", **fields)


def on_key(whole: Call) -> Call:
    (found,) = calls_by_key(History([whole]))["k"]
    return found


def test_a_single_part_is_itself_at_the_time_of_the_whole() -> None:
    found = on_key(transaction(part("set", expected="e", value="A", etag="a"), status="info"))
    assert found == call("set", 1, 2, "info", client="c", expected="e", value="A", etag="a")


def test_several_parts_have_the_first_precondition_and_the_last_effect() -> None:
    found = on_key(
        transaction(
            part("delete", expected="e"),
            part("set", expected="", value="A", etag="a"),
            part("set", expected="a", value="B", etag="b"),
        )
    )
    assert (found.kind, found.expected, found.value, found.etag) == (Kind.SET, "e", "B", "b")
    found = on_key(transaction(part("set", value="A"), part("delete", found=True)))
    assert (found.kind, found.expected, found.found) == (Kind.DELETE, None, None)
    found = on_key(transaction(part("delete", found=True), part("delete", found=False)))
    assert (found.kind, found.found) == (Kind.DELETE, True)


@pytest.mark.parametrize(
    ("ttls", "ttl"), [((7, 0), 7), ((0, 0), 0), ((7, None), None), ((None, 0), None)]
)
def test_a_kept_time_to_live_is_that_of_the_part_before(
    ttls: tuple[int | None, int | None], ttl: int | None
) -> None:
    first, second = ttls
    whole = transaction(part("set", value="A", ttl=first), part("set", value="B", ttl=second))
    assert on_key(whole).ttl == ttl


def test_a_kept_time_to_live_does_not_outlast_a_delete() -> None:
    parts = part("set", value="A", ttl=7), part("delete"), part("set", value="B", ttl=0)
    assert on_key(transaction(*parts)).ttl is None


def answered(whole: Call) -> list[Call]:
    calls = calls_by_key(History([whole]))["k"]
    return [each for each in calls if each.status is not Status.FAIL]


def test_the_part_that_conflicted_is_a_mismatch() -> None:
    whole = transaction(
        part("set", key="other", value="O"),
        part("set", expected="e", value="A"),
        status="mismatch",
        index=1,
        actual="x",
    )
    (found,) = answered(whole)
    assert (found.status, found.expected, found.actual) == (Status.MISMATCH, "e", "x")
    assert found.span == (1, 2)


@pytest.mark.parametrize(("expected", "found"), [("e", True), ("", False)])
def test_the_parts_before_it_saw_what_they_expected(expected: str, found: bool) -> None:
    whole = transaction(
        part("set", expected=expected, value="A"),
        part("set", key="other", expected="e", value="O"),
        status="mismatch",
        index=1,
    )
    (seen,) = answered(whole)
    assert (seen.kind, seen.status, seen.found) == (Kind.GET, Status.OK, found)
    assert seen.etag == (expected or None)


def test_the_parts_after_it_saw_nothing() -> None:
    whole = transaction(
        part("set", key="other", expected="e", value="O"),
        part("set", expected="f", value="A"),
        status="mismatch",
        index=0,
    )
    assert answered(whole) == []


def test_a_conflict_with_an_earlier_part_says_nothing_of_the_store() -> None:
    whole = transaction(
        part("set", value="A"), part("set", expected="", value="B"), status="mismatch", index=1
    )
    assert answered(whole) == []


def test_what_a_refused_transaction_would_have_written_is_known() -> None:
    whole = transaction(
        part("set", key="other", expected="e", value="O"),
        part("set", value="A"),
        status="mismatch",
        index=0,
    )
    read = call("get", 3, 4, value="A", etag="a", found=True)
    verdict = check_versioned(History([whole, read])).keys["k"]
    assert [finding.anomaly for finding in verdict.findings] == [Anomaly.ABORTED_READ]


def test_a_transaction_takes_part_in_the_order_of_each_of_its_keys() -> None:
    whole = transaction(
        part("set", key="one", value="A", etag="a"), part("set", key="two", value="B", etag="b")
    )
    stale = call("get", 3, 4, key="two", found=False)
    verdicts = check_versioned(History([whole, stale])).keys
    assert (verdicts["one"].answer, verdicts["two"].answer) == (Answer.YES, Answer.NO)


# --- unanswered calls ---------------------------------------------------------------------------


def as_never_applied(each: Call) -> Call:
    return replace(each, status=Status.FAIL) if each.status is Status.INFO else each


def as_applied_at_once(each: Call) -> Call:
    if each.status is not Status.INFO or each.kind is Kind.GET:
        return each
    return replace(each, status=Status.OK, finish=each.start + 3)


@pytest.mark.parametrize("misread", [as_never_applied, as_applied_at_once])
def test_reading_the_unknown_as_known_raises_false_alarms(misread: Callable[[Call], Call]) -> None:
    """Were one of the two readings in the checker, no good history would show it."""
    alarms = 0
    for seed in range(40):
        history = generate(Workload(operations=80, unknown=0.3, deletes=0.05, telling=1, seed=seed))
        assert check_versioned(history).answer is Answer.YES
        misread_history = History([misread(each) for each in history.calls])
        alarms += check_versioned(misread_history).answer is Answer.NO
    assert alarms >= 30


def test_calls_are_sorted_by_their_starts() -> None:
    late, early = wrote(3, 4, "b"), wrote(1, 2, "a")
    assert calls_by_key(History([late, early])) == {"k": [early, late]}
