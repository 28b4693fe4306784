"""Eventual reads: what one replica knows to be chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etagere import contract
from etagere.errors import Unavailable
from etagere.operations import Outcome, Read
from etagere_sim.protocols.caspaxos.messages import Fetch, Fetched

if TYPE_CHECKING:
    from etagere_sim.protocols.caspaxos.proposer import Proposer
    from etagere_sim.world.asking import Asked


async def fetch(proposer: Proposer, operation: Read) -> Outcome:
    """Read from one replica; from the next, if it does not answer.

    The answer may be old, but it is never a value that was only accepted: such a value can vanish.
    """
    knobs, host = proposer.knobs, proposer.host
    replicas = proposer.configuration.accepters
    turn, patience = proposer.random.randrange(len(replicas)), knobs.patience
    ends = host.world.agenda.now + knobs.deadline
    while host.world.agenda.now < ends:
        asked: Asked[Fetched] = await host.ask(
            (replicas[turn % len(replicas)],), Fetch(operation.key), enough=1, within=patience
        )
        for answer in asked.answers.values():
            return contract.apply(answer.record, operation, host.now())[1]
        proposer.mark("an eventual read asks another replica")
        turn, patience = turn + 1, min(2 * patience, knobs.most_patience)
    return Unavailable("no replica answered in time")
