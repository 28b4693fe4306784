"""A timeline as an SVG drawing: a lane for each client, an interval for each call."""

from __future__ import annotations

from etagere.histories.counterexamples.drawing import Interval, Lane, Timeline
from etagere.histories.counterexamples.layout import edges
from etagere.pages import Markup, join, tag

# In pixels. A bar is as high as a finger is wide.
BAR = 44
ROW = 62
TOP = 14
LEFT = 10
LEAST = 18
GAP = 34
PAD = 10
LETTER = 24
CHAR = 7.3
NAME_CHARS = 14
ROUND = 7
BEAD = 8
BEAD_SHAPE = {"height": 2 * BEAD, "rx": BEAD}
HOOK = 46
# A window may be wider than the drawing; the lines between lanes go on.
BEYOND = 4000
NAMELESS = "(no name)"


def chart(timeline: Timeline, prefix: str) -> Markup:
    """Return the drawing: the clients' names, which stay in place, and the lanes, which scroll.

    `prefix` begins every id, so that a page can hold several charts.
    """
    drawing = _Drawing(timeline, prefix)
    return tag(
        "div",
        _names(timeline, drawing.height),
        drawing.svg(),
        class_="chart",
        role="group",
        aria_label=f"Timeline of key {timeline.key}",
    )


class _Drawing:
    def __init__(self, timeline: Timeline, prefix: str) -> None:
        self._timeline = timeline
        self._prefix = prefix
        self._edges = edges(timeline, _need, least=LEAST, gap=GAP)
        self._tops = _tops(timeline)
        self.height = TOP + ROW * sum(len(lane.rows) for lane in timeline.lanes)

    def svg(self) -> Markup:
        timeline = self._timeline
        width = self._edges[-1] + 2 * LEFT
        return tag(
            "svg",
            join(self._lane(lane, width) for lane in timeline.lanes),
            join(self._gap(before, calls) for before, calls in timeline.gaps.items()),
            join(self._limits(interval) for interval in timeline.witnesses),
            join(self._conflict(*pair) for pair in timeline.conflicts),
            join(self._call(interval) for interval in timeline.intervals),
            class_="lanes",
            width=width,
            height=self.height,
            preserveAspectRatio="xMinYMin meet",
            viewBox=f"0 0 {width} {self.height}",
        )

    # --- behind the calls ---------------------------------------------------------------------

    def _lane(self, lane: Lane, width: int) -> Markup:
        top = self._tops[lane.rows[0][0].number] - TOP / 2
        name = tag("text", lane.client or NAMELESS, class_="paper-only client", x=2, y=top + 2)
        line = tag("line", class_="rule", x1=0, x2=width + BEYOND, y1=top, y2=top)
        return join([line, name])

    def _gap(self, before: int, calls: int) -> Markup:
        x = LEFT + self._edges[before] - GAP
        middle = f"translate({x + GAP / 2 + 4:g} {self.height / 2:g}) rotate(-90)"
        band = tag("rect", class_="gap", x=x + 2, y=0, width=GAP - 4, height=self.height)
        words = f"{calls} left out" if self.height >= 2 * ROW else str(calls)
        return join([band, tag("text", words, class_="gap-text", transform=middle)])

    def _limits(self, interval: Interval) -> Markup:
        """Draw when a witness started and finished, across all lanes."""
        return join(
            tag("line", class_="limit", x1=x, x2=x, y1=0, y2=self.height)
            for x in (self._x(interval.start), self._end(interval))
        )

    def _conflict(self, one: int, other: int) -> Markup:
        first, second = (self._timeline.intervals[number - 1] for number in (one, other))
        x1, y1 = self._heart(first)
        x2, y2 = self._heart(second)
        # In one lane, above what is between the two.
        between = (y1 + y2) / 2 if y1 != y2 else y1 - HOOK
        path = f"M{x1} {y1} C{x1} {between:g} {x2} {between:g} {x2} {y2}"
        return tag("path", class_="conflict", d=path)

    def _heart(self, interval: Interval) -> tuple[int, int]:
        return self._x(interval.start) + PAD + 8, self._tops[interval.number] + BAR // 2

    # --- a call -------------------------------------------------------------------------------

    def _call(self, interval: Interval) -> Markup:
        x, y = self._x(interval.start), self._tops[interval.number]
        number = interval.number
        return tag(
            "g",
            self._bar(interval, x, y),
            _letter(interval, x, y),
            self._label(interval, x, y),
            self._bead(interval, y),
            class_=_classes(interval),
            role="button",
            tabindex=0 if number == 1 else -1,
            aria_label=f"{interval.name or number}, {interval.client}: {interval.sentence}",
            aria_controls=f"{self._prefix}-call-{number}",
            data_call=f"{self._prefix}-call-{number}",
            data_words=" | ".join(interval.words),
        )

    def _bar(self, interval: Interval, x: int, y: int) -> Markup:
        end = self._end(interval)
        if interval.finish is not None:
            return tag("rect", class_="bar", x=x, y=y, width=end - x, height=BAR, rx=ROUND)
        tip = f"l8 {BAR // 2} l-8 {BAR // 2}"
        return tag("path", class_="bar", d=f"M{x} {y} H{end - 8} {tip} H{x} Z")

    def _label(self, interval: Interval, x: int, y: int) -> Markup:
        left = x + PAD + (LETTER if interval.name else 0)
        return join(
            tag("text", words, class_=kind, x=left, y=y + down)
            for words, kind, down in (
                (interval.asked, "asked", 20),
                (interval.answered, "told", 36),
            )
        )

    def _bead(self, interval: Interval, y: int) -> Markup | None:
        if interval.point is None or interval.position is None:
            return None
        slot = min(int(interval.point), len(self._edges) - 2)
        left, right = self._edges[slot : slot + 2]
        x = LEFT + left + (interval.point - slot) * (right - left)
        half = max(BEAD, 4 + 3 * len(str(interval.position)))
        return join(
            [
                tag("rect", class_="bead", x=x - half, y=y - BEAD, width=2 * half, **BEAD_SHAPE),
                tag("text", interval.position, class_="bead-text", x=x, y=y + 3),
            ]
        )

    def _x(self, event: int) -> int:
        return LEFT + self._edges[event]

    def _end(self, interval: Interval) -> int:
        return self._x(self._timeline.events if interval.finish is None else interval.finish)


