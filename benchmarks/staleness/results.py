"""What was found, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from rich.table import Table

from benchmarks.staleness.delays import Legs, legs_of
from benchmarks.staleness.prediction import by_formula, predicted
from benchmarks.staleness.trials import PLACES, Found
from etagere_sim.campaigns.judging import wilson

PERCENTILES: Final = (5.0, 50.0, 95.0)


class Row(Struct, frozen=True, kw_only=True):
    """Reads some time after a write, in one mode. Shares are from 0 to 1."""

    store: str
    mode: str
    time: float
    """Milliseconds after the write returned; the reads began a little later."""
    pause: float
    """Median of how much later they did begin."""
    reads: int
    stale: float
    low: float
    """Where the 95 % interval of `stale` begins (Wilson)."""
    high: float
    predicted: float
    engine: str
    """`messages`: the simulator plays them; `formula`: its protocol has no such setting."""
    together: float
    """By formula, with the delays of both replicas taken from one write."""

    @property
    def differs(self) -> bool:
        """Whether the prediction is outside the interval."""
        return not self.low <= self.predicted <= self.high


class Leg(Struct, frozen=True, kw_only=True):
    """A one-way delay: percentiles in milliseconds."""

    store: str
    mode: str
    name: str
    measured: int
    percentiles: dict[float, float]


class Report(Struct, frozen=True):
    """All of it."""

    rows: list[Row]
    legs: list[Leg]


def report_of(
    store: str, found: Found, trials: int, advance: Callable[[], None] = lambda: None
) -> Report:
    """Predict what was measured in a mode, by so many simulated trials at each time."""
    legs, mode, rows = legs_of(found), found.mode, list[Row]()
    for time in mode.times:
        reads = [trial for trial in found.trials if trial.time == time]
        stale = sum(trial.stale for trial in reads)
        low, high = wilson(stale, len(reads))
        # The simulated client is as late as the real one was.
        pauses = [trial.pause for trial in reads]
        rows.append(
            Row(
                store=store,
                mode=mode.name,
                time=time,
                pause=float(np.median(pauses)),
                reads=len(reads),
                stale=stale / len(reads),
                low=low,
                high=high,
                predicted=predicted(mode, legs, pauses, trials),
                engine="formula" if mode.kept else "messages",
                together=by_formula(mode, legs, pauses, together=True),
            )
        )
        advance()
    return Report(rows, list(_legs(store, mode.name, legs)))


def _legs(store: str, mode: str, legs: Legs) -> list[Leg]:
    kinds = {
        "write, to be kept": legs.keeping,
        "write, to be shown": legs.streams,
        "acknowledgement": legs.acks,
        "read": legs.requests,
    }
    return [
        Leg(
            store=store,
            mode=mode,
            name=f"{kind}, replica {place + 1}",
            measured=len(delays[place]),
            percentiles={
                percent: float(np.percentile(delays[place], percent)) for percent in PERCENTILES
            },
        )
        for kind, delays in kinds.items()
        for place in PLACES
        if delays
    ]


def table_of(rows: Sequence[Row]) -> Table:
    """Lay shares out for people."""
    table = Table(title="stale reads, %")
    for column in ("store", "mode", "t, ms", "reads", "measured", "95 %", "predicted", "together"):
        table.add_column(column, justify="left" if column in ("store", "mode") else "right")
    before: tuple[str, str] | None = None
    for row in rows:
        which = row.store, row.mode
        table.add_row(
            *(which if which != before else ("", "")),
            f"{row.time:g}",
            str(row.reads),
            f"{100 * row.stale:.1f}",
            f"{100 * row.low:.1f} to {100 * row.high:.1f}",
            f"{100 * row.predicted:.1f}{' ≠' if row.differs else '  '}",
            f"{100 * row.together:.1f}",
        )
        before = which
    return table


def markdown_of(rows: Sequence[Row]) -> str:
    """Lay shares out for a page: a column for each time."""
    times = sorted({row.time for row in rows})
    cells = {(row.store, row.mode, row.time): row for row in rows}
    kinds: dict[str, Callable[[Row], str]] = {
        "measured": lambda row: f"{100 * row.stale:.1f}",
        "its 95 %": lambda row: f"{100 * row.low:.1f}–{100 * row.high:.1f}",
        "predicted": lambda row: f"{100 * row.predicted:.1f}{' ≠' if row.differs else ''}",
        "together": lambda row: f"{100 * row.together:.1f}",
    }
    lines = [
        "| stale reads, % | t, ms | " + " | ".join(f"{time:g}" for time in times) + " |",
        "|---|---|" + "---:|" * len(times),
    ]
    for store, mode in dict.fromkeys((row.store, row.mode) for row in rows):
        for kind, text in kinds.items():
            shown = [cells.get((store, mode, time)) for time in times]
            name = f"{store}: {mode}" if kind == "measured" else ""
            told = " | ".join("" if row is None else text(row) for row in shown)
            lines.append(f"| {name} | {kind} | {told} |")
    return "\n".join(lines)


def leg_table_of(legs: Sequence[Leg]) -> Table:
    """Lay delays out for people."""
    names = [f"{percent:g} %" for percent in PERCENTILES]
    table = Table("store", "mode", "way", title="one-way delays, ms")
    for column in ("measured", *names):
        table.add_column(column, justify="right")
    for leg in legs:
        ends = [f"{leg.percentiles[percent]:.3f}" for percent in PERCENTILES]
        table.add_row(leg.store, leg.mode, leg.name, str(leg.measured), *ends)
    return table
