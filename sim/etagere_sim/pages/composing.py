"""From a recording to what there is to draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from etagere.histories.counterexamples.describing import answered, asked, sentence
from etagere.histories.counterexamples.minimise import identity
from etagere.histories.counterexamples.placing import letters
from etagere.histories.counterexamples.shortening import Shortener
from etagere.histories.history import NEVER, Call
from etagere.operations import Record
from etagere_sim.pages.causes import Causes
from etagere_sim.pages.picture import (
    NOTHING,
    Finding,
    Lane,
    Mark,
    Operation,
    Picture,
    State,
)
from etagere_sim.pages.recording import Held, Recording, Snapshot
from etagere_sim.pages.speaking import messages, questions
from etagere_sim.pages.troubles import lives, stretches
from etagere_sim.pages.wording import Teller, Texts, brief, cut_short
from etagere_sim.world.trace import What

CUT_OFF = "message cut off"
"""A mark that an arrow shows."""


def compose(recording: Recording) -> Picture:
    """Return all that a page shows of a run."""
    run, events = recording.run, recording.trace.events
    clients = list(recording.plan.programs_played())
    lanes = [Lane(name, is_replica=False) for name in clients]
    lanes += [Lane(name, is_replica=True) for name in recording.snapshots]
    numbers = {lane.name: number for number, lane in enumerate(lanes)}
    causes = Causes(events, run.calls, run.times)
    tell = Teller(event.said for event in events if event.what is What.SENT)
    calm = next((event.at for event in events if event.what is What.CALM), recording.end)
    asked_of = questions(events, numbers, causes, tell)
    texts = Texts()
    return Picture(
        end=recording.end,
        calm=calm,
        lanes=lanes,
        keys=_keys(recording),
        versions=list(dict.fromkeys(_versions(recording))),
        operations=list(_operations(recording, numbers, causes)),
        questions=list(asked_of.values()),
        messages=messages(recording.trace, numbers, causes, list(asked_of), tell, texts),
        stretches=list(stretches(events, numbers, calm)),
        lives=list(lives(events, numbers, recording.end)),
        states={
            numbers[name]: [_state(snapshot, texts) for snapshot in taken]
            for name, taken in recording.snapshots.items()
        },
        marks=list(_marks(recording, numbers)),
        findings=list(_findings(recording)),
        texts=list(texts),
    )


def _keys(recording: Recording) -> list[str]:
    """Return the keys, those with findings first."""
    run = recording.run
    return list(
        dict.fromkeys([finding.key for finding in run.findings] + [call.key for call in run.calls])
    )


def _versions(recording: Recording) -> Iterator[str]:
    """Yield the ETags that clients were told, and those that only replicas ever saw."""
    yield from (call.etag for call in recording.run.calls if call.etag)
    for taken in recording.snapshots.values():
        for snapshot in taken:
            yield from (record.etag for record in (snapshot.held or {}).values() if record)


def _operations(
    recording: Recording, numbers: dict[str, int], causes: Causes
) -> Iterator[Operation]:
    run = recording.run
    names = letters(call for finding in run.findings for call in finding.witnesses)
    short = Shortener(text for call in run.calls for text in _texts(call))
    for number, call in enumerate(run.calls):
        told = causes.told.get(number) if call.finish == NEVER else run.times[call.finish - 1]
        yield Operation(
            lane=numbers[call.client],
            start=run.times[call.start - 1],
            end=told,
            key=call.key,
            asked=asked(call, short),
            answered=_answered(call, short),
            sentence=sentence(call),
            status=call.status.value,
            version=call.etag,
            letter=names.get(identity(call), ""),
        )


def _answered(call: Call, short: Shortener) -> str:
    """Leave out the ETag where it is the value: so it is with the clients of a run."""
    told = answered(call, short)
    if call.value is not None and call.value == call.etag:
        twin = f"{short(call.value)} · {short(call.value)}"
        return told.replace(twin, short(call.value))
    return told


def _texts(call: Call) -> Iterator[str]:
    yield from filter(None, (call.value, call.etag, call.expected, call.actual))


def _state(snapshot: Snapshot, texts: Texts) -> State:
    disk = [
        (_without_marks(name), texts[cut_short(brief(each))])
        for name, each in snapshot.disk.items()
    ]
    return State(snapshot.at, _held(snapshot.held), disk)


def _without_marks(name: str) -> str:
    # What is not a key is told from keys by a NUL.
    return name.replace("\0", "").strip()


def _held(held: Held | None) -> dict[str, tuple[str, str] | None] | None:
    if held is None:
        return None
    return {key: _version(held[key]) for key in sorted(held)}


def _version(record: Record | None) -> tuple[str, str] | None:
    return None if record is None else (brief(record.value), record.etag)


def _marks(recording: Recording, numbers: dict[str, int]) -> Iterator[Mark]:
    events = recording.trace.events
    for event in events:
        if event.what is What.MARKED and event.cause and event.text != CUT_OFF:
            cause = events[event.cause - 1]
            lane = numbers.get(cause.target or cause.host, NOTHING)
            if lane != NOTHING:
                yield Mark(lane, event.at, event.text)


def _findings(recording: Recording) -> Iterator[Finding]:
    places = {identity(call): number for number, call in enumerate(recording.run.calls)}
    for finding in recording.run.findings:
        witnesses: Sequence[Call] = finding.witnesses
        yield Finding(
            finding.anomaly.value,
            finding.key,
            finding.message,
            sorted(places[identity(call)] for call in witnesses),
        )