def _names(timeline: Timeline, height: int) -> Markup:
    tops = _tops(timeline)
    names = [_shortened(lane.client or NAMELESS) for lane in timeline.lanes]
    width = round(max(map(len, names), default=0) * CHAR) + 2 * PAD
    texts = (
        tag("text", name, class_="client", x=PAD, y=tops[lane.rows[0][0].number] + BAR / 2 + 4)
        for name, lane in zip(names, timeline.lanes, strict=True)
    )
    return tag("svg", join(texts), class_="names screen", width=width, height=height)


def _shortened(client: str) -> str:
    return client if len(client) <= NAME_CHARS else client[: NAME_CHARS - 1] + "…"


def _tops(timeline: Timeline) -> dict[int, int]:
    """Return the upper edge of each call, by its number."""
    rows = [row for lane in timeline.lanes for row in lane.rows]
    return {call.number: TOP + ROW * at for at, row in enumerate(rows) for call in row}


def _need(interval: Interval) -> int:
    letter = LETTER if interval.name else 0
    return round(max(len(interval.asked), len(interval.answered)) * CHAR) + 2 * PAD + letter


def _classes(interval: Interval) -> str:
    kinds = ["call", "open" if interval.finish is None else str(interval.status)]
    return " ".join([*kinds, "witness"] if interval.name else kinds)


def _letter(interval: Interval, x: int, y: int) -> Markup | None:
    if not interval.name:
        return None
    across, down = x + PAD + 8, y + BAR // 2
    disc = tag("circle", class_="disc", cx=across, cy=down, r=11)
    return join([disc, tag("text", interval.name, class_="letter", x=across, y=down + 4)])
