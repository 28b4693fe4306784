"""What is written down of a run."""

from __future__ import annotations

import pytest

from etagere_sim.world.faults import Cut, Died, MessageFault, Weather
from etagere_sim.world.trace import End, Settled, Trace, What
from tests.sim.world.worlds import DELAY, Answer, Hello, world_of


def traced(*faults, seed=1):
    """Let a ask b and c while these faults happen; return the trace."""

    async def work():
        asked = await host.ask(("b", "c"), Hello(1), enough=2, within=60)
        return len(asked)

    trace = Trace()
    world, _ = world_of(seed=seed, trace=trace)
    host = world.hosts["a"]
    for fault in faults:
        fault.schedule(world)
    world.agenda.play(until=0.0)
    host.spawn(work())
    world.agenda.play(until=100)
    return trace


def ways(trace):
    """Return who sent what to whom, when it arrived, and its fate."""
    return [(p.source, p.target, p.sent, p.arrived, p.fate.value) for p in trace.passages()]


def test_each_message_is_an_arrow():
    trace = traced()
    assert ways(trace) == [
        ("a", "b", 0.0, DELAY, "arrived"),
        ("a", "c", 0.0, DELAY, "arrived"),
        ("b", "a", DELAY, 2 * DELAY, "arrived"),
        ("c", "a", DELAY, 2 * DELAY, "arrived"),
    ]
    first, *_, last = trace.passages()
    assert (first.said, first.question) == (Hello(1), 1)
    assert (last.said, last.question) == (Answer("c heard 1"), -1)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (MessageFault("lost", "a", "b", "Hello", 1), [("a", "b", 0.0, None, "lost")]),
        (Cut(0, 9, sources=("a",), targets=("b",)), [("a", "b", 0.0, None, "cut")]),
        (Died(5, 50, host="b"), [("a", "b", 0.0, DELAY, "unheard")]),
    ],
)
def test_what_never_came_has_a_fate(fault, expected):
    assert [way for way in ways(traced(fault)) if "b" in way] == expected


def test_a_message_that_comes_twice_has_two_arrows_of_one_number():
    trace = traced(MessageFault("twice", "a", "b", "Hello", 1, 3.0))
    copies = [p for p in trace.passages() if (p.source, p.target) == ("a", "b")]
    assert [p.arrived for p in copies] == [DELAY, DELAY + 3.0]
    assert copies[0].number == copies[1].number


def test_what_is_still_on_its_way_is_told():
    trace = Trace()
    world, _ = world_of(trace=trace)
    world.hosts["a"].send("b", Hello(1))
    assert ways(trace) == [("a", "b", 0.0, None, "sent")]


def test_processes_faults_and_tasks_are_in_it():
    trace = traced(Died(5, 50, host="b"))
    told = [(e.what.value, e.at, e.host) for e in trace.events if e.what not in MESSAGES]
    assert told == [
        ("began", 0.0, "a"),
        ("asked", 0.0, "a"),
        ("fault", 5.0, ""),
        ("died", 5.0, "b"),
        ("started", 50.0, "b"),
        ("settled", 60.0, "a"),
        ("ended", 60.0, "a"),
    ]
    ended = trace.events[-1]
    assert ended.said == 1
    assert trace.events[ended.message - 1].text.endswith("work")


MESSAGES = {What.SENT, What.ARRIVED, What.UNHEARD, What.LOST, What.CUT}


def test_a_question_tells_how_it_ended():
    def ends(*faults):
        questions = [e for e in traced(*faults).events if e.what in (What.ASKED, What.SETTLED)]
        assert {event.question for event in questions} == {1}
        return [(event.at, event.said) for event in questions]

    assert ends() == [(0.0, 2), (2 * DELAY, Settled(End.ENOUGH, ("b", "c")))]
    assert ends(Died(5, 50, host="b")) == [(0.0, 2), (60.0, Settled(End.TIME, ("c",)))]


def test_each_event_knows_its_cause():
    events = traced().events
    causes = {(e.what, e.host): events[e.cause - 1] for e in events if e.cause}
    assert causes[What.SENT, "a"].what is What.BEGAN
    assert (causes[What.SENT, "b"].what, causes[What.SENT, "b"].target) == (What.ARRIVED, "b")
    assert causes[What.ENDED, "a"].what is What.BEGAN


def test_events_are_numbered_in_their_order():
    events = traced().events
    assert [event.number for event in events] == [*range(1, len(events) + 1)]
    assert [event.at for event in events] == sorted(event.at for event in events)
    with pytest.raises(AttributeError):
        events[0].at = 3.0


def test_equal_runs_have_equal_digests_and_others_others():
    assert traced().digest() == traced().digest()
    assert len({traced().digest(), traced(Died(5, 50, host="b")).digest(), Trace().digest()}) == 3


def test_a_digest_holds_no_address():
    one, other = Trace(), Trace()
    one.add(1.0, What.ENDED, "a", said=object())
    other.add(1.0, What.ENDED, "a", said=object())
    assert one.digest() == other.digest()


def test_a_run_is_the_same_with_a_trace_and_without():
    def heard(trace):
        world, heard = world_of(trace=trace)
        world.weather = Weather()
        for number in range(200):
            world.hosts["a"].send("b", Hello(number))
        world.agenda.play(until=500)
        return heard.by_host, world.faults, world.agenda.steps

    assert heard(Trace()) == heard(None)
