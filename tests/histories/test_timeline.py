from __future__ import annotations

import pytest
from msgspec.structs import replace

from etagere.histories.counterexamples import Timeline, draw, timeline, timelines
from etagere.histories.counterexamples.drawing import Interval
from etagere.histories.counterexamples.shortening import LONGEST, Shortener
from etagere.histories.history import Call, History, Status
from etagere.histories.limits import Limits
from etagere.histories.models import Append, CasRegister, Contract, step_of, steps_of
from etagere.histories.search import check_steps, search
from etagere.histories.verdicts import Anomaly, Answer, Finding, KeyVerdict
from etagere.histories.versioned import check_versioned
from etagere.operations import Consistency
from tests.histories.samples import (
    CREATED,
    KEY,
    LATE,
    LOST,
    LOST_VERDICT,
    READ,
    REGISTER,
    RIGHT,
    RIGHT_VERDICT,
    RIVAL,
    UNANSWERED,
    WINNER,
    call,
    step,
)


def interval_of(drawn: Timeline, wanted: Call) -> Interval:
    (found,) = [
        at for at in drawn.intervals if wanted.value in at.words and at.asked[:3] == wanted.kind
    ]
    return found


# --- lanes and intervals ------------------------------------------------------------------------


def test_a_client_keeps_its_lane_after_a_call_without_an_answer() -> None:
    drawn = timeline(LOST, LOST_VERDICT)
    assert [lane.client for lane in drawn.lanes] == ["c1", "c2", "c3", "c4"]
    first, second = drawn.lanes[0].rows
    assert [at.asked for at in first] == ["set v1", "set v4"]
    assert [at.asked for at in second] == ["get"]


def test_time_is_the_order_of_events_and_no_answer_means_no_end() -> None:
    drawn = timeline(LOST, LOST_VERDICT)
    winner, rival, unanswered = (interval_of(drawn, at) for at in (WINNER, RIVAL, UNANSWERED))
    assert (winner.start, winner.finish) == (4, 7)
    assert (rival.start, rival.finish) == (5, 9)
    assert (unanswered.start, unanswered.finish) == (6, None)
    assert drawn.events == 13


def test_clients_stand_in_their_natural_order() -> None:
    calls = [call("get", f"c{at}", at, at + 100, found=False) for at in (10, 9, 1)]
    drawn = timeline(calls, KeyVerdict(key=KEY, answer=Answer.YES))
    assert [lane.client for lane in drawn.lanes] == ["c1", "c9", "c10"]


def test_calls_without_effect_and_unanswered_reads_are_not_drawn() -> None:
    idle = [
        call("set", "c8", 20, 21, value="v8", status=Status.FAIL),
        call("get", "c9", 22),
    ]
    drawn = timeline([*RIGHT, *idle], RIGHT_VERDICT)
    assert len(drawn.intervals) == len(RIGHT)
    assert drawn.left_out == 0


# --- witnesses ----------------------------------------------------------------------------------


def test_witnesses_have_letters_and_conflict() -> None:
    drawn = timeline(LOST, LOST_VERDICT)
    assert [(at.name, at.asked) for at in drawn.witnesses] == [("A", "set v2"), ("B", "set v3")]
    assert drawn.anomaly is Anomaly.LOST_UPDATE
    assert drawn.message == LOST_VERDICT.findings[0].message
    a, b = drawn.witnesses
    assert drawn.conflicts == ((a.number, b.number),)


def test_every_finding_has_a_timeline_and_so_has_a_key_without_any() -> None:
    phantom = call("get", "c9", 30, 31, key="other", value="never", etag="never", found=True)
    fine = call("set", "c9", 32, 33, key="third", value="v", etag="e")
    history = History(calls=[*LOST, phantom, fine])
    drawn = list(timelines(history, check_versioned(history)))
    assert [(at.key, at.anomaly) for at in drawn] == [
        (KEY, Anomaly.LOST_UPDATE),
        ("other", Anomaly.PHANTOM_READ),
        ("third", None),
    ]
    assert drawn[2].intervals[0].position == 1


def test_more_witnesses_than_letters() -> None:
    calls = [call("get", f"c{at}", at, 100 + at, found=False) for at in range(1, 30)]
    finding = Finding(Anomaly.ZONE_OVERLAP, KEY, "All of them.", tuple(calls))
    drawn = timeline(calls, KeyVerdict(key=KEY, answer=Answer.NO, findings=(finding,)))
    assert [at.name for at in drawn.witnesses][24:] == ["Y", "Z", "Z1", "Z2", "Z3"]


