"""The ways of messages, and the trouble on them."""

from __future__ import annotations

from statistics import mean

import pytest

from etagere_sim.world.distributions import Exponential
from etagere_sim.world.faults import Cut, Held, MessageFault, Slowed, Weather
from etagere_sim.world.latency import Everywhere
from tests.sim.world.worlds import DELAY, Hello, world_of

RANDOM = Everywhere(Exponential(0.1))


def send(world, number, *, source="a", target="b", at=None):
    """Send a message now, or at a time."""
    host = world.hosts[source]
    if at is None:
        host.send(target, Hello(number))
    else:
        world.agenda.at(at, "", lambda _: host.send(target, Hello(number)))


def test_a_message_arrives_after_its_delay():
    world, heard = world_of()
    send(world, 1)
    world.agenda.play(until=100)
    assert heard.by_host == {"a": [], "b": [(DELAY, "a", 1)], "c": []}


def test_messages_overtake_one_another():
    world, heard = world_of(latency=RANDOM)
    for number in range(50):
        send(world, number)
    world.agenda.play(until=1000)
    assert sorted(heard.numbers("b")) == [*range(50)] != heard.numbers("b")
    assert 5 < mean(heard.times("b")) < 20


def test_links_are_made_when_they_are_used():
    world, _ = world_of()
    send(world, 1)
    assert [list(host.links) for host in world.hosts.values()] == [["b"], [], []]


def test_the_delays_of_a_link_do_not_depend_on_who_spoke_first():
    def times(first: str) -> list[float]:
        world, heard = world_of(latency=RANDOM)
        if first == "c":
            send(world, 0, source="c")
        for number in range(5):
            send(world, number)
        world.agenda.play(until=1000)
        return [at for at, source, _ in heard.by_host["b"] if source == "a"]

    assert times("a") == times("c")


@pytest.mark.parametrize(
    ("what", "expected"),
    [("lost", [1, 3]), ("twice", [1, 2, 3, 2]), ("late", [1, 3, 2])],
)
def test_one_message_has_trouble(what, expected):
    world, heard = world_of()
    fault = MessageFault(what, "a", "b", "Hello", 2, 5.0)
    fault.schedule(world)
    for number in (1, 2, 3):
        send(world, number)
    world.agenda.play(until=100)
    assert heard.numbers("b") == expected
    assert world.faults == [fault]
    assert world.marks[f"fault: MessageFault {what}"] == 1


def test_a_message_that_is_late_is_late_by_so_much():
    world, heard = world_of()
    MessageFault("late", "a", "b", "Hello", 1, 5.0).schedule(world)
    send(world, 1)
    world.agenda.play(until=100)
    assert heard.times("b") == [DELAY + 5.0]


def test_a_plan_of_what_befell_makes_it_happen_again():
    def play(weather, plan):
        world, heard = world_of(latency=RANDOM, seed=5)
        world.weather = weather
        for fault in plan:
            fault.schedule(world)
        for number in range(300):
            send(world, number, at=number)
        world.agenda.play(until=1000)
        return world.faults, heard.by_host

    faults, heard = play(Weather(), [])
    assert {fault.what for fault in faults} == {"lost", "twice", "late"}
    assert play(None, faults) == (faults, heard)


def test_weather_has_its_shares():
    world, heard = world_of()
    world.weather = Weather(lost=0.3, twice=0.1, late=0.2, late_by=50.0)
    for number in range(4000):
        send(world, number)
    world.agenda.play(until=1000)
    lost, twice, late = (world.marks[f"fault: MessageFault {what}"] for what in WHATS)
    assert abs(lost - 1200) < 120
    assert abs(twice - 400) < 80
    assert abs(late - 800) < 110
    assert len(heard.numbers("b")) == 4000 - lost + twice
    assert max(heard.times("b")) <= DELAY + 50.0


WHATS = ("lost", "twice", "late")


def test_weather_comes_over_links_that_are_there_and_those_to_come():
    world, heard = world_of()
    send(world, 1)
    world.weather = Weather(lost=1.0)
    send(world, 2)
    send(world, 3, target="c")
    world.weather = None
    send(world, 4)
    world.agenda.play(until=100)
    assert (heard.numbers("b"), heard.numbers("c")) == ([1, 4], [])


def test_a_cut_is_one_way_or_both():
    for both, back in ((True, []), (False, [2])):
        world, heard = world_of()
        Cut(0, 50, sources=("a",), targets=("b",), both=both).schedule(world)
        send(world, 1, at=20)
        send(world, 2, source="b", target="a", at=20)
        send(world, 3, target="c", at=20)
        world.agenda.play(until=100)
        assert (heard.numbers("b"), heard.numbers("a"), heard.numbers("c")) == ([], back, [3])
        assert world.marks["message cut off"] == 2 - len(back)


def test_nested_cuts_end_with_the_last():
    world, heard = world_of()
    Cut(0, 50, sources=("a",), targets=("b",)).schedule(world)
    Cut(20, 80, sources=("a", "c"), targets=("b",)).schedule(world)
    for at in (10, 30, 60, 90):
        send(world, at, at=at)
    world.agenda.play(until=200)
    assert heard.numbers("b") == [90]


def test_what_is_held_comes_all_at_once():
    world, heard = world_of()
    Held(0, 50, sources=("a",), targets=("b",)).schedule(world)
    for at in (10, 20, 30, 60):
        send(world, at, at=at)
    world.agenda.play(until=200)
    assert heard.by_host["b"] == [(60, "a", 10), (60, "a", 20), (60, "a", 30), (70, "a", 60)]


def test_nested_holds_end_with_the_last():
    world, heard = world_of()
    Held(0, 50, sources=("a",), targets=("b",)).schedule(world)
    Held(20, 80, sources=("a",), targets=("b",)).schedule(world)
    send(world, 1, at=30)
    world.agenda.play(until=200)
    assert heard.times("b") == [80 + DELAY]


def test_what_a_slow_host_hears_is_late():
    world, heard = world_of()
    Slowed(0, 50, host="b", by=7.0).schedule(world)
    send(world, 1, at=20)
    send(world, 2, target="c", at=20)
    send(world, 3, at=60)
    world.agenda.play(until=100)
    assert heard.times("b") == [37.0, 70.0]
    assert heard.times("c") == [30.0]


def test_calm_mends_everything():
    world, heard = world_of()
    world.weather = Weather(lost=1.0)
    Cut(0, 500, sources=("a",), targets=("b",)).schedule(world)
    Cut(30, 500, sources=("a",), targets=("b",)).schedule(world)
    Held(0, 500, sources=("a",), targets=("c",)).schedule(world)
    world.agenda.at(20, "", lambda _: world.calm())
    send(world, 1, at=40)
    send(world, 2, target="c", at=40)
    world.agenda.play(until=1000)
    assert (heard.numbers("b"), heard.numbers("c")) == ([1], [2])
    assert len(world.faults) == 2
