"""Links, tasks and questions that write down what becomes of them, where there is a trace."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any

from etagere_sim.world.asking import Asked
from etagere_sim.world.links import Link
from etagere_sim.world.messages import Message
from etagere_sim.world.tasks import Task, Waiting
from etagere_sim.world.trace import End, Settled, Trace, What

if TYPE_CHECKING:
    from etagere_sim.world.hosts import Host, Packet
    from etagere_sim.world.latency import Latency
    from etagere_sim.world.world import World


class TracedLink(Link):
    """A link that writes down what is sent on it, and what becomes of it."""

    __slots__ = ("_host", "_trace")

    def __init__(
        self, world: World, source: str, target: Host, latency: Latency, random: Any, trace: Trace
    ) -> None:
        super().__init__(world, source, target, latency, random)
        self._host = target
        self._trace = trace
        self._arrive = self._arrived

    def send(self, packet: Packet) -> None:
        """Send a message on its way."""
        number = self._add(What.SENT, packet)
        super().send(TracedPacket.of(packet, number))

    def lose(self, packet: Packet, why: str) -> None:
        """Let a message get nowhere."""
        self._add(What(why), packet)

    def _arrived(self, packet: Packet) -> None:
        number = self._add(What.ARRIVED if self._host.up else What.UNHEARD, packet)
        self._trace.during(number, self._host.arrive, packet)

    def _add(self, what: What, packet: Packet) -> int:
        _, question, said = packet
        return self._trace.add(
            self.world.agenda.now,
            what,
            self.source,
            self.target,
            message=getattr(packet, "number", 0),
            question=question,
            said=said,
        )


class TracedPacket(tuple[str, int, Message]):  # noqa: SLOT001 - a tuple's have no room for more
    """A packet that knows the number of its event."""

    number: int

    @classmethod
    def of(cls, packet: Packet, number: int) -> TracedPacket:
        """Return a packet with a number."""
        traced = cls(packet)
        traced.number = number
        return traced


class TracedTask(Task[Any]):
    """A task that writes down when it began and ended, and is the cause of what it does."""

    __slots__ = ("_number", "_trace")

    def __init__(self, host: Host, work: Coroutine[Waiting, Any, Any], trace: Trace) -> None:
        super().__init__(host, work)
        self._trace = trace
        self._number = host.world.note(What.BEGAN, host.name, said=self.name)
        self.watch(self._ended)

    def resume(self, value: Any = None) -> None:
        """Run on, up to the next thing to wait for."""
        self._trace.during(self._number, super().resume, value)

    def _ended(self, result: Any) -> None:
        self._host.world.note(What.ENDED, self._host.name, message=self._number, said=result)


class TracedAsked(Asked[Any]):
    """A question that writes down when it was put, and when its asker had enough."""

    __slots__ = ("_hears", "_host", "_number")

    def __init__(
        self,
        host: Host,
        number: int,
        targets: Iterable[str],
        enough: int | Callable[[Asked[Any]], bool],
    ) -> None:
        super().__init__(targets, enough)
        self._host = host
        self._number = number
        self._hears = False
        self._note(What.ASKED, enough if isinstance(enough, int) else 0)

    def answered(self, source: str, answer: Any) -> bool:
        """Take one answer down; return whether everybody has answered."""
        self._hears = True
        try:
            return super().answered(source, answer)
        finally:
            self._hears = False

    def end(self, _: object = None) -> None:
        """Wait no longer."""
        if not self.over:
            self._note(What.SETTLED, Settled(self._why(), tuple(self.answers)))
        super().end()

    def _why(self) -> End:
        if not self._hears:
            return End.TIME
        if len(self.answers) < len(self.targets):
            return End.ENOUGH
        enough = self._enough
        is_enough = len(self) >= enough if isinstance(enough, int) else enough(self)
        return End.ENOUGH if is_enough else End.ALL

    def _note(self, what: What, said: object) -> None:
        world = self._host.world
        if world.trace is not None:
            world.trace.add(
                world.agenda.now, what, self._host.name, question=self._number, said=said
            )
