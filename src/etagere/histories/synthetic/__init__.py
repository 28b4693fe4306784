"""Histories that are linearizable because they took place, and faults to plant in them.

`generate` plays clients against one sequential store, step by step: an operation starts, at some
later step it takes effect by `etagere.contract`, at a later one still its client hears of it.
`plant` changes an answer. What comes out is usually, not always, no longer linearizable.
"""

from etagere.histories.synthetic.faults import FAULTS, plant
from etagere.histories.synthetic.playing import generate
from etagere.histories.synthetic.workload import Workload

__all__ = ["FAULTS", "Workload", "generate", "plant"]
