"""Calls in words: in a few, to stand inside an interval, and in full sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from etagere.histories.counterexamples.dependencies import parts_of
from etagere.histories.history import Call, Kind, Status
from etagere.histories.steps import Step
from etagere.operations import ABSENT, Consistency
from etagere.pages import visible

Name = Callable[[str], str]
NOTHING = "nothing"
UNKNOWN = "?"


def call_of(item: Call | Step) -> Call | Step:
    """Return the call that a step stands for, where it stands for one."""
    return item.argument if isinstance(item, Step) and isinstance(item.argument, Call) else item


# --- in a few words ---------------------------------------------------------------------------


def asked(item: Call | Step, name: Name) -> str:
    """Return what was asked, without its condition: "set v2"."""
    if isinstance(item, Step):
        return " ".join(filter(None, [item.function, _argument(item, name)]))
    if item.kind is Kind.TRANSACTION:
        return f"transaction of {len(item.parts)}"
    if item.kind is Kind.SET:
        return f"set {UNKNOWN if item.value is None else name(item.value)}"
    return str(item.kind)


def answered(item: Call | Step, name: Name) -> str:
    """Return the condition and the answer: "if e1 → e2"."""
    if isinstance(item, Step):
        return _result(item, name)
    if item.kind is Kind.GET:
        return f"→ {_version(item, name) if item.status is Status.OK else UNKNOWN}"
    return " ".join(filter(None, [_condition(item, name), _answer(item, name)]))


def _condition(call: Call, name: Name) -> str:
    if call.expected is None:
        return ""
    return f"if {_etag(call.expected, name)}"


def _answer(call: Call, name: Name) -> str:
    if call.status is Status.MISMATCH:
        if call.kind is Kind.TRANSACTION:
            return f"≠ at {call.index + 1}"
        return "≠" if call.actual is None else f"≠ {_etag(call.actual, name)}"
    if call.status is not Status.OK:
        return f"→ {UNKNOWN}"
    if call.kind is Kind.SET:
        return f"→ {UNKNOWN if call.etag is None else name(call.etag)}"
    return f"→ {NOTHING}" if call.found is False else "→ done"


def _version(call: Call, name: Name) -> str:
    return " · ".join(name(text) for text in (call.value, call.etag) if text is not None) or NOTHING


def _etag(etag: str | None, name: Name) -> str:
    return "absent" if etag == ABSENT else name(etag or UNKNOWN)


def _argument(step: Step, name: Name) -> str:
    if step.argument is None:
        return ""
    return " → ".join(name(value_text(part)) for part in parts_of(step.argument))


def _result(step: Step, name: Name) -> str:
    if step.status is Status.MISMATCH:
        return "≠"
    if step.status is not Status.OK:
        return f"→ {UNKNOWN}"
    reads = step.argument is None
    return f"→ {name(value_text(step.result))}" if reads or step.result is not None else "→ done"


def value_text(value: object) -> str:
    """Return a model's value as it is written down."""
    return value if isinstance(value, str) and value else repr(value)


# --- in a sentence ----------------------------------------------------------------------------


def sentence(item: Call | Step) -> str:
    """Return the whole call, in words and in full."""
    if isinstance(item, Step):
        return f"{asked(item, visible)} {_told_step(item)}"
    if item.kind is Kind.TRANSACTION:
        parts = "; ".join(f"{_request(part)} of {visible(part.key)!r}" for part in item.parts)
        return f"transaction ({parts}): {_told(item)}"
    return f"{_request(item)}: {_told(item)}"


def _request(call: Call) -> str:
    what = asked(call, repr)
    if call.kind is Kind.TOUCH:
        what += " to live for ever" if call.ttl is None else f" to live {call.ttl} ms"
    elif call.ttl:
        what += f" for {call.ttl} ms"
    if call.consistency is Consistency.EVENTUAL:
        what += " (eventual)"
    if call.expected is None:
        return what
    if call.expected == ABSENT:
        return f"{what} if nothing is there"
    return f"{what} if the etag is {visible(call.expected)!r}"


def _told(call: Call) -> str:
    if call.status is Status.INFO:
        return "no answer, so it may have taken effect at any time since, or never"
    if call.status is Status.FAIL:
        return "failed without effect"
    if call.status is Status.MISMATCH:
        return _told_mismatch(call)
    if call.kind is Kind.GET:
        return _told_record(call)
    if call.kind is Kind.SET:
        return "done" if call.etag is None else f"done, the etag is now {visible(call.etag)!r}"
    return "done, but nothing was there" if call.found is False else "done"


def _told_mismatch(call: Call) -> str:
    if call.kind is Kind.TRANSACTION:
        return f"refused, the condition of part {call.index + 1} did not hold"
    if call.actual is None:
        return "refused, another version was there"
    if call.actual == ABSENT:
        return "refused, nothing was there"
    return f"refused, the etag was {visible(call.actual)!r}"


def _told_record(call: Call) -> str:
    if call.value is None and call.etag is None:
        return "nothing was there"
    value = "a value" if call.value is None else repr(visible(call.value))
    return f"{value}, etag {visible(call.etag)!r}" if call.etag else value


def _told_step(step: Step) -> str:
    if step.status is Status.INFO:
        return ": no answer, so it may have taken effect at any time since, or never"
    if step.status is Status.MISMATCH:
        return ": refused, its condition did not hold"
    return _result(step, visible)


# --- to be found by ---------------------------------------------------------------------------


def words(item: Call | Step) -> Iterator[str]:
    """Give what a search may look for: client, key, function, values, etags."""
    yield from (item.client, item.key)
    if isinstance(item, Step):
        yield from (item.function, value_text(item.argument), value_text(item.result))
        return
    yield str(item.kind)
    yield from filter(None, (item.value, item.etag, item.expected, item.actual))
    for part in item.parts:
        yield from words(part)


def names_in(item: Call | Step) -> Iterator[str]:
    """Give the values and etags that stand in labels."""
    if isinstance(item, Step):
        yield from map(value_text, (*parts_of(item.argument), item.result))
        return
    yield from filter(None, (item.value, item.etag, item.expected, item.actual))
