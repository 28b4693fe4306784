"""Everything that can go wrong, as values: each can be written down, left out and put in again.

A fault names what it strikes by something that stays the same when other faults are left out: a
host, a direction between two hosts, the third `Accept` on that way. So a plan can be made smaller
one fault at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from msgspec import Struct

if TYPE_CHECKING:
    from etagere_sim.world.world import World

LOST: Final = "lost"
TWICE: Final = "twice"
LATE: Final = "late"
Disk: TypeAlias = Literal["kept", "lost", "torn"]
"""What becomes of unsynced writes when a host dies."""
DiskError: TypeAlias = Literal["full", "input/output error"]


class Weather(Struct, frozen=True):
    """How often messages have trouble, while there is chaos. Shares of one."""

    lost: float = 0.08
    twice: float = 0.02
    late: float = 0.04
    late_by: float = 60.0
    """Milliseconds, at most, that a late message or a second copy is late."""


class MessageFault(Struct, frozen=True, tag="message"):
    """One message is lost, late, or comes a second time."""

    what: str
    source: str
    target: str
    kind: str
    """The name of its type."""
    number: int
    """Which message of its kind it is on its way, from 1."""
    milliseconds: float = 0.0

    def schedule(self, world: World) -> None:
        """Have it happen."""
        link = world.hosts[self.source].links[self.target]
        link.plan[self.kind, self.number] = (self.what, self.milliseconds)
        link.troubled = True


class _Lasting(Struct, frozen=True):
    """Something that begins and ends."""

    at: float
    until: float

    def schedule(self, world: World) -> None:
        """Have it happen."""
        world.agenda.at(self.at, "", self._begin, world)
        world.agenda.at(self.until, "", self._end, world)

    def _begin(self, world: World) -> None:
        if not world.quiet:
            world.befell(cast("Fault", self))
            self.begin(world)

    def _end(self, world: World) -> None:
        if not world.quiet:
            self.end(world)

    def begin(self, world: World) -> None:
        """Begin."""
        raise NotImplementedError

    def end(self, world: World) -> None:
        """End."""
        raise NotImplementedError


class Cut(_Lasting, frozen=True, tag="cut", kw_only=True):
    """Nothing gets from one side to the other; `both`: nor back."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    both: bool = True

    def begin(self, world: World) -> None:
        """Cut the links."""
        for link in world.links_between(self.sources, self.targets, both=self.both):
            link.cut += 1
            link.troubled = True

    def end(self, world: World) -> None:
        """Mend them."""
        for link in world.links_between(self.sources, self.targets, both=self.both):
            link.cut -= 1


class Held(_Lasting, frozen=True, tag="held", kw_only=True):
    """Messages to a host are kept back, and come all at once at the end (a clogged link)."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]

    def begin(self, world: World) -> None:
        """Keep back."""
        for link in world.links_between(self.sources, self.targets, both=False):
            link.hold()

    def end(self, world: World) -> None:
        """Let go."""
        for link in world.links_between(self.sources, self.targets, both=False):
            link.release()


class Paused(_Lasting, frozen=True, tag="paused", kw_only=True):
    """A host stands still, as for a collection of garbage, and then goes on as if nothing was."""

    host: str

    def begin(self, world: World) -> None:
        """Stop it."""
        world.hosts[self.host].pause()

    def end(self, world: World) -> None:
        """Let it go on."""
        world.hosts[self.host].go_on()


class Slowed(_Lasting, frozen=True, tag="slowed", kw_only=True):
    """All that a host hears reaches it late."""

    host: str
    by: float
    """Milliseconds."""

    def begin(self, world: World) -> None:
        """Slow it down."""
        for link in world.links_to(self.host):
            link.slower += self.by
            link.troubled = True

    def end(self, world: World) -> None:
        """Speed it up again."""
        for link in world.links_to(self.host):
            link.slower -= self.by


class Died(_Lasting, frozen=True, tag="died", kw_only=True):
    """A host's process ends, and starts again at the end."""

    host: str
    disk: Disk = "lost"
    """What becomes of unsynced writes: kept where only the process dies, lost with the power, torn
    where some of them reach the disk all the same."""

    def begin(self, world: World) -> None:
        """End the process."""
        host = world.hosts[self.host]
        host.die()
        if self.disk != "kept":
            torn = world.stream("torn", self.host) if self.disk == "torn" else None
            if host.disk.lose_power(torn=torn):
                world.mark("unsynced writes lost")

    def end(self, world: World) -> None:
        """Start it again."""
        world.hosts[self.host].start()


class DiskFails(_Lasting, frozen=True, tag="disk", kw_only=True):
    """A host's disk refuses writes and syncs."""

    host: str
    why: DiskError = "full"

    def begin(self, world: World) -> None:
        """Refuse."""
        world.hosts[self.host].disk.failing = self.why

    def end(self, world: World) -> None:
        """Work again, and so does the process, if it ended over it."""
        world.hosts[self.host].disk.failing = ""
        world.hosts[self.host].start()


class _Momentary(Struct, frozen=True):
    """Something that happens at one moment."""

    host: str
    at: float

    def schedule(self, world: World) -> None:
        """Have it happen."""
        world.agenda.at(self.at, "", self._happen, world)

    def _happen(self, world: World) -> None:
        if not world.quiet:
            world.befell(cast("Fault", self))
            self.happen(world)

    def happen(self, world: World) -> None:
        """Happen."""
        raise NotImplementedError


class BitFlipped(_Momentary, frozen=True, tag="bit", kw_only=True):
    """A value on a host's disk is no longer what was written."""

    def happen(self, world: World) -> None:
        """Break one."""
        world.hosts[self.host].disk.flip_a_bit(world.stream("bits", self.host))


class ClockStepped(_Momentary, frozen=True, tag="clock", kw_only=True):
    """A host's clock jumps."""

    by: float
    """Milliseconds."""

    def happen(self, world: World) -> None:
        """Jump."""
        world.hosts[self.host].clock.step(self.by)


class ClockDrifts(_Momentary, frozen=True, tag="drift", kw_only=True):
    """A host's clock runs at another rate from then on."""

    rate: float
    """1 is right."""

    def happen(self, world: World) -> None:
        """Change the rate."""
        world.hosts[self.host].clock.drift(self.rate)


class SentTwice(Struct, frozen=True, tag="retry", kw_only=True):
    """A client sends a request a second time, as a driver does that has heard nothing yet.

    Only one that may be sent twice (`etagere.recovery`): no driver should do so with another.
    """

    client: str
    number: int
    """Which of its requests, from 1."""
    after: float
    """Milliseconds after the first time; not at all, if the answer is there by then."""

    def schedule(self, world: World) -> None:
        """Have it happen."""
        world.repeats[self.client, self.number] = self


Fault: TypeAlias = (
    MessageFault
    | Cut
    | Held
    | Paused
    | Slowed
    | Died
    | DiskFails
    | BitFlipped
    | ClockStepped
    | ClockDrifts
    | SentTwice
)
