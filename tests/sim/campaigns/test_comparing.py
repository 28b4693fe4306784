"""Comparisons: what each protocol is known to do."""

from __future__ import annotations

import pytest

from etagere_sim.campaigns.comparing import PERCENTILES, Setting, Share, at, compare

SEEDS = 12
TIMES = "latency=constant:1"


def test_one_copy() -> None:
    single = compare("single", Setting(f"sim://?protocol=single&{TIMES}"), SEEDS)
    assert single.read_ms == pytest.approx(dict.fromkeys(PERCENTILES, 2.0))
    assert single.write_ms == pytest.approx(dict.fromkeys(PERCENTILES, 2.0))
    assert single.one_down.share == 0.0
    assert single.partition.share == pytest.approx(1 / 3)  # the client on its side
    assert single.stale.count == single.violations.count == 0


def test_majorities() -> None:
    abd = compare("abd", Setting(f"sim://?protocol=abd&{TIMES}"), SEEDS)
    assert abd.level == "strong"
    assert abd.one_down.share == 1.0
    assert abd.partition.share == pytest.approx(2 / 3)
    assert abd.violations_with_faults == Share(0, SEEDS)


def test_one_of_three() -> None:
    weak = compare("weak", Setting("sim://?protocol=dynamo&r=1&w=1"), SEEDS)
    assert weak.level == "eventual"
    assert weak.one_down.share == weak.partition.share == 1.0
    assert weak.stale.count > 0
    assert weak.stale_ms > 0
    assert weak.violations.share > 0.5


def test_a_level_can_be_asked_for() -> None:
    setting = Setting("sim://?protocol=abd", "eventual")
    assert setting.load.eventual == 1.0
    assert Setting("sim://?protocol=abd").load.eventual == 0.0


def test_percentiles() -> None:
    assert at([], 50.0) == 0.0
    assert at([1.0, 2.0, 3.0, 4.0], 50.0) == 2.0
    assert at([1.0, 2.0, 3.0, 4.0], 99.0) == 4.0
