"""A world: hosts, the links between them, one agenda, and what goes wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from random import Random
from typing import Any

from etagere_sim.kernel.agenda import Agenda, Chooser
from etagere_sim.kernel.streams import stream
from etagere_sim.world.faults import Fault, SentTwice, Weather
from etagere_sim.world.hosts import Host
from etagere_sim.world.latency import Latency
from etagere_sim.world.links import Link
from etagere_sim.world.trace import Trace, What
from etagere_sim.world.traced import TracedLink


class World:
    """Everything in one simulation. The same seed and the same plan give the same world again."""

    def __init__(
        self,
        seed: int,
        latency: Latency,
        *,
        chooser: Chooser | None = None,
        agenda: Agenda | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.seed = seed
        self.agenda = Agenda(chooser) if agenda is None else agenda
        self.agenda.witnesses.append(self._waiting)
        self.trace = trace
        """Where everything that happens is written down, if anywhere."""
        self.hosts: dict[str, Host] = {}
        self.quiet = False
        """Whether all chaos is over: faults that are still to come do not."""
        self.marks: Counter[str] = Counter()
        """How often each branch of interest was reached: of the faults and of the protocol."""
        self.faults: list[Fault] = []
        """What went wrong so far, in its order: a plan that makes it happen again."""
        self.repeats: dict[tuple[str, int], SentTwice] = {}
        self.buried: list[Any] = []
        self._latency = latency
        self._numbers: dict[str, int] = {}
        self._weather: Weather | None = None

    @property
    def weather(self) -> Weather | None:
        """What befalls messages at random; None: nothing."""
        return self._weather

    @weather.setter
    def weather(self, weather: Weather | None) -> None:
        self._weather = weather
        for host in self.hosts.values():
            for link in host.links.values():
                link.expose(weather)

    @cached_property
    def weather_random(self) -> Random:
        """What decides what the weather does."""
        return self.stream("weather")

    def stream(self, *names: str) -> Random:
        """Return a stream of random numbers of this run."""
        return stream(self.seed, *names)

    def add(self, name: str, boot: Callable[[Host], None]) -> Host:
        """Add a host. `boot` starts the process on it."""
        self._numbers[name] = len(self._numbers) + 1
        host = self.hosts[name] = Host(self, name, boot)
        return host

    def link(self, source: str, target: str) -> Link:
        """Return a new link, with a random stream of its own whoever has one already."""
        # Numbers for a seed: a text would cost more than the link.
        way = (self._numbers[source] << 10) + self._numbers[target]
        random = Random((self.seed << 20) + way)
        if self.trace is not None:
            return TracedLink(self, source, self.hosts[target], self._latency, random, self.trace)
        return Link(self, source, self.hosts[target], self._latency, random)

    def note(self, what: What, host: str = "", *, message: int = 0, said: Any = None) -> int:
        """Write down in the trace, if there is one, what happened; return its number."""
        if self.trace is None:
            return 0
        return self.trace.add(self.agenda.now, what, host, message=message, said=said)

    def mark(self, what: str) -> None:
        """Take down that something worth knowing happened."""
        self.marks[what] += 1
        self.note(What.MARKED, said=what)

    def befell(self, fault: Fault) -> None:
        """Take down a fault."""
        self.faults.append(fault)
        self.note(What.FAULT, said=fault)
        what = getattr(fault, "what", "")
        self.marks[f"fault: {type(fault).__name__}{' ' if what else ''}{what}"] += 1

    def links_between(
        self, sources: Iterable[str], targets: Iterable[str], *, both: bool
    ) -> Iterator[Link]:
        """Yield the links from some hosts to others, and back."""
        targets = tuple(targets)
        for source in sources:
            for target in targets:
                if source != target:
                    yield self.hosts[source].links[target]
                    if both:
                        yield self.hosts[target].links[source]

    def links_to(self, host: str) -> Iterator[Link]:
        """Yield all links that end at a host."""
        for other in self.hosts.values():
            if other.name != host:
                yield other.links[host]

    def calm(self) -> None:
        """End all chaos: links work, hosts run, disks take what they are given."""
        self.quiet = True
        self.note(What.CALM)
        self.weather = None
        for host in self.hosts.values():
            host.disk.failing = ""
            host.go_on()
            host.start()
            for link in host.links.values():
                link.mend()

    def end(self) -> None:
        """Let go of everything, in whatever state it is.

        All that is in a world knows one another. What is left for the collector of garbage to find
        out takes longer than a third of a run.
        """
        for host in self.hosts.values():
            host.end()
        self.hosts.clear()
        self.buried.clear()
        self.agenda.clear()

    def _waiting(self) -> Iterator[str]:
        for host in self.hosts.values():
            for task in host.tasks:
                yield f"{task} waits for {task.waits_for}"
