"""Machines: what their processes do, and what happens to them."""

from __future__ import annotations

import pytest

from etagere_sim.world.disks import Corrupt, DiskFailed
from etagere_sim.world.faults import BitFlipped, ClockDrifts, ClockStepped, Died, DiskFails, Paused
from tests.sim.world.worlds import DELAY, Answer, Hello, world_of


def ask(world, targets=("b", "c"), *, enough=2, within=60.0):
    """Let host a ask others; return what its task is to return."""

    async def work():
        asked = await host.ask(targets, Hello(1), enough=enough, within=within)
        return dict(asked.answers), world.agenda.now

    host = world.hosts["a"]
    return host.spawn(work())


def test_a_question_is_answered():
    world, _ = world_of()
    task = ask(world)
    world.agenda.play(until=100)
    assert task.result == ({"b": Answer("b heard 1"), "c": Answer("c heard 1")}, 2 * DELAY)


def test_a_message_without_a_handler_is_an_error_that_names_it():
    world, _ = world_of()
    world.hosts["a"].send("b", Answer("to whom?"))
    with pytest.raises(LookupError, match=r"b has no handler for the Answer\(text='to whom\?'\)"):
        world.agenda.play(until=100)


def test_what_comes_to_a_dead_host_is_lost():
    world, heard = world_of()
    Died(5, 15, host="b").schedule(world)
    world.hosts["a"].send("b", Hello(1))
    world.agenda.at(8, "", lambda _: world.hosts["a"].send("b", Hello(2)))
    world.agenda.play(until=100)
    assert heard.numbers("b") == [2]


def test_a_process_that_died_is_another_when_it_starts_again():
    world, _ = world_of()
    host = world.hosts["b"]
    woken: list[str] = []
    host.after(10, woken.append, "before")
    Died(5, 7, host="b").schedule(world)
    world.agenda.at(8, "", lambda _: host.after(10, woken.append, "after"))
    world.agenda.play(until=100)
    assert (woken, host.epoch, host.up) == (["after"], 1, True)


def test_an_answer_to_an_earlier_life_is_not_heard():
    world, _ = world_of()
    task = ask(world)
    Died(15, 16, host="a").schedule(world)
    world.agenda.play(until=100)
    assert str(task.result) == "a died"
    assert world.hosts["a"].tasks == {}


def test_a_paused_host_goes_on_as_if_nothing_was():
    world, heard = world_of()
    host = world.hosts["b"]
    woken: list[float] = []
    host.after(20, lambda _: woken.append(world.agenda.now))
    Paused(5, 50, host="b").schedule(world)
    for number in (1, 2):
        world.hosts["a"].send("b", Hello(number))
    world.agenda.play(until=100)
    assert heard.by_host["b"] == [(50, "a", 1), (50, "a", 2)]
    assert woken == [50]


def test_a_paused_host_that_dies_forgets_what_came():
    world, heard = world_of()
    Paused(5, 50, host="b").schedule(world)
    Died(30, 40, host="b").schedule(world)
    world.hosts["a"].send("b", Hello(1))
    world.agenda.play(until=100)
    assert heard.numbers("b") == []


@pytest.mark.parametrize("failure", [DiskFailed("full"), Corrupt("key")])
@pytest.mark.parametrize("place", ["handler", "timer", "task"])
def test_a_process_ends_over_its_disk(failure, place):
    def fail(*_):
        raise failure

    async def work():
        await host.sleep(10)
        fail()

    world, _ = world_of()
    host = world.hosts["b"]
    if place == "handler":
        host.handlers[Hello] = fail
        world.hosts["a"].send("b", Hello())
    elif place == "timer":
        host.after(10, fail)
    else:
        host.spawn(work())
    world.agenda.play(until=50)
    assert not host.up
    what = "full" if isinstance(failure, DiskFailed) else "corrupt"
    assert world.marks[f"process ended: disk {what}"] == 1
    host.start()
    assert host.up


def test_a_disk_fails_for_a_while():
    world, _ = world_of()
    host = world.hosts["b"]
    DiskFails(5, 50, host="b", why="input/output error").schedule(world)
    host.after(10, lambda _: host.disk.write("key", 1))
    world.agenda.play(until=20)
    assert not host.up
    world.agenda.play(until=60)
    assert host.up
    host.disk.write("key", 1)
    assert host.disk.read("key") == 1


@pytest.mark.parametrize(("disk", "kept"), [("kept", 1), ("lost", None)])
def test_what_becomes_of_unsynced_writes(disk, kept):
    world, _ = world_of()
    host = world.hosts["b"]
    host.disk.write("key", 1)
    Died(5, 10, host="b", disk=disk).schedule(world)
    world.agenda.play(until=20)
    assert host.disk.read("key") == kept
    assert world.marks["unsynced writes lost"] == (kept is None)


def test_torn_writes_are_the_same_for_the_same_seed():
    def survivors(seed):
        world, _ = world_of(seed=seed)
        for number in range(20):
            world.hosts["b"].disk.write(f"k{number}", number)
        Died(5, 10, host="b", disk="torn").schedule(world)
        world.agenda.play(until=20)
        return world.hosts["b"].disk.names()

    assert survivors(1) == survivors(1) != survivors(2)
    assert 0 < len(survivors(1)) < 20


def test_a_flipped_bit_is_found_by_who_reads():
    world, _ = world_of()
    host = world.hosts["b"]
    host.disk.write("key", 1)
    host.disk.sync()
    BitFlipped("b", 5).schedule(world)
    world.agenda.play(until=10)
    with pytest.raises(Corrupt, match="key"):
        host.disk.read("key")


def test_clocks_step_and_drift_each_on_its_own():
    world, _ = world_of()
    before = world.hosts["a"].now()
    ClockStepped("b", 10, by=-500.0).schedule(world)
    ClockDrifts("c", 100, rate=1.1).schedule(world)
    world.agenda.play(until=1100)
    assert [host.now() - before for host in world.hosts.values()] == [1100, 600, 1200]
