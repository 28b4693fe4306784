"""Faults: lost answers, broken connections, cancelled callers, servers that go away."""

from __future__ import annotations

from etagere.conformance.faults.cancelling import CancelledCallClauses
from etagere.conformance.faults.histories import HistoryClauses
from etagere.conformance.faults.lost_answers import LostAnswerClauses
from etagere.conformance.faults.lost_replies import LostReplyClauses
from etagere.conformance.faults.outages import OutageClauses


class FaultClauses(
    LostAnswerClauses, LostReplyClauses, OutageClauses, CancelledCallClauses, HistoryClauses
):
    """Everything about what goes wrong between a store and its server."""


__all__ = ["FaultClauses"]
