"""What was published, and what is known to more digits."""

from __future__ import annotations

from benchmarks.pbs import MODELS, PUBLISHED, QUORUMS

LATENCIES = [
    (model, r, w, published[0], published[1])
    for model in MODELS
    for (r, w), published in zip(QUORUMS, PUBLISHED[model], strict=True)
]

# Per cent of fresh reads, by ms after the write; and after how many ms there are 99.9 %.
# Each figure is known to .02 points; the last, to its digits.
GOLDEN = {
    ("lnkd-ssd", 1, 1): ({0: 97.361, 1: 99.501, 2: 99.905, 5: 99.9993}, 1.968),
    ("lnkd-ssd", 1, 2): ({0: 97.829}, 1.854),
    ("lnkd-disk", 1, 1): (
        {0: 43.67, 1: 58.35, 2: 67.12, 5: 81.81, 10: 92.62, 25: 99.311, 50: 99.893, 100: 99.962},
        52.15,
    ),
    ("lnkd-disk", 1, 2): (
        {0: 71.29, 1: 77.24, 2: 81.44, 5: 89.43, 10: 95.62, 25: 99.534, 50: 99.905, 100: 99.965},
        48.27,
    ),
    ("lnkd-disk", 2, 1): ({0: 76.28, 1: 86.97, 2: 91.84, 5: 97.49, 10: 99.586, 25: 99.996}, 14.14),
    ("ymmr", 1, 1): (
        {0: 89.293, 1: 91.10, 2: 92.12, 5: 93.41, 10: 93.99, 25: 94.41, 50: 94.81, 100: 95.49},
        1460,
    ),
    ("ymmr", 2, 1): (
        {0: 99.096, 1: 99.341, 2: 99.463, 5: 99.600, 10: 99.658, 25: 99.702, 50: 99.743},
        218.6,
    ),
    ("wan", 1, 1): ({0: 33.4, 25: 33.5, 50: 33.8, 75: 72.1, 100: 99.61}, 116.0),
    ("wan", 2, 1): ({0: 85.87, 1: 89.29, 2: 91.44, 5: 95.21, 10: 98.04, 25: 99.81}, 30.89),
}
