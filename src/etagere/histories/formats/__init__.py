"""Histories that others recorded, as steps of a sequential model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Final

from etagere.histories.formats import jepsen_edn, jepsen_log, porcupine_kv
from etagere.histories.steps import Step

FORMATS: Final[Mapping[str, Callable[[str | PathLike[str]], list[Step]]]] = {
    "jepsen-log": jepsen_log.read,
    "jepsen-edn": jepsen_edn.read,
    "porcupine-kv": porcupine_kv.read,
}
"""What reads a file, by the names that `etagere check --format` knows."""

__all__ = ["FORMATS"]
