"""From a method and an escaped path to a handler, by Dapr's rules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from msgspec import Struct

from etagere.serving.http.requests import Request, unescape
from etagere.serving.http.responses import Response

Handler: TypeAlias = Callable[..., Awaitable[Response]]
"""Takes the request and the path's parameters, in order."""


class Route(Struct, frozen=True):
    """One operation: its methods, its path with `{parameters}`, and its name."""

    methods: tuple[str, ...]
    path: str
    name: str
    handler: Handler
    open: bool = False
    """Whether it is reached without the API token."""


class _Node:
    __slots__ = ("literals", "parameter", "route")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.route: Route | None = None

    def child(self, segment: str) -> _Node:
        if not segment.startswith("{"):
            return self.literals.setdefault(segment, _Node())
        self.parameter = self.parameter or _Node()
        return self.parameter


class Router:
    """Finds routes. A literal segment goes before a parameter, a later route before an earlier."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._roots: dict[str, _Node] = {}
        for route in routes:
            for method in route.methods:
                node = self._roots.setdefault(method, _Node())
                for segment in route.path.split("/")[1:]:
                    node = node.child(segment)
                node.route = route

    def find(self, request: Request) -> tuple[Route, list[str]] | None:
        """Return the route of a request and its path's parameters; None if there is no route."""
        node = self._roots.get(request.method)
        parameters: list[str] = []
        for segment in segments_of(request.path):
            if node is None:
                return None
            literal = node.literals.get(segment)
            if literal is None:
                parameters.append(segment)
            node = literal or node.parameter
        if node is None or node.route is None:
            return None
        if "%" in request.path or "+" in request.path:
            parameters = [unescape(parameter) for parameter in parameters]
        return node.route, parameters


def segments_of(path: str) -> list[str]:
    """Return the segments of a path that is cleaned, but still escaped.

    Double slashes collapse, `.` and `..` are resolved, and one slash at the end is as none. `%2F`
    does not part segments, so that keys may hold slashes.
    """
    if "//" not in path and "/." not in path and path[-1:] != "/":
        return path.split("/")[1:]
    cleaned: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            cleaned[-1:] = []
        elif segment not in ("", "."):
            cleaned.append(segment)
    return cleaned
