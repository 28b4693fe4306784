"""Messages, states and faults in a few words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast

from msgspec import Struct

from etagere.operations import Record
from etagere_sim.world import faults
from etagere_sim.world.faults import Fault

LONGEST: Final = 160
MOST_NAMES: Final = 3
DISKS: Final = {
    "kept": "its writes are kept",
    "lost": "unsynced writes are lost",
    "torn": "unsynced writes are torn",
}


class Texts(dict[str, int]):
    """Texts, each once, with its place among them: most are said many times."""

    def __missing__(self, text: str) -> int:
        place = self[text] = len(self)
        return place


class Teller:
    """Tells messages in words, and leaves out what is the same in all of a kind."""

    def __init__(self, messages: Iterable[Any]) -> None:
        values: dict[tuple[type, str], list[Any]] = defaultdict(list)
        for message in messages:
            for name in _names(message):
                known = values[type(message), name]
                value = getattr(message, name)
                if len(known) < 2 and value not in known:
                    known.append(value)
        self._telling = {each for each, known in values.items() if len(known) > 1}

    def __call__(self, message: Any) -> str:
        """Return what a message says."""
        told = (
            f"{name.replace('_', ' ')} {brief(getattr(message, name))}"
            for name in _names(message)
            if (type(message), name) in self._telling
        )
        return cut_short(", ".join(told))


def brief(value: Any) -> str:
    """Return a value in words: the names of what it is made of, and nothing that is empty."""
    if isinstance(value, Record):
        text = brief(value.value)
        return text if text == value.etag else f"{text} · {value.etag}"
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Struct):
        parts = ((name, getattr(value, name)) for name in _names(value))
        told = [f"{name.replace('_', ' ')} {brief(part)}" for name, part in parts if _tells(part)]
        return f"({', '.join(told)})" if told else "(nothing)"
    if isinstance(value, tuple | list):
        return f"({', '.join(map(brief, cast('Sequence[Any]', value)))})"
    if isinstance(value, dict):
        named = cast("Mapping[Any, Any]", value)
        return f"({', '.join(f'{key} {brief(each)}' for key, each in named.items())})"
    if value is None:
        return "nothing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def cut_short(text: str) -> str:
    """Return the beginning of a text that is too long."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def fault_label(fault: Fault) -> str:
    """Return what went wrong."""
    return LABELS[type(fault)](fault)


def trouble(fault: faults.MessageFault) -> str:
    """Return what befell a message."""
    if fault.what == faults.LATE:
        return f"{fault.milliseconds:.3g} ms late"
    if fault.what == faults.TWICE:
        return f"comes twice, {fault.milliseconds:.3g} ms apart"
    return "lost"


def _list(hosts: Sequence[str]) -> str:
    return ", ".join(hosts) if len(hosts) <= MOST_NAMES else f"{len(hosts)} hosts"


def _names(value: Any) -> tuple[str, ...]:
    return value.__struct_fields__ if isinstance(value, Struct) else ()


def _tells(value: Any) -> bool:
    return value is not None and value not in ("", (), 0, (0, ""))


LABELS: Final[Mapping[type, Callable[[Any], str]]] = {
    faults.Cut: lambda cut: (
        f"cut {_list(cut.sources)} {'↮' if cut.both else '↛'} {_list(cut.targets)}"
    ),
    faults.Held: lambda held: f"held back {_list(held.sources)} → {_list(held.targets)}",
    faults.Paused: lambda paused: f"{paused.host} paused",
    faults.Slowed: lambda slowed: f"{slowed.host} hears {slowed.by:.3g} ms late",
    faults.Died: lambda died: f"{died.host} died, {DISKS[died.disk]}",
    faults.DiskFails: lambda failing: f"disk of {failing.host}: {failing.why}",
    faults.BitFlipped: lambda bit: f"a bit flips on the disk of {bit.host}",
    faults.ClockStepped: lambda step: f"clock of {step.host} jumps {step.by:+.3g} ms",
    faults.ClockDrifts: lambda drift: f"clock of {drift.host} runs {drift.rate:.3g} times as fast",
    faults.SentTwice: lambda again: f"{again.client} sends its request {again.number} again",
    faults.MessageFault: trouble,
}
