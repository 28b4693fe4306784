"""Faults: lost answers, broken connections, cancelled callers, servers that go away."""

from __future__ import annotations

from etagere.conformance.faults.cancelling import CancelledCallClauses
from etagere.conformance.faults.histories import HistoryClauses
from etagere.conformance.faults.lost_answers import LostAnswerClauses
from etagere.conformance.faults.lost_replies import LostReplyClauses
from etagere.conformance.faults.outages import OutageClauses
from etagere.conformance.faults.probing import ProbedClauses
from etagere.conformance.faults.servers import ServerFaultClauses


class FaultClauses(
    LostAnswerClauses,
    LostReplyClauses,
    OutageClauses,
    CancelledCallClauses,
    HistoryClauses,
    ServerFaultClauses,
    ProbedClauses,
):
    """Everything about what goes wrong between a caller and the data."""


__all__ = ["FaultClauses"]
