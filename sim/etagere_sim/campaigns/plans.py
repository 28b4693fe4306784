"""Plans: one run with all that goes wrong in it written down, as a value and as a file.

A seed means the same only as long as nothing is changed that draws from it. A plan says everything
itself but the delays of messages: who does what, each single fault, and where the scheduler did not
take what came first. So it can be made smaller, and kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from etagere import __version__
from etagere.errors import InvalidArgument
from etagere_sim.campaigns.addresses import simulated
from etagere_sim.campaigns.campaign import Campaign, Clients, player_of
from etagere_sim.campaigns.judging import problems_of
from etagere_sim.campaigns.runs import Run, Trouble, run
from etagere_sim.campaigns.workloads import Intent, Workload
from etagere_sim.cluster import Cluster
from etagere_sim.kernel.agenda import Agenda
from etagere_sim.kernel.choosers import AsPlanned
from etagere_sim.kernel.streams import stream
from etagere_sim.world.faults import Fault, MessageFault
from etagere_sim.world.trace import Trace

FORMAT: Final = "etagere-plan"
VERSION: Final = 1
BRACKETS: Final = {"{": "{}", "[": "[]"}
WIDTH: Final = 96
"""Of a line in a file."""


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run, to be run again."""

    format: str = FORMAT
    version: int = VERSION
    etagere: str = __version__
    """The version that wrote it."""
    url: str
    """The protocol with its settings, and the latency."""
    workload: Workload = Workload()
    programs: Mapping[str, tuple[Intent, ...]] | None = None
    """What each client does, by name; None: what the workload draws from the seed."""
    seed: int = 0
    """Of delays and pauses."""
    faults: tuple[Fault, ...] = ()
    until: float = 0.0
    """Milliseconds after which all is calm. It is calm, too, once all programs are played."""
    deviations: dict[int, int] = field(default_factory=dict[int, int])
    """Step → which of what could happen then, where it was not what came first."""
    clients: Clients = "bare"
    expected: tuple[str, ...] = ()
    """What is wrong with the run: the names of anomalies and the like. Nothing: it is right."""

    def programs_played(self) -> Mapping[str, tuple[Intent, ...]]:
        """Return what each client does."""
        if self.programs is not None:
            return self.programs
        drawn = self.workload.programs(stream(self.seed, "workload"))
        return {name: tuple(intents) for name, intents in drawn.items()}


def replay(
    plan: Plan,
    *,
    agenda: Agenda | None = None,
    setup: Callable[[Cluster], object] | None = None,
    trace: Trace | None = None,
) -> Run:
    """Run a plan. `agenda`, `setup` and `trace` are for who looks on, as in `run`."""
    world = simulated(plan.url)
    chooser = AsPlanned(plan.deviations) if plan.deviations else None
    if agenda is not None:
        agenda.chooser = chooser
    return run(
        world.replication,
        world.latency,
        plan.workload,
        plan.seed,
        Trouble(plan.faults, None, plan.until),
        chooser=chooser,
        setup=setup,
        programs=plan.programs_played(),
        agenda=agenda,
        trace=trace,
        play=player_of(plan.clients),
    )


def plan_of(campaign: Campaign, seed: int) -> Plan:
    """Return what happens under a seed as a plan that makes it happen again."""
    done, deviations = campaign.recorded(seed)
    # Faults that were to come, too, even if they did not: so each step has the number that it had.
    messages = (fault for fault in done.faults if type(fault) is MessageFault)
    plan = Plan(
        url=campaign.url,
        workload=campaign.workload,
        seed=seed,
        faults=(*done.trouble.faults, *messages),
        until=done.trouble.until,
        deviations=dict(deviations),
        clients=campaign.clients,
        expected=tuple(problems_of(done)),
    )
    return msgspec.structs.replace(plan, programs=plan.programs_played())


def as_json(plan: Plan) -> str:
    """Return a plan as what stands in its file: one fault and one step to a line.

    What is as it is by default is left out.
    """
    given = _plain(plan, Plan(url="", etagere=""))
    if plan.workload != Workload():
        given["workload"] = _plain(plan.workload, Workload())
    head = {"format": plan.format, "version": plan.version}
    return _laid_out(head | given)


def plan_in(text: str | bytes, source: str = "the plan") -> Plan:
    """Read a plan. Raises `InvalidArgument` where it is none."""
    try:
        plan = msgspec.json.decode(text, type=Plan)
    except msgspec.MsgspecError as error:
        raise InvalidArgument(f"{source} is not a plan: {error}") from error
    if plan.format != FORMAT or plan.version != VERSION:
        raise InvalidArgument(
            f"{source} is {plan.format} {plan.version}; this one reads {FORMAT} {VERSION}"
        )
    return plan


def load_plan(path: Path) -> Plan:
    """Read a plan from a file."""
    return plan_in(path.read_bytes(), str(path))


def _plain(what: Struct, usual: Struct) -> dict[str, Any]:
    given, default = (json.loads(msgspec.json.encode(each)) for each in (what, usual))
    return {name: value for name, value in given.items() if value != default[name]}


def _laid_out(value: Any, depth: int = 0) -> str:
    line = json.dumps(value)
    brackets = BRACKETS.get(line[0])
    if brackets is None or len(line) + depth <= WIDTH:
        return line
    parts = [
        (f"{json.dumps(part)}: " + _laid_out(value[part], depth + 1))
        if brackets == "{}"
        else _laid_out(part, depth + 1)
        for part in value
    ]
    indent = "\n" + " " * depth
    return f"{brackets[0]}{indent} {f',{indent} '.join(parts)}{indent}{brackets[1]}"
