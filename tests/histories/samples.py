"""Small histories whose verdicts are known, written down by hand."""

from __future__ import annotations

from typing import Any

from etagere.histories.history import NEVER, Call, Kind, Status
from etagere.histories.steps import Step
from etagere.histories.verdicts import Anomaly, Answer, Finding, KeyVerdict

KEY = "cart"


def call(kind: str, client: str, start: int, finish: int = NEVER, **fields: Any) -> Call:
    """Return a call that is ok if it has a finish, and was never answered if not."""
    fields.setdefault("status", Status.INFO if finish == NEVER else Status.OK)
    fields.setdefault("key", KEY)
    return Call(kind=Kind(kind), client=client, start=start, finish=finish, **fields)


def step(function: str, client: str, start: int, finish: int = NEVER, **fields: Any) -> Step:
    """Return a step that is ok if it has a finish, and was never answered if not."""
    fields.setdefault("status", Status.INFO if finish == NEVER else Status.OK)
    return Step(function=function, client=client, start=start, finish=finish, **fields)


CREATED = call("set", "c1", 1, 4, value="v1", etag="e1", expected="")
READ = call("get", "c2", 5, 7, value="v1", etag="e1", found=True)
WINNER = call("set", "c2", 9, 12, value="v2", etag="e2", expected="e1")
RIVAL = call("set", "c3", 10, 14, value="v3", etag="e3", expected="e1")
UNANSWERED = call("set", "c1", 11, value="v4")
REFUSED = call("set", "c4", 13, 15, value="v5", expected="e1", status=Status.MISMATCH, actual="e3")
LATE = call("get", "c1~2", 16, 17, value="v3", etag="e3", found=True)

LOST = [CREATED, READ, WINNER, RIVAL, UNANSWERED, REFUSED, LATE]
"""Two writers of one version were both told that they won."""

LOST_VERDICT = KeyVerdict(
    key=KEY,
    answer=Answer.NO,
    findings=(Finding(Anomaly.LOST_UPDATE, KEY, "c2 and c3 both wrote over e1.", (WINNER, RIVAL)),),
)

RIGHT = [CREATED, READ, WINNER, UNANSWERED]
"""Nothing is wrong with these; the last one may have happened or not."""

RIGHT_VERDICT = KeyVerdict(key=KEY, answer=Answer.YES, order=[CREATED, READ, WINNER])

REGISTER = [
    step("write", "p0", 1, 3, argument=1),
    step("read", "p1", 2, 5, result=1),
    step("cas", "p0", 4, 8, argument=(1, 2)),
    step("read", "p1", 6, 7, result=2),
    step("read", "p2", 9, 10, result=1),
]
"""The last read is of a value that is gone."""
