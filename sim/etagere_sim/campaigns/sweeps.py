"""Sweeps: a campaign under one seed after another, in pieces that can be done anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import process_time

from etagere_sim.campaigns.addresses import simulated
from etagere_sim.campaigns.campaign import Campaign
from etagere_sim.campaigns.journals import journal
from etagere_sim.campaigns.pieces import Piece, left_of
from etagere_sim.campaigns.tallies import Staleness, Tally

Executor = Callable[[Campaign, Iterable[Piece]], Iterator[tuple[Piece, Tally]]]
"""Does the pieces of a campaign, and yields what they come to, in any order."""


def sweep_piece(campaign: Campaign, piece: Piece) -> Tally:
    """Run a campaign under some seeds."""
    began = process_time()
    replicas = simulated(campaign.url).replication.replicas
    tally = Tally(staleness=Staleness() if campaign.workload.eventual else None)
    for seed in range(piece.first, piece.end):
        tally.take(campaign.run(seed), replicas)
    tally.seconds = process_time() - began
    return tally


def sweep(
    campaign: Campaign,
    seeds: Piece,
    executor: Executor,
    *,
    resume: Path | None = None,
    advance: Callable[[Tally], object] = lambda _: None,
) -> Tally:
    """Run a campaign under many seeds, and return what it comes to.

    `resume`: a file to which each piece is written as it is done. What is in it already is not
    done again. `advance` is called with the sum so far, at first and after each piece.
    """
    total = Tally()
    with journal(resume, campaign) as written:
        done = [entry for entry in written.done if seeds.has(entry.piece)]
        for entry in done:
            total.add(entry.tally)
        advance(total)
        for piece, tally in executor(campaign, left_of(seeds, (entry.piece for entry in done))):
            written.write(piece, tally)
            total.add(tally)
            advance(total)
    return total
