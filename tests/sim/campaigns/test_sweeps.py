"""Sweeps: in one process or in many, at one go or in several, they come to the same."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from etagere.errors import InvalidArgument, Unavailable
from etagere_sim.campaigns.campaign import Campaign
from etagere_sim.campaigns.executors import Cluster, Processes, executor_of, here
from etagere_sim.campaigns.pieces import PIECE, Piece
from etagere_sim.campaigns.sweeps import sweep
from etagere_sim.campaigns.tallies import Tally
from tests.sim.campaigns.settings import ABD, WEAK, campaign

SEEDS = Piece(100, 50)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etagere_sim.campaigns.pieces.PIECE", 20)


def timeless(tally: Tally) -> Tally:
    """Return what does not depend on how fast the machine is."""
    return replace(tally, seconds=0.0)


class Interrupting:
    """Does so many pieces and no more."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.done: list[Piece] = []

    def __call__(
        self, campaign: Campaign, pieces: Iterable[Piece]
    ) -> Iterator[tuple[Piece, Tally]]:
        for piece, tally in here(campaign, pieces):
            if len(self.done) == self.most:
                raise KeyboardInterrupt
            self.done.append(piece)
            yield piece, tally


def test_processes_come_to_the_same() -> None:
    alone = sweep(campaign(WEAK), SEEDS, here)
    assert timeless(sweep(campaign(WEAK), SEEDS, Processes(2))) == timeless(alone)


def test_a_dask_cluster_comes_to_the_same() -> None:
    import distributed  # takes a second to import

    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        host="127.0.0.1",
        dashboard_address=None,
        processes=True,
    ) as cluster:
        url = cluster.scheduler_address.replace("tcp://", "dask://")
        told: list[int] = []
        swept = sweep(
            campaign(WEAK), SEEDS, Cluster(url), advance=lambda so_far: told.append(so_far.runs)
        )
    assert timeless(swept) == timeless(sweep(campaign(WEAK), SEEDS, here))
    assert told[0] == 0
    assert sorted(told) == told
    assert told[-1] == SEEDS.number


def test_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etagere_sim.campaigns.executors.CONNECTING", "1s")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    with pytest.raises(Unavailable, match="no Dask scheduler answers at tcp://127"):
        sweep(campaign(ABD), SEEDS, Cluster(f"dask://127.0.0.1:{port}"))


@pytest.mark.parametrize("url", ["tcp://127.0.0.1:8786", "dask://127.0.0.1", "dask://"])
def test_clusters_have_urls(url: str) -> None:
    with pytest.raises(InvalidArgument, match="write dask://HOST:PORT"):
        executor_of(url, None, 1)


def test_little_is_done_here() -> None:
    assert executor_of(None, None, PIECE) is here
    assert executor_of(None, 1, 100 * PIECE) is here
    assert isinstance(executor_of(None, 2, 1), Processes)


def test_an_interrupted_sweep_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "sweep.jsonl"
    first, second = Interrupting(2), Interrupting(9)
    with pytest.raises(KeyboardInterrupt):
        sweep(campaign(WEAK), SEEDS, first, resume=file)
    resumed = sweep(campaign(WEAK), SEEDS, second, resume=file)
    assert first.done == [Piece(100, 20), Piece(120, 20)]
    assert second.done == [Piece(140, 10)]
    assert timeless(resumed) == timeless(sweep(campaign(WEAK), SEEDS, here))
    third = Interrupting(0)
    assert timeless(sweep(campaign(WEAK), SEEDS, third, resume=file)) == timeless(resumed)


def test_a_line_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    file = tmp_path / "sweep.jsonl"
    whole = sweep(campaign(ABD), SEEDS, here, resume=file)
    file.write_bytes(file.read_bytes()[:-20])
    again = Interrupting(9)
    assert timeless(sweep(campaign(ABD), SEEDS, again, resume=file)) == timeless(whole)
    assert again.done == [Piece(140, 10)]
    assert file.read_bytes().count(b"\n") == 4


def test_a_file_of_another_sweep_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "sweep.jsonl"
    sweep(campaign(ABD), Piece(0, 1), here, resume=file)
    before = file.read_bytes()
    with pytest.raises(InvalidArgument, match="of another sweep"):
        sweep(campaign(WEAK), Piece(0, 1), here, resume=file)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"hello\n", "was not written by a sweep"),
        (b"hello", "was not written by a sweep"),
        (b'{"format": "x", "version": 1, "etagere": "", "campaign": {"url": ""}}\n', "is x 1"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "notes"
    file.write_bytes(content)
    with pytest.raises(InvalidArgument, match=problem):
        sweep(campaign(ABD), Piece(0, 1), here, resume=file)
    assert file.read_bytes() == content
