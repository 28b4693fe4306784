"""Whether replicas agree in the end, and what became of acknowledged writes."""

from __future__ import annotations

from typing import Any

import pytest

from etagere.histories.convergence import Convergence, check_convergence
from etagere.histories.history import Call
from tests.histories.calls import call, deleted, history, saw, unknown, wrote

A, B, C = ("A", "a"), ("B", "b"), ("C", "c")


def end(calls: list[Call], *held: Any, initial: str | None = None) -> Convergence:
    """Check a history of key k against what each replica holds there; None: nothing."""
    replicas = {f"r{n}": {} if each is None else {"k": each} for n, each in enumerate(held)}
    return check_convergence(history(*calls, initial=initial), replicas)


def lost(calls: list[Call], *held: Any) -> list[str | None]:
    return [each.etag for each in end(calls, *held).lost]


IN_TURN = [wrote(1, 2, "a"), wrote(3, 4, "b")]


def test_replicas_that_agree() -> None:
    found = end(IN_TURN, B, B, B)
    assert found.converged
    assert len(set(found.digests.values())) == 1
    assert found.acknowledged == 2


def test_replicas_that_do_not() -> None:
    found = end(IN_TURN, B, A, None)
    assert not found.agreed
    assert found.diverged == {"k": {"r0": B, "r1": A, "r2": (None, None)}}
    # One replica has it: it is not lost.
    assert found.lost == []


def test_a_key_that_only_a_replica_knows() -> None:
    found = check_convergence(history(), {"r0": {"x": A}, "r1": {}})
    assert found.diverged == {"x": {"r0": A, "r1": (None, None)}}
    assert found.invented == {"x": [A]}


@pytest.mark.parametrize("held", [C, ("B", "a"), ("X", "b")])
def test_what_nobody_wrote(held: Any) -> None:
    found = end([*IN_TURN, saw(5, 6, "c")], held)
    assert found.invented == {"k": [held]}
    assert not found.converged


def test_what_was_there_before() -> None:
    read = call("get", 1, 2, value="v0", found=True)
    assert end([read], ("v0", None), initial="v0").converged
    assert end([read], None, initial="v0").invented == {"k": [(None, None)]}


@pytest.mark.parametrize(
    ("calls", "held", "missing"),
    [
        pytest.param(IN_TURN, B, [], id="overwritten"),
        pytest.param(IN_TURN, A, ["b"], id="fallen back"),
        pytest.param(IN_TURN, None, ["a", "b"], id="forgotten"),
        pytest.param([*IN_TURN, deleted(5, 6)], None, [], id="deleted"),
        pytest.param([*IN_TURN, deleted(5, 6)], B, [None], id="a delete that is lost"),
        pytest.param([wrote(1, 2, "a"), unknown(wrote(3, 4, "b"))], A, [], id="never acknowledged"),
        pytest.param([wrote(1, 9, "a"), wrote(2, 8, "b")], A, [], id="at the same time"),
        pytest.param(
            [wrote(1, 2, "a"), wrote(3, 9, "b", "a"), wrote(4, 8, "c", "a")],
            C,
            ["b"],
            id="both on one version",
        ),
        pytest.param(
            [wrote(1, 2, "a"), wrote(3, 4, "b", "a"), wrote(5, 6, "c", "b")],
            B,
            ["c"],
            id="the end of a chain",
        ),
        pytest.param([wrote(1, 2, "a", ttl=5)], None, [], id="expired"),
        pytest.param(
            [*IN_TURN, call("set", 5, 6, "mismatch", expected="x", value="C")],
            B,
            [],
            id="a mismatch wrote nothing",
        ),
    ],
)
def test_acknowledged_writes(calls: list[Call], held: Any, missing: list[str | None]) -> None:
    assert lost(calls, held) == missing
