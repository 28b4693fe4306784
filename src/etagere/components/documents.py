"""YAML that remembers its lines, so that every complaint says where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from etagere.errors import ConfigurationError

if TYPE_CHECKING:
    import yaml

NULL = "tag:yaml.org,2002:null"


class Node:
    """A value in a YAML file, and where it stands."""

    def __init__(self, node: yaml.Node, source: str) -> None:
        self._node: Any = node
        self._source = source

    @property
    def place(self) -> str:
        """The file and the line, as editors understand it."""
        return f"{self._source}:{self._node.start_mark.line + 1}"

    def wrong(self, problem: str) -> ConfigurationError:
        """Return the error for what is wrong here."""
        return ConfigurationError(f"{self.place}: {problem}")

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing here."""
        return bool(self._node.tag == NULL)

    def fields(self) -> dict[str, Node]:
        """Return the entries of a mapping, by name; none if there is nothing here."""
        if self.is_empty:
            return {}
        if self._node.id != "mapping":
            raise self.wrong("expected a mapping, as in 'name: value'")
        found: dict[str, Node] = {}
        for key, value in self._node.value:
            name = Node(key, self._source)
            if name.text() in found:
                raise name.wrong(f"{name.text()!r} is given twice")
            found[name.text()] = Node(value, self._source)
        return found

    def field(self, name: str) -> Node | None:
        """Return an entry of a mapping, if it is there and not empty."""
        found = self.fields().get(name)
        return None if found is None or found.is_empty else found

    def items(self) -> list[Node]:
        """Return the entries of a list; none if there is nothing here."""
        if self.is_empty:
            return []
        if self._node.id != "sequence":
            raise self.wrong("expected a list, as in '- name: ...'")
        return [Node(item, self._source) for item in self._node.value]

    def text(self) -> str:
        """Return a plain value as it is written."""
        if self._node.id != "scalar":
            raise self.wrong("expected a plain value, not a list or a mapping")
        return "" if self.is_empty else str(self._node.value)


def documents(text: str, source: str) -> Iterator[Node]:
    """Yield the documents of a YAML file; `source` names it in complaints."""
    try:
        import yaml
    except ImportError as error:
        raise ConfigurationError(
            "component files need PyYAML; install it with: pip install 'etagere[server]'"
        ) from error
    try:
        for node in yaml.compose_all(text, Loader=yaml.SafeLoader):
            if node is not None:
                yield Node(node, source)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise ConfigurationError(f"{source}:{line}: not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{source}:1: not YAML: {error}") from error
