"""`check_versioned` on small histories: each verdict by name, with the calls that show it."""

from __future__ import annotations

import pytest

from etagere.histories.history import Call, History
from etagere.histories.limits import Limits
from etagere.histories.synthetic import Workload, generate
from etagere.histories.verdicts import Anomaly, Answer, KeyVerdict
from etagere.histories.versioned import calls_by_key, check_versioned, verify
from etagere.operations import Consistency
from tests.histories.calls import call, deleted, wrote


def read(start: int, finish: int, etag: str | None, **fields: object) -> Call:
    seen = (
        {"found": False} if etag is None else {"etag": etag, "value": etag.upper(), "found": True}
    )
    return call("get", start, finish, **(seen | fields))


def refused(start: int, finish: int, expected: str, **fields: object) -> Call:
    return call("set", start, finish, "mismatch", expected=expected, value="refused", **fields)


def unanswered(start: int, etag: str, **fields: object) -> Call:
    return call("set", start, status="info", **({"value": etag.upper()} | fields))


def verdict(*calls: Call, initial: str | None = None) -> KeyVerdict:
    history = History(calls, initial=initial)
    found = check_versioned(history).keys["k"]
    if found.answer is Answer.YES:
        assert found.order is not None
        assert verify(calls_by_key(history)["k"], found.order, initial) is None
    return found


