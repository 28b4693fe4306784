"""The lab: what the test of a clause works with."""

from __future__ import annotations

import itertools
import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self, cast

import anyio

from etagere.backend import Backend, Capabilities
from etagere.conformance.hooks import Hooks, Probe
from etagere.conformance.journal import Journal, Journaling
from etagere.conformance.lines import line_of
from etagere.conformance.needs import WRITER_ETAGS
from etagere.conformance.proxy import TcpProxy, threaded_proxy
from etagere.conformance.sharing import kept
from etagere.conformance.subjects import Subject
from etagere.histories.recording import Recorder
from etagere.layers.base import Layer
from etagere.layers.prefix import KeyPrefix
from etagere.operations import Consistency, Item, Remove
from etagere.store import DEFAULT_TIMEOUT, Store

log = logging.getLogger("etagere.conformance")

PATIENCE: Final = 10.0
"""Seconds for which one waits, unless told otherwise."""
PAUSE: Final = 0.005
CHUNK: Final = 200

Wrap = Callable[[Backend], Backend]


class Lab:
    """One clause's place to work: stores on a namespace of its own, and what helps to watch them.

    Its keys are nobody else's, and are deleted at the end.
    """

    store: Store
    """An open store."""
    backend: Layer
    """The backend of `store`, for clauses about `execute` and `scan` themselves."""

    def __init__(
        self,
        subject: Subject,
        url: str,
        seed: int,
        soak: float = 0.0,
        patience: float = PATIENCE,
    ) -> None:
        self.subject = subject
        self.url = url
        self.seed = seed
        """The same seed makes the same test, as far as the store lets it."""
        self.random = random.Random(seed)
        self.soak = soak
        self.patience = patience
        """Seconds within which what must happen in the end does."""
        self.journal = Journal()
        self.attachments: dict[str, bytes] = {}
        """Files, by name, that belong to a failure: a recorded history, say."""
        self.prefix = f"etg-{random.randbytes(4).hex()}/"
        """What the lab's keys begin with in the database."""
        self._numbers = itertools.count(1)
        self._stores = itertools.count(1)
        self._exits = AsyncExitStack()
        self._kept: Backend | None = None
        self._probe: Probe | None = None
        self._history: Path | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._enter()
        except BaseException:
            await self._exits.aclose()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        try:
            await self._clean_up()
        finally:
            await self._exits.aclose()

    # --- stores -------------------------------------------------------------------------------

    @asynccontextmanager
    async def open(
        self,
        *,
        url: str | None = None,
        layers: Iterable[Wrap] = (),
        timeout: float = DEFAULT_TIMEOUT,
        name: str = "",
    ) -> AsyncGenerator[Store]:
        """Open another store on the same data, as another process would.

        Where data does not outlive its store, all stores share one backend. `url` leads to the
        same data another way, through a proxy say. `layers` wrap the backend, innermost first,
        outside of the lab's own. `name` is what the journal calls it.
        """
        backend: Backend = self.connect(name, url)
        for layer in layers:
            backend = layer(backend)
        async with Store(backend, timeout=timeout) as store:
            yield store

    @asynccontextmanager
    async def behind_proxy(
        self, *, timeout: float = DEFAULT_TIMEOUT, name: str = "proxied"
    ) -> AsyncGenerator[tuple[Store, TcpProxy]]:
        """Open another store, with a proxy between it and the server; others have none.

        The clause says that it is `proxied`.
        """
        line = line_of(self.url, self.subject.default_ports)
        with threaded_proxy(line.host, line.port) as proxy:
            url = self.by_way_of(proxy)
            async with self.open(url=url, timeout=timeout, name=name) as store:
                try:
                    yield store, proxy
                finally:
                    proxy.reset()

    def by_way_of(self, proxy: TcpProxy) -> str:
        """Return the URL of the store through a proxy that stands in front of its server."""
        line = line_of(self.url, self.subject.default_ports)
        return line.by_way_of(proxy.host, proxy.port)

    def connect(self, name: str = "", url: str | None = None) -> Layer:
        """Return another backend on the same data; it is not opened yet."""
        inner = self.subject.make(url) if url else self._kept or self.subject.make(self.url)
        name = name or f"store {next(self._stores)}"
        return Journaling(KeyPrefix(inner, self.prefix), self.journal, name)

    @property
    def capabilities(self) -> Capabilities:
        """What the store claims."""
        return self.store.capabilities

    @property
    def hooks(self) -> Hooks:
        """What can be done to the server; the clause says which hooks it needs."""
        return self.subject.hooks or Hooks()

    @property
    def probe(self) -> Probe:
        """Another way to the data; the clause says that it is `probed`."""
        assert self._probe is not None, "no probe was given"
        return self._probe

    # --- keys ---------------------------------------------------------------------------------

    def key(self, name: str = "key") -> str:
        """Return a key that was not used yet."""
        return f"{name}-{next(self._numbers)}"

    def keys(self, count: int, name: str = "key") -> list[str]:
        """Return keys that were not used yet, in byte order, far from each other in a cluster."""
        stem = self.key(name)
        return [f"{stem}/{number:05}" for number in range(count)]

    def together(self, *names: str) -> list[str]:
        """Return keys that one transaction may span, also where these must be stored together."""
        tag = f"{{{next(self._numbers)}}}"
        return [f"{tag}/{name}" for name in names]

    # --- what is there ------------------------------------------------------------------------

    async def read(self, key: str) -> Item[bytes] | None:
        """Return what is under a key, at the level that misses nothing; the probe must agree."""
        item = await self.store.get(key, consistency=self.capabilities.freshest)
        if self._probe is not None:
            found = await self._probe.get(self.prefix + key)
            told = None if item is None else (item.value, item.etag)
            assert told == found, f"get says {told}, but the probe finds {found} under {key!r}"
        return item

    async def place(self, key: str, value: bytes = b"placed", **options: Any) -> Item[bytes]:
        """Write a value, and return the item as a read then shows it."""
        await self.store.set(key, value, **options)
        item = await self.read(key)
        assert item is not None, f"{key!r} is absent after it was set"
        return item

    async def version(self, key: str) -> str:
        """Return the etag of a key that is there, as a read shows it."""
        item = await self.read(key)
        assert item is not None, f"{key!r} is absent"
        return item.etag

    async def told(self, key: str, etag: object) -> str:
        """Return the etag that a write gave its key, when the writer was told `etag`.

        Where the server mints it, that is for a read to say.
        """
        assert isinstance(etag, str), f"a write of {key!r} was answered with {etag!r}"
        return await self.version(key) if WRITER_ETAGS.why_not(self.capabilities) else etag

    @property
    def soon(self) -> float:
        """The shortest time to live that the store claims to tell apart, in seconds."""
        return self.capabilities.ttl_resolution / 1000

    async def expired(self, key: str, value: bytes = b"expired") -> str:
        """Write a value that expires, wait until it is gone, and return the etag that it had."""
        etag = await self.store.set(key, value, ttl=self.soon)
        await self.gone(key)
        return etag

    async def gone(self, key: str) -> None:
        """Wait until a key is absent."""

        async def absent() -> bool:
            return await self.read(key) is None

        await self.until(absent, f"{key!r} is absent")

    async def until(
        self, condition: Callable[[], Awaitable[bool]], what: str, seconds: float | None = None
    ) -> None:
        """Wait until a condition holds; fail, with `what` it was, if it does not in time.

        That is within `seconds`, or else as long as the run has patience.
        """
        seconds = self.patience if seconds is None else seconds
        with anyio.move_on_after(seconds):
            while not await condition():
                await anyio.sleep(PAUSE)
            return
        raise AssertionError(f"after {seconds:g} s it is still not so that {what}")

    # --- the run ------------------------------------------------------------------------------

    def rounds(self, least: int) -> Iterator[int]:
        """Count rounds: at least so many, and on for as long as the run is to soak."""
        end = time.monotonic() + self.soak
        number = 0
        while number < least or time.monotonic() < end:
            yield number
            number += 1

    @cached_property
    def recorder(self) -> Recorder:
        """Records a history; it belongs to the failure, if the clause fails."""
        folder = self._exits.enter_context(TemporaryDirectory(prefix="etagere-"))
        self._history = Path(folder, "history.jsonl")
        return self._exits.enter_context(Recorder(self._history))

    def files(self) -> dict[str, bytes]:
        """Return all files that belong to a failure."""
        if self._history is None:
            return self.attachments
        self.recorder.flush()
        return {"history.jsonl": self._history.read_bytes(), **self.attachments}

    def attach(self, name: str, content: str | bytes) -> None:
        """Give a file to the report, should the clause fail."""
        self.attachments[name] = content.encode() if isinstance(content, str) else content

    # --- life ---------------------------------------------------------------------------------

    async def _enter(self) -> None:
        backend = self.subject.make(self.url)
        if not backend.capabilities.durable:
            self._kept = await self._exits.enter_async_context(kept(backend))
        self.backend = self.connect("store")
        self.store = await self._exits.enter_async_context(Store(self.backend))
        await self.store.ping()
        if self.subject.probe is not None:
            self._probe = await self._opened(self.subject.probe(self.url))

    async def _opened(self, probe: Probe) -> Probe:
        if isinstance(probe, AbstractAsyncContextManager):
            await self._exits.enter_async_context(cast("AbstractAsyncContextManager[Any]", probe))
        return probe

    async def _clean_up(self) -> None:
        # By what lies below the journal: this is no part of what the test did.
        below, keys = self.backend.inner, list(self.journal.written)
        with anyio.move_on_after(PATIENCE, shield=True):
            try:
                for start in range(0, len(keys), CHUNK):
                    removes = [Remove(key) for key in keys[start : start + CHUNK]]
                    await below.execute(removes, Consistency.EVENTUAL)
            except Exception as error:  # noqa: BLE001 - the store may be broken, or down
                log.warning("keys under %r are left behind: %s", self.prefix, error)
