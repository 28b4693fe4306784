"""The sequential models that histories are checked against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from etagere.histories.models.contract import Contract, steps_of
from etagere.histories.models.product import Product
from etagere.histories.models.values import Append, CasRegister, Register
from etagere.histories.models.versioned import VersionedKey, step_of, versioned_steps
from etagere.histories.steps import Model

MODELS: Final[Mapping[str, Callable[..., Model[Any]]]] = {
    model.name: model for model in (Register, CasRegister, Append)
}
"""Those that the steps alone are enough for, by their names for `etagere check --model`."""

__all__ = [
    "MODELS",
    "Append",
    "CasRegister",
    "Contract",
    "Product",
    "Register",
    "VersionedKey",
    "step_of",
    "steps_of",
    "versioned_steps",
]