# --- orders, points and states ------------------------------------------------------------------


def test_an_order_gives_places_points_and_states() -> None:
    drawn = timeline(RIGHT, RIGHT_VERDICT)
    assert drawn.ordered
    assert drawn.complete
    assert [at.position for at in drawn.intervals] == [1, 2, 3, None]
    first, second, third, optional = drawn.intervals
    v1, v2 = "value 'v1', etag 'e1'", "value 'v2', etag 'e2'"
    assert (first.before, first.after) == ("nothing", v1)
    assert (second.before, second.after) == (v1, v1)
    assert (third.before, third.after) == (v1, v2)
    assert optional.after == "value 'v4', if it took effect"


def test_points_lie_inside_their_intervals_in_the_order() -> None:
    steps = REGISTER[:4]
    verdict = search(steps, CasRegister(), Limits())
    assert verdict.answer is Answer.YES
    drawn = timeline(steps, verdict, model=CasRegister())
    ordered = sorted(drawn.intervals, key=lambda at: at.position or 0)
    places = [at.point or 0 for at in ordered]
    assert places == sorted(set(places))
    assert all(
        at.start < place < (at.finish or 0) for at, place in zip(ordered, places, strict=True)
    )


def test_states_end_where_an_order_does_not_explain_an_answer() -> None:
    wrong = KeyVerdict(key=KEY, answer=Answer.YES, order=[CREATED, WINNER, READ, RIVAL])
    drawn = timeline(LOST[:4], wrong)
    assert interval_of(drawn, WINNER).after == "value 'v2', etag 'e2'"
    assert interval_of(drawn, READ).before == "value 'v1', etag 'e1'", "what its answer tells"


def test_a_long_call_takes_effect_after_a_short_one_that_comes_before_it() -> None:
    long = call("set", "a", 1, 10, value="long", etag="l")
    short = call("set", "b", 2, 3, value="short", etag="s")
    verdict = KeyVerdict(key=KEY, answer=Answer.YES, order=[short, long])
    first, second = timeline([long, short], verdict).intervals
    assert (first.position, second.position) == (2, 1)
    assert (second.point or 0) < (first.point or 0) < 2


def test_an_eventual_read_may_come_before_its_start_in_the_order() -> None:
    late = call("get", "c5", 20, 21, value="v1", etag="e1", consistency=Consistency.EVENTUAL)
    calls = [CREATED, WINNER, late]
    drawn = timeline(calls, KeyVerdict(key=KEY, answer=Answer.YES, order=[CREATED, late, WINNER]))
    assert [at.position for at in drawn.intervals] == [1, 3, 2]
    assert [int(at.point or 0) for at in drawn.intervals] == [0, 2, 4]


def test_where_a_search_failed_the_longest_order_is_drawn() -> None:
    verdict = search(REGISTER, CasRegister(), Limits())
    drawn = timeline(REGISTER, verdict, model=CasRegister())
    assert drawn.ordered
    assert not drawn.complete
    assert drawn.conflicts == ()
    stuck = next(at for at in drawn.witnesses if at.client == "p2")
    assert (stuck.position, stuck.before) == (None, "2")
    assert "cannot come next" in stuck.after


def test_steps_that_stand_for_calls_are_drawn_as_calls() -> None:
    steps = [step_of(at) for at in LOST]
    finding = replace(LOST_VERDICT.findings[0], witnesses=(step_of(WINNER), step_of(RIVAL)))
    drawn = timeline(steps, replace(LOST_VERDICT, findings=(finding,)))
    assert drawn == timeline(LOST, LOST_VERDICT)


def test_calls_of_several_keys_name_theirs_and_the_states_do_too() -> None:
    parts = tuple(call("set", "t", 3, 6, key=key, value=key, etag=key) for key in "ab")
    calls = [
        call("get", "r", 1, 2, key="b", found=False),
        call("transaction", "t", 3, 6, key="", parts=parts),
        call("get", "r", 7, 8, key="b", value="b", etag="b", found=True),
    ]
    steps, model = steps_of(calls), Contract(calls)
    (drawn,) = timelines(steps, check_steps(steps, model, Limits()), model=model)
    assert [at.asked for at in drawn.intervals] == ["b: get", "transaction of 2", "b: get"]
    assert drawn.intervals[1].before == "a: nothing; b: nothing"
    assert drawn.intervals[1].after == "a: value 'a', etag 'a'; b: value 'b', etag 'b'"
    assert "set 'a' of 'a'; set 'b' of 'b'" in drawn.intervals[1].sentence


