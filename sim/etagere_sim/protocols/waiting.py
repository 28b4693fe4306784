"""How long to wait for others: what a URL says, or else longer where messages take their time.

All times are in milliseconds; those in a URL are in seconds.
"""

from __future__ import annotations

from etagere.urls import Options


def patience(options: Options, round_trip: float) -> float:
    """Return how long to wait for the answers of one round."""
    return _milliseconds(options, "patience", max(60.0, 2 * round_trip))


def deadline(options: Options, round_trip: float) -> float:
    """Return when an operation is given up."""
    return _milliseconds(options, "timeout", usual_deadline(round_trip))


def usual_deadline(round_trip: float) -> float:
    """Return when an operation is given up, where a URL cannot say it."""
    return max(2000.0, 30 * round_trip)


def failover(options: Options, round_trip: float) -> float:
    """Return when a primary that is not heard of counts as dead.

    A client hears from it after two round trips: its own, and the one to the backups.
    """
    return _milliseconds(options, "timeout", max(30.0, 4 * round_trip))


def _milliseconds(options: Options, name: str, usual: float) -> float:
    return 1000.0 * options.seconds(name, usual / 1000.0)
