"""From a file to its verdict: which reader, which model, which checker."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import islice
from os import PathLike, fspath
from typing import Any, Final, cast

from msgspec import Struct
from msgspec.structs import replace

from etagere.errors import InvalidArgument
from etagere.histories.counterexamples import Timeline, minimise_calls, timelines
from etagere.histories.files import load_history
from etagere.histories.formats import FORMATS
from etagere.histories.formats.edn import EdnError, read_edn
from etagere.histories.history import History
from etagere.histories.identities import identity_of
from etagere.histories.limits import Limits
from etagere.histories.models import MODELS
from etagere.histories.search import check_steps
from etagere.histories.steps import Model, Step
from etagere.histories.verdicts import Anomaly, Verdict
from etagere.histories.versioned import calls_by_key, check_versioned

ETAGERE: Final = "etagere"
VERSIONED: Final = "versioned"
APPEND: Final = "append"
MODEL_OF_FORMAT: Final[Mapping[str, str]] = {
    ETAGERE: VERSIONED,
    "jepsen-log": "cas-register",
    "jepsen-edn": "cas-register",
    "porcupine-kv": APPEND,
}
"""Every format, and the model that its histories are of unless another one is named."""
SHRINKING_SECONDS: Final = 5.0


class Case(Struct, frozen=True):
    """What a file holds, and how it is checked."""

    source: str
    history: History | Sequence[Step]
    """A `History` where the format is etagere's own, steps of `model` where it is another."""
    check: Callable[[History | Sequence[Any]], Verdict]
    """Check all of it, or some calls of one key. Raises `InvalidArgument` for a wrong model."""
    model: Model[Any] | None = None

    def drawings(self, verdict: Verdict, most: int) -> list[Timeline]:
        """Return drawings of the first findings of a verdict; of its orders, if it has none.

        A finding that no calls witness but all together is made smaller first.
        """
        first = next(iter(verdict.findings), None)
        if first is not None and first.anomaly is Anomaly.NO_ORDER:
            calls = self._calls_of(first.key)
            smaller = minimise_calls(calls, self.check, seconds=SHRINKING_SECONDS)
            part, again = self._part(smaller), self.check(smaller)
            return list(islice(timelines(part, again, model=self.model), 1))
        faults = {key: judged for key, judged in verdict.keys.items() if judged.findings}
        shown = replace(verdict, keys=faults or verdict.keys)
        return list(islice(timelines(self.history, shown, model=self.model), most))

    def _calls_of(self, key: str) -> Sequence[Any]:
        if isinstance(self.history, History):
            return calls_by_key(self.history)[key]
        return [step for step in self.history if step.key == key]

    def _part(self, calls: Sequence[Any]) -> History | Sequence[Step]:
        if isinstance(self.history, History):
            return History(calls, self.source, self.history.initial)
        return calls


def read_case(
    path: str | PathLike[str],
    *,
    form: str = ETAGERE,
    model: str | None = None,
    initial: str | None = None,
    limits: Limits,
) -> Case:
    """Read a file, and choose its checker.

    `initial` is what every key holds at the start, as it stands on a command line. Raises
    `MalformedHistory`, and `InvalidArgument` where the model is not one for such histories.
    """
    model = model or MODEL_OF_FORMAT[form]
    if (form == ETAGERE) != (model == VERSIONED):
        raise InvalidArgument(
            f"histories in the format {form!r} cannot be held against the model {model!r}:"
            f" {VERSIONED!r} is for {ETAGERE!r}, the other models are for the other formats"
        )
    if form == ETAGERE:
        return _case_of_versions(path, initial, limits)
    return _case_of_steps(path, form, model, initial, limits)


def _case_of_versions(path: str | PathLike[str], initial: str | None, limits: Limits) -> Case:
    loaded = load_history(path)
    if initial is not None:
        loaded = History(loaded.calls, loaded.source, identity_of(initial))

    def check(history: History | Sequence[Any]) -> Verdict:
        if not isinstance(history, History):
            history = History(history, loaded.source, loaded.initial)
        return check_versioned(history, limits)

    return Case(loaded.source, loaded, check)


def _case_of_steps(
    path: str | PathLike[str], form: str, name: str, initial: str | None, limits: Limits
) -> Case:
    steps = FORMATS[form](path)
    make = MODELS[name]
    model = make() if initial is None else make(initial_of(name, initial))

    def check(steps: History | Sequence[Any]) -> Verdict:
        assert not isinstance(steps, History)  # noqa: S101
        return check_steps(steps, model, limits)

    return Case(fspath(path), steps, check, model)


def initial_of(model: str, text: str) -> Hashable:
    """Return the value at the start, as the model's histories have it: EDN, but text for append."""
    if model == APPEND:
        return text
    try:
        (value,) = read_edn(text)
        hash(value)
    except (EdnError, ValueError, TypeError) as error:
        raise InvalidArgument(f"the initial value {text!r} is not one value in EDN") from error
    return cast("Hashable", value)
