"""Mixed programs: whatever clients do together, it is as if they had taken turns."""

from __future__ import annotations

from typing import Final

import anyio.from_thread
import anyio.to_thread
from hypothesis import HealthCheck, Phase, given, seed, settings

from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.races.judging import check_linearizable
from etagere.conformance.races.playing import play
from etagere.conformance.races.programs import Program, programs, random_program
from etagere.conformance.races.racers import racers
from etagere.histories.recording import Recorder

ATTEMPTS: Final = 3
"""Runs of one program, since a race shows itself only now and then."""
PROFILE: Final = settings(
    max_examples=20,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow],
)
PROGRAMS: Final = 5


class ProgramClauses:
    """Each call takes effect at one moment between its start and its end."""

    @clause(
        "ETG-RACE-020",
        Level.CONDITIONAL,
        "Whatever small program clients run together, there is one order of their calls, in line"
        " with real time, that explains every answer.",
        seconds=300,
    )
    async def test_small_programs(self, lab: Lab) -> None:
        @seed(lab.seed)
        @PROFILE
        @given(programs(lab.capabilities))
        def linearizable(program: Program) -> None:
            for _ in range(ATTEMPTS):
                anyio.from_thread.run(run, lab, program)

        # In a thread: what ends an example of Hypothesis must not end a task of the event loop.
        await anyio.to_thread.run_sync(linearizable)

    @clause(
        "ETG-RACE-021",
        Level.CONDITIONAL,
        "Longer programs, of more clients, are linearizable as well.",
        soaks=True,
        seconds=300,
    )
    async def test_long_programs(self, lab: Lab) -> None:
        for _ in lab.rounds(PROGRAMS):
            await run(lab, random_program(lab.capabilities, lab.random))


async def run(lab: Lab, program: Program) -> None:
    """Play a program on several stores, and judge what was recorded."""
    recorder = Recorder()
    async with racers(lab, len(program)) as stores:
        await play(lab, program, stores, recorder)
    check_linearizable(lab, recorder.history())
