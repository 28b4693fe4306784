"""Messages mean what they meant when they were sent, whenever they come."""

from __future__ import annotations

import msgspec
import pytest

from etagere.urls import Options
from etagere_sim.protocols import PROTOCOLS, protocol_of
from etagere_sim.world.faults import Fault, MessageFault
from etagere_sim.world.messages import Message
from tests.sim.world.worlds import Hello, world_of


def test_a_message_cannot_be_changed():
    with pytest.raises(AttributeError):
        Hello(1).number = 2


def test_a_late_message_is_what_it_was_though_its_sender_went_on():
    async def work():
        for number in range(3):
            await host.ask(("b",), Hello(number), enough=1, within=15)

    world, heard = world_of()
    host = world.hosts["a"]
    MessageFault("late", "a", "b", "Hello", 1, 100.0).schedule(world)
    host.spawn(work())
    world.agenda.play(until=500)
    assert heard.numbers("b") == [1, 2, 0]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_all_messages_of_a_protocol_are_frozen(name):
    protocol_of(Options(f"sim://?protocol={name}"))
    own = [
        kind
        for kind in Message.__subclasses__()
        if kind.__module__.startswith("etagere_sim.protocols")
    ]
    assert own
    for kind in own:
        assert kind.__struct_config__.frozen, kind
        assert not any(
            "Callable" in str(field.type) or field.type in (list, dict, set)
            for field in msgspec.structs.fields(kind)
        ), kind


def test_faults_can_be_written_down():
    fault = MessageFault("late", "a", "b", "Hello", 1, 3.0)
    assert msgspec.json.decode(msgspec.json.encode(fault), type=Fault) == fault
