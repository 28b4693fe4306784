"""Watching a protocol at work, without its knowing: what came where and when, and who answered."""

from __future__ import annotations

from typing import Any

from etagere_sim.world.asking import Asked
from etagere_sim.world.hosts import Handler, Host


class Watch:
    """Takes down when replicas take notice of writes, and of the question that was put last."""

    def __init__(self) -> None:
        self.writes: dict[str, dict[str, float]] = {}
        """When each write came, by its key and by replica."""
        self.written = 0
        """How many writes came, to all replicas together."""
        self.came: dict[str, float] = {}
        """When the last question came, by replica."""
        self._question: object = None
        self._asked: Asked[Any] | None = None

    def first(self, number: int) -> list[str]:
        """Return the replicas whose answers to the last question came first."""
        return [] if self._asked is None else list(self._asked.answers)[:number]

    def replica(self, host: Host) -> None:
        """Watch what a replica is asked."""
        for kind, handler in host.handlers.items():
            watch = self._writes_to if kind.is_write else self._questions_to
            host.handlers[kind] = watch(host, handler)

    def client(self, host: Host) -> None:
        """Watch what a client asks."""
        ask = host.ask

        def asking(targets: Any, message: Any, **named: Any) -> Asked[Any]:
            # All replicas are sent the one message, and no other is the same object.
            self._question = message
            self.came = {}
            self._asked = ask(targets, message, **named)
            return self._asked

        host.ask = asking  # type: ignore[method-assign]

    def _writes_to(self, host: Host, handler: Handler) -> Handler:
        agenda, name, writes = host.world.agenda, host.name, self.writes

        def handle(source: str, message: Any) -> Any:
            writes.setdefault(message.key, {})[name] = agenda.now
            self.written += 1
            return handler(source, message)

        return handle

    def _questions_to(self, host: Host, handler: Handler) -> Handler:
        agenda, name = host.world.agenda, host.name

        def handle(source: str, message: Any) -> Any:
            if message is self._question:
                self.came[name] = agenda.now
            return handler(source, message)

        return handle
