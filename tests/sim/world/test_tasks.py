"""What runs on hosts: tasks, sleeps, signals, questions and their ends."""

from __future__ import annotations

import gc

import pytest

from etagere.errors import Interrupted
from etagere_sim.kernel.agenda import Deadlock
from etagere_sim.world.faults import Died, MessageFault, Paused
from etagere_sim.world.tasks import Signal
from tests.sim.world.worlds import DELAY, Answer, Hello, world_of


def test_a_task_sleeps_and_returns():
    async def work():
        await host.sleep(5)
        await host.sleep(7)
        return world.agenda.now

    world, _ = world_of()
    host = world.hosts["a"]
    task = host.spawn(work())
    assert not task.done
    world.agenda.play(until=100)
    assert (task.done, task.result) == (True, 12.0)


def test_tasks_wait_for_one_another():
    async def inner():
        await host.sleep(5)
        return 3

    async def outer(task):
        return [await task, await task, world.agenda.now]

    world, _ = world_of()
    host = world.hosts["a"]
    task = host.spawn(inner())
    outers = [host.spawn(outer(task)) for _ in range(2)]
    seen = []
    task.watch(seen.append)
    world.agenda.play(until=100)
    task.watch(seen.append)  # also afterwards
    assert [each.result for each in outers] == [[3, 3, 5.0]] * 2
    assert seen == [3, 3]


def test_a_signal_wakes_everybody_once():
    async def work():
        await signal
        await signal
        return world.agenda.now

    world, _ = world_of()
    host, signal = world.hosts["a"], Signal("the end")
    tasks = [host.spawn(work()) for _ in range(3)]
    host.after(9, lambda _: signal.set())
    world.agenda.play(until=100)
    assert [task.result for task in tasks] == [9.0] * 3


def test_a_dead_process_runs_no_finally_block():
    async def work():
        try:
            await host.sleep(50)
        finally:
            ended.append("finally")

    ended: list[str] = []
    world, _ = world_of()
    host = world.hosts["a"]
    task = host.spawn(work())
    Died(5, 10, host="a").schedule(world)
    world.agenda.play(until=100)
    gc.collect()
    assert ended == []
    assert isinstance(task.result, Interrupted)
    assert len(world.buried) == 1
    world.buried.clear()  # the run is over
    assert ended == ["finally"]


def test_who_waits_for_a_task_that_dies_hears_of_it():
    async def forever():
        await Signal()

    async def outer():
        try:
            await victim.spawn(forever())
        except Interrupted as died:
            return str(died), world.agenda.now

    world, _ = world_of()
    victim = world.hosts["b"]
    task = world.hosts["a"].spawn(outer())
    Died(5, 10, host="b").schedule(world)
    world.agenda.play(until=100)
    assert task.result == ("b died", 5.0)


def test_a_bug_in_a_task_comes_out():
    async def work():
        await host.sleep(1)
        raise ZeroDivisionError

    world, _ = world_of()
    host = world.hosts["a"]
    host.spawn(work())
    with pytest.raises(ZeroDivisionError):
        world.agenda.play(until=100)


def asking(world, enough, *, within=60.0, host="a", targets=("b", "c")):
    """Spawn a task that asks once, and returns the question and when it was over."""

    async def work():
        asked = await world.hosts[host].ask(targets, Hello(1), enough=enough, within=within)
        return asked, world.agenda.now

    return world.hosts[host].spawn(work())


def test_a_question_is_over_when_enough_have_answered():
    world, _ = world_of("a", "b", "c", "d")
    MessageFault("late", "a", "c", "Hello", 1, 5.0).schedule(world)
    task = asking(world, 2, targets=("b", "c", "d"))
    world.agenda.play(until=2 * DELAY)
    asked, over = task.result
    assert (list(asked.answers), over) == (["b", "d"], 2 * DELAY)
    late = []
    asked.late = lambda source, answer: late.append((source, answer.text))
    world.agenda.play(until=100)
    assert late == [("c", "c heard 1")]
    assert list(asked.answers) == ["b", "d", "c"]


def test_a_question_is_over_by_a_rule_of_its_own():
    world, _ = world_of()
    task = asking(world, lambda asked: "c" in asked.answers)
    world.agenda.play(until=100)
    assert list(task.result[0].answers) == ["b", "c"]


def test_a_question_is_over_when_everybody_has_answered():
    world, _ = world_of()
    task = asking(world, 9)
    world.agenda.play(until=100)
    assert (len(task.result[0]), task.result[1]) == (2, 2 * DELAY)


