"""From a recording to what there is to draw."""

from __future__ import annotations

from collections import Counter

from etagere_sim.pages import compose
from etagere_sim.pages.wording import Teller, brief, cut_short, fault_label
from etagere_sim.protocols.caspaxos.messages import Accepted, Refused
from etagere_sim.world.faults import Cut, Held, MessageFault
from etagere_sim.world.trace import What
from tests.sim.pages.pictures import faulted, violating


def test_every_message_is_an_arrow():
    recording, picture = faulted(), compose(faulted())
    sent = sum(event.what is What.SENT for event in recording.trace.events)
    assert sum(not message.is_copy for message in picture.messages) == sent
    fates = Counter(message.fate for message in picture.messages)
    assert fates["lost"] == sum(e.what is What.LOST for e in recording.trace.events) > 0
    assert fates["cut"] == sum(e.what is What.CUT for e in recording.trace.events)
    for message in picture.messages:
        assert (message.arrived is None) == (message.fate in ("lost", "cut", "sent"))


def test_a_message_in_trouble_says_so():
    picture = compose(faulted())
    twice = [message for message in picture.messages if message.is_copy]
    assert all("twice" in message.trouble for message in twice)
    lost = [message for message in picture.messages if message.fate == "lost"]
    assert {message.trouble for message in lost} == {"lost"}
    assert any("ms late" in message.trouble for message in picture.messages)


def test_a_quorum_is_the_answers_before_there_were_enough():
    picture = compose(violating())
    settled = [q for q in picture.questions if q.why == "enough answers" and q.enough]
    assert len(settled) > 10
    for number, question in enumerate(picture.questions):
        if question not in settled:
            continue
        came = {
            message.source: message.arrived
            for message in picture.messages
            if message.question == number and message.is_answer and message.fate == "arrived"
        }
        assert len(question.answered) == question.enough == 1
        assert came[question.answered[0]] == question.settled == min(came.values())


def test_questions_belong_to_the_operations_that_put_them():
    picture = compose(violating())
    for number, operation in enumerate(picture.operations):
        asked = [q for q in picture.questions if q.operation == number]
        assert asked or operation.status == "fail", operation.sentence
        for question in asked:
            assert question.lane == operation.lane
            assert operation.start <= question.at <= operation.end
    owned = [message for message in picture.messages if message.operation >= 0]
    assert len(owned) > 0.9 * len([message for message in picture.messages if message.is_answer])


def test_witnesses_have_letters():
    recording, picture = violating(), compose(violating())
    assert len(picture.findings) == len(recording.run.findings) > 0
    for finding, drawn in zip(recording.run.findings, picture.findings, strict=True):
        assert drawn.message == finding.message
        assert len(drawn.witnesses) == len(finding.witnesses)
        assert all(picture.operations[number].letter for number in drawn.witnesses)


def test_faults_are_stretches_of_the_lanes_they_strike():
    picture = compose(faulted())
    names = [lane.name for lane in picture.lanes]
    assert names[:3] == ["c1", "c2", "c3"]
    kinds = {stretch.kind: stretch for stretch in picture.stretches}
    assert {"Died", "Cut", "Paused"} <= set(kinds)
    assert kinds["Cut"].ways
    for stretch in picture.stretches:
        assert stretch.at <= stretch.until <= picture.calm or stretch.at == stretch.until
        assert stretch.lanes
    assert {life.what for life in picture.lives} == {"down", "paused"}


def test_an_operation_without_an_answer_ends_when_its_client_was_told():
    operations = compose(faulted()).operations
    unknown = [each for each in operations if each.status == "info"]
    assert unknown
    for operation in unknown:
        later = [
            each.start
            for each in operations
            if each.lane == operation.lane and each.start > operation.start
        ]
        assert operation.end is None or operation.start < operation.end <= min(later)
    assert any(operation.end for operation in unknown)


def test_a_teller_leaves_out_what_never_differs():
    same = [Accepted((1, "c1")), Accepted((1, "c1"))]
    assert Teller(same)(same[0]) == ""
    other = [Refused((1, "c1")), Refused((2, "c2"))]
    assert Teller(other)(other[1]) == "promised (2, c2)"


def test_words_are_short():
    assert brief(None) == "nothing"
    assert brief({"a": (1.0, b"x")}) == "(a (1, x))"
    assert len(cut_short("x" * 1000)) == 160
    assert fault_label(Cut(0, 1, sources=("r1",), targets=("c1", "c2"))) == "cut r1 ↮ c1, c2"
    everybody = Held(0, 1, sources=("a", "b", "c", "d"), targets=("r1",))
    assert fault_label(everybody) == "held back 4 hosts → r1"
    assert fault_label(MessageFault("late", "a", "b", "Put", 1, 3.0)) == "3 ms late"
