"""What the checkers of histories are held to, one contest for each kind of history."""

from __future__ import annotations

import gc
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from msgspec import Struct

from benchmarks.lines import Line, apart, at_most
from etagere.histories.checking import read_case
from etagere.histories.files import load_history, write_history
from etagere.histories.formats import FORMATS
from etagere.histories.history import History
from etagere.histories.limits import Limits
from etagere.histories.misreadings import MISREADINGS
from etagere.histories.models import Append, CasRegister, VersionedKey, step_of
from etagere.histories.search import check_steps, search
from etagere.histories.synthetic import FAULTS, Workload, generate, plant
from etagere.histories.verdicts import Answer, overall
from etagere.histories.versioned import calls_by_key, check_versioned, verify

LIMITS = Limits(seconds=600)
FORM_OF_FOLDER = {"etcd": "jepsen-log", "kv": "porcupine-kv"}


class Options(Struct, frozen=True):
    """What to measure."""

    data: str
    histories: int
    calls: int
    seed: int


def verdicts_line(what: str, count: int, wrong: list[str]) -> Line:
    """Return a line that is reached if no verdict is wrong."""
    measured = f"{count - len(wrong)} of {count} right"
    return Line(
        what, f"{measured}: not {', '.join(wrong)}" if wrong else measured, "all", not wrong
    )


# --- Porcupine's data ---------------------------------------------------------------------------


def etcd(options: Options) -> Iterator[Line]:
    """Check every log of the register."""
    times, wrong = folder_times(options, "etcd")
    yield verdicts_line("etcd logs: verdicts", len(times), wrong)
    yield at_most("etcd logs: the set", sum(times), 0.35)
    yield at_most("etcd logs: the worst", max(times), 0.060)


def kv(options: Options) -> Iterator[Line]:
    """Check every history of the store of texts."""
    times, wrong = folder_times(options, "kv")
    yield verdicts_line("kv files: verdicts", len(times), wrong)
    yield at_most("kv files: the set", sum(times), 1.0)


def kv_whole(options: Options) -> Iterator[Line]:
    """Search one order of all keys together."""
    verdicts = verdicts_of(options, "kv")
    seconds, wrong = 0.0, []
    for name in ("kv/c10-ok.txt", "kv/c10-bad.txt"):
        started = time.process_time()
        steps = FORMATS["porcupine-kv"](Path(options.data) / name)
        verdict = check_steps(steps, Append(), LIMITS, partition=False)
        seconds += time.process_time() - started
        if (verdict.answer is Answer.YES) is not verdicts[name]:
            wrong.append(name)
    yield verdicts_line("c10 unpartitioned: verdicts", 2, wrong)
    yield at_most("c10 unpartitioned: both", seconds, 4.0)


def misread(options: Options) -> Iterator[Line]:
    """Check the good logs with each of the two wrong readings of unknown operations."""
    good = [name for name, answer in verdicts_of(options, "etcd").items() if answer]
    for reading, misreading in MISREADINGS.items():
        alarms = 0
        for name in good:
            steps = misreading(FORMATS["jepsen-log"](Path(options.data) / name))
            alarms += check_steps(steps, CasRegister(), LIMITS).answer is Answer.NO
        what = f"unknown taken for {reading}: false alarms"
        yield Line(what, f"{alarms} of {len(good)}", "most", 2 * alarms > len(good))


def verdicts_of(options: Options, folder: str) -> dict[str, bool]:
    """Return the known verdicts of the files of a folder."""
    verdicts = json.loads((Path(options.data) / "verdicts.json").read_text())
    return {name: good for name, good in verdicts.items() if name.startswith(f"{folder}/")}


def folder_times(options: Options, folder: str) -> tuple[list[float], list[str]]:
    """Check the files of a folder; return how long each took, and which verdicts are wrong."""
    times: list[float] = []
    wrong: list[str] = []
    for name, good in verdicts_of(options, folder).items():
        started = time.process_time()
        case = read_case(Path(options.data) / name, form=FORM_OF_FOLDER[folder], limits=LIMITS)
        verdict = case.check(case.history)
        times.append(time.process_time() - started)
        if verdict.answer is not (Answer.YES if good else Answer.NO):
            wrong.append(name)
    return times, wrong


# --- versioned histories ------------------------------------------------------------------------


