from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest

from etagere.errors import InvalidArgument
from etagere_sim.pbs.cells import Cell
from etagere_sim.pbs.laws import survival
from etagere_sim.pbs.sampling import sample
from etagere_sim.world.distributions import Constant, Exponential, Measured, ParetoMixture
from etagere_sim.world.latency import NAMED, Everywhere, Sites, latency_of

HALF = {"law": "exponential", "rate": 0.5}
FIVE = {"law": "constant", "milliseconds": 5}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "model.json"


def test_names() -> None:
    disk = latency_of("lnkd-disk")
    assert disk.legs.writes == ParetoMixture(0.38, 1.05, 1.51, 0.183)
    assert disk.legs.acks == disk.legs.reads == disk.legs.replies == NAMED["lnkd-ssd"].others
    assert latency_of("ymmr").legs.writes == ParetoMixture(0.939, 3, 3.5, 0.0028)
    assert latency_of("ymmr-printed").legs.writes == ParetoMixture(0.939, 3, 3.35, 0.0028)
    assert latency_of("exp:0.1,2") == Everywhere(Exponential(2), writes=Exponential(0.1))
    assert latency_of("constant:3") == Everywhere(Constant(3))


def test_the_wide_area_has_a_site_for_each_replica() -> None:
    wide = latency_of("wan", 5)
    assert isinstance(wide, Sites)
    assert wide.site("r5") == wide.site("c5") == 4
    assert wide.site("r6") == wide.site("outside") == 0
    assert wide.apart[1] == (75, 0, 75, 75, 75)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("lnkd", "neither a model nor a file"),
        ("", "neither a model nor a file"),
        ("exp:1", "two rates"),
        ("exp:1,0", "two rates"),
        ("exp:1,nan", "two rates"),
        ("constant:-1", "milliseconds, from 0"),
        ("constant:1,2", "milliseconds, from 0"),
    ],
)
def test_words_that_make_no_sense(text: str, problem: str) -> None:
    with pytest.raises(InvalidArgument, match=problem):
        latency_of(text)


def test_a_leg_that_a_file_leaves_out_is_as_the_one_before(file: Path) -> None:
    file.write_text(json.dumps({"W": HALF, "R": FIVE}))
    legs = latency_of(str(file)).legs
    assert legs == (Exponential(0.5), Exponential(0.5), Constant(5), Constant(5))


def test_all_laws_stand_in_files(file: Path) -> None:
    body = {"law": "pareto-mixture", "body": 0.5, "minimum": 1, "shape": 2, "tail_rate": 0.1}
    measured = {"law": "measured", "milliseconds": [1, 2.5]}
    file.write_text(json.dumps({"W": body, "A": measured, "R": FIVE, "S": HALF}))
    legs = latency_of(str(file)).legs
    assert legs.writes == ParetoMixture(0.5, 1, 2, 0.1)
    assert legs.acks == Measured((1, 2.5))
    assert (legs.reads, legs.replies) == (Constant(5), Exponential(0.5))


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ({}, "needs `W`"),
        ({"W": {"law": "normal"}}, "normal"),
        ({"W": {"law": "exponential", "rate": 0}}, "rate"),
        ({"W": FIVE, "X": FIVE}, "unknown field `X`"),
        ({"W": FIVE, "sites": [[0, 1], [0]]}, "square"),
        ({"W": FIVE, "sites": [[-1]]}, "sites"),
        ([], "array"),
    ],
)
def test_files_that_make_no_sense(file: Path, model: object, problem: str) -> None:
    file.write_text(json.dumps(model))
    with pytest.raises(InvalidArgument, match=problem) as caught:
        latency_of(str(file))
    assert str(file) in str(caught.value)


def test_a_file_that_is_not_json(file: Path) -> None:
    file.write_text("W: 1")
    with pytest.raises(InvalidArgument, match=r"model\.json is wrong"):
        latency_of(str(file))


def test_links_draw_each_leg_from_its_law(file: Path) -> None:
    legs = {"W": 1, "A": 2, "R": 3, "S": 4}
    laws = {leg: {"law": "constant", "milliseconds": time} for leg, time in legs.items()}
    file.write_text(json.dumps({**laws, "sites": [[0, 10], [20, 0]]}))
    model = latency_of(str(file))
    (read, reply), (write, ack) = model.between("c1", "r1", Random(1))
    assert [write(), ack(), read(), reply()] == [1, 2, 3, 4]
    (read, _), (write, _) = model.between("c1", "r2", Random(1))
    assert [write(), read()] == [11, 13]
    (_, reply), (_, ack) = model.between("r2", "c1", Random(1))
    assert [ack(), reply()] == [22, 24]


def test_samples_go_the_way_of_the_links(file: Path) -> None:
    file.write_text(json.dumps({"W": FIVE, "sites": [[0, 10], [20, 0]]}))
    drawn = sample(Cell(latency_of(str(file)), n=2), np.random.default_rng(1), 400)
    there_and_back = {
        tuple(map(tuple, np.stack(rows, 1))) for rows in zip(drawn.writes, drawn.acks, strict=True)
    }
    assert there_and_back == {((5, 5), (15, 25)), ((25, 15), (5, 5))}
    # The reader is anywhere, wherever the writer is.
    assert (
        len({(row[0], other[0]) for row, other in zip(drawn.writes, drawn.reads, strict=True)}) == 4
    )


@pytest.mark.parametrize("model", ["lnkd-ssd", "lnkd-disk", "ymmr", "exp:0.1,1"])
def test_links_and_numpy_have_the_same_distributions(model: str) -> None:
    latency, number = latency_of(model), 40_000
    _, (write, _) = latency.between("c1", "r1", Random(2))
    delays = np.array([write() for _ in range(number)])
    for limit in np.quantile(delays, [0.05, 0.3, 0.6, 0.9, 0.99]):
        expected = float(survival(latency.legs.writes, limit * 1.01))
        error = np.sqrt(expected * (1 - expected) / number)
        assert abs((delays > limit * 1.01).mean() - expected) <= 4 * error
