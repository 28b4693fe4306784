"""What a backend author may give the kit besides the backend: hooks and a probe."""

from __future__ import annotations

from typing import ClassVar, Protocol


class Hooks:
    """What can be done to the server behind a store. Override what you can do.

    A clause that needs a hook which is not there is deselected, with that reason in the report.
    """

    NAMES: ClassVar[tuple[str, ...]] = (
        "restart",
        "kill_primary",
        "pause_replica",
        "resume_replica",
        "skew_clock",
    )

    def offers(self, name: str) -> bool:
        """Tell whether a hook is overridden."""
        return getattr(type(self), name) is not getattr(Hooks, name)

    async def restart(self) -> None:
        """Kill the server without warning, and return when it answers again."""
        raise NotImplementedError

    async def kill_primary(self) -> None:
        """Kill the primary for good, and return when a replica has taken its place.

        The store must find the new primary by the URL that it was opened with.
        """
        raise NotImplementedError

    async def pause_replica(self) -> None:
        """Keep one replica, that eventual reads may come from, from getting any more writes.

        The store must still find the replicas that a strong write needs.
        """
        raise NotImplementedError

    async def resume_replica(self) -> None:
        """Let the paused replica catch up."""
        raise NotImplementedError

    async def skew_clock(self, seconds: float) -> None:
        """Set the clock of this process, as the backend sees it, so far off; 0 sets it right."""
        raise NotImplementedError


class Probe(Protocol):
    """Another way to the data, so that the kit need not trust the backend about itself.

    It may be an async context manager; then it is entered and left around each test.
    """

    async def get(self, key: str) -> tuple[bytes, str] | None:
        """Return the value and the etag that are really stored under a key."""
        ...
