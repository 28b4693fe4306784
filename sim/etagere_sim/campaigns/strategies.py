"""Plans for Hypothesis: sparse, so that what it finds it can also make small.

Everything is drawn up front, as lists whose elements mean the same when others are left out: a
program for each client, faults that name what they strike, the few steps at which the scheduler
deviates. What is drawn first is the calmest: no fault, first come, first served. The delays come
from the seed of the plan, never from Hypothesis: one draw less must not shift all later ones.

    @given(plans("sim://?protocol=quorum_regular"))
    @settings(phases=PHASES, deadline=None)
    def test_reads_are_atomic(plan: Plan) -> None:
        assert problems_of(replay(plan)) == []
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, get_args

from hypothesis import Phase
from hypothesis import strategies as st

from etagere.operations import Consistency
from etagere_sim.campaigns.addresses import simulated
from etagere_sim.campaigns.campaign import at_its_level
from etagere_sim.campaigns.plans import Plan
from etagere_sim.campaigns.workloads import Ask, Intent, Workload
from etagere_sim.world.faults import (
    LATE,
    LOST,
    TWICE,
    ClockStepped,
    Cut,
    Died,
    Disk,
    DiskFails,
    Fault,
    Held,
    MessageFault,
    Paused,
    Slowed,
)

PHASES: Final = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
"""All but `explain`, which traces each line and makes shrinking several times slower."""
CHAOS: Final = 100
"""Milliseconds in which faults begin."""
STEPS: Final = 400
USUAL: Final = Workload()
AFTER: Final[tuple[Disk, ...]] = get_args(Disk)


def plans(
    url: str,
    *,
    workload: Workload = USUAL,
    messages: Sequence[str] = (),
    faults: int = 6,
    deviations: int = 4,
) -> st.SearchStrategy[Plan]:
    """Return a strategy of plans for a cluster.

    `workload` says how many clients there are, how many steps each takes at most, on how many keys,
    and whether all is eventual. `messages` are the types of messages, by name, that single faults
    can strike; with none, only hosts and links have any. Needs the package `hypothesis`.
    """
    workload = at_its_level(url, workload)
    replicas, clients = simulated(url).replication.replicas, workload.names()
    return st.builds(
        Plan,
        url=st.just(url),
        workload=st.just(workload),
        seed=st.integers(0, 2**16),
        programs=st.fixed_dictionaries(
            {
                name: st.lists(intents(workload), max_size=workload.operations).map(tuple)
                for name in clients
            }
        ),
        faults=st.lists(any_fault(replicas, clients, messages), max_size=faults).map(tuple),
        until=st.just(4.0 * CHAOS),
        deviations=st.dictionaries(st.integers(0, STEPS), st.integers(1, 3), max_size=deviations),
    )


def intents(workload: Workload) -> st.SearchStrategy[Intent]:
    """Return a strategy of steps."""
    asks = [Ask.GET, Ask.SET]
    if workload.conditional:
        asks.append(Ask.SWAP)
    if workload.deletes:
        asks.append(Ask.DELETE)
    level = Consistency.EVENTUAL if workload.eventual == 1 else Consistency.STRONG
    return st.builds(
        Intent,
        ask=st.sampled_from(asks),
        key=st.sampled_from([f"k{number}" for number in range(workload.keys)]),
        consistency=st.just(level),
        pause=_times(20),
    )


def any_fault(
    replicas: Sequence[str], clients: Sequence[str], messages: Sequence[str]
) -> st.SearchStrategy[Fault]:
    """Return a strategy of faults, the simplest first."""
    everybody = [*replicas, *clients]
    kinds: list[st.SearchStrategy[Fault]] = [
        cuts(everybody),
        holds(everybody),
        pauses(everybody),
        slowness(everybody),
        crashes(replicas),
        disks(replicas),
        clocks(everybody),
    ]
    if messages:
        kinds.insert(0, of_one_message(replicas, clients, messages))
    return st.one_of(kinds)


# --- of each kind ---------------------------------------------------------------------------------


@st.composite
def of_one_message(
    draw: st.DrawFn, replicas: Sequence[str], clients: Sequence[str], messages: Sequence[str]
) -> Fault:
    """Draw what befalls a single message between a client and a replica."""
    source, target = draw(st.sampled_from(clients)), draw(st.sampled_from(replicas))
    if draw(st.booleans()):
        source, target = target, source
    what, kind = draw(st.sampled_from([LOST, LATE, TWICE])), draw(st.sampled_from(messages))
    late = 0.0 if what == LOST else draw(_times(60))
    return MessageFault(what, source, target, kind, draw(st.integers(1, 6)), late)


@st.composite
def cuts(draw: st.DrawFn, hosts: Sequence[str]) -> Fault:
    """Draw a cut between two hosts, one way or both."""
    at, until = draw(_spans())
    source, target = draw(_pairs(hosts))
    return Cut(at, until, sources=(source,), targets=(target,), both=draw(st.booleans()))


@st.composite
def holds(draw: st.DrawFn, hosts: Sequence[str]) -> Fault:
    """Draw that messages from one host to another are kept back."""
    at, until = draw(_spans())
    source, target = draw(_pairs(hosts))
    return Held(at, until, sources=(source,), targets=(target,))


@st.composite
def pauses(draw: st.DrawFn, hosts: Sequence[str]) -> Fault:
    """Draw that a host stands still."""
    at, until = draw(_spans())
    return Paused(at, until, host=draw(st.sampled_from(hosts)))


@st.composite
def slowness(draw: st.DrawFn, hosts: Sequence[str]) -> Fault:
    """Draw that a host hears everything late."""
    at, until = draw(_spans())
    return Slowed(at, until, host=draw(st.sampled_from(hosts)), by=draw(_times(50)))


@st.composite
def crashes(draw: st.DrawFn, hosts: Sequence[str]) -> Fault:
    """Draw that a host dies."""
    at, until = draw(_spans())
    return Died(at, until, host=draw(st.sampled_from(hosts)), disk=draw(st.sampled_from(AFTER)))


@st.composite
def disks(draw: st.DrawFn, hosts: Sequence[str]) -> Fault:
    """Draw that a disk fails."""
    at, until = draw(_spans())
    return DiskFails(at, until, host=draw(st.sampled_from(hosts)))


@st.composite
def clocks(draw: st.DrawFn, hosts: Sequence[str]) -> Fault:
    """Draw that a clock jumps."""
    by = draw(st.integers(-200, 200))
    return ClockStepped(draw(st.sampled_from(hosts)), draw(_times(CHAOS)), by=float(by))


def _times(most: int) -> st.SearchStrategy[float]:
    # Whole milliseconds: smaller is sooner, and a plan can be read.
    return st.integers(0, most).map(float)


def _spans() -> st.SearchStrategy[tuple[float, float]]:
    lasting = st.integers(1, 80).map(float)
    return st.tuples(_times(CHAOS), lasting).map(lambda span: (span[0], span[0] + span[1]))


def _pairs(hosts: Sequence[str]) -> st.SearchStrategy[tuple[str, str]]:
    return st.permutations(hosts).map(lambda names: (names[0], names[1]))
