"""Findings as text, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from msgspec import Struct

from etagere.histories.counterexamples.drawing import Interval, Timeline
from etagere.histories.counterexamples.layout import edges
from etagere.pages import visible

WIDTH = 100
NARROWEST = 40
LEAST = 1
NAME_CHARS = 16
INDENT = "  "
MARGIN = "     "


class _Signs(Struct, frozen=True):
    """The characters that draw an interval: of a call, and of a witness."""

    starts: str
    lines: str
    finishes: str
    forever: str
    point: str
    gap: str


UNICODE = _Signs("├┣", "─━", "┤┫", "▷▶", "●", "┊")
ASCII = _Signs("|[", "-=", "|]", ">>", "*", ":")


def draw(timeline: Timeline, *, width: int = WIDTH, ascii_only: bool = False) -> str:
    """Return a timeline as lines of text: the finding, the lanes, and its calls in words.

    A drawing that is wider than `width` goes on in another band below. `ascii_only` is for
    terminals that can show nothing else.
    """
    width = max(width, NARROWEST)
    blocks = [_heading(timeline, width), _chart(timeline, width, ASCII if ascii_only else UNICODE)]
    blocks += [_list(timeline, width), _scope(timeline, width)]
    text = "\n\n".join("\n".join(block) for block in blocks if block)
    return _to_ascii(text) if ascii_only else text


# --- words ------------------------------------------------------------------------------------


def _heading(timeline: Timeline, width: int) -> list[str]:
    kind = str(timeline.anomaly or timeline.answer).replace("_", " ")
    key = f"{visible(timeline.key)}: " if timeline.key else ""
    return wrap(f"{key}{kind}. {visible(timeline.message)}", width)


def _list(timeline: Timeline, width: int) -> list[str]:
    """List the witnesses, or all calls where there are none."""
    calls = timeline.witnesses or timeline.intervals
    return [line for call in calls for line in _entry(call, width, ordered=timeline.ordered)]


def _entry(call: Interval, width: int, *, ordered: bool) -> list[str]:
    name = f"{_name(call):>3}"
    words = f"{visible(call.client)}  {visible(call.sentence)}"
    lines = wrap(words, width, initial_indent=f"{name}  ", subsequent_indent=MARGIN)
    return lines + (_change(call, width) if ordered else [])


def _change(call: Interval, width: int) -> list[str]:
    if not call.before or call.before == call.after:
        return []
    change = f"state: {call.before}; then {call.after}"
    return wrap(change, width, initial_indent=MARGIN, subsequent_indent=MARGIN)


def _scope(timeline: Timeline, width: int) -> list[str]:
    lines: list[str] = []
    if timeline.left_out:
        lines += wrap(f"{timeline.left_out} calls are left out of the drawing.", width)
    if timeline.ordered:
        what = "An order that explains every answer" if timeline.complete else "The longest order"
        placed = [call for call in timeline.intervals if call.position]
        ordered = sorted(placed, key=lambda call: call.position or 0)
        names = " ".join(map(_name, ordered))
        lines += wrap(f"{what}: {names}.", width, subsequent_indent=INDENT)
    return lines


def _name(call: Interval) -> str:
    return call.name or str(call.number)


def _to_ascii(text: str) -> str:
    for sign, plain in (("→", "->"), ("≠", "!="), ("·", "/"), ("…", "~")):
        text = text.replace(sign, plain)
    return text.encode("ascii", "backslashreplace").decode("ascii")


# --- the drawing ------------------------------------------------------------------------------


def _chart(timeline: Timeline, width: int, signs: _Signs) -> list[str]:
    names = [visible(lane.client)[:NAME_CHARS] for lane in timeline.lanes]
    margin = max(map(len, names), default=0) + len(INDENT)
    room = width - margin
    places = _places(timeline, room)
    rows: list[tuple[str, str]] = []
    for name, lane in zip(names, timeline.lanes, strict=True):
        rows += [(name, _row(row, timeline, places, signs)) for row in lane.rows]
    return list(_bands(rows, places[-1] + 1, margin, room))


def _places(timeline: Timeline, room: int) -> list[int]:
    """Return the column of each event, with labels inside the intervals if they all fit."""
    places: list[int] = []
    for need in (_labelled, _asked, _named):
        places = edges(timeline, need, least=LEAST, gap=2)
        if places[-1] < room:
            break
    return places


def _labelled(call: Interval) -> int:
    return len(_label(call)) + 4


def _asked(call: Interval) -> int:
    return len(_short_label(call)) + 3


def _named(call: Interval) -> int:
    return len(_name(call)) + 3


def _label(call: Interval) -> str:
    return f"{_short_label(call)} {call.answered}"


def _short_label(call: Interval) -> str:
    return f"{_name(call)} {call.asked}"


def _row(calls: tuple[Interval, ...], timeline: Timeline, places: list[int], signs: _Signs) -> str:
    line = [" "] * (places[-1] + 1)
    for event in timeline.gaps:
        line[max(places[event] - 1, 0)] = signs.gap
    for call in calls:
        start = places[call.start]
        end = places[-1] if call.finish is None else places[call.finish] - 1
        line[start : end + 1] = _bar(call, end - start + 1, signs)
    return "".join(line)


def _bar(call: Interval, width: int, signs: _Signs) -> str:
    look = 1 if call.name else 0
    finish = (signs.forever if call.finish is None else signs.finishes)[look]
    room = width - 2
    labels = (_label(call), _short_label(call), _name(call))
    label = next((text for text in labels if len(text) <= room), "")
    return signs.starts[look] + label.center(room, signs.lines[look])[:room] + finish


def _bands(rows: list[tuple[str, str]], length: int, margin: int, room: int) -> Iterator[str]:
    for left in range(0, length, room):
        if left:
            yield ""
        shown = None
        for name, row in rows:
            if part := row[left : left + room].rstrip():
                yield ("" if name == shown else name).ljust(margin) + part
                shown = name
