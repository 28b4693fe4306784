"""Judging a recorded run: whether one order of its calls explains every answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from msgspec.structs import replace

from etagere.conformance.lab import Lab
from etagere.histories.counterexamples import draw, minimise_calls, page, timelines
from etagere.histories.files import write_history
from etagere.histories.history import Call, History, Kind
from etagere.histories.limits import Limits
from etagere.histories.models import Contract, steps_of
from etagere.histories.search import check_steps
from etagere.histories.steps import Model
from etagere.histories.verdicts import Answer, Verdict
from etagere.histories.versioned import check_versioned

LIMITS: Final = Limits(seconds=20.0)
SHRINKING_SECONDS: Final = 5.0


def check_linearizable(lab: Lab, history: History, limits: Limits = LIMITS) -> None:
    """Fail, with the calls that show it, if no order of a run's calls explains their answers.

    Key by key, and where there are transactions as a whole. The failure has the history and a
    picture of its smallest part attached.
    """

    def check_keys(calls: Sequence[Any]) -> Verdict:
        return check_versioned(History(calls), limits)

    if not lab.capabilities.deletes_tell:
        history = History([without_telling(call) for call in history.calls])
    judge(lab, history, history.calls, check_keys)
    if any(len(call.parts) > 1 for call in history.calls):
        model = Contract(history.calls)
        judge(
            lab,
            history,
            steps_of(history.calls),
            lambda steps: check_steps(steps, model, limits),
            model,
        )


def without_telling(call: Call) -> Call:
    """Return a call without what an unconditional delete said of what was there before it."""
    if call.kind is Kind.DELETE and call.expected is None:
        return replace(call, found=None)
    return call


def judge(
    lab: Lab,
    history: History,
    calls: Sequence[Any],
    check: Callable[[Sequence[Any]], Verdict],
    model: Model[Any] | None = None,
) -> None:
    """Fail on any verdict but a yes."""
    verdict = check(calls)
    if verdict.answer is Answer.YES:
        return
    lab.attach("history.jsonl", as_file(history))
    assert verdict.answer is not Answer.UNDECIDED, (
        f"whether these {verdict.calls} calls are linearizable could not be decided in time;"
        " the history is attached, and `etagere check --seconds` may take longer"
    )
    smallest = minimise_calls(calls, check, seconds=SHRINKING_SECONDS)
    part = smallest if model else History(smallest)
    drawings = list(timelines(part, check(smallest), model=model))
    lab.attach("counterexample.html", page("Not linearizable", *drawings))
    raise AssertionError("\n\n".join(draw(drawing) for drawing in drawings))


def as_file(history: History) -> bytes:
    """Return a history as the content of a file that `etagere check` reads."""
    with TemporaryDirectory() as directory:
        path = Path(directory, "history.jsonl")
        write_history(history, path)
        return path.read_bytes()