BAD: dict[str, tuple[Anomaly, list[Call], str | None, str]] = {
    "two writes consume one version": (
        Anomaly.LOST_UPDATE,
        [
            wrote(1, 2, "a"),
            wrote(3, 6, "b", "a", client="c1"),
            wrote(4, 5, "c", "a", client="c2"),
        ],
        None,
        "c1 and c2 both consumed the ETag 'a'",
    ),
    "a write and a delete consume one version": (
        Anomaly.LOST_UPDATE,
        [wrote(1, 2, "a"), wrote(3, 6, "b", "a"), deleted(4, 5, expected="a")],
        None,
        "consumed the ETag 'a'",
    ),
    "an unanswered write that was seen consumed it too": (
        Anomaly.LOST_UPDATE,
        [
            wrote(1, 2, "a"),
            wrote(3, 6, "b", "a"),
            unanswered(4, "c", expected="a"),
            read(8, 9, "c"),
        ],
        None,
        "consumed the ETag 'a'",
    ),
    "a read of what was overwritten before it began": (
        Anomaly.STALE_READ,
        [wrote(1, 2, "a"), wrote(3, 4, "b"), read(5, 6, "a")],
        None,
        "a newer version had been there before",
    ),
    "the same within a chain": (
        Anomaly.STALE_READ,
        [wrote(1, 2, "a"), wrote(3, 4, "b", "a"), read(5, 6, "a")],
        None,
        "a newer version had been there before",
    ),
    "an old version in a mismatch": (
        Anomaly.STALE_READ,
        [wrote(1, 2, "a"), wrote(3, 4, "b"), refused(5, 6, "x", actual="a")],
        None,
        "found ETag 'a' instead of ETag 'x'",
    ),
    "nothing, after a write and with no delete": (
        Anomaly.STALE_READ,
        [wrote(1, 2, "a"), read(3, 4, None)],
        None,
        "read and found nothing",
    ),
    "the value of a refused write": (
        Anomaly.ABORTED_READ,
        [wrote(1, 2, "a"), refused(3, 4, "x"), call("get", 5, 6, value="refused", etag="y")],
        None,
        "was answered with a mismatch",
    ),
    "the value of a failed write": (
        Anomaly.ABORTED_READ,
        [call("set", 1, 2, "fail", value="A"), read(3, 4, "a")],
        None,
        "was answered with a failure",
    ),
    "a value that nobody wrote": (
        Anomaly.PHANTOM_READ,
        [wrote(1, 2, "a"), read(3, 4, "b")],
        None,
        "nobody had begun to write",
    ),
    "an etag that nobody wrote": (
        Anomaly.PHANTOM_READ,
        [wrote(1, 2, "a"), wrote(3, 4, "c", "b")],
        None,
        "nobody had begun to write",
    ),
    "nothing, where something was from the start": (
        Anomaly.PHANTOM_READ,
        [read(1, 2, None)],
        "A",
        "nobody had deleted it",
    ),
    "a value before its write began": (
        Anomaly.FUTURE_READ,
        [read(1, 2, "a"), wrote(3, 4, "a")],
        None,
        "read value 'A' at ETag 'a' (call 1), before",
    ),
    "one etag for two writes": (
        Anomaly.ETAG_REUSE,
        [wrote(1, 2, "a"), wrote(3, 4, "a", value="B")],
        None,
        "ETag 'a' stood for two values, 'A' and 'B'",
    ),
    "one etag for two values that were read": (
        Anomaly.ETAG_REUSE,
        [wrote(1, 2, "a"), unanswered(3, "b"), read(4, 5, "a", value="B")],
        None,
        "ETag 'a' stood for two values, 'A' and 'B'",
    ),
    "one value under two etags": (
        Anomaly.ETAG_VALUE_MISMATCH,
        [wrote(1, 2, "a"), read(3, 4, "b", value="A")],
        None,
        "that value has ETag 'a'",
    ),
    "a version written after its successor was there": (
        Anomaly.CHAIN_INVERSION,
        [wrote(5, 6, "a"), wrote(1, 2, "b", "a")],
        None,
        "",
    ),
    "a version consumed before the last of the chain that led to it": (
        Anomaly.CHAIN_INVERSION,
        [wrote(1, 2, "a"), wrote(7, 8, "b", "a"), wrote(3, 10, "c", "b"), read(5, 6, "c")],
        None,
        "a later version than the one that",
    ),
    "two versions that each come first": (
        Anomaly.ZONE_OVERLAP,
        [
            wrote(1, 20, "a"),
            wrote(2, 21, "b"),
            read(3, 4, "a"),
            read(5, 6, "b"),
            read(7, 8, "a"),
            read(9, 10, "b"),
        ],
        None,
        "each had to come before the other",
    ),
    "a version in the middle of another": (
        Anomaly.ZONE_NESTED,
        [wrote(1, 20, "a"), read(3, 4, "a"), wrote(2, 6, "b"), read(5, 7, "b"), read(8, 9, "a")],
        None,
        "in the middle of the time of another version",
    ),
    "a mismatch while what it expected was there": (
        Anomaly.ZONE_NESTED,
        [wrote(1, 2, "a"), read(3, 4, "a"), refused(5, 6, "a"), read(7, 8, "a")],
        None,
        "found something else than ETag 'a'",
    ),
    "a deleted version, read again": (
        Anomaly.RESURRECTION,
        [wrote(1, 2, "a"), deleted(3, 4), read(5, 6, "a")],
        None,
        "again, after",
    ),
    "a version deleted on a condition, read again": (
        Anomaly.RESURRECTION,
        [wrote(1, 2, "a"), deleted(3, 4, expected="a"), read(5, 6, "a")],
        None,
        "again, after",
    ),
    "nothing, between two reads of one version": (
        Anomaly.RESURRECTION,
        [wrote(1, 2, "a"), deleted(3, 20), read(5, 6, None), read(7, 8, "a")],
        None,
        "again, after",
    ),
    "two creations and no delete": (
        Anomaly.NO_ORDER,
        [wrote(1, 4, "a", ""), wrote(2, 3, "b", "")],
        None,
        "none of these can come next",
    ),
    "a mismatch without a precondition": (
        Anomaly.NO_ORDER,
        [call("set", 1, 2, "mismatch", value="A")],
        None,
        "no state of the key explains",
    ),
    "a conditional delete that found nothing": (
        Anomaly.NO_ORDER,
        [wrote(1, 2, "a"), deleted(3, 4, expected="a", found=False)],
        None,
        "no state of the key explains",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_has_a_name(name: str) -> None:
    anomaly, calls, initial, words = BAD[name]
    found = verdict(*calls, initial=initial)
    assert found.answer is Answer.NO
    assert [finding.anomaly for finding in found.findings][:1] == [anomaly]
    assert words in found.findings[0].message
    assert found.findings[0].witnesses
    assert all(any(witness is each for each in calls) for witness in found.findings[0].witnesses)


EVENTUAL = {"consistency": Consistency.EVENTUAL}
GOOD: dict[str, tuple[list[Call], str | None]] = {
    "no calls that say anything": ([call("get", 1, status="info")], None),
    "a write may take effect before a read that began with it": (
        [wrote(1, 10, "a"), read(2, 3, "a"), read(4, 5, "a")],
        None,
    ),
    "an unanswered write takes effect late": (
        [wrote(1, 2, "a"), unanswered(3, "b"), read(4, 5, "a"), read(6, 7, "b")],
        None,
    ),
    "an unanswered write never takes effect": (
        [wrote(1, 2, "a"), unanswered(3, "b"), read(4, 5, "a")],
        None,
    ),
    "a read teaches the etag that is consumed later": (
        [unanswered(1, "a"), read(2, 3, "a"), wrote(4, 5, "b", "a"), read(6, 7, "b")],
        None,
    ),
    "an etag of an unanswered write is consumed unseen": (
        [unanswered(1, "a"), wrote(4, 5, "b", "x"), read(6, 7, "b")],
        None,
    ),
    "an unanswered write explains a mismatch": (
        [wrote(1, 2, "a"), unanswered(3, "b"), refused(4, 5, "a")],
        None,
    ),
    "an unanswered delete explains that nothing is there": (
        [wrote(1, 2, "a"), call("delete", 3, status="info"), read(4, 5, None)],
        None,
    ),
    "an unanswered delete explains a creation": (
        [wrote(1, 2, "a"), call("delete", 3, status="info"), wrote(4, 5, "b", "")],
        None,
    ),
    "what has a time to live may vanish": ([wrote(1, 2, "a", ttl=5), read(3, 4, None)], None),
    "what was touched may vanish": (
        [wrote(1, 2, "a"), call("touch", 3, 4, found=True, ttl=9), wrote(5, 6, "b", "")],
        None,
    ),
    "an unanswered touch may let it vanish": (
        [wrote(1, 2, "a"), call("touch", 3, status="info", ttl=9), read(4, 5, None)],
        None,
    ),
    "a set that keeps a time to live may vanish": (
        [wrote(1, 2, "a", ttl=5), wrote(3, 4, "b", ttl=0), read(5, 6, None)],
        None,
    ),
    "an eventual read may be old": (
        [wrote(1, 2, "a"), wrote(3, 4, "b"), read(5, 6, "a", **EVENTUAL)],
        None,
    ),
    "an eventual read may see nothing still": (
        [wrote(1, 2, "a"), deleted(3, 4), wrote(5, 6, "b"), read(7, 8, None, **EVENTUAL)],
        "Z",
    ),
    "a delete that does not tell fits both": (
        [call("delete", 1, 2), wrote(3, 4, "a"), call("delete", 5, 6), read(7, 8, None)],
        None,
    ),
    "the initial value is read and consumed": (
        [read(1, 2, "z", value="Z"), wrote(3, 4, "a", "z"), read(5, 6, "a")],
        "Z",
    ),
    "values that repeat are told apart by their etags": (
        [wrote(1, 2, "a"), wrote(3, 4, "b", value="A"), read(5, 6, "b", value="A")],
        None,
    ),
    "values that repeat without etags are searched": (
        [
            call("set", 1, 2, value="A"),
            call("set", 3, 4, value="B"),
            call("set", 5, 6, value="A"),
            call("get", 7, 8, value="A", found=True),
        ],
        None,
    ),
    "creations take turns with deletes": (
        [
            wrote(1, 20, "a", ""),
            wrote(2, 21, "b", ""),
            deleted(3, 19, expected="a"),
            deleted(4, 22, expected="b"),
            read(23, 24, None),
        ],
        None,
    ),
    "a failed call never happened": (
        [wrote(1, 2, "a"), call("delete", 3, 4, "fail"), read(5, 6, "a")],
        None,
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_right_has_a_certificate(name: str) -> None:
    calls, initial = GOOD[name]
    found = verdict(*calls, initial=initial)
    assert found.answer is Answer.YES, found.findings
    assert not found.findings


ALMOST: dict[str, list[Call]] = {
    "a cleared time to live": [
        wrote(1, 2, "a", ttl=5),
        call("touch", 3, 4, found=True),
        read(5, 6, None),
    ],
    "nothing to keep": [wrote(1, 2, "a"), wrote(3, 4, "b", ttl=0), read(5, 6, None)],
    "an eventual read of the future": [read(1, 2, "a", **EVENTUAL), wrote(3, 4, "a")],
    "an unanswered write takes effect once": [
        wrote(1, 2, "a"),
        unanswered(3, "b"),
        read(4, 5, "b"),
        wrote(6, 7, "c"),
        read(8, 9, "b"),
    ],
    "an unanswered conditional write needs what it expects": [
        wrote(1, 2, "a"),
        wrote(3, 4, "b"),
        unanswered(5, "c", expected="a"),
        read(6, 7, "c"),
    ],
    "repeated values, searched in vain": [
        call("set", 1, 2, value="A"),
        call("set", 3, 4, value="A"),
        call("set", 5, 6, value="B"),
        call("get", 7, 8, value="A", found=True),
    ],
}


@pytest.mark.parametrize("name", ALMOST)
def test_what_the_rules_just_do_not_allow(name: str) -> None:
    assert verdict(*ALMOST[name]).answer is Answer.NO


def test_keys_have_verdicts_of_their_own() -> None:
    good = [wrote(1, 2, "a", key="good"), read(3, 4, "a", key="good")]
    bad = [wrote(5, 6, "b", key="bad"), read(7, 8, "c", key="bad")]
    found = check_versioned(History([*good, *bad]))
    assert found.answer is Answer.NO
    assert found.calls == 4
    assert {key: verdict.answer for key, verdict in found.keys.items()} == {
        "good": Answer.YES,
        "bad": Answer.NO,
    }


def test_an_empty_history_is_linearizable() -> None:
    assert check_versioned(History([])).answer is Answer.YES


def test_no_time_for_a_search_is_undecided() -> None:
    calls, _ = GOOD["values that repeat without etags are searched"]
    found = check_versioned(History(calls), Limits(seconds=0))
    assert found.answer is Answer.UNDECIDED
    assert [finding.anomaly for finding in found.findings] == [Anomaly.UNDECIDED]
    assert "raise" in found.findings[0].message


def test_the_first_pass_keeps_the_time_limit() -> None:
    history = generate(Workload(operations=10_000, unknown=0, seed=2))
    found = check_versioned(history, Limits(seconds=0))
    assert found.answer is Answer.UNDECIDED
    assert "before the first pass was" in found.findings[0].message


def test_what_went_wrong_is_told_in_sentences() -> None:
    for anomaly, calls, initial, _ in BAD.values():
        (message, *_) = [finding.message for finding in verdict(*calls, initial=initial).findings]
        assert message.endswith("."), anomaly
        assert message[0].isupper() or message.startswith("c"), message


def test_the_witnesses_are_calls_of_the_history_even_where_the_writer_is_not_known() -> None:
    lost = unanswered(5, "c", client="c3")
    calls = [wrote(1, 2, "b", "a", client="c1"), refused(1, 8, "z", actual="a"), lost]
    finding = verdict(*calls).findings[0]
    assert "c3" in finding.message
    assert all(witness in calls for witness in finding.witnesses)
