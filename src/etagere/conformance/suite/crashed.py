"""Crashes: what a process leaves behind that is killed while it writes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from random import Random

import anyio
import msgspec
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.crashing import Orders, number_of
from etagere.conformance.lab import Lab
from etagere.conformance.suite.checks import done
from etagere.operations import Item

CRASHES = 4
WRITERS = 4
MOST_WRITES = 60
LINE = 64
COMMAND = (sys.executable, "-m", "etagere.conformance.crashing")


async def crash(lab: Lab, groups: Sequence[Sequence[str]]) -> list[int]:
    """Kill a process that writes at a random moment; return the last acknowledged of each group."""
    orders = Orders(
        url=lab.url,
        prefix=lab.prefix,
        groups=[list(group) for group in groups],
        consistency=lab.capabilities.freshest,
        loop=min(lab.capabilities.event_loops),
    )
    # What another process writes is deleted in the end as well.
    lab.journal.written.update(dict.fromkeys(key for group in groups for key in group))
    async with await anyio.open_process(COMMAND, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        await process.stdin.send(msgspec.json.encode(orders) + b"\n")
        try:
            told = await told_until_killed(process, lab.random)
        except BaseException:
            kill(process)
            raise
        if not told:
            pytest.skip(f"another process cannot write to the store: {await last_words(process)}")
    acknowledged = [0] * len(groups)
    for writer, number in told:
        acknowledged[writer] = number
    lab.journal.note(f"a process was killed; acknowledged were, by key: {acknowledged}")
    return acknowledged


async def told_until_killed(process: Process, chance: Random) -> list[tuple[int, int]]:
    """Kill a process after some writes; return all that were acknowledged, to the last."""
    assert process.stdout is not None
    lines, told = BufferedByteReceiveStream(process.stdout), list[tuple[int, int]]()
    writes, began = chance.randint(WRITERS, MOST_WRITES), time.monotonic()
    try:
        while True:
            writer, number = (await lines.receive_until(b"\n", LINE)).split()
            told.append((int(writer), int(number)))
            if len(told) == 1:
                began = time.monotonic()
            if len(told) == writes:
                # Not at once: while it tells what it wrote, it may write nothing.
                pace = (time.monotonic() - began) / (writes - 1)
                await anyio.sleep(chance.uniform(0, 2 * WRITERS) * pace)
                kill(process)
    except (anyio.EndOfStream, anyio.IncompleteRead):
        return told


def kill(process: Process) -> None:
    """End a process at once, if it has not ended."""
    with suppress(ProcessLookupError):
        process.kill()


async def last_words(process: Process) -> str:
    """Return what a process that ended by itself said last."""
    assert process.stderr is not None
    try:
        lines = (await process.stderr.receive()).decode(errors="replace").strip().splitlines()
    except anyio.EndOfStream:
        return "it ended without a word"
    return lines[-1]


def whole(group: Sequence[str], item: Item[bytes] | None) -> int:
    """Return the number of the value that a key holds: 0 for none, and never a part of one."""
    if item is None:
        return 0
    number = number_of(group, item.value)
    shown = f"{item.value[:40]!r}... ({len(item.value)} bytes)"
    assert number is not None, f"{item.key!r} holds what was never written as a whole: {shown}"
    return number


class CrashClauses:
    """A process that wrote is killed without warning, the machine is not.

    What the operating system was given stays, so that this shows values that are half written and
    transactions that are half done, but not that a disk was never told to sync.
    """

    @clause(
        "ETG-FAULT-080",
        Level.CORE,
        "When a process is killed while it writes, every write that was acknowledged is there, and"
        " no value is half written.",
        needs=needs.DURABLE,
        crashing=True,
        seconds=120,
        soaks=True,
    )
    async def test_killed_while_writing(self, lab: Lab) -> None:
        for _ in lab.rounds(CRASHES):
            groups = [[key] for key in lab.keys(WRITERS)]
            acknowledged = await crash(lab, groups)
            async with lab.open(name="afterwards") as store:
                for group, least in zip(groups, acknowledged, strict=True):
                    item = await store.get(group[0], consistency=lab.capabilities.freshest)
                    number = whole(group, item)
                    assert number >= least, f"write {least} is lost: {number} is there"

    @clause(
        "ETG-FAULT-081",
        Level.TRANSACTIONAL,
        "When a process is killed while it writes, every transaction that was acknowledged is"
        " there, and of no transaction only a part.",
        needs=(needs.DURABLE, needs.TRANSACTIONS),
        crashing=True,
        seconds=120,
        soaks=True,
    )
    async def test_killed_in_transactions(self, lab: Lab) -> None:
        level = lab.capabilities.freshest
        for _ in lab.rounds(CRASHES):
            groups = [lab.together("a", "b", "c") for _ in range(WRITERS)]
            acknowledged = await crash(lab, groups)
            async with lab.open(name="afterwards") as store:
                for group, least in zip(groups, acknowledged, strict=True):

                    async def numbers(group: Sequence[str] = group) -> list[int]:
                        items = await store.get_many(group, consistency=level)
                        return [whole(group, done(item)) for item in items]

                    async def agrees() -> bool:
                        return len(set(await numbers())) == 1

                    # A server may still be at work on the last one.
                    await lab.until(agrees, f"{group} hold one transaction's values")
                    number = (await numbers())[0]
                    assert number >= least, f"transaction {least} is lost: {number} is there"
