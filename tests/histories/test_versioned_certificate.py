"""`verify`: it accepts an order that explains every answer, and no other."""

from __future__ import annotations

from random import Random

from etagere.histories.history import Call, Status
from etagere.histories.synthetic import Workload, generate
from etagere.histories.versioned import calls_by_key, check_versioned, verify
from tests.histories.calls import call, deleted, wrote

A = wrote(1, 2, "a")
B = wrote(3, 4, "b", "a")
LATE = call("get", 5, 6, value="B", etag="b", found=True)


def test_a_certificate_is_accepted() -> None:
    assert verify([A, B, LATE], [A, B, LATE]) is None


def test_a_call_that_was_answered_must_be_in_it() -> None:
    assert "not in the order" in (verify([A, B, LATE], [A, B]) or "")


def test_a_call_may_be_in_it_once() -> None:
    assert "twice" in (verify([A, B], [A, A, B]) or "")


def test_a_call_must_be_of_the_history() -> None:
    assert "not in the history" in (verify([A, B], [A, B, LATE]) or "")


def test_a_failed_call_must_not_be_in_it() -> None:
    failed = call("delete", 3, 4, "fail")
    assert verify([A, failed], [A]) is None
    assert "not explained" in (verify([A, failed], [A, failed]) or "")


def test_no_call_may_come_after_one_that_began_when_it_was_over() -> None:
    blind = wrote(3, 4, "b")
    assert "began later than it ended" in (verify([A, blind], [blind, A]) or "")


def test_every_answer_must_be_explained() -> None:
    early = call("get", 3, 6, value="A", etag="a", found=True)
    assert verify([A, B, early], [A, early, B]) is None
    assert "not explained" in (verify([A, B, early], [A, B, early]) or "")


def test_an_unanswered_write_may_be_left_out_and_must_fit_where_it_is() -> None:
    unanswered = call("set", 3, status="info", value="C", expected="a")
    read = call("get", 5, 6, value="A", etag="a", found=True)
    assert verify([A, unanswered, read], [A, read]) is None
    assert verify([A, unanswered, read], [A, read, unanswered]) is None
    assert verify([A, unanswered, read], [A, unanswered, read]) is not None
    assert verify([unanswered, A], [unanswered, A]) is not None


def test_an_etag_that_nobody_was_told_is_one_etag() -> None:
    untold = call("set", 1, 2, value="A")
    reads = [call("get", 3, 4, value="A", etag=etag, found=True) for etag in ("x", "y")]
    assert verify([untold, reads[0]], [untold, reads[0]]) is None
    assert verify([untold, *reads], [untold, *reads]) is not None
    refused = call("set", 3, 4, "mismatch", expected="x")
    assert verify([untold, refused], [untold, refused]) is None
    assert verify([untold, refused, reads[0]], [untold, refused, reads[0]]) is not None


def test_what_may_vanish_vanishes_once() -> None:
    mortal, absent = wrote(1, 2, "a", ttl=5), call("get", 3, 4, found=False)
    again = call("get", 5, 6, value="A", etag="a", found=True)
    assert verify([mortal, absent], [mortal, absent]) is None
    assert verify([mortal, absent, again], [mortal, absent, again]) is not None
    assert verify([A, absent], [A, absent]) is not None


def test_corrupted_certificates_are_refused() -> None:
    """Exchange two neighbours that do not commute, drop a call, or repeat one."""
    random = Random(5)
    history = generate(
        Workload(operations=400, clients=6, deletes=0.2, telling=1, unknown=0.05, seed=5)
    )
    calls = calls_by_key(history)["k0"]
    order = check_versioned(history).keys["k0"].order
    assert order is not None
    assert verify(calls, order) is None
    for _ in range(300):
        assert verify(calls, _corrupted(list(order), random)) is not None


def _corrupted(order: list[Call], random: Random) -> list[Call]:
    writes = [
        index
        for index in range(len(order) - 1)
        if _is_write(order[index]) and order[index + 1].kind == "get" and order[index + 1].found
    ]
    answered = [index for index, each in enumerate(order) if each.status is not Status.INFO]
    match random.randrange(3):
        case 0:
            index = random.choice(writes)
            order[index : index + 2] = reversed(order[index : index + 2])
        case 1:
            del order[random.choice(answered)]
        case _:
            order.insert(random.randrange(len(order)), random.choice(order))
    return order


def _is_write(each: Call) -> bool:
    return each.kind == "set" and each.status is Status.OK


def test_the_initial_value_is_there_at_the_start() -> None:
    read = call("get", 1, 2, value="Z", etag="z", found=True)
    gone = deleted(3, 4, expected="z")
    assert verify([read, gone], [read, gone], "Z") is None
    assert verify([read, gone], [read, gone]) is not None
