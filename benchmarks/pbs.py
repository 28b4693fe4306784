"""The published figures of probabilistically bounded staleness, beside ours.

    python -m benchmarks.pbs [--trials N] [--seed SEED] [--json FILE]

Published are those of Bailis et al., "Probabilistically Bounded Staleness for Practical Partial
Quorums" (VLDB 2012), which come from a million operations each. Latencies are the 99.9th
percentiles. Every published time to 99.9 % above zero is too short: there, a sweep over rising t
stopped at the first estimate from 50,000 trials that happened to reach 99.9 %. The column "sweep"
is what that procedure makes of our samples: its median, and between which two numbers 95 % are.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct
from rich.console import Console
from rich.progress import track
from rich.table import Table

from etagere_sim.pbs import exponentials, montecarlo, oracle
from etagere_sim.pbs.cells import Cell
from etagere_sim.pbs.closed_forms import within_versions
from etagere_sim.pbs.laws import Array
from etagere_sim.pbs.sampling import samples
from etagere_sim.world.latency import latency_of

MODELS: Final = ("lnkd-ssd", "lnkd-disk", "ymmr", "wan")
QUORUMS: Final = ((1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (1, 3))
PUBLISHED: Final[dict[str, Sequence[tuple[float, float, float]]]] = {
    "lnkd-ssd": (
        (0.66, 0.66, 1.85),
        (0.66, 1.63, 1.79),
        (1.63, 0.65, 0),
        (1.62, 1.64, 0),
        (4.14, 0.65, 0),
        (0.65, 4.09, 0),
    ),
    "lnkd-disk": (
        (0.66, 10.99, 45.5),
        (0.65, 20.97, 43.3),
        (1.63, 10.9, 13.6),
        (1.64, 20.96, 0),
        (4.12, 10.89, 0),
        (0.65, 112.65, 0),
    ),
    "ymmr": (
        (5.58, 10.83, 1364),
        (5.61, 427.1, 1352),
        (32.6, 10.73, 202),
        (33.18, 428.1, 0),
        (219.3, 10.79, 0),
        (5.63, 1870.9, 0),
    ),
    "wan": (
        (3.4, 55.12, 113.0),
        (3.4, 167.64, 0),
        (151.3, 56.36, 30.2),
        (151.31, 167.72, 0),
        (153.86, 55.19, 0),
        (3.44, 241.55, 0),
    ),
}
"""Of each model, for each of `QUORUMS`: read latency, write latency, time to 99.9 %."""


class Row(Struct, frozen=True):
    """A cell of the published table, and ours."""

    model: str
    r: int
    w: int
    read: tuple[float, float]
    """Published, ours; in milliseconds, as all that follows."""
    write: tuple[float, float]
    visibility: tuple[float, float]
    sweep: tuple[float, float, float] | None
    """Median, 2.5th and 97.5th percentile."""


class Scalar(Struct, frozen=True):
    """A figure in the text."""

    what: str
    published: str
    ours: str


def rows(model: str, trials: int, seed: int) -> Iterator[Row]:
    """Yield the published cells of a model."""
    for (r, w), published in zip(QUORUMS, PUBLISHED[model], strict=True):
        cell = Cell(latency_of(model), r=r, w=w)
        random = np.random.default_rng(seed)
        parts = [montecarlo.outcomes(chunk, cell) for chunk in samples(cell, random, trials)]
        since, reads, writes = (np.concatenate(column) for column in zip(*parts, strict=True))
        visible = 0.0
        if not cell.is_strict:
            visible = oracle.predict(cell, (), trials=1_000_000, seed=seed).visibility
        yield Row(
            model,
            r,
            w,
            (published[0], float(np.quantile(reads, 0.999))),
            (published[1], float(np.quantile(writes, 0.999))),
            (published[2], visible),
            sweep(since, visible, random) if visible else None,
        )


def sweep(
    since: Array, visible: float, random: np.random.Generator, *, repeats: int = 400
) -> tuple[float, float, float]:
    """Return what a sweep over rising t finds that stops at the first good estimate."""
    times = np.linspace(0.7, 1.15, 226) * visible
    fresh = np.searchsorted(np.sort(since), times, side="right") / len(since)
    estimates = random.binomial(50_000, fresh, (repeats, len(times))) / 50_000
    stops = times[np.argmax(estimates >= 0.999, axis=1)]
    low, median, high = np.quantile(stops, (0.025, 0.5, 0.975)).tolist()
    return median, low, high


def scalars(seed: int) -> Iterator[Scalar]:
    """Yield the figures in the text."""
    for model, n, time, published in (
        ("lnkd-ssd", 3, 0.0, "97.4 %"),
        ("lnkd-ssd", 3, 5.0, "> 99.999 %"),
        ("lnkd-disk", 3, 0.0, "43.9 %"),
        ("lnkd-disk", 3, 10.0, "92.5 %"),
        ("ymmr", 3, 0.0, "89.3 %"),
        ("wan", 3, 0.0, "33 %"),
        ("lnkd-disk", 2, 0.0, "57.5 %"),
        ("lnkd-disk", 10, 0.0, "21.1 %"),
    ):
        cell = Cell(latency_of(model, n), n=n)
        found = oracle.predict(cell, (time,), trials=500_000, seed=seed).consistent[time]
        yield Scalar(f"{model}, N={n}: fresh at {time:g} ms", published, f"{100 * found:.4g} %")
    for n, published in ((2, "45.3 ms"), (10, "53.7 ms")):
        found = oracle.predict(Cell(latency_of("lnkd-disk"), n=n), (), trials=500_000).visibility
        yield Scalar(f"lnkd-disk, N={n}: 99.9 % fresh", published, f"{found:.1f} ms")
    for rate, published in ((4.0, "94 %"), (0.1, "41 %")):
        cell = Cell(latency_of(f"exp:{rate},1"))
        fresh = 1.0 - exponentials.p_stale(cell, rate, 1.0)
        yield Scalar(f"exp:{rate:g},1: fresh at 0 ms", published, f"{100 * fresh:.2f} %")
    for model, leg, part, published in (
        ("lnkd-ssd", "read", 50.0, "0.489 ms"),
        ("lnkd-ssd", "read", 99.9, "0.657 ms"),
        ("lnkd-disk", "write", 50.0, "1.50 ms"),
    ):
        told = montecarlo.predict(Cell(latency_of(model)), (), seed=seed)
        latencies = told.read_latency if leg == "read" else told.write_latency
        yield Scalar(f"{model}: {leg}, {part:g} %", published, f"{latencies[part]:.3f} ms")
    cell = Cell(latency_of("lnkd-disk"))
    for versions, published in ((2, ".5556"), (3, ".7037"), (5, "> .868"), (10, "> .98")):
        ours = within_versions(cell, versions)
        yield Scalar(f"N=3, R=W=1: within {versions} versions", published, f"{ours:.4f}")


def table_of(rows: Sequence[Row]) -> Table:
    """Lay the cells out for people."""
    table = Table(title="published → ours, N=3, ms")
    for column in ("model", "R", "W", "read p99.9", "write p99.9", "99.9 % fresh", "sweep"):
        table.add_column(column)
    for row in rows:
        table.add_row(
            row.model,
            str(row.r),
            str(row.w),
            _pair(*row.read),
            _pair(*row.write),
            f"{row.visibility[0]:g} → {row.visibility[1]:.4g}",
            "" if row.sweep is None else "{:.4g} [{:.4g}, {:.4g}]".format(*row.sweep),
        )
    return table


def _pair(published: float, ours: float) -> str:
    return f"{published:g} → {ours:.2f} ({ours / published - 1:+.1%})"


def main(arguments: list[str] | None = None) -> None:
    """Compute and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--trials", type=int, default=4_000_000, help="of each cell")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE", help="write the results there as well")
    given = parser.parse_args(arguments)
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    found: list[Row] = []
    for model in track(MODELS, "sampling", console=console, transient=True):
        found += rows(model, given.trials, given.seed)
    text = list(scalars(given.seed))
    console.print(table_of(found))
    scalar_table = Table("figure", "published", "ours", title="in the text")
    for scalar in text:
        scalar_table.add_row(scalar.what, scalar.published, scalar.ours)
    console.print(scalar_table)
    pairs = [pair for row in found for pair in (row.read, row.write)]
    close = [
        sum(abs(ours / theirs - 1) <= limit for theirs, ours in pairs) for limit in (0.015, 0.025)
    ]
    console.print(f"of {len(pairs)} latencies {close[0]} within 1.5 %, {close[1]} within 2.5 %")
    if given.json:
        Path(given.json).write_bytes(msgspec.json.encode({"cells": found, "text": text}))


if __name__ == "__main__":
    main()
