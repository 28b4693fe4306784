"""Quorum reads: what enough acceptors hold, if it is the same.

What a quorum accepted last is chosen, and nothing newer was when the question was put: a newer cell
would be on a quorum of its own, and the two meet (Charapko, Ailijiang and Demirbas, "Linearizable
Quorum Reads in Paxos", HotStorage 2019). No promise is asked for, so that no writer is disturbed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etagere_sim.protocols.caspaxos.messages import Cell, Look, Outdated, Seen

if TYPE_CHECKING:
    from etagere_sim.protocols.caspaxos.proposer import Proposer
    from etagere_sim.world.asking import Asked


async def look(proposer: Proposer, key: str) -> Cell | None:
    """Return what is there; None: there is no quorum of one mind."""
    configuration = proposer.configuration
    acceptors = configuration.accepters
    if configuration.preparers is not acceptors:
        return None
    quorum = max(configuration.prepare_quorum, configuration.accept_quorum)
    asked: Asked[Seen | Outdated] = await proposer.host.ask(
        acceptors,
        Look(key, configuration),
        enough=lambda asked: _agreed(asked, quorum) is not None,
        within=proposer.knobs.patience,
    )
    cell = _agreed(asked, quorum)
    if cell is None:
        proposer.mark("acceptors are not of one mind")
    return cell


def _agreed(asked: Asked[Seen | Outdated], quorum: int) -> Cell | None:
    """Return the cell that so many acceptors hold."""
    if len(asked.answers) < quorum:
        return None
    cells = [answer.cell for answer in asked.answers.values() if type(answer) is Seen]
    for cell in cells:
        if cell is not None:
            ballot = cell.ballot
            if sum(each is not None and each.ballot == ballot for each in cells) >= quorum:
                return cell
    return None
