"""The primary: decides what becomes of operations, and when their callers are told.

Records expire by its clock, and that of the next primary may be slower. So one that a strong call
finds expired is removed in the log first: what was gone once stays gone after a failover.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct

from etagere import contract
from etagere.contract import is_expired
from etagere.errors import NotReplicated
from etagere.operations import Outcome, Record, Transaction
from etagere_sim.protocols.primary_backup.messages import (
    Appended,
    Change,
    Elsewhere,
    Entry,
    Fetch,
    Question,
)
from etagere_sim.protocols.primary_backup.stream import Stream

if TYPE_CHECKING:
    from etagere_sim.protocols.primary_backup.replica import Replica


class Waiting(Struct, frozen=True):
    """A write that waits for backups to have it."""

    client: str
    number: int
    since: float


class Reading(Struct, frozen=True):
    """A strong read that waits to hear whether this is still the primary."""

    client: str
    asked: Question
    round: int
    """Which round must be answered; 0: none, there is a lease."""
    now: int
    """When it was asked, on the clock of the primary."""


class Primary:
    """A replica in office, for one term."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._host, self._knobs, self._log = replica.host, replica.knobs, replica.log
        self._agenda = replica.host.world.agenda
        self._stream = Stream(self._host, self._knobs, self._log, replica.term)
        self._since = 0
        """Where the log was when it took office: only behind that does it know what is there."""
        self._waiting: dict[str, Waiting] = {}
        """By call."""
        self._reading: list[Reading] = []
        self._host.after(self._knobs.beat, self._beat)

    def begin(self) -> None:
        """Put an entry of its own into the log, so that what is before it is settled with it."""
        self._log.append(Entry(self._replica.term, "", (), None, waits=True))
        self._since = len(self._log)
        self._send()

    def end(self) -> None:
        """Send everybody who waits elsewhere."""
        for call, waiting in self._waiting.items():
            self._refuse(waiting.client, call)
        for reading in self._reading:
            self._refuse(reading.client, reading.asked.call)

    # --- writes ---------------------------------------------------------------------------------

    def change(self, client: str, asked: Change) -> None:
        """Do what is asked, unless it was done; answer at once or when enough backups have it."""
        if not self._serves():
            self._refuse(client, asked.call)
            return
        number = self._log.calls.get(asked.call)
        if number is None:
            number = self._decide(asked)
        else:
            self._replica.mark("a call is found in the log")
        entry = self._log[number]
        # Where terms do not bind, nothing is gained by waiting with a conflict.
        waits = asked.strong and (self._knobs.fencing or entry.changes)
        if waits and number > self._replica.commit:
            self._waiting[asked.call] = Waiting(client, number, self._agenda.now)
        else:
            self._replica.answer(client, asked.call, entry.outcome)

    def _decide(self, asked: Change) -> int:
        if isinstance(asked.operation, Transaction):
            # Its conflict would tell of what is gone, and change nothing.
            self._remove_expired([part.key for part in asked.operation.operations])
        changes, outcome = self._apply(asked)
        term = self._replica.term
        return self._add(Entry(term, asked.call, tuple(changes.items()), outcome, asked.strong))

    def _remove_expired(self, keys: Iterable[str]) -> None:
        now, records = self._host.now(), self._log.records
        gone = tuple((key, None) for key in dict.fromkeys(keys) if _is_gone(records.get(key), now))
        if gone:
            self._replica.mark("an expired record is removed")
            self._add(Entry(self._replica.term, "", gone, None, waits=True))

    def _add(self, entry: Entry) -> int:
        self._log.append(entry)
        number = len(self._log)
        if self._knobs.dirty or not entry.waits:
            self._replica.shown.show(number, entry)
        self._send()
        return number

    def _apply(self, asked: Change) -> tuple[dict[str, Record | None], Outcome]:
        operation, records, now = asked.operation, self._log.records, self._host.now()
        if isinstance(operation, Transaction):
            return contract.apply_transaction(records.get, operation, now)
        before = records.get(operation.key)
        after, outcome = contract.apply(before, operation, now)
        return ({} if after is before else {operation.key: after}), outcome

    # --- reads ----------------------------------------------------------------------------------

    def tell(self, client: str, asked: Question) -> None:
        """Answer a read: where terms bind, a strong one only once it is sure to be the primary."""
        if not asked.strong or not self._knobs.fencing:
            self._replica.answer(client, asked.call, self._replica.read(asked, self._host.now()))
        elif not self._serves():
            self._refuse(client, asked.call)
        else:
            now = self._host.now()
            self._remove_expired(self._keys_of(asked))
            leased = now < self._stream.leased
            if not leased:
                self._stream.next_round(self._replica.commit)
            self._reading.append(Reading(client, asked, 0 if leased else self._stream.round, now))
            self._answer_reads()

    def _answer_reads(self) -> None:
        confirmed = self._stream.confirmed()
        left: list[Reading] = []
        for reading in self._reading:
            if reading.round > confirmed or not self._is_settled(reading):
                left.append(reading)
                continue
            self._replica.mark("a read is confirmed" if reading.round else "a read under a lease")
            outcome = self._replica.read(reading.asked, reading.now)
            self._replica.answer(reading.client, reading.asked.call, outcome)
        self._reading = left

    def _is_settled(self, reading: Reading) -> bool:
        """Tell whether no other primary can come to show anything older."""
        if self._number_of(reading.asked) > self._replica.commit:
            return False
        get = self._replica.shown.get
        return not any(_is_gone(get(key)[1], reading.now) for key in self._keys_of(reading.asked))

    def _keys_of(self, asked: Question) -> Iterable[str]:
        if isinstance(asked, Fetch):
            return (asked.key,)
        return [key for key in self._log.records if key.startswith(asked.prefix)]

    def _number_of(self, asked: Question) -> int:
        """Return the entry that must be settled before what is shown can be told."""
        shown = self._replica.shown
        number = shown.get(asked.key)[0] if isinstance(asked, Fetch) else shown.newest
        return max(self._since, number)

    # --- what is settled ------------------------------------------------------------------------

    def appended(self, source: str, answer: Appended) -> None:
        """Hear how far a backup has followed."""
        self._stream.appended(source, answer, self._replica.commit)
        self._settle()

    def _send(self) -> None:
        self._stream.send(self._replica.commit)
        self._settle()

    def _settle(self) -> None:
        replica, log = self._replica, self._log
        if replica.commit < len(log):
            number = self._stream.acknowledged()
            # One of an older term can be replaced even where a majority has it (Raft, 5.4.2).
            binds = not self._knobs.fencing or log.term_at(number) == replica.term
            if number > replica.commit and binds:
                replica.commit_to(number)
                self._answer_writes()
        if self._reading:
            self._answer_reads()

    def _answer_writes(self) -> None:
        replica = self._replica
        for call, waiting in list(self._waiting.items()):
            if waiting.number <= replica.commit:
                del self._waiting[call]
                replica.answer(waiting.client, call, self._log[waiting.number].outcome)

    def _give_up_waiting(self) -> None:
        """Tell who waited long enough; what they wrote stays, and is shown from now on."""
        replica, end = self._replica, self._agenda.now - self._knobs.ack_wait
        for call, waiting in list(self._waiting.items()):
            if waiting.since <= end:
                del self._waiting[call]
                replica.mark("a write is not replicated in time")
                entry = self._log[waiting.number]
                replica.shown.show(waiting.number, entry)
                replica.answer(waiting.client, call, self._not_replicated(entry))

    def _not_replicated(self, entry: Entry) -> NotReplicated:
        key, record = entry.changes[0]
        etag = None if record is None else record.etag
        return NotReplicated(
            key,
            etag,
            f"key {key!r} is written on {self._host.name}, but fewer than {self._knobs.acks}"
            f" backups confirmed it within {self._knobs.ack_wait:g} ms",
        )

    # --- whether it is still the primary --------------------------------------------------------

    def _beat(self, _: None) -> None:
        if self._replica.primary is not self:
            return
        if not self._serves() and self._knobs.failover != "none":
            self._replica.mark("a primary without a majority stops")
            self._replica.step_down()
            return
        self._stream.next_round(self._replica.commit)
        if not self._knobs.fencing:
            self._give_up_waiting()
        self._host.after(self._knobs.beat, self._beat)

    def _serves(self) -> bool:
        return not self._knobs.fencing or self._stream.is_followed()

    def _refuse(self, client: str, call: str) -> None:
        self._host.send(client, Elsewhere(call, ""))


def _is_gone(record: Record | None, now: int) -> bool:
    return record is not None and is_expired(record.expires_at, now)