def test_keys_that_were_checked_together_are_drawn_together() -> None:
    steps = [
        step("append", "a", 1, 2, argument="x", key="one"),
        step("append", "a", 3, 4, argument="y", key="two"),
        step("get", "a", 5, 6, result="x", key="one"),
    ]
    verdict = check_steps(steps, Append(), Limits(), partition=False)
    (drawn,) = timelines(steps, verdict, model=Append())
    assert [at.asked for at in drawn.intervals] == ["one: append x", "two: append y", "one: get"]
    assert [at.after for at in drawn.intervals] == ["x; ''", "x; y", "x; y"]


def test_a_search_that_could_not_begin_tells_the_state_at_the_start() -> None:
    steps = [step("read", "a", 1, 2, result=7)]
    drawn = timeline(steps, search(steps, CasRegister(0), Limits()), model=CasRegister(0))
    assert [at.before for at in drawn.witnesses] == ["0"]


def test_without_an_order_a_call_tells_the_state_by_its_answer() -> None:
    drawn = timeline(LOST, LOST_VERDICT)
    refused = next(at for at in drawn.intervals if at.status is Status.MISMATCH)
    assert refused.before == refused.after == "value 'v3', etag 'e3'"
    assert interval_of(drawn, CREATED).before == "nothing"
    assert interval_of(drawn, WINNER).before == "value 'v1', etag 'e1'"
    assert drawn.intervals[-1].after == f"value {LATE.value!r}, etag {LATE.etag!r}"


# --- long histories -----------------------------------------------------------------------------


def crowd(count: int) -> list[Call]:
    return [
        call("get", f"r{at % 7}", 100 + 2 * at, 101 + 2 * at, value=f"n{at}", etag=f"m{at}")
        for at in range(count)
    ]


def test_a_long_history_is_drawn_around_the_witnesses() -> None:
    calls = [*crowd(2000), *LOST]
    drawn = timeline(calls, LOST_VERDICT, most=20)
    assert len(drawn.intervals) == 20
    assert len(drawn.witnesses) == 2
    assert drawn.left_out == len(calls) - 20
    assert {at.asked for at in drawn.intervals} >= {"set v1", "set v2", "set v3", "set v5"}


def test_witnesses_that_are_far_apart_are_both_drawn() -> None:
    far = call("set", "c9", 90_000, 90_001, value="v9", etag="e9", expected="e1")
    finding = Finding(Anomaly.LOST_UPDATE, KEY, "Far apart.", (WINNER, far))
    verdict = KeyVerdict(key=KEY, answer=Answer.NO, findings=(finding,))
    drawn = timeline([CREATED, WINNER, *crowd(3000), far], verdict, most=10)
    assert [at.asked for at in drawn.witnesses] == ["set v2", "set v9"]
    assert sum(drawn.gaps.values()) == drawn.left_out == 3003 - 10


def test_the_write_that_witnesses_are_about_is_drawn_however_far_it_is() -> None:
    rivals = [replace(at, start=at.start + 90_000, finish=at.finish + 90_000) for at in LOST[2:4]]
    finding = Finding(Anomaly.LOST_UPDATE, KEY, "Far away.", tuple(rivals))
    verdict = KeyVerdict(key=KEY, answer=Answer.NO, findings=(finding,))
    drawn = timeline([CREATED, *crowd(3000), *rivals], verdict, most=5)
    assert drawn.intervals[0].asked == "set v1"


def test_all_witnesses_are_drawn_even_if_there_are_many() -> None:
    finding = Finding(Anomaly.ZONE_NESTED, KEY, "All of them.", tuple(LOST))
    drawn = timeline(LOST, KeyVerdict(key=KEY, answer=Answer.NO, findings=(finding,)), most=2)
    assert len(drawn.witnesses) == len(LOST)


