"""Subjects: the stores that are held to the contract."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

import anyio
from msgspec import Struct

from etagere.backend import Backend, Capabilities
from etagere.conformance.broken import BrokenBackend
from etagere.conformance.clauses import Clause
from etagere.conformance.hooks import Hooks, Probe
from etagere.conformance.lines import NoLine, line_of
from etagere.errors import EtagereError
from etagere.opening import BackendType, backend_type, scheme_of
from etagere.store import Store

BROKEN: Final = "broken"
"""The scheme of backends that are no store for anybody: no entry point names them."""
PASSWORD = re.compile(r"(://[^/?#@]*?:)[^/?#]*(@)")


class Subject(Struct, frozen=True, kw_only=True):
    """A way to a store, as often as one is needed."""

    name: str
    """How reports call it."""
    make: Callable[[str], Backend]
    """Makes a backend from the URL; called once for each store that is opened."""
    offered: Capabilities
    """The most that such a backend can do."""
    url: str | None = ""
    """None: a fixture says it when the test runs."""
    hooks: Hooks | None = None
    probe: Callable[[str], Probe] | None = None
    """Makes a probe from the URL."""
    default_ports: Mapping[str, int] | None = None
    """The `default_ports` of the backend class, if it has such an attribute: the schemes behind
    which one server speaks over TCP and not through TLS, and the port of each. A proxy can then
    stand in between; without the attribute it does where a URL names one host and one port.
    """
    suite: type | None = None
    """The test class that names it; None: it comes from a command line."""

    def why_not(self, clause: Clause, url: str | None) -> str:
        """Return why the store cannot be tested as a clause wants it; empty if it can, or may."""
        if clause.probed and self.probe is None:
            return "it needs a probe"
        if url is None:
            return ""
        if clause.crashing and (reason := why_not_elsewhere(url)):
            return reason
        try:
            if clause.proxied:
                line_of(url, self.default_ports)
        except NoLine as reason:
            return f"no proxy can stand in front of the server ({reason})"
        return ""


class Survey(Struct, frozen=True):
    """What a store says of itself once it is open."""

    capabilities: Capabilities
    server_version: str = ""
    problem: str = ""
    """Why it could not be asked; the capabilities are then the most that it could have."""


def subject_of_url(url: str, *, hooks: Hooks | None = None, probe: Any = None) -> Subject:
    """Return the store behind a URL; a backend may bring hooks of its own, as `hooks`."""
    kind = backend_behind(url)
    made = kind.from_url(url)
    return Subject(
        name=masked(url),
        make=kind.from_url,
        offered=made.capabilities,
        url=url,
        hooks=hooks or getattr(made, "hooks", None),
        probe=probe,
        default_ports=getattr(kind, "default_ports", None),
    )


def subject_of_class(suite: Any) -> Subject:
    """Return what a subclass of `BackendConformance` names as its own."""
    url = suite.url if isinstance(suite.url, str) else None
    backend = backend_of_class(suite, url)

    def make(url: str) -> Backend:
        made: Backend = backend.from_url(url) if url else backend()
        return made

    offered = getattr(backend, "capabilities", None)
    return Subject(
        name=f"{suite.__module__}.{suite.__qualname__}",
        make=make,
        offered=offered if isinstance(offered, Capabilities) else make(url or "").capabilities,
        url=url,
        hooks=suite.hooks,
        probe=suite.probe,
        default_ports=getattr(backend, "default_ports", None),
        suite=suite,
    )


def backend_of_class(suite: Any, url: str | None) -> Any:
    """Return the backend class that a test class names, or its URL leads to."""
    if suite.backend is not None:
        return suite.backend
    if url is None:
        raise TypeError(f"{suite.__qualname__} names no backend: give it `backend = MyBackend`")
    return backend_behind(url)


def backend_behind(url: str) -> BackendType:
    """Return the backend class for a URL: one of the kit's own, or what is installed for it."""
    scheme = scheme_of(url)
    return BrokenBackend if scheme == BROKEN else backend_type(scheme)


def why_not_elsewhere(url: str) -> str:
    """Return why another process cannot open a store by its URL; empty if it can, or may."""
    if not url:
        return "it needs a URL, by which another process can open the store"
    if scheme_of(url) == BROKEN:
        return "its server is a part of this process"
    try:
        backend_type(scheme_of(url))
    except EtagereError as error:
        return f"another process cannot open the store ({error})"
    return ""


def survey(subject: Subject, loop: str) -> Survey:
    """Open a store, in an event loop of its own, and ask what it can do as it is set up."""
    if subject.url is None:
        return Survey(subject.offered)
    try:
        return anyio.run(_ask, subject.make(subject.url), backend=loop)
    except EtagereError as error:
        return Survey(subject.offered, problem=str(error))
    except Exception as error:  # noqa: BLE001 - the code that fails is anybody's
        return Survey(subject.offered, problem=f"{type(error).__name__}: {error}")


async def _ask(backend: Backend) -> Survey:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store(backend))
        await store.ping()
        return Survey(store.capabilities, str(getattr(backend, "server_version", "")))


def masked(url: str) -> str:
    """Return a URL without its password."""
    return PASSWORD.sub(r"\1***\2", url)
