"""The plot of a cell: how likely a fresh read is, by how long after the write it begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from etagere.errors import ConfigurationError
from etagere_sim.pbs.cells import LEVEL, Prediction

FORMATS: Final = (".svg", ".png", ".pdf")
GRID: Final = (0.0, *(0.01 * 1.2**step for step in range(80)))
"""Times of the curve, in milliseconds: close together at first, up to some 18 s."""
BLUE: Final = "#2f6da8"
ORANGE: Final = "#d9822b"
GREY: Final = "#d5d8dc"


def draw(found: Prediction, times: tuple[float, ...], title: str, path: Path) -> None:
    """Draw the curve of a prediction for all times of `GRID`, and mark some of its times."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigurationError(
            "--plot needs the package 'matplotlib'; install it with: pip install 'etagere[sim]'"
        ) from error
    figure: Any = Figure(figsize=(7, 4.2), layout="constrained")
    panel = figure.subplots()
    end = 1.15 * max(found.visibility, *times, 1.0)
    curve = sorted(time for time in found.consistent if time <= 1.3 * end)
    panel.plot(curve, [100 * found.consistent[time] for time in curve], color=BLUE, zorder=2)
    panel.errorbar(
        times,
        [100 * found.consistent[time] for time in times],
        yerr=[200 * found.errors[time] for time in times],
        fmt="o",
        color=BLUE,
        markersize=5,
        capsize=3,
        label="asked for, ± 2 standard errors",
        clip_on=False,
        zorder=3,
    )
    panel.axvline(
        found.visibility,
        color=ORANGE,
        linestyle="--",
        linewidth=1.2,
        label=f"{LEVEL:.1%} from {found.visibility:.4g} ms on",
        zorder=1,
    )
    panel.set_xlim(-0.01 * end, end)
    panel.set_ylim(top=100.5)
    panel.set_xlabel("ms after the write returned")
    panel.set_ylabel("fresh reads, %")
    panel.set_title(title, fontsize=10, loc="left")
    panel.grid(color=GREY, linewidth=0.6)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(frameon=False, fontsize=9, loc="lower right")
    figure.savefig(path, dpi=150)
