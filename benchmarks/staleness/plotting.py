"""The figure: a panel for each mode."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.staleness.results import Row

BLUE: Final = "#2f6da8"
ORANGE: Final = "#d9822b"
GREY: Final = "#d5d8dc"
COLUMNS: Final = 3


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw what was measured, with its intervals, over what is predicted."""
    panels: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        panels.setdefault((row.store, row.mode), []).append(row)
    lines = ceil(len(panels) / COLUMNS)
    figure: Any = Figure(figsize=(9, 0.5 + 2.2 * lines), layout="constrained")
    axes = figure.subplots(lines, COLUMNS, sharey=True, squeeze=False).ravel()
    for panel, ((store, mode), found) in zip(axes, panels.items(), strict=False):
        _draw_panel(panel, found)
        panel.set_title(f"{store}: {mode}", fontsize=10, loc="left")
    for panel in axes[len(panels) :]:
        panel.set_visible(False)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False
    )
    figure.supylabel("stale reads, %", fontsize=10)
    # A salt of its own, no date: the same figures give the same file.
    with rc_context({"svg.hashsalt": "staleness", "svg.fonttype": "none"}):
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)


def _draw_panel(panel: Axes, rows: Sequence[Row]) -> None:
    times = [row.time for row in rows]
    panel.plot(
        times, [100 * row.predicted for row in rows], color=ORANGE, linewidth=2, label="predicted"
    )
    panel.plot(
        times,
        [100 * row.together for row in rows],
        color=ORANGE,
        linewidth=1,
        linestyle="--",
        label="with both replicas' delays from one write",
    )
    panel.errorbar(
        times,
        [100 * row.stale for row in rows],
        yerr=[
            [100 * (row.stale - row.low) for row in rows],
            [100 * (row.high - row.stale) for row in rows],
        ],
        fmt="o",
        color=BLUE,
        markersize=4,
        capsize=2,
        label="measured, with its 95 % interval",
        clip_on=False,
        zorder=3,
    )
    panel.set_xscale("symlog", linthresh=1.0, linscale=0.4)
    panel.set_xticks(times, [f"{time:g}" for time in times], fontsize=8)
    panel.minorticks_off()
    panel.set_xlim(-0.1, 1.1 * times[-1])
    panel.set_ylim(0, 104)
    panel.set_xlabel("ms after the write returned", fontsize=8)
    panel.tick_params(axis="y", labelsize=8)
    panel.grid(color=GREY, linewidth=0.6)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
