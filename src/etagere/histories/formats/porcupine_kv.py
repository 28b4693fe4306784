"""Porcupine's histories of a store of texts: EDN maps with a key, one a line.

{:process 3, :type :invoke, :f :append, :key "7", :value "x"}
"""

from __future__ import annotations

from os import PathLike, fspath

from etagere.histories.formats import jepsen_edn
from etagere.histories.malformed import MalformedHistory
from etagere.histories.models.values import Append
from etagere.histories.steps import Step


def read(path: str | PathLike[str]) -> list[Step]:
    """Read the steps of a file, compressed or not."""
    steps = jepsen_edn.read(path)
    for step in steps:
        if step.function not in Append.functions or not step.key:
            problem = (
                f"operations are get, put or append of a key, not {step.function} of {step.key!r}"
            )
            raise MalformedHistory(fspath(path), None, problem)
    return steps
