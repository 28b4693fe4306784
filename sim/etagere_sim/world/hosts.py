"""One machine of the world: a process on it, its clock, its disk, and what it sends and hears."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from etagere_sim.world.asking import Asked
from etagere_sim.world.clocks import Clock
from etagere_sim.world.deadlines import Deadlines
from etagere_sim.world.disks import Corrupt, Disk, DiskFailed
from etagere_sim.world.links import Links
from etagere_sim.world.mailboxes import Mailbox
from etagere_sim.world.messages import Message
from etagere_sim.world.tasks import Sleep, Task, Waiting
from etagere_sim.world.trace import What
from etagere_sim.world.traced import TracedAsked, TracedTask

if TYPE_CHECKING:
    from etagere_sim.world.world import World

T = TypeVar("T")
R = TypeVar("R")

REMEMBERED = 10_000
"""How many questions a host knows the answers to: of older ones, late answers do not count."""

Packet = tuple[str, int, Message]
"""Who sent it, the number of the question that it puts or answers (0: neither), and what it says.
The number is negative in an answer. What it says is immutable."""

Handler = Callable[[str, Any], Any]
"""Takes who sent a message, and the message; returns the answer, or None for none."""


class Host:
    """A machine. Its process dies with it, and starts again with what the disk holds."""

    def __init__(self, world: World, name: str, boot: Callable[[Host], None]) -> None:
        self.world = world
        self.name = name
        self.clock = Clock(world.agenda)
        self.disk = Disk()
        self.links = Links(world, name)
        self.epoch = 0
        """Counts the lives of the process: what was meant for an earlier one is lost."""
        self.up = True
        self.tasks: dict[Task[Any], None] = {}
        self.handlers: dict[type[Message], Handler] = {}
        self.deadlines: dict[float, Deadlines] = {}
        """The ends of its questions, by the patience with them."""
        self._boot = boot
        self._mailbox: Mailbox | None = None
        self._after = world.agenda.after
        self._asked: dict[int, Asked[Any]] = {}
        self._questions = 0
        self._paused: list[tuple[Callable[[Any], object], Any]] | None = None
        boot(self)

    # --- what a process does --------------------------------------------------------------------

    def now(self) -> int:
        """Return the time on the host's clock, in milliseconds since the Unix epoch."""
        return int(self.clock.read())

    def spawn(self, work: Coroutine[Waiting, Any, T]) -> Task[T]:
        """Start a task on this host."""
        trace = self.world.trace
        task = Task(self, work) if trace is None else TracedTask(self, work, trace)
        self.tasks[task] = None
        task.resume()
        return task

    def sleep(self, milliseconds: float) -> Sleep:
        """Return what a task awaits to let time pass."""
        return Sleep(self, milliseconds)

    def after(self, delay: float, do: Callable[[Any], object], what: Any = None) -> None:
        """Do something after a delay, unless the process is another by then."""
        self._after(delay, self.name, self._wake, (self.epoch, do, what))

    def at(self, when: float, do: Callable[[Any], object], what: Any = None) -> None:
        """Do something at a moment of true time, unless the process is another by then."""
        self.world.agenda.at(when, self.name, self._wake, (self.epoch, do, what))

    def send(self, target: str, message: Message) -> None:
        """Send a message that needs no answer."""
        self.links[target].send((self.name, 0, message))

    def ask(
        self,
        targets: Iterable[str],
        message: Message,
        *,
        enough: int | Callable[[Asked[Any]], bool],
        within: float,
    ) -> Asked[Any]:
        """Put one question to several hosts; await the result for enough answers to it."""
        number = self._questions = self._questions + 1
        asked: Asked[Any] = (
            Asked(targets, enough)
            if self.world.trace is None
            else TracedAsked(self, number, targets, enough)
        )
        self._asked[number] = asked
        if number > REMEMBERED:
            self._asked.pop(number - REMEMBERED, None)
        packet = (self.name, number, message)
        links = self.links
        for target in asked.targets:
            links[target].send(packet)
        deadlines = self.deadlines.get(within)
        if deadlines is None:
            deadlines = self.deadlines[within] = Deadlines(self, within)
        deadlines.add(asked)
        return asked

    @property
    def mailbox(self) -> Mailbox:
        """What came and no handler took, for programs of asyncio or anyio. Opened by this."""
        if self._mailbox is None:
            self._mailbox = Mailbox()
        return self._mailbox

    # --- what happens to it ---------------------------------------------------------------------

    def arrive(self, packet: Packet) -> None:
        """Take notice of a message."""
        if not self.up:
            return
        if self._paused is not None:
            self._paused.append((self.arrive, packet))
            return
        source, number, message = packet
        if number < 0:
            asked = self._asked.get(-number)
            if asked is not None and asked.answered(source, message):
                self._asked.pop(-number, None)
            return
        handler = self.handlers.get(type(message))
        if handler is None:
            self._put_by(source, message)
            return
        try:
            answer = handler(source, message)
        except (DiskFailed, Corrupt) as failure:
            self.fail(failure)
            return
        if answer is not None and number:
            self.links[source].send((self.name, -number, answer))

    def pause(self) -> None:
        """Stop, as for a long collection of garbage: nothing is lost, all of it is late."""
        if self.up and self._paused is None:
            self._paused = []
            self.world.note(What.PAUSED, self.name)

    def go_on(self) -> None:
        """Go on after a pause, with what came meanwhile, in its order."""
        if self._paused is None:
            return
        waiting, self._paused = self._paused, None
        self.world.note(What.WENT_ON, self.name)
        for do, what in waiting:
            do(what)

    def die(self) -> None:
        """End the process at once. Unsynced writes are still there when it starts again."""
        if not self.up:
            return
        self.world.note(What.DIED, self.name)
        self.up = False
        self.epoch += 1
        self._paused = None
        self._asked.clear()
        self.deadlines.clear()
        self.handlers.clear()
        if self._mailbox is not None:
            self._mailbox.clear()
        for task in list(self.tasks):
            task.die()

    def fail(self, failure: DiskFailed | Corrupt) -> None:
        """End the process over its disk: what it says it keeps and what it does must be one."""
        corrupt = type(failure) is Corrupt
        self.world.mark(f"process ended: {'disk corrupt' if corrupt else f'disk {failure}'}")
        self.die()

    def start(self) -> None:
        """Start the process again, with what the disk holds."""
        if not self.up:
            self.up = True
            self.world.note(What.STARTED, self.name)
            try:
                self._boot(self)
            except (DiskFailed, Corrupt) as failure:
                self.fail(failure)

    def end(self) -> None:
        """Let go of all that it does and knows: the world ends."""
        self.epoch += 1  # so that none of its tasks runs on, as others let go of what they hold
        for task in list(self.tasks):
            task.end()
        self.tasks.clear()
        self.links.clear()
        self.handlers.clear()
        self.deadlines.clear()
        self._asked.clear()
        self._paused = None

    def _wake(self, entry: tuple[int, Callable[[Any], object], Any]) -> None:
        epoch, do, what = entry
        if epoch != self.epoch:
            return
        if self._paused is not None:
            self._paused.append((self._wake, entry))
            return
        try:
            do(what)
        except (DiskFailed, Corrupt) as failure:
            self.fail(failure)

    def _put_by(self, source: str, message: Any) -> None:
        if self._mailbox is None:
            raise LookupError(f"{self.name} has no handler for the {message!r} of {source}")
        self._mailbox.put(source, message)
