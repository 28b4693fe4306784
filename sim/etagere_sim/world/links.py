"""The way of messages from one host to another."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from etagere_sim.world.faults import LATE, LOST, TWICE, MessageFault, Weather

if TYPE_CHECKING:
    from etagere_sim.world.hosts import Host, Packet
    from etagere_sim.world.latency import Latency
    from etagere_sim.world.messages import Message
    from etagere_sim.world.world import World


class Link:
    """One direction between two hosts. Messages overtake one another, as their delays will.

    Whatever can go wrong is looked at only while `troubled`, because most messages have no trouble.
    """

    __slots__ = (
        "_after",
        "_arrive",
        "_delays",
        "_draw",
        "_held",
        "_holds",
        "_risk",
        "_weather",
        "cut",
        "plan",
        "seen",
        "slower",
        "source",
        "target",
        "troubled",
        "world",
    )

    def __init__(
        self, world: World, source: str, target: Host, latency: Latency, random: Random
    ) -> None:
        self.world = world
        self.source = source
        self.target = target.name
        self.troubled = False
        self.cut = 0
        """How many faults cut it at present."""
        self.slower = 0.0
        """Milliseconds on top of each delay."""
        self.plan: dict[tuple[str, int], tuple[str, float]] = {}
        """What happens to single messages, by what they are and which of these it is."""
        self.seen: dict[type[Message], int] = {}
        """How many messages of each kind there were while it was troubled."""
        self._after = world.agenda.after
        self._arrive: Callable[[Packet], object] = target.arrive
        self._delays = latency.between(source, target.name, random)
        self._risk = 0.0
        self._holds = 0
        self._held: list[tuple[Packet, float]] = []
        if world.weather is not None:
            self.expose(world.weather)

    def expose(self, weather: Weather | None) -> None:
        """Let this befall messages at random."""
        self._weather = weather
        self._risk = 0.0
        if weather is not None:
            self.troubled = True
            self._risk = weather.lost + weather.twice + weather.late
            self._draw = self.world.weather_random.random

    def send(self, packet: Packet) -> None:
        """Send a message on its way."""
        delay: float = self._delays[packet[2].is_write][packet[1] < 0]()
        if self.troubled:
            self._send_in_trouble(packet, delay)
        else:
            self._after(delay, self.target, self._arrive, packet)

    def hold(self) -> None:
        """Keep all messages back from now on."""
        self._holds += 1
        self.troubled = True

    def release(self) -> None:
        """Let go of what was kept back, all of it at once, unless it is held for another reason."""
        self._holds = max(0, self._holds - 1)
        if not self._holds:
            held, self._held = self._held, []
            for packet, delay in held:
                self._after(delay, self.target, self._arrive, packet)

    def mend(self) -> None:
        """Work again, in every respect."""
        self.cut, self.slower, self.troubled, self._holds = 0, 0.0, False, 0
        self.plan.clear()
        self.release()

    def lose(self, packet: Packet, why: str) -> None:
        """Let a message get nowhere."""

    def _send_in_trouble(self, packet: Packet, delay: float) -> None:
        # The delay is drawn in any case: the fate of one message must not change that of the next.
        kind = type(packet[2])
        number = self.seen[kind] = self.seen.get(kind, 0) + 1
        if self.cut:
            self.world.mark("message cut off")
            self.lose(packet, "cut")
            return
        fate = self.plan.get((kind.__name__, number)) if self.plan else None
        if fate is None and self._risk:
            luck = self._draw()
            if luck < self._risk:
                fate = self._drawn(luck)
        if fate is not None:
            self._meet(fate, packet, number, delay + self.slower)
        elif self._holds:
            self._held.append((packet, delay + self.slower))
        else:
            self._after(delay + self.slower, self.target, self._arrive, packet)

    def _meet(self, fate: tuple[str, float], packet: Packet, number: int, delay: float) -> None:
        """Let something happen to a message."""
        what, more = fate
        kind = type(packet[2]).__name__
        self.world.befell(MessageFault(what, self.source, self.target, kind, number, more))
        if what == LOST:
            self.lose(packet, LOST)
            return
        if what == TWICE:
            self._let_go(packet, delay)
        self._let_go(packet, delay + more)

    def _drawn(self, luck: float) -> tuple[str, float]:
        weather = self._weather
        assert weather is not None
        if luck < weather.lost:
            return LOST, 0.0
        what = TWICE if luck < weather.lost + weather.twice else LATE
        return what, weather.late_by * self._draw()

    def _let_go(self, packet: Packet, delay: float) -> None:
        if self._holds:
            self._held.append((packet, delay))
        else:
            self._after(delay, self.target, self._arrive, packet)


class Links(dict[str, Link]):
    """The links from one host to others, each made when it is asked for: most are never used."""

    def __init__(self, world: World, source: str) -> None:
        super().__init__()
        self._world = world
        self._source = source

    def __missing__(self, target: str) -> Link:
        link = self[target] = self._world.link(self._source, target)
        return link
