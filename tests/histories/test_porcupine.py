from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from etagere.histories.formats import FORMATS
from etagere.histories.misreadings import MISREADINGS
from etagere.histories.models import Append, CasRegister
from etagere.histories.search import check_steps, replay
from etagere.histories.steps import Model, Step
from etagere.histories.verdicts import Answer, Verdict


def steps_in(folder: Path, name: str) -> list[Step]:
    return FORMATS["jepsen-log" if name.startswith("etcd") else "porcupine-kv"](folder / name)


def is_linearizable(verdict: Verdict, steps: list[Step], model: Model[Any]) -> bool:
    assert verdict.answer is not Answer.UNDECIDED
    for key, each in verdict.keys.items():
        if each.order is not None:
            assert replay(each.order, [step for step in steps if step.key == key], model) is None
    return verdict.answer is Answer.YES


@pytest.mark.parametrize(("kind", "model"), [("etcd", CasRegister()), ("kv", Append())])
def test_every_verdict_is_right(
    porcupine: Path, verdicts: dict[str, bool], kind: str, model: Model[Any]
) -> None:
    expected = {name: each for name, each in verdicts.items() if name.startswith(kind)}
    answers: dict[str, bool] = {}
    for name in expected:
        steps = steps_in(porcupine, name)
        answers[name] = is_linearizable(check_steps(steps, model), steps, model)
    assert expected
    assert answers == expected


@pytest.mark.parametrize(
    "name", ["kv/c01-ok.txt", "kv/c01-bad.txt", "kv/c10-ok.txt", "kv/c10-bad.txt"]
)
def test_keys_need_not_be_taken_apart(
    porcupine: Path, verdicts: dict[str, bool], name: str
) -> None:
    verdict = check_steps(steps_in(porcupine, name), Append(), partition=False)
    assert (verdict.answer is Answer.YES) is verdicts[name]


@pytest.mark.parametrize("misreading", MISREADINGS)
def test_misreading_unknown_steps_breaks_most_good_histories(
    porcupine: Path, verdicts: dict[str, bool], misreading: str
) -> None:
    good = [name for name, each in verdicts.items() if each and name.startswith("etcd")]
    broken = [
        name
        for name in good
        if check_steps(MISREADINGS[misreading](steps_in(porcupine, name)), CasRegister()).answer
        is Answer.NO
    ]
    assert len(broken) > 0.8 * len(good)
