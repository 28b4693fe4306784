"""`etagere.contract`: each row of its table, and agreement with a model written on its own."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etagere import contract
from etagere.errors import InvalidArgument, TooLarge
from etagere.operations import (
    ABSENT,
    ANYTHING,
    KEEP,
    Concurrency,
    Conflict,
    Consistency,
    Operation,
    Outcome,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from tests.core.model import FOREVER, Model

NOW = 1_000_000
OLD = Record(b"old", "e0", None)
DYING = Record(b"old", "e0", NOW + 1)
EXPIRED = Record(b"old", "e0", NOW)

# expected, what was there -> does the precondition hold, and what was the actual etag
TABLE = [
    (ANYTHING, None, True, None),
    (ANYTHING, OLD, True, "e0"),
    (ANYTHING, EXPIRED, True, None),
    (ABSENT, None, True, None),
    (ABSENT, OLD, False, "e0"),
    (ABSENT, DYING, False, "e0"),
    (ABSENT, EXPIRED, True, None),
    ("e0", None, False, None),
    ("e0", OLD, True, "e0"),
    ("e0", DYING, True, "e0"),
    ("e0", EXPIRED, False, None),
    ("e9", OLD, False, "e0"),
    ("e9", None, False, None),
    (contract.UNMATCHABLE, OLD, False, "e0"),
    (contract.UNMATCHABLE, None, False, None),
]


@pytest.mark.parametrize(("expected", "before", "holds", "actual"), TABLE)
class TestTable:
    def test_write(self, expected: Any, before: Any, holds: bool, actual: Any) -> None:
        after, outcome = contract.apply(before, Write("k", b"new", "e1", expected), NOW)
        if holds:
            assert (after, outcome) == (Record(b"new", "e1", None), True)
        else:
            assert (after, outcome) == (live(before), Conflict(actual))

    def test_remove(self, expected: Any, before: Any, holds: bool, actual: Any) -> None:
        after, outcome = contract.apply(before, Remove("k", expected), NOW)
        if holds:
            assert (after, outcome) == (None, actual is not None)
        else:
            assert (after, outcome) == (live(before), Conflict(actual))

    def test_touch(self, expected: Any, before: Any, holds: bool, actual: Any) -> None:
        after, outcome = contract.apply(before, Touch("k", 50, expected), NOW)
        if not holds:
            assert (after, outcome) == (live(before), Conflict(actual))
        elif actual is None:
            assert (after, outcome) == (None, False)
        else:
            assert (after, outcome) == (Record(b"old", "e0", NOW + 50), True)

    def test_inside_a_transaction(
        self, expected: Any, before: Any, holds: bool, actual: Any
    ) -> None:
        neighbour = Write("n", b"n", "e5")
        parts = (neighbour, Write("k", b"new", "e1", expected))
        changes, outcome = contract.apply_transaction({"k": before}.get, Transaction(parts), NOW)
        if holds:
            assert outcome == (True, True)
            assert changes == {"n": Record(b"n", "e5"), "k": Record(b"new", "e1")}
        else:
            assert (changes, outcome) == ({}, Conflict(actual, 1))


def live(record: Record | None) -> Record | None:
    return None if record is EXPIRED else record


@pytest.mark.parametrize(
    ("concurrency", "etag", "expected"),
    [
        ("last-write", None, ANYTHING),
        ("last-write", "", ANYTHING),
        ("first-write", None, ABSENT),
        ("first-write", "", ABSENT),
        ("last-write", "e0", "e0"),
        ("first-write", "e0", "e0"),
        (Concurrency.FIRST_WRITE, "*", "*"),
        (Concurrency.LAST_WRITE, "é" * 256, "é" * 256),
        ("last-write", "x" * 257, contract.UNMATCHABLE),
        ("first-write", "nul\0", contract.UNMATCHABLE),
        ("last-write", "\ud800", contract.UNMATCHABLE),
    ],
)
def test_two_options_make_one_precondition(concurrency: str, etag: Any, expected: Any) -> None:
    assert contract.precondition(concurrency, etag) == expected


@pytest.mark.parametrize("etag", [b"e0", 7, ["e0"]])
def test_an_etag_is_text(etag: Any) -> None:
    with pytest.raises(InvalidArgument, match="an ETag is text or None"):
        contract.precondition("last-write", etag)


@pytest.mark.parametrize("word", ["", "first", "FIRST-WRITE", None, 1, []])
def test_a_wrong_concurrency_names_the_right_ones(word: Any) -> None:
    with pytest.raises(InvalidArgument, match="'last-write' or 'first-write'"):
        contract.concurrency_of(word)


@pytest.mark.parametrize("word", ["", "Strong", None, {}])
def test_a_wrong_consistency_names_the_right_ones(word: Any) -> None:
    with pytest.raises(InvalidArgument, match="'eventual' or 'strong'"):
        contract.consistency_of(word)


@pytest.mark.parametrize("level", Consistency)
def test_options_are_dapr_words_or_enums(level: Consistency) -> None:
    assert contract.consistency_of(level.value) is contract.consistency_of(level) is level


class TestIdempotence:
    """A write whose etag is in place is in place: sending it again changes nothing."""

    @pytest.mark.parametrize("expected", [ANYTHING, ABSENT, "e0", "e1", "e9"])
    def test_repeated_write_succeeds_whatever_it_expects(self, expected: Any) -> None:
        place = Record(b"first", "e1", NOW + 5)
        again = Write("k", b"again", "e1", expected, ttl=90)
        assert contract.apply(place, again, NOW) == (place, True)

    def test_once_expired_it_is_not_in_place(self) -> None:
        gone = Record(b"first", "e1", NOW)
        after, outcome = contract.apply(gone, Write("k", b"again", "e1"), NOW)
        assert (after, outcome) == (Record(b"again", "e1"), True)

    def test_after_another_write_it_is_a_conflict(self) -> None:
        after, outcome = contract.apply(
            Record(b"third", "e2"), Write("k", b"x", "e1", expected="e0"), NOW
        )
        assert (after, outcome) == (Record(b"third", "e2"), Conflict("e2"))


class TestTtl:
    def test_write_without_ttl_clears_it(self) -> None:
        after, _ = contract.apply(DYING, Write("k", b"", "e1"), NOW)
        assert after == Record(b"", "e1", None)

    def test_write_with_ttl_starts_now(self) -> None:
        after, _ = contract.apply(DYING, Write("k", b"", "e1", ttl=70), NOW)
        assert after == Record(b"", "e1", NOW + 70)

    @pytest.mark.parametrize(
        ("before", "expires"), [(DYING, NOW + 1), (OLD, None), (None, None), (EXPIRED, None)]
    )
    def test_keep_keeps_what_there_is(self, before: Any, expires: Any) -> None:
        after, _ = contract.apply(before, Write("k", b"", "e1", ttl=KEEP), NOW)
        assert after == Record(b"", "e1", expires)

    def test_touch_can_clear(self) -> None:
        assert contract.apply(DYING, Touch("k", None), NOW) == (Record(b"old", "e0"), True)

    def test_expired_means_its_last_millisecond_has_begun(self) -> None:
        assert contract.apply(DYING, Read("k"), NOW) == (DYING, DYING)
        assert contract.apply(DYING, Read("k"), NOW + 1) == (None, None)


class TestTransaction:
    def test_operations_see_the_earlier_ones_on_their_key(self) -> None:
        parts = (
            Write("k", b"1", "e1", ABSENT),
            Write("k", b"2", "e2", "e1", ttl=9),
            Write("k", b"3", "e3", "e2", ttl=KEEP),
            Remove("other"),
        )
        changes, outcome = contract.apply_transaction({}.get, Transaction(parts), NOW)
        assert outcome == (True, True, True, False)
        assert changes == {"k": Record(b"3", "e3", NOW + 9), "other": None}

    def test_a_key_can_be_deleted_and_created_again(self) -> None:
        parts = (Remove("k", "e0"), Remove("k"), Write("k", b"2", "e2", ABSENT))
        changes, outcome = contract.apply_transaction({"k": OLD}.get, Transaction(parts), NOW)
        assert (changes, outcome) == ({"k": Record(b"2", "e2")}, (True, False, True))

    def test_the_first_conflict_is_named_and_nothing_changes(self) -> None:
        parts = (Write("k", b"1", "e1"), Remove("k", "e0"), Write("k", b"2", "e2", ABSENT))
        changes, outcome = contract.apply_transaction({"k": OLD}.get, Transaction(parts), NOW)
        assert (changes, outcome) == ({}, Conflict("e1", 1))

    def test_an_empty_one_does_nothing(self) -> None:
        assert contract.apply_transaction({}.get, Transaction(()), NOW) == ({}, ())


# --- agreement with the model -------------------------------------------------------------------

KEYS = st.sampled_from(["a", "b"])
ETAGS = st.sampled_from(["e1", "e2", "e3", "e4"])
EXPECTED = st.one_of(st.none(), st.just(""), ETAGS, st.just(contract.UNMATCHABLE))
TTL = st.one_of(st.none(), st.integers(1, 4))

WRITES = st.builds(
    Write, KEYS, st.binary(max_size=2), ETAGS, EXPECTED, st.one_of(TTL, st.just(KEEP))
)
REMOVES = st.builds(Remove, KEYS, EXPECTED)
TOUCHES = st.builds(Touch, KEYS, TTL, EXPECTED)
SINGLES = st.one_of(WRITES, WRITES, REMOVES, TOUCHES, st.builds(Read, KEYS))
TRANSACTIONS = st.builds(Transaction, st.lists(st.one_of(WRITES, REMOVES), max_size=5).map(tuple))
STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.one_of(SINGLES, SINGLES, TRANSACTIONS)), max_size=30
)


@given(STEPS)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_agrees_with_the_model(steps: list[tuple[int, Operation]]) -> None:
    model, records, now = Model(), dict[str, Record | None](), 0
    for pause, operation in steps:
        now += pause
        model.now = now
        if isinstance(operation, Transaction):
            changes, outcome = contract.apply_transaction(records.get, operation, now)
            records |= changes
            assert in_words(outcome, transaction=True) == model.ask_all(
                [asked(part) for part in operation.operations]
            )
        else:
            after, outcome = contract.apply(records.get(operation.key), operation, now)
            records[operation.key] = after
            kind, how = asked(operation)
            assert in_words(outcome) == model.ask(kind, **how)
        model.drop_expired()
        assert model.rows == {
            key: list(row)
            for key, record in records.items()
            if (row := in_words(contract.apply(record, Read(key), now)[1])) is not None
        }


def asked(operation: Operation) -> tuple[str, dict[str, Any]]:
    kind = type(operation).__name__.lower()
    fields = {name: getattr(operation, name) for name in operation.__struct_fields__}
    if fields.get("ttl") is KEEP:
        fields["ttl"] = "keep"
    return kind, fields


def in_words(outcome: Outcome, *, transaction: bool = False) -> Any:
    if isinstance(outcome, Conflict):
        return ("conflict", outcome.actual) + ((outcome.index,) if transaction else ())
    if isinstance(outcome, Record):
        expires = FOREVER if outcome.expires_at is None else outcome.expires_at
        return (outcome.value, outcome.etag, expires)
    return outcome


# --- what may be asked --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "k",
        "x" * 1024,
        "é" * 512,
        "🦜" * 256,
        "🦜",
        " ",
        "\n",
        "a|b",
        "|",
        "a/b%*[\\]{}'\"",
        "\U0010ffff",
    ],
)
def test_keys_up_to_the_limit_are_taken(key: str) -> None:
    contract.check_key(key, 1024)


@pytest.mark.parametrize("key", ["x" * 1025, "é" * 513, "🦜" * 257, "x" * 10_000_000])
def test_keys_over_the_limit_say_so(key: str) -> None:
    with pytest.raises(TooLarge, match=r"is \d+ bytes long; the limit is 1024") as raised:
        contract.check_key(key, 1024)
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "must not be empty"),
        ("nul\0", "contains NUL"),
        ("half \ud83d", "lone surrogate"),
        ("app||key", "kept for key prefixes"),
        ("||", "kept for key prefixes"),
        ("|||", "kept for key prefixes"),
        (b"bytes", "a key is text, not bytes"),
        (None, "a key is text, not NoneType"),
        (7, "a key is text, not int"),
    ],
)
def test_keys_that_cannot_be_stored(key: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message) as raised:
        contract.check_key(key, 1024)
    assert not isinstance(raised.value, TooLarge)
    str(raised.value).encode()


@given(st.text(min_size=1, max_size=40))
@settings(deadline=None, derandomize=True)
def test_any_other_text_is_a_key_if_it_is_short_enough(text: str) -> None:
    if "||" in text or "\0" in text:
        return
    if len(text.encode()) <= 20:
        contract.check_key(text, 20)
    else:
        with pytest.raises(TooLarge):
            contract.check_key(text, 20)


@pytest.mark.parametrize("value", [b"", b"\0", b"x" * 10])
def test_values_up_to_the_limit_are_taken(value: bytes) -> None:
    contract.check_value("k", value, 10)


def test_a_value_over_the_limit_names_its_key() -> None:
    with pytest.raises(TooLarge, match="key 'k' is 11 bytes long; the limit is 10"):
        contract.check_value("k", b"x" * 11, 10)


@pytest.mark.parametrize("value", ["text", bytearray(b"x"), memoryview(b"x"), None, 1])
def test_a_value_is_bytes(value: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"key 'k' is bytes, not .*; encode it"):
        contract.check_value("k", value, 10)


@pytest.mark.parametrize(
    ("ttl", "milliseconds"),
    [
        (1, 1000),
        (0.001, 1),
        (0.0001, 1),
        (1e-300, 1),
        (1.0005, 1001),
        (2.007, 2007),
        (timedelta(milliseconds=2007), 2007),
        (60, 60_000),
        (timedelta(milliseconds=1), 1),
        (timedelta(microseconds=1), 1),
        (timedelta(days=1, milliseconds=7), 86_400_007),
        (contract.MAX_TTL, 365_000 * 86_400_000),
    ],
)
def test_a_ttl_is_rounded_up_to_milliseconds(ttl: Any, milliseconds: int) -> None:
    assert contract.milliseconds(ttl) == milliseconds


@given(st.integers(1, 10**10))
@settings(deadline=None, derandomize=True, max_examples=1000)
def test_a_timedelta_of_milliseconds_is_exact(milliseconds: int) -> None:
    assert contract.milliseconds(timedelta(milliseconds=milliseconds)) == milliseconds


@pytest.mark.parametrize(
    "ttl",
    [
        0,
        -1,
        0.0,
        -0.001,
        float("nan"),
        float("inf"),
        float("-inf"),
        10**400,
        -(10**400),
        1e300,
        timedelta(0),
        timedelta(days=-1),
        timedelta.max,
        contract.MAX_TTL + timedelta(microseconds=1000),
    ],
)
def test_a_ttl_out_of_bounds_says_what_to_do(ttl: Any) -> None:
    with pytest.raises(InvalidArgument, match="leave it out for a key that never expires"):
        contract.milliseconds(ttl)


@pytest.mark.parametrize("ttl", ["1", True, None, KEEP, Decimal(1), b"", [1]])
def test_a_ttl_is_a_number_or_a_timedelta(ttl: Any) -> None:
    with pytest.raises(InvalidArgument, match="a ttl is seconds or a timedelta, not"):
        contract.milliseconds(ttl)
