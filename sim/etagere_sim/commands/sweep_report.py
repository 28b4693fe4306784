"""What `etagere simulate sweep` says of what it did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from etagere.commands import output
from etagere.commands.tables import print_table
from etagere.commands.verdicts import Code
from etagere.histories.verdicts import Anomaly, Answer
from etagere_sim.campaigns.addresses import simulated
from etagere_sim.campaigns.campaign import Campaign
from etagere_sim.campaigns.judging import NO_PROGRESS, NOT_CONVERGED, UNDECIDED, wilson
from etagere_sim.campaigns.pieces import Piece
from etagere_sim.campaigns.tallies import WRONG, Staleness, Tally, percentiles

COLUMNS: Final = ("verdict", "runs", "share", "95 % confidence", "first seeds")
ALWAYS: Final = (Answer.YES.value, Answer.NO.value)
ANOMALIES: Final = [anomaly.value for anomaly in Anomaly if anomaly is not Anomaly.UNDECIDED]
REST: Final = (UNDECIDED, NO_PROGRESS, NOT_CONVERGED)
LISTED: Final = 12


class Swept(Struct, frozen=True):
    """A sweep that is done."""

    campaign: Campaign
    seeds: Piece
    tally: Tally

    @property
    def never_reached(self) -> list[str]:
        """The faults and branches that it should have reached, and did not."""
        return self.tally.never_reached(self.campaign)

    def verdicts(self) -> Iterator[tuple[str, int]]:
        """Yield each verdict that is of interest, with its number of runs."""
        counts = self.tally.verdicts
        for verdict in (*ALWAYS, *ANOMALIES, *REST):
            if verdict not in ANOMALIES or verdict in counts:
                yield verdict, counts.get(verdict, 0)


def code_of(swept: Swept) -> Code:
    """Return the exit code: a fault counts more than what is not known."""
    undecided = swept.tally.verdicts.get(UNDECIDED, 0)
    wrong = swept.tally.verdicts.get(WRONG, 0)
    if wrong > undecided or any(
        swept.tally.verdicts.get(verdict)
        for verdict in (Answer.NO.value, NO_PROGRESS, NOT_CONVERGED)
    ):
        return Code.NOT_LINEARIZABLE
    return Code.UNDECIDED if undecided or swept.never_reached else Code.LINEARIZABLE


# --- for people ---------------------------------------------------------------------------------


def print_report(swept: Swept) -> None:
    """Print the tables, and what is to be known about them."""
    for line in heading(swept):
        output.write_line(line)
    output.write_line("")
    print_table(COLUMNS, [row(swept, verdict, count) for verdict, count in swept.verdicts()])
    output.write_line("")
    for line in remarks(swept):
        output.write_line(line)


def heading(swept: Swept) -> Iterator[str]:
    """Yield what was run."""
    campaign, tally, seeds = swept.campaign, swept.tally, swept.seeds
    yield f"{campaign.url}, asked at the {campaign.level} level"
    faults = ", ".join(campaign.faults) or "none"
    yield f"faults: {faults}; scheduler: {campaign.scheduler}"
    speed = f"{tally.runs / tally.seconds:,.0f} runs" if tally.seconds else "no run"
    numbers = f"seeds {seeds.first} to {seeds.end - 1}: {tally.runs:,} runs"
    yield f"{numbers}, {speed} a second and process"


def row(swept: Swept, verdict: str, count: int) -> list[str]:
    """Return a verdict as a row of the table."""
    low, high = wilson(count, swept.tally.runs)
    share = count / swept.tally.runs if swept.tally.runs else 0.0
    seeds = " ".join(map(str, swept.tally.first.get(verdict, [])))
    indent = "  " if verdict in ANOMALIES else ""
    interval = f"{percent(low)} to {percent(high)}"
    return [f"{indent}{verdict}", f"{count:,}", percent(share), interval, seeds]


def percent(share: float) -> str:
    """Return a share in percent, with figures enough to tell it from none."""
    return f"{share:.2%}" if share >= 0.001 or share == 0 else f"{100 * share:.1g}%"


def remarks(swept: Swept) -> Iterator[str]:
    """Yield what else is to be known."""
    unknown, calls = swept.tally.unknown
    yield f"calls with an unknown outcome: {unknown:,} of {calls:,} ({unknown / max(1, calls):.2%})"
    if swept.tally.staleness is not None:
        yield from staleness_lines(swept.tally.staleness)
    wanted = swept.campaign.wanted()
    missing = swept.never_reached
    reached = len(wanted) - len(missing)
    yield f"coverage: {reached} of {len(wanted)} kinds of faults and branches of the protocol"
    if missing:
        yield f"never reached: {', '.join(missing)}"
        yield "a sweep that never reached them says nothing of them: run more seeds"
    if swept.tally.first.get(WRONG):
        yield f"why: etagere simulate shrink {swept.tally.first[WRONG][0]} with the same options"


def staleness_lines(staleness: Staleness) -> Iterator[str]:
    """Yield how stale the reads were."""
    reads = sum(staleness.behind.values())
    stale = reads - staleness.behind.get(0, 0)
    low, high = wilson(stale, reads)
    yield (
        f"stale reads: {stale:,} of {reads:,} ({stale / max(1, reads):.2%},"
        f" {percent(low)} to {percent(high)}); of {staleness.untold:,} more it cannot be told"
    )
    for what, histogram in (("versions behind", staleness.behind), ("ms old", staleness.age)):
        shares = ", ".join(
            f"{value} for {share:g} %" for share, value in percentiles(histogram).items()
        )
        if stale:
            of = "of all reads" if histogram is staleness.behind else "of the stale ones"
            yield f"  {what}, at most, {of}: {shares}"


# --- for programs -------------------------------------------------------------------------------


def as_json(swept: Swept) -> bytes:
    """Return one JSON object with all of it."""
    campaign, tally = swept.campaign, swept.tally
    unknown, calls = tally.unknown
    told: dict[str, Any] = {
        "url": campaign.url,
        "protocol_claims": simulated(campaign.url).level,
        "level": campaign.level,
        "faults": list(campaign.faults),
        "scheduler": campaign.scheduler,
        "first": swept.seeds.first,
        "runs": tally.runs,
        "violations": tally.verdicts.get(Answer.NO.value, 0),
        "verdicts": {verdict: verdict_fields(tally, verdict, n) for verdict, n in swept.verdicts()},
        "failing": tally.first.get(WRONG, []),
        "calls": calls,
        "unknown": unknown,
        "faults_seen": dict(sorted(tally.faults.items())),
        "marks": dict(sorted(tally.marks.items())),
        "never_reached": swept.never_reached,
        "steps": tally.steps,
        "seconds": round(tally.seconds, 3),
    }
    if tally.staleness is not None:
        told["staleness"] = staleness_fields(tally.staleness)
    return output.json_line(**told)


def verdict_fields(tally: Tally, verdict: str, count: int) -> dict[str, Any]:
    """Return a verdict as plain data."""
    low, high = wilson(count, tally.runs)
    share = count / tally.runs if tally.runs else 0.0
    first = tally.first.get(verdict, [])
    return {"runs": count, "share": share, "low": low, "high": high, "first": first}


def staleness_fields(staleness: Staleness) -> dict[str, Any]:
    """Return staleness as plain data."""
    reads = sum(staleness.behind.values())
    return {
        "reads": reads,
        "stale": reads - staleness.behind.get(0, 0),
        "untold": staleness.untold,
        "behind": {f"{share:g}": value for share, value in percentiles(staleness.behind).items()},
        "age_ms": {f"{share:g}": value for share, value in percentiles(staleness.age).items()},
    }