# --- words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawn", "words"),
    [
        (call("set", "c", 1, 2, value="v", etag="e", expected=""), "set v if absent → e"),
        (call("set", "c", 1, value="v", expected="e"), "set v if e → ?"),
        (call("get", "c", 1, 2, value="v", etag="e", found=True), "get → v · e"),
        (call("get", "c", 1, 2, found=False), "get → nothing"),
        (call("delete", "c", 1, 2, expected="e", found=True), "delete if e → done"),
        (call("delete", "c", 1, 2, found=False), "delete → nothing"),
        (call("touch", "c", 1, 2, ttl=5, found=True), "touch → done"),
        (step("write", "c", 1, 2, argument=3), "write 3 → done"),
        (step("read", "c", 1, 2, result=3), "read → 3"),
        (step("read", "c", 1, 2, result=None), "read → None"),
        (step("cas", "c", 1, 2, argument=(3, 4), status=Status.MISMATCH), "cas 3 → 4 ≠"),
    ],
)
def test_labels(drawn: Call, words: str) -> None:
    (interval,) = timeline([drawn], KeyVerdict(key="", answer=Answer.YES)).intervals
    assert f"{interval.asked} {interval.answered}" == words


def test_sentences_say_it_all() -> None:
    sentences = [at.sentence for at in timeline(LOST, LOST_VERDICT).intervals]
    assert sentences[0] == "set 'v1' if nothing is there: done, the etag is now 'e1'"
    assert sentences[5] == "set 'v5' if the etag is 'e1': refused, the etag was 'e3'"
    assert sentences[6] == "get: 'v3', etag 'e3'"
    assert "no answer" in sentences[4]


def test_long_names_are_shortened_and_still_differ() -> None:
    etags = [f"{at:032x}" for at in range(300)] + ["short", "a much longer text than fits here"]
    short = Shortener(etags)
    labels = {short(etag) for etag in etags}
    assert len(labels) == len(etags)
    assert max(map(len, labels)) <= LONGEST
    assert short("short") == "short"


# --- text ---------------------------------------------------------------------------------------


def test_text_shows_lanes_witnesses_and_the_finding() -> None:
    lines = draw(timeline(LOST, LOST_VERDICT), width=120).splitlines()
    assert lines[0] == "cart: lost update. c2 and c3 both wrote over e1."
    assert [line[:2] for line in lines[2:7]] == ["c1", "  ", "c2", "c3", "c4"]
    rival = next(line for line in lines if line.startswith("c3"))
    assert "┣" in rival
    assert "B set v3" in rival
    assert any(line.startswith("  A  c2  set 'v2' if the etag is 'e1'") for line in lines)


def test_text_of_an_order_tells_states() -> None:
    text = draw(timeline(RIGHT, RIGHT_VERDICT))
    assert "state: nothing; then value 'v1', etag 'e1'" in text
    assert "An order that explains every answer: 1 2 3." in text


def test_plain_text_for_plain_terminals() -> None:
    odd = replace(
        LOST_VERDICT, findings=(replace(LOST_VERDICT.findings[0], message="é → \x1b[2J"),)
    )
    text = draw(timeline(LOST, odd), ascii_only=True)
    assert text.isascii()
    assert "\x1b" not in text
    assert "[" in text
    assert "->" in text


@pytest.mark.parametrize("width", [40, 60, 79, 200])
def test_no_line_is_wider_than_asked(width: int) -> None:
    finding = replace(LOST_VERDICT.findings[0], witnesses=(WINNER, RIVAL))
    drawn = timeline([*LOST, *crowd(30)], replace(LOST_VERDICT, findings=(finding,)))
    assert max(map(len, draw(drawn, width=width).splitlines())) <= width


def test_a_wide_drawing_goes_on_below() -> None:
    text = draw(timeline(crowd(60), KeyVerdict(key=KEY, answer=Answer.YES)), width=60)
    assert sum(line.startswith("r0") for line in text.splitlines()) > 1


def test_text_says_how_much_is_left_out() -> None:
    text = draw(timeline([*crowd(500), *LOST], LOST_VERDICT, most=10))
    assert f"{500 + len(LOST) - 10} calls are left out" in text


def test_timelines_are_made_one_at_a_time() -> None:
    history = History(calls=LOST)
    drawn = timelines(history, check_versioned(history))
    assert next(drawn).anomaly is Anomaly.LOST_UPDATE
    assert next(drawn, None) is None


def test_nothing_to_draw() -> None:
    empty = timeline([], KeyVerdict(key=KEY, answer=Answer.YES, order=[]))
    assert empty.lanes == ()
    assert "One order of the 0 calls" in draw(empty)
