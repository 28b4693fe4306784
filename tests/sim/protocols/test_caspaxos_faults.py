"""CASPaxos under faults of all kinds: never a violation; and mutants of it, which are caught."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from msgspec.structs import replace

from etagere.histories.history import Status
from etagere.histories.verdicts import Answer
from etagere.urls import Options
from etagere_sim.campaigns.runs import Run, run
from etagere_sim.campaigns.troubles import kinds_of, trouble_of
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.protocols import protocol_of
from etagere_sim.protocols.caspaxos import growing, knobs, looking
from etagere_sim.protocols.caspaxos.acceptor import Acceptor
from etagere_sim.protocols.caspaxos.change import Change
from etagere_sim.protocols.caspaxos.ledger import Ledger, Slot
from etagere_sim.protocols.caspaxos.messages import (
    ZERO,
    Accept,
    Accepted,
    Ballot,
    Cell,
    Configuration,
    Outdated,
    Prepare,
    Promise,
    Refused,
)
from etagere_sim.protocols.caspaxos.prepared import Prepared
from etagere_sim.protocols.caspaxos.proposer import Proposer
from tests.sim.protocols.plans import UNSTEADY, runs

BRANCHES = {
    "a janitor spreads a key",
    "a lost slot is filled",
    "a tombstone is collected",
    "a tombstone is removed",
    "all keys are scanned",
    "an acceptor is added",
    "an attempt is forgotten",
    "an attempt is found",
    "an eventual read asks another replica",
    "an old configuration is refused",
    "one round trip",
    "too late, and prepared",
    "acceptors are not of one mind",
}
DELETING = Workload(deletes=0.3, keys=2)
COLLECTED = Workload(deletes=0.4, pause=15.0)
"""A key that is often deleted, and then left alone for a while."""
Mutant = Callable[[pytest.MonkeyPatch], None]


def varied(seed: int) -> Run:
    """Run a cluster of three to five, with any load, settings and trouble."""
    random = Random(seed)
    replicas = random.choice((3, 3, 4, 5))
    settings = [f"n={replicas}", random.choice(("learn=yes", "learn=no"))]
    if random.random() < 0.5:
        settings.append(f"rest={random.uniform(0.005, 0.1):.3f}")
    grown = random.random() < 0.2
    if not grown and random.random() < 0.3:
        # With all of them in a prepare quorum, one that lost a slot would stop the key.
        prepare = random.randint(2, replicas - 1)
        settings.append(
            f"prepare={prepare}&accept={random.randint(replicas + 1 - prepare, replicas)}"
        )
    workload = Workload(
        clients=random.randint(1, 5),
        operations=random.randint(2, 8),
        keys=random.randint(1, 3),
        deletes=random.choice((0.0, 0.3)),
        eventual=random.choice((0.0, 0.3)),
        pause=random.choice((1.0, 4.0, 20.0)),
    )
    replication = protocol_of(Options(f"sim://?protocol=caspaxos&{'&'.join(settings)}"))
    new = (f"r{number}" for number in range(replicas + 1, replicas + 1 + random.randint(1, 2)))
    return run(
        replication,
        UNSTEADY,
        workload,
        seed,
        trouble_of(
            seed, kinds_of("all"), replication.replicas, workload.names(), workload.operations
        ),
        setup=growing(*new, at=random.uniform(0.0, 150.0)) if grown else None,
    )


def test_it_is_right_whatever_goes_wrong() -> None:
    marks: Counter[str] = Counter()
    for seed in range(300):
        done = varied(seed)
        assert done.is_right, (seed, done.findings, done.progressed, done.converged)
        marks += done.marks
    assert marks.keys() >= BRANCHES


def test_where_all_goes_well_janitors_have_nothing_to_do() -> None:
    for done in runs("caspaxos", Workload(), range(50), "none"):
        assert done.is_right
        assert "a janitor spreads a key" not in done.marks


@pytest.mark.parametrize("settings", ["n=3&prepare=3&accept=1", "n=4&prepare=2&accept=4"])
def test_quorums_of_all_are_safe_too(settings: str) -> None:
    for done in runs(f"caspaxos&{settings}", DELETING, range(60)):
        assert done.answer is Answer.YES


def test_it_is_the_same_every_time() -> None:
    for seed in range(5):
        assert (varied(seed).calls, varied(seed).marks) == (varied(seed).calls, varied(seed).marks)


# --- what is not known --------------------------------------------------------------------------


def unknown(settings: str) -> int:
    """Count the outcomes that nobody knows, in runs without a violation."""
    count = 0
    for done in runs(f"caspaxos&learn=no{settings}", Workload(), range(60), "light"):
        assert done.answer is Answer.YES
        count += sum(call.status is Status.INFO for call in done.calls)
    return count


def test_who_looks_for_its_own_change_knows_what_became_of_it() -> None:
    # About 1,000 calls.
    neither, backing_off, both = (
        unknown("&own_id=no&backoff=no"),
        unknown("&own_id=no"),
        unknown(""),
    )
    assert neither > backing_off > 100
    assert both < 5


# --- mutants ------------------------------------------------------------------------------------


def accepts_anything(patch: pytest.MonkeyPatch) -> None:
    """No look at the promise before accepting."""

    def accept(self: Acceptor, source: str, asked: Accept) -> Accepted:
        slot = self.ledger.slot(asked.key) or self.ledger.fresh
        promised = max(asked.next_ballot, slot.promised)
        self.ledger.keep(asked.key, Slot(promised, asked.cell, slot.learned))
        return Accepted(asked.cell.ballot)

    patch.setattr(Acceptor, "accept", accept)


def forgets_promises(patch: pytest.MonkeyPatch) -> None:
    """A promise is given, and not kept."""

    def prepare(self: Acceptor, source: str, asked: Prepare) -> Promise | Refused:
        slot = self.ledger.slot(asked.key) or self.ledger.fresh
        return Refused(slot.promised) if asked.ballot <= slot.promised else Promise(slot.cell)

    patch.setattr(Acceptor, "prepare", prepare)


def trusts_old_reads(patch: pytest.MonkeyPatch) -> None:
    """What was chosen when promises were given is taken for what is chosen now."""

    def keep(
        self: Proposer, key: str, ballot: Ballot, cell: Cell, configuration: Configuration
    ) -> None:
        now = self.host.world.agenda.now
        self._promised[key] = Prepared(ballot, cell, True, configuration, now)

    patch.setattr(Proposer, "keep", keep)


def reads_what_one_holds(patch: pytest.MonkeyPatch) -> None:
    """A quorum read ends with the first answer."""
    agreed = looking._agreed
    patch.setattr(looking, "_agreed", lambda asked, quorum: agreed(asked, 1))


def promises_what_it_forgets(patch: pytest.MonkeyPatch) -> None:
    """Who comes too late gets a promise, and it is not kept."""
    accept = Acceptor.accept

    def promising(
        self: Acceptor, source: str, asked: Accept
    ) -> Accepted | Promise | Refused | Outdated:
        slot = self.ledger.slot(asked.key)
        answer = accept(self, source, asked)
        if type(answer) is Promise and slot is not None:
            self.ledger.keep(asked.key, slot)
        return answer

    patch.setattr(Acceptor, "accept", promising)


def removes_promises(patch: pytest.MonkeyPatch) -> None:
    """A removed slot leaves no promise behind."""
    patch.setattr(Ledger, "remove", lambda self, key, slot: self.erase(key))


def takes_forgotten_for_never(patch: pytest.MonkeyPatch) -> None:
    """A change that is in no list any more is made once more."""
    patch.setattr(Change, "_untold", lambda self, cell: ZERO)


def asks_one_for_promises(patch: pytest.MonkeyPatch) -> None:
    """The two quorums need not meet."""
    configuration = knobs._configuration
    patch.setattr(
        knobs, "_configuration", lambda options: replace(configuration(options), prepare_quorum=1)
    )


@pytest.mark.parametrize(
    "mutant",
    [
        accepts_anything,
        forgets_promises,
        trusts_old_reads,
        reads_what_one_holds,
        promises_what_it_forgets,
        removes_promises,
        takes_forgotten_for_never,
        asks_one_for_promises,
    ],
)
def test_mutants_are_caught(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    found = (
        seed
        for settings, workload in (("", Workload()), ("&rest=0.005", COLLECTED))
        for seed, done in enumerate(runs(f"caspaxos&learn=no{settings}", workload, range(150)))
        if done.answer is Answer.NO
    )
    assert next(found, None) is not None
