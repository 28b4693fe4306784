"""Small histories of registers, for Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from etagere.histories.history import NEVER, Status
from etagere.histories.steps import Step

VALUES = st.integers(0, 2)


@st.composite
def register_steps(draw: Any, max_size: int = 7) -> list[Step]:
    """Steps of a compare-and-set register that overlap in every way, most without an order."""
    size = draw(st.integers(0, max_size))
    times = draw(st.permutations(range(2 * size)))
    return [draw(_step(*sorted(times[2 * i : 2 * i + 2]))) for i in range(size)]


@st.composite
def _step(draw: Any, start: int, finish: int) -> Step:
    function = draw(st.sampled_from(["read", "read", "write", "cas"]))
    statuses = [Status.OK, Status.OK, Status.INFO, Status.FAIL]
    if function == "cas":
        statuses.append(Status.MISMATCH)
    status = draw(st.sampled_from(statuses))
    arguments = {"read": st.none(), "write": VALUES, "cas": st.tuples(VALUES, VALUES)}
    return Step(
        function=function,
        argument=draw(arguments[function]),
        result=draw(VALUES) if function == "read" else None,
        start=start,
        finish=NEVER if status is Status.INFO and draw(st.booleans()) else finish,
        status=status,
    )
