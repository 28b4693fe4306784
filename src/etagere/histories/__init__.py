"""Recorded histories, and the checkers that decide what they show.

    recorder = Recorder("run.jsonl")
    async with etagere.open(url) as store:
        alice = recorder.client("alice", store)
        ...
    verdict = check_versioned(recorder.history())

`docs/histories.md` describes the file format, the verdicts and the pages.
"""

from etagere.histories.convergence import check_convergence
from etagere.histories.counterexamples import draw, minimise, page, timelines, write_page
from etagere.histories.files import load_history, write_history
from etagere.histories.history import Call, History, Kind, Status
from etagere.histories.limits import Limits
from etagere.histories.malformed import MalformedHistory
from etagere.histories.recording import Recorder
from etagere.histories.search import check_steps
from etagere.histories.sessions import check_sessions
from etagere.histories.staleness import measure_staleness
from etagere.histories.steps import Model, Step
from etagere.histories.verdicts import Anomaly, Answer, Finding, KeyVerdict, Verdict
from etagere.histories.versioned import check_versioned, verify

__all__ = [
    "Anomaly",
    "Answer",
    "Call",
    "Finding",
    "History",
    "KeyVerdict",
    "Kind",
    "Limits",
    "MalformedHistory",
    "Model",
    "Recorder",
    "Status",
    "Step",
    "Verdict",
    "check_convergence",
    "check_sessions",
    "check_steps",
    "check_versioned",
    "draw",
    "load_history",
    "measure_staleness",
    "minimise",
    "page",
    "timelines",
    "verify",
    "write_history",
    "write_page",
]
