"""Which branches a cluster takes, with its settings, in some thousand runs with all faults."""

from __future__ import annotations

from collections.abc import Iterator

from etagere_sim.protocols.dynamo.knobs import Knobs


def branches_of(knobs: Knobs) -> Iterator[str]:
    """Yield the marks that are certain to come, whatever the share of deletes."""
    if knobs.n > 1:
        yield "an older version is dropped"
    if knobs.versions == "vector":
        yield from ("siblings are kept", "a read meets siblings")
    if knobs.unsafe:
        yield from ("a check fails", "a check holds, and a write follows")
    if knobs.sloppy:
        yield from ("a read asks stand-ins", "a write asks stand-ins", "a hint is held")
    if knobs.hints:
        yield from ("a hint is held", "a hint brings news", "a hint brings no news")
        if knobs.hosts == knobs.n:
            yield "nobody is there to hold a hint"
    if knobs.sync is not None and knobs.n > 1:
        yield from ("trees agree", "trees differ", "a tree brings news")
    yield from _of_repair(knobs)


def _of_repair(knobs: Knobs) -> Iterator[str]:
    if knobs.repair == "none":
        return
    answers = knobs.n if knobs.expanding else knobs.r
    if answers > 1:
        yield "a read repairs a replica"
    if answers > knobs.r:
        yield "a late answer brings news"
    if knobs.repair == "sync" and knobs.r > 1:
        yield "a read waits for a repair"