def large(options: Options) -> Iterator[Line]:
    """Check a large history, and verify its certificate."""
    workload = Workload(
        operations=options.calls,
        keys=max(1, options.calls // 1000),
        clients=8,
        unknown=0.01,
        seed=options.seed,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.jsonl"
        # In another process, so that only reading and checking count for the memory.
        apart(write_generated, workload, path)
        started = time.process_time()
        history = load_history(path)
        loading = time.process_time() - started
    seconds, problems = timed_check(history)
    rate = len(history.calls) / seconds
    count = f"{len(history.calls):,}"
    yield Line(
        f"versioned, {count} calls: answer",
        problems[0] if problems else "verified",
        "verified",
        not problems,
    )
    what = f"versioned, {count} calls: checked and verified"
    yield Line(what, f"{rate:,.0f}/s", "≥ 350,000/s", rate >= 350_000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    what = f"versioned, {count} calls: peak memory"
    yield Line(what, f"{peak / 1e9:.2f} GB", "≤ 1.5 GB", peak <= 1.5e9)
    what = f"versioned, {count} calls: loading the file"
    yield Line(what, f"{loading:.2f} s", "≤ 5 s", loading <= 5)


def planted(options: Options) -> Iterator[Line]:
    """Decide a history of one key in which one mismatch is false."""
    calls = max(100, options.calls // 10)
    worst, open_ = 0.0, 0
    for seed in range(3):
        history = generate(Workload(operations=calls, clients=8, unknown=0.01, seed=seed))
        history = plant(history, "false_mismatch", seed)
        gc.collect()
        started = time.process_time()
        verdict = check_versioned(history, LIMITS)
        worst = max(worst, time.process_time() - started)
        open_ += verdict.answer is Answer.UNDECIDED
    what = f"a false mismatch in {calls:,} calls on one key"
    yield Line(f"{what}: the worst of 3", f"{worst:.2f} s", "≤ 2 s", worst <= 2 and not open_)


def random_histories(options: Options) -> Iterator[Line]:
    """Compare with the complete search."""
    random = Random(options.seed)
    disagreements: list[int] = []
    answers = dict.fromkeys(Answer, 0)
    for seed in range(options.seed, options.seed + options.histories):
        history = random_history(random, seed)
        answer = check_versioned(history, LIMITS).answer
        answers[answer] += 1
        if answer is not searched(history):
            disagreements.append(seed)
    seen = f"{len(disagreements)} ({answers[Answer.YES]:,} yes, {answers[Answer.NO]:,} no)"
    what = f"disagreements with the search, {options.histories:,} random histories"
    # Where all are alike, nothing was compared.
    both = bool(answers[Answer.YES] and answers[Answer.NO])
    yield Line(what, seen, "0", not disagreements and both)


def random_history(random: Random, seed: int) -> History:
    """Return a small history; in two of three of them something may be wrong."""
    history = generate(
        Workload(
            operations=random.randrange(4, 24),
            clients=random.randrange(2, 6),
            conditional=random.random(),
            deletes=random.choice([0, 0.1, 0.3]),
            unknown=random.choice([0, 0.1, 0.3]),
            telling=random.random(),
            initial=random.random() < 0.3,
            seed=seed,
        )
    )
    for _ in range(random.randrange(3)):
        history = plant(history, random.choice(list(FAULTS)), seed)
    return history


def searched(history: History) -> Answer:
    """Return the answer of the complete search."""
    answers = [
        search([*map(step_of, calls)], VersionedKey(calls, initial=history.initial), LIMITS).answer
        for calls in calls_by_key(history).values()
    ]
    return overall(answers)


def timed_check(history: History) -> tuple[float, list[str]]:
    """Check a history, which verifies each certificate; return the CPU seconds and what is wrong.

    Each certificate is verified once more, off the clock.
    """
    gc.collect()
    started = time.process_time()
    verdict = check_versioned(history, LIMITS)
    seconds = time.process_time() - started
    calls = calls_by_key(history)
    problems: list[str] = []
    for key, judged in verdict.keys.items():
        problem: str | None = judged.answer
        if judged.order is not None:
            problem = verify(calls[key], judged.order, history.initial)
        problems += [f"{key}: {problem}"] if problem else []
    return seconds, problems


def write_generated(workload: Workload, path: Path) -> None:
    """Write a random history to a file."""
    write_history(generate(workload), path)


Contest = Callable[[Options], Iterator[Line]]
WITH_DATA: dict[str, Contest] = {"etcd": etcd, "kv": kv, "kv whole": kv_whole, "misread": misread}
WITHOUT: dict[str, Contest] = {
    "large": large,
    "planted": planted,
    "random histories": random_histories,
}
