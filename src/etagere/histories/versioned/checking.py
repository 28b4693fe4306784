"""The check of whole histories, key by key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic

from msgspec.structs import replace

from etagere.histories.history import Call, History
from etagere.histories.limits import Limits
from etagere.histories.models import VersionedKey, versioned_steps
from etagere.histories.search import search
from etagere.histories.steps import Step
from etagere.histories.verdicts import Anomaly, Answer, Finding, KeyVerdict, Verdict, overall
from etagere.histories.versioned.adoption import adopt
from etagere.histories.versioned.certificate import verify
from etagere.histories.versioned.chains import link
from etagere.histories.versioned.clusters import Clusters
from etagere.histories.versioned.gathering import gather
from etagere.histories.versioned.mending import mend
from etagere.histories.versioned.pace import OutOfTimeError, without_cycle_collection
from etagere.histories.versioned.projection import calls_by_key
from etagere.histories.versioned.surroundings import Surroundings
from etagere.histories.versioned.weaving import Weaver
from etagere.histories.versioned.zones import diagnose

NO_LIMITS_GIVEN = Limits()


def check_versioned(history: History, limits: Limits = NO_LIMITS_GIVEN) -> Verdict:
    """Decide for every key whether its calls are linearizable.

    A yes comes with an order that `verify` accepts, a no with findings. Both come in about
    linear time, but for the rare stretch of time in which only a complete search can tell.
    Meanwhile the garbage collector of the process rests.
    """
    started = monotonic()
    keys: dict[str, KeyVerdict] = {}
    ends = started + limits.seconds
    with without_cycle_collection():
        for key, calls in calls_by_key(history).items():
            keys[key] = check_key(key, calls, history.initial, _left(limits.states, ends))
    answer = overall([verdict.answer for verdict in keys.values()])
    return Verdict(answer, keys, len(history.calls), monotonic() - started)


def check_key(
    key: str, calls: Sequence[Call], initial: str | None = None, limits: Limits = NO_LIMITS_GIVEN
) -> KeyVerdict:
    """Decide whether the calls of one key, in the order of their starts, are linearizable.

    No call is a transaction: `calls_by_key` takes them apart.
    """
    clusters = Clusters(initial)
    with without_cycle_collection():
        try:
            return _check(key, calls, initial, clusters, limits)
        except OutOfTimeError:
            return _undecided(key, "The time limit was over before the first pass was; raise it.")
        finally:
            clusters.take_apart()


def _check(
    key: str, calls: Sequence[Call], initial: str | None, clusters: Clusters, limits: Limits
) -> KeyVerdict:
    ends = monotonic() + limits.seconds
    gather(clusters, calls, ends)
    if clusters.findings:
        return KeyVerdict(key, Answer.NO, tuple(clusters.findings), method="names")
    clusters.heads, in_order = link(clusters.versions)
    verdict = None
    if in_order and not clusters.names.is_ambiguous:
        verdict = _weave(key, calls, initial, clusters, limits.states, ends)
    elif not clusters.names.is_ambiguous:
        verdict = _proof(key, clusters, chains_are_in_order=False)
    return verdict or _search_all(key, calls, initial, _left(limits.states, ends))


def _weave(
    key: str,
    calls: Sequence[Call],
    initial: str | None,
    clusters: Clusters,
    states: int,
    ends: float,
) -> KeyVerdict | None:
    """Order the calls in one pass and with windows; None where that comes to nothing."""
    weaver = Weaver(clusters)
    near: Surroundings | None = None
    while not weaver.run(ends):
        if near is None:
            proof = _proof(key, clusters, chains_are_in_order=True)
            if proof is not None:
                return proof
            near = Surroundings(clusters)
        answer, found, window = mend(weaver, near, _left(states, ends))
        if found is not None and window is not None:
            return _refused(key, found, window.originals)
        if answer is Answer.UNDECIDED:
            return None
    names = clusters.names
    if not names.foundlings or adopt(names.foundlings, clusters.optional, weaver.order.versions):
        order = weaver.order.calls()
        if verify(calls, order, initial) is None:
            method = "windows" if near else "certificate"
            return KeyVerdict(key, Answer.YES, order=order, method=method)
    return None


def _proof(key: str, clusters: Clusters, *, chains_are_in_order: bool) -> KeyVerdict | None:
    findings = diagnose(clusters, chains_are_in_order)
    return KeyVerdict(key, Answer.NO, tuple(findings), method="zones") if findings else None


def _left(states: int, ends: float) -> Limits:
    return Limits(seconds=max(0.0, ends - monotonic()), states=states)


def _search_all(key: str, calls: Sequence[Call], initial: str | None, limits: Limits) -> KeyVerdict:
    if limits.seconds <= 0:
        return _undecided(
            key, "The time limit was over before a complete search could begin; raise it."
        )
    steps = versioned_steps(calls, initial)
    found = search(steps, VersionedKey(calls, initial=initial), limits)
    if found.answer is not Answer.YES:
        return _refused(key, found, _arguments)
    order = _arguments(found.order or ())
    problem = verify(calls, order, initial)
    if problem is None:
        return KeyVerdict(key, Answer.YES, order=order, method="search")
    return _undecided(key, f"The search found an order, but {problem}.")


def _undecided(key: str, message: str) -> KeyVerdict:
    finding = Finding(Anomaly.UNDECIDED, key, message)
    return KeyVerdict(key, Answer.UNDECIDED, (finding,), method="search")


def _refused(
    key: str, found: KeyVerdict, originals: Callable[[Sequence[Step]], list[Call]]
) -> KeyVerdict:
    """Return the verdict of a search that did not say yes, in calls of the history."""
    partial = None if found.partial is None else originals(found.partial)
    findings: list[Finding] = []
    for finding in found.findings:
        witnesses = tuple(originals(finding.witnesses))
        findings.append(replace(finding, key=key, witnesses=witnesses))
    return KeyVerdict(key, found.answer, tuple(findings), partial=partial, method=found.method)


def _arguments(steps: Sequence[Step]) -> list[Call]:
    return [step.argument for step in steps if isinstance(step.argument, Call)]