def test_a_question_is_over_when_its_time_is():
    world, _ = world_of()
    MessageFault("lost", "a", "b", "Hello", 1).schedule(world)
    task = asking(world, 2, within=35.0)
    world.agenda.play(until=100)
    assert (list(task.result[0].answers), task.result[1]) == (["c"], 35.0)


def test_of_an_answer_that_comes_twice_the_first_counts():
    world, heard = world_of()
    MessageFault("twice", "a", "b", "Hello", 1, 1.0).schedule(world)
    MessageFault("twice", "b", "a", "Answer", 1, 1.0).schedule(world)
    task = asking(world, 2)
    world.agenda.play(until=100)
    assert heard.numbers("b") == [1, 1]
    assert list(task.result[0].answers) == ["b", "c"]
    assert task.result[1] == 2 * DELAY


def test_answers_go_to_the_question_that_they_answer():
    world, _ = world_of()

    def answer(source, hello):
        return Answer(str(hello.number))

    async def ask(number):
        asked = await host.ask(("b",), Hello(number), enough=1, within=500)
        return asked.answers["b"].text

    host = world.hosts["a"]
    world.hosts["b"].handlers[Hello] = answer
    MessageFault("late", "a", "b", "Hello", 1, 33.0).schedule(world)
    tasks = [host.spawn(ask(number)) for number in range(3)]
    world.agenda.play(until=500)
    assert [task.result for task in tasks] == ["0", "1", "2"]


@pytest.mark.parametrize("patiences", [(30.0, 30.0, 30.0), (40.0, 30.0, 50.0)])
def test_every_question_ends_in_time(patiences):
    async def ask(begin, patience):
        await host.sleep(begin)
        asked = await host.ask(("b",), Hello(), enough=1, within=patience)
        return len(asked), world.agenda.now

    world, _ = world_of()
    world.hosts["b"].die()
    host = world.hosts["a"]
    tasks = [host.spawn(ask(7.0 * n, patience)) for n, patience in enumerate(patiences)]
    world.agenda.play(until=500)
    assert [task.result for task in tasks] == [
        (0, 7.0 * n + patience) for n, patience in enumerate(patiences)
    ]
    assert host.deadlines == {}


def test_one_question_after_the_other_each_with_its_own_end():
    async def ask():
        ends = []
        for _ in range(5):
            await host.ask(("b",), Hello(), enough=1, within=0.1)
            ends.append(world.agenda.now)
        return ends

    world, _ = world_of()
    world.hosts["b"].die()
    host = world.hosts["a"]
    task = host.spawn(ask())
    world.agenda.play(until=500)
    assert task.result == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert world.agenda.steps < 20


def test_a_question_of_an_earlier_life_does_not_end_one_of_the_next():
    world, _ = world_of()
    world.hosts["b"].die()
    world.hosts["c"].die()
    asking(world, 1)
    Died(20, 30, host="a").schedule(world)
    world.agenda.play(until=40)
    task = asking(world, 1)
    world.agenda.play(until=99)
    assert not task.done
    world.agenda.play(until=100)
    assert task.result[1] == 100.0


def test_a_paused_host_hears_that_time_is_over_when_it_goes_on():
    world, _ = world_of()
    Paused(5, 90, host="a").schedule(world)
    task = asking(world, 2)
    world.agenda.play(until=500)
    # The answers came before the end, and are looked at first.
    assert (len(task.result[0]), task.result[1]) == (2, 90.0)


def test_a_deadlock_says_which_task_waits_for_what():
    async def work():
        await host.ask(("b", "c"), Hello(), enough=2, within=60)
        await Signal("a quorum")

    async def inner():
        await host.sleep(5)
        await Signal()

    async def outer():
        await host.spawn(inner())

    world, _ = world_of()
    host = world.hosts["a"]
    task = host.spawn(work())
    host.spawn(outer())
    assert str(task).endswith("work on a")
    assert task.waits_for == "answers from b, c (0 of 2 came)"
    world.agenda.play(until=DELAY + 1)
    with pytest.raises(Deadlock) as caught:
        world.agenda.play()
    told = str(caught.value).splitlines()
    assert told[0] == "at 60 ms nothing is left that could happen."
    where = "test_a_deadlock_says_which_task_waits_for_what.<locals>."
    assert [line.strip().replace(where, "") for line in told[1:]] == [
        "work on a waits for a quorum",
        "outer on a waits for inner on a",
        "inner on a waits for a signal",
    ]
