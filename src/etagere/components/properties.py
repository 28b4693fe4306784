"""The settings of a component: secrets and templates filled in, read with types and care."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Final, NamedTuple

from etagere.components.component import Surroundings
from etagere.components.documents import Node
from etagere.errors import ConfigurationError

TRUE: Final = frozenset({"y", "yes", "true", "t", "on", "1"})
FALSE: Final = frozenset({"n", "no", "false", "f", "off", "0", ""})
UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
TEMPLATE: Final = re.compile(r"\{(uuid|podName|namespace|appID)\}")


class Property(NamedTuple):
    """One setting."""

    name: str
    value: str
    node: Node


class Properties:
    """A component's settings, taken out one by one; names are the same in any case."""

    def __init__(self, properties: Iterable[Property], place: Node) -> None:
        self._given: dict[str, Property] = {}
        self._place = place
        for each in properties:
            if (twin := self._given.get(each.name.lower())) is not None:
                raise each.node.wrong(f"{each.name!r} is given twice, see {twin.node.place}")
            self._given[each.name.lower()] = each
        self._left = dict(self._given)
        self._notes: list[str] = []

    def text(self, *names: str, default: str = "") -> str:
        """Take a setting by its name or one of its other names."""
        given = [self._left.pop(name.lower(), None) for name in names]
        return next((each.value for each in given if each is not None), default)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Take a setting as yes or no."""
        text = self.text(name, default="yes" if default else "no").lower()
        if text not in TRUE | FALSE:
            raise self.wrong(name, "it must be true or false")
        return text in TRUE

    def integer(self, name: str) -> int | None:
        """Take a setting as a whole number from 0; None if it is not there."""
        text = self.text(name)
        if text and not (text.isascii() and text.isdecimal()):
            raise self.wrong(name, "it must be a whole number from 0")
        return int(text) if text else None

    def seconds(self, *names: str, bare: float = 1.0) -> float | None:
        """Take a setting as a time: `1m30s`, or a bare number of `bare` seconds each."""
        given = next((name for name in names if name.lower() in self._left), names[0])
        text = self.text(*names)
        if not text:
            return None
        if text.isascii() and text.isdecimal():
            value = int(text) * bare
        elif DURATION.sub("", text) == "":
            value = sum(float(number) * UNITS[unit] for number, unit in DURATION.findall(text))
        else:
            raise self.wrong(given, "it must be a time, as in 500ms, 1m30s or 20")
        if not value > 0:
            raise self.wrong(given, "it must be more than 0")
        return value

    def taken(self, *names: str) -> dict[str, str]:
        """Take all of these that are there, as they are."""
        return {name: self.text(name) for name in names if name.lower() in self._left}

    def given(self, name: str) -> bool:
        """Tell whether a setting is there, taken or not."""
        return name.lower() in self._given

    def peek(self, name: str) -> str:
        """Return a setting without taking it."""
        found = self._given.get(name.lower())
        return found.value if found else ""

    def note(self, name: str, remark: str) -> None:
        """Remember what is to be said of a setting."""
        node = self._given[name.lower()].node if self.given(name) else self._place
        self._notes.append(f"{node.place}: {remark}")

    def notes(self) -> list[str]:
        """Return what is to be said of the settings: remarks, and which ones nobody took."""
        left = [
            f"{each.node.place}: the setting {each.name!r} has no effect"
            for each in self._left.values()
        ]
        return [*self._notes, *left]

    def wrong(self, name: str, problem: str) -> ConfigurationError:
        """Return the error for a setting, or for its absence, with file and line."""
        found = self._given.get(name.lower())
        if found is None:
            return self._place.wrong(f"the setting {name!r} is missing: {problem}")
        return found.node.wrong(f"the setting {found.name!r} is wrong: {problem}")

    def blame(self, error: ConfigurationError) -> ConfigurationError:
        """Return an error about the URL with the file and line of the setting that it is about."""
        found = self._given.get(str(error).partition("=")[0].lower())
        return (found.node if found else self._place).wrong(str(error))


def properties_of(component: Node, surroundings: Surroundings) -> Properties:
    """Read the settings of a component."""
    spec = component.fields()["spec"]
    metadata = spec.field("metadata")
    items = metadata.items() if metadata else []
    return Properties([_property(item, surroundings) for item in items], metadata or spec)


def _property(item: Node, surroundings: Surroundings) -> Property:
    fields = item.fields()
    name = fields["name"].text() if "name" in fields else ""
    if not name:
        raise item.wrong("a setting needs a name, as in '- name: url'")
    if (secret := item.field("secretKeyRef")) is not None:
        return Property(name, _secret(secret, surroundings), item)
    if (variable := item.field("envRef")) is not None:
        return Property(name, _environment(variable, surroundings), item)
    if "value" not in fields:
        raise item.wrong(f"the setting {name!r} has none of value, secretKeyRef and envRef")
    return Property(name, _filled(fields["value"].text(), surroundings), item)


def _secret(node: Node, surroundings: Surroundings) -> str:
    name, key = node.field("name"), node.field("key")
    if name is None:
        raise node.wrong("a secretKeyRef needs a name: an environment variable's")
    variable = (key or name).text()
    if variable not in surroundings.environment:
        raise node.wrong(f"the secret {variable!r} is not in the environment; set that variable")
    return surroundings.environment[variable]


def _environment(node: Node, surroundings: Surroundings) -> str:
    variable = node.text()
    if variable == "APP_API_TOKEN" or variable.startswith("DAPR_") or " " in variable:
        raise node.wrong(f"the environment variable {variable!r} may not be used here")
    if variable not in surroundings.environment:
        raise node.wrong(f"the environment variable {variable!r} is not set")
    return surroundings.environment[variable]


def _filled(text: str, surroundings: Surroundings) -> str:
    words = {
        "podName": lambda: surroundings.environment.get("POD_NAME", ""),
        "namespace": lambda: f"{surroundings.namespace}.{surroundings.app_id}",
        "appID": lambda: surroundings.app_id,
        "uuid": lambda: str(uuid.uuid4()),
    }
    return TEMPLATE.sub(lambda match: words[match[1]](), text)
