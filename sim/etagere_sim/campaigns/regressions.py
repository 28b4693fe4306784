"""A plan as a test, to be pasted into a file of tests."""

from __future__ import annotations

import json
import re
from typing import Final

from etagere_sim.campaigns.addresses import simulated
from etagere_sim.campaigns.plans import Plan, as_json

TEST: Final = '''\
from etagere_sim.campaigns.judging import problems_of
from etagere_sim.campaigns.plans import plan_in, replay

PLAN = """
{plan}
"""


def test_{name}() -> None:
    """{sentence}"""
    assert problems_of(replay(plan_in(PLAN))) == {expected}
'''


def as_test(plan: Plan) -> str:
    """Return a test that holds a plan to what should come of it.

    Where the protocol claims to be strong that is nothing wrong, so the test fails until it is
    mended; else it is what is wrong with it now.
    """
    claims = simulated(plan.url).level == "strong"
    problem = plan.expected[0] if plan.expected else "right"
    protocol = plan.url.partition("protocol=")[2].partition("&")[0] or "single"
    numbers = f"{len(plan.faults)} faults and {len(plan.deviations)} deviations"
    verb = "showed" if claims else "shows"
    return TEST.format(
        plan=as_json(plan),
        name=re.sub(r"\W+", "_", f"{protocol} {problem} of seed {plan.seed}"),
        sentence=f"{protocol} {verb} {problem} with {numbers}.",
        expected=json.dumps([] if claims else plan.expected),
    )
