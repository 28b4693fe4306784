"""Writing component files for tests, and reading them."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from etagere.components import Component, Surroundings, parse
from etagere.errors import ConfigurationError

HERE = Surroundings(environment={"PASSWORD": "p@ss", "URL": "memory://"})


def component(kind: str, settings: str = "", name: str = "s", spec: str = "", top: str = "") -> str:
    """The text of a component file; the first of its settings is in line 9."""
    head = f"""\
apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: {name}
spec:
  type: {kind}
  {spec or "version: v1"}
  metadata:
"""
    return head + textwrap.indent(textwrap.dedent(settings), "  ") + "\n" + top


def setting(**words: Any) -> str:
    return "".join(f"- name: {name}\n  value: {value!r}\n" for name, value in words.items())


def read(
    text: str, surroundings: Surroundings = HERE, warnings: list[str] | None = None
) -> list[Component]:
    said: list[str] = []
    found = parse([(text, "store.yaml")], surroundings, said.append)
    if warnings is None:
        assert said == []
    else:
        warnings += said
    return found


def one(text: str, surroundings: Surroundings = HERE) -> Component:
    [found] = read(text, surroundings)
    return found


def refusal(text: str, surroundings: Surroundings = HERE) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(text, surroundings, [])
    return str(caught.value)
