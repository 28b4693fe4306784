"""Exact probabilities where all delays are exponential: W with one rate, A, R and S with another.

Because W has no memory, P_stale(t) is P_stale(0) exp(-R rate t), whatever A, R and S are. And
P_stale(0) is a product: of E[exp(-R rate m)], where m is the W-th smallest W + A of N - R replicas,
and of E[exp(-rate (r_1 + ... + r_R))], where r are the R of the fastest R of N replies. Both are
integrals over one variable, taken here by the trapezoidal rule.
"""

from __future__ import annotations

from math import comb, factorial

import numpy as np

from etagere_sim.pbs.cells import Cell
from etagere_sim.pbs.laws import Array

POINTS = 400_001


def p_stale(cell: Cell, writes: float, others: float, time: float = 0.0) -> float:
    """Return the probability of a stale read, given the rates."""
    if cell.is_strict:
        return 0.0
    at_once = _of_the_write(cell, writes, others) * _of_the_read(cell, writes, others)
    return float(at_once * np.exp(-cell.r * writes * time))


def _of_the_write(cell: Cell, writes: float, others: float) -> float:
    number, k = cell.n - cell.r, cell.w
    grid = _grid(min(writes, others))
    density, reached = _sum_of_two(grid, writes, others)
    chance = k * comb(number, k) * reached ** (k - 1) * (1.0 - reached) ** (number - k) * density
    return float(np.trapezoid(np.exp(-cell.r * writes * grid) * chance, grid))


def _of_the_read(cell: Cell, writes: float, others: float) -> float:
    n, r = cell.n, cell.r
    grid = _grid(others)
    density, reached = _sum_of_two(grid, others, others)
    # Given R + S = x, R is anywhere between 0 and x with the same chance.
    scaled = writes * np.maximum(grid, 1e-300)
    kept = -np.expm1(-scaled) / scaled * density
    faster = np.concatenate([[0.0], np.cumsum((kept[1:] + kept[:-1]) / 2 * np.diff(grid))])
    ways = factorial(n) / (factorial(r - 1) * factorial(n - r))
    return float(np.trapezoid(ways * faster ** (r - 1) * kept * (1.0 - reached) ** (n - r), grid))


def _grid(rate: float) -> Array:
    # Close together where the integrand is steep, at 0.
    return np.linspace(0.0, 1.0, POINTS) ** 2 * 60.0 / rate


def _sum_of_two(grid: Array, one: float, other: float) -> tuple[Array, Array]:
    """Return density and distribution function of the sum of two exponentials."""
    if abs(one - other) < 1e-6 * other:
        decay = np.exp(-other * grid)
        return other * other * grid * decay, 1.0 - (1.0 + other * grid) * decay
    first, second = np.exp(-one * grid), np.exp(-other * grid)
    density = one * other / (other - one) * (first - second)
    return density, 1.0 - (other * first - one * second) / (other - one)
