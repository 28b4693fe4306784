"""Every error: its certainty, what it says, and that it survives a journey between processes."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from etagere import KEEP, Certainty, errors
from etagere.errors import (
    EtagereError,
    ETagMismatch,
    Interrupted,
    NotReplicated,
    OutcomeUnknown,
)
from etagere.operations import Mutation, Remove, Touch, Transaction, Write

write = Write("k", b"v", "e1", ttl=KEEP)
transaction = Transaction((write, Remove("k", "e1")))

SPECIAL: list[EtagereError] = [
    ETagMismatch("k", "e0", "e1"),
    ETagMismatch("k", None, "e1", 3),
    NotReplicated("k", "e1", "1 of 2 replicas"),
    OutcomeUnknown(write, "key 'k' may or may not have been written"),
    OutcomeUnknown(transaction, "the transaction may or may not have been written"),
]
KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, EtagereError)
]
PLAIN = [kind("what happened") for kind in KINDS if kind not in {type(e) for e in SPECIAL}]


def test_all_kinds_are_here() -> None:
    assert len(KINDS) == 13
    assert {type(error) for error in SPECIAL + PLAIN} == set(KINDS)


@pytest.mark.parametrize("error", SPECIAL + PLAIN, ids=repr)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling(error: EtagereError, protocol: int) -> None:
    same(error, pickle.loads(pickle.dumps(error, protocol)))


@pytest.mark.parametrize("error", SPECIAL + PLAIN, ids=repr)
def test_copying(error: EtagereError) -> None:
    same(error, copy.copy(error))
    same(error, copy.deepcopy(error))


def same(one: EtagereError, other: EtagereError) -> None:
    assert type(one) is type(other)
    assert (str(one), one.args, one.certainty) == (str(other), other.args, other.certainty)
    assert vars(one) == vars(other)


@pytest.mark.parametrize("kind", KINDS)
def test_certainty(kind: type[EtagereError]) -> None:
    known = {
        OutcomeUnknown: Certainty.UNKNOWN,
        Interrupted: Certainty.UNKNOWN,
        NotReplicated: Certainty.APPLIED,
    }
    assert kind.certainty is known.get(kind, Certainty.NOT_APPLIED)


@pytest.mark.parametrize(
    "kind",
    [errors.InvalidArgument, errors.TooLarge, errors.ConfigurationError, errors.DecodeError],
)
def test_wrong_values_are_value_errors(kind: type[EtagereError]) -> None:
    assert issubclass(kind, ValueError)


def test_the_tree_in_the_documentation_is_complete() -> None:
    assert errors.__doc__ is not None
    for kind in set(KINDS) - {Interrupted}:
        assert kind.__name__ in errors.__doc__


REST = "; nothing was changed. Read it again and decide anew"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            ETagMismatch("cart", "e0", "e1"),
            f"key 'cart' was to be at ETag 'e0' but is at ETag 'e1'{REST}",
        ),
        (
            ETagMismatch("cart", None, "e1"),
            f"key 'cart' was to be absent but is at ETag 'e1'{REST}",
        ),
        (
            ETagMismatch("k", "e0", None, 2),
            f"key 'k' (operation 2 of the transaction) was to be at ETag 'e0' but is absent{REST}",
        ),
        (NotReplicated("k", None, "1 of 2 replicas"), "1 of 2 replicas"),
        (OutcomeUnknown(write, "sent, not answered"), "sent, not answered"),
    ],
)
def test_messages(error: EtagereError, message: str) -> None:
    assert str(error) == message


@pytest.mark.parametrize(
    ("operation", "key", "etag"),
    [
        (write, "k", "e1"),
        (Remove("k", "e0"), "k", None),
        (Touch("k", 5), "k", None),
        (transaction, None, None),
    ],
)
def test_an_unknown_outcome_knows_its_operation(
    operation: Mutation, key: str | None, etag: str | None
) -> None:
    error = OutcomeUnknown(operation, "")
    assert (error.operation, error.key, error.etag) == (operation, key, etag)
