"""Deliberately broken backends, each wrong in one way: they prove that the clauses can fail.

`broken://NAME` is the URL of one, for the kit alone; `python -m etagere.conformance.broken` prints
the table of them. All stores on one URL in a process share one database, which goes with it.
"""

from etagere.conformance.broken.backend import BrokenBackend
from etagere.conformance.broken.catalogue import FLAWS, SEARCHES, Flaw, flaw_of

__all__ = ["FLAWS", "SEARCHES", "BrokenBackend", "Flaw", "flaw_of"]
