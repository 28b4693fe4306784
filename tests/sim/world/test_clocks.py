"""Clocks that are never quite right."""

from __future__ import annotations

import pytest

from etagere_sim.kernel.agenda import Agenda
from etagere_sim.world.clocks import EPOCH, Clock


def test_a_clock_starts_at_the_epoch_and_goes_with_time():
    agenda = Agenda()
    clock = Clock(agenda)
    assert clock.read() == EPOCH
    agenda.play(until=250.0)
    assert clock.read() == EPOCH + 250


def test_a_clock_jumps_forward_and_back():
    agenda = Agenda()
    clock = Clock(agenda)
    clock.step(100)
    clock.step(-300)
    agenda.play(until=50.0)
    assert clock.read() == EPOCH - 150


def test_a_clock_that_drifts_loses_nothing_when_its_rate_changes():
    agenda = Agenda()
    clock = Clock(agenda)
    agenda.play(until=100.0)
    clock.drift(0.5)
    assert clock.read() == EPOCH + 100
    agenda.play(until=200.0)
    assert clock.read() == EPOCH + 150
    clock.step(7)
    clock.drift(2.0)
    assert clock.read() == EPOCH + 157
    agenda.play(until=300.0)
    assert clock.read() == pytest.approx(EPOCH + 357)
