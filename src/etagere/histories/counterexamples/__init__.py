"""Counterexamples: made small, and drawn as a page or as text.

`minimise` takes away what a failure does not need. `timelines` says what there is to draw;
`write_page` draws it as one HTML file and `draw` as text for a terminal.
"""

from etagere.histories.counterexamples.drawing import Interval, Lane, Timeline
from etagere.histories.counterexamples.minimise import minimise, minimise_calls
from etagere.histories.counterexamples.page import page, write_page
from etagere.histories.counterexamples.text import draw
from etagere.histories.counterexamples.timeline import timeline, timelines

__all__ = [
    "Interval",
    "Lane",
    "Timeline",
    "draw",
    "minimise",
    "minimise_calls",
    "page",
    "timeline",
    "timelines",
    "write_page",
]
