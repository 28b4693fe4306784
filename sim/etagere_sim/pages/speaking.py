"""What hosts said to one another: messages as arrows, and questions with what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from etagere_sim.pages.causes import Causes
from etagere_sim.pages.picture import NOTHING, Message, Question
from etagere_sim.pages.wording import Teller, Texts, trouble
from etagere_sim.world.faults import MessageFault
from etagere_sim.world.trace import Event, Passage, Trace, What

Asker = tuple[str, int]
"""A host, and the number of its question."""
UNASKED = "the asker died"


def questions(
    events: Sequence[Event], lanes: Mapping[str, int], causes: Causes, tell: Teller
) -> dict[Asker, Question]:
    """Return the questions of all hosts, in their order."""
    first: dict[Asker, Event] = {}
    targets: dict[Asker, list[int]] = {}
    settled: dict[Asker, Event] = {}
    for event in events:
        asker = event.host, event.question
        if event.what is What.SENT and event.question > 0:
            first.setdefault(asker, event)
            targets.setdefault(asker, []).append(lanes[event.target])
        elif event.what is What.SETTLED:
            settled[asker] = event
    return {
        (event.host, event.question): _question(
            event,
            lanes,
            targets.get((event.host, event.question), []),
            first.get((event.host, event.question)),
            settled.get((event.host, event.question)),
            causes.of_question.get((event.host, event.question), NOTHING),
            tell,
        )
        for event in events
        if event.what is What.ASKED
    }


def _question(
    asked: Event,
    lanes: Mapping[str, int],
    targets: Sequence[int],
    sent: Event | None,
    end: Event | None,
    operation: int,
    tell: Teller,
) -> Question:
    return Question(
        lane=lanes[asked.host],
        at=asked.at,
        kind=sent.kind if sent else "",
        text=tell(sent.said) if sent else "",
        targets=targets,
        enough=asked.said,
        settled=end.at if end else None,
        why=end.said.why if end else UNASKED,
        answered=[lanes[host] for host in end.said.answered] if end else [],
        operation=operation,
    )


def messages(
    trace: Trace,
    lanes: Mapping[str, int],
    causes: Causes,
    askers: Sequence[Asker],
    tell: Teller,
    texts: Texts,
) -> list[Message]:
    """Return all ways of all messages, in the order in which they were sent."""
    places = {asker: place for place, asker in enumerate(askers)}
    troubles = _troubles(trace.events)
    passages = sorted(trace.passages(), key=lambda each: each.number)
    known: set[int] = set()
    told: list[Message] = []
    for each in passages:
        told.append(
            Message(
                source=lanes[each.source],
                target=lanes[each.target],
                sent=each.sent,
                arrived=each.arrived,
                fate=each.fate.value,
                kind=type(each.said).__name__,
                text=texts[tell(each.said)],
                question=places.get(_asker(each), NOTHING),
                is_answer=each.question < 0,
                operation=causes.of_event.get(each.number, NOTHING),
                trouble=troubles.get(each.number, ""),
                is_copy=each.number in known,
            )
        )
        known.add(each.number)
    return told


def _asker(passage: Passage) -> Asker:
    if passage.question < 0:
        return passage.target, -passage.question
    return passage.source, passage.question


def _troubles(events: Sequence[Event]) -> dict[int, str]:
    """Return what befell messages: such a fault is written down right after it was sent."""
    last: dict[tuple[str, str], int] = {}
    troubles: dict[int, str] = {}
    for event in events:
        if event.what is What.SENT:
            last[event.host, event.target] = event.number
        elif event.what is What.FAULT and isinstance(event.said, MessageFault):
            troubles[last[event.said.source, event.said.target]] = trouble(event.said)
    return troubles
