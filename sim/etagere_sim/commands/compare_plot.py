"""The plot of `etagere simulate compare`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from etagere.errors import ConfigurationError
from etagere_sim.campaigns.comparing import Compared, Share
from etagere_sim.campaigns.judging import wilson

BLUE: Final = "#2f6da8"
ORANGE: Final = "#d9822b"
GREY: Final = "#d5d8dc"
SHIFT: Final = 0.17
"""Of a row: how far apart its two marks are."""


def draw(rows: Sequence[Compared], path: Path) -> None:
    """Draw a row for each protocol, and a panel for each thing that was measured."""
    figure, axes = _panels(len(rows))
    _draw_latencies(axes[0], rows)
    _draw_shares(
        axes[1],
        rows,
        "calls answered",
        ("one replica down", lambda row: row.one_down),
        ("one replica and one client cut off", lambda row: row.partition),
    )
    _draw_shares(axes[2], rows, "stale reads, no faults", ("stale reads", lambda row: row.stale))
    _draw_shares(
        axes[3],
        rows,
        "runs not linearizable",
        ("no faults", lambda row: row.violations),
        ("all kinds of faults", lambda row: row.violations_with_faults),
    )
    axes[0].set_yticks(range(len(rows)), [f"{row.name}\n{row.level}" for row in rows])
    axes[0].invert_yaxis()
    figure.savefig(path, bbox_inches="tight", dpi=150)


def _panels(rows: int) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigurationError(
            "--plot needs the package 'matplotlib'; install it with: pip install 'etagere[sim]'"
        ) from error
    figure: Any = Figure(figsize=(15, 1.6 + 0.5 * rows), layout="constrained")
    axes = figure.subplots(1, 4, sharey=True)
    for panel in axes:
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.grid(axis="x", color=GREY, linewidth=0.6)
        panel.tick_params(axis="y", length=0)
        panel.set_axisbelow(True)
    return figure, axes


def _draw_latencies(panel: Any, rows: Sequence[Compared]) -> None:
    series = (
        (-SHIFT, BLUE, "read", [row.read_ms for row in rows]),
        (SHIFT, ORANGE, "write", [row.write_ms for row in rows]),
    )
    for shift, color, what, times in series:
        places = [place + shift for place in range(len(rows))]
        middle, high = [each[50.0] for each in times], [each[99.0] for each in times]
        panel.hlines(places, middle, high, color=color, linewidth=2)
        panel.plot(middle, places, "o", color=color, markersize=5, label=f"{what}, median to p99")
    panel.set_xscale("log")
    _finish(panel, "latency, virtual ms, no faults")


def _draw_shares(
    panel: Any,
    rows: Sequence[Compared],
    title: str,
    *series: tuple[str, Callable[[Compared], Share]],
) -> None:
    shifts = (-SHIFT, SHIFT) if len(series) > 1 else (0.0,)
    for shift, color, (label, share_of) in zip(shifts, (BLUE, ORANGE), series, strict=False):
        places = [place + shift for place in range(len(rows))]
        shares = [share_of(row) for row in rows]
        ends = [wilson(share.count, share.total) for share in shares]
        panel.hlines(
            places,
            [100 * low for low, _ in ends],
            [100 * high for _, high in ends],
            color=color,
            linewidth=2,
        )
        values = [100 * share.share for share in shares]
        panel.plot(values, places, "o", color=color, markersize=5, label=label)
    panel.set_xlim(left=-2)
    _finish(panel, f"{title}, %")


def _finish(panel: Any, title: str) -> None:
    panel.set_title(title, fontsize=10, loc="left")
    panel.legend(
        fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(-0.02, -0.06), borderaxespad=0
    )
