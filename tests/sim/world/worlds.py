"""Small worlds for tests."""

from __future__ import annotations

from etagere_sim.world.distributions import Constant
from etagere_sim.world.hosts import Host
from etagere_sim.world.latency import Everywhere
from etagere_sim.world.messages import Message
from etagere_sim.world.trace import Trace
from etagere_sim.world.world import World

DELAY = 10.0
STEADY = Everywhere(Constant(DELAY))


class Hello(Message, frozen=True, gc=False):
    """Something to say."""

    number: int = 0


class Answer(Message, frozen=True, gc=False):
    """What is answered."""

    text: str = ""


class Heard:
    """What each host took notice of: when, from whom, what."""

    def __init__(self) -> None:
        self.by_host: dict[str, list[tuple[float, str, int]]] = {}

    def boot(self, host: Host) -> None:
        """Start a process that listens and answers."""
        heard = self.by_host.setdefault(host.name, [])
        agenda = host.world.agenda

        def hear(source: str, hello: Hello) -> Answer:
            heard.append((agenda.now, source, hello.number))
            return Answer(f"{host.name} heard {hello.number}")

        host.handlers[Hello] = hear

    def times(self, host: str) -> list[float]:
        """Return when a host took notice of something."""
        return [at for at, _, _ in self.by_host[host]]

    def numbers(self, host: str) -> list[int]:
        """Return what a host heard, in its order."""
        return [number for _, _, number in self.by_host[host]]


def world_of(*names: str, seed: int = 1, latency=STEADY, trace: Trace | None = None):
    """Return a world with hosts that listen, and what they heard."""
    world, heard = World(seed, latency, trace=trace), Heard()
    for name in names or ("a", "b", "c"):
        world.add(name, heard.boot)
    return world, heard
