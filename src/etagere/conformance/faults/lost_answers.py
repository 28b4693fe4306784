"""Lost answers: the backend did what it was asked, and the store does not hear of it.

A layer in this process loses them, so that this is tested wherever the data may be.
"""

from __future__ import annotations

from typing import Final

import anyio

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.faults import deeds
from etagere.conformance.faults.losing import losing
from etagere.conformance.lab import Lab
from etagere.errors import Certainty, EtagereError

INCREMENTS: Final = 25
LOSS: Final = 0.3


class LostAnswerClauses:
    """A write is done once, and never said to be what it is not."""

    @clause(
        "ETG-FAULT-001",
        Level.CONDITIONAL,
        "A backend that finds the stored ETag equal to the ETag it is asked to write reports"
        " success, since that write is already in place: a lost answer is no conflict.",
        needs=(needs.CONDITIONAL, needs.WRITER_ETAGS),
    )
    async def test_a_lost_answer_of_a_set_is_found(self, lab: Lab) -> None:
        async with losing(lab) as (store, layer):
            for level in deeds.levels(lab):
                for make in deeds.SETS:
                    deed = await make(lab, 0)
                    layer.lose_next()
                    told = await deed.do(store, consistency=level)
                    assert await deeds.check(lab, deed, told) is True
                    assert not isinstance(told, EtagereError), f"the {deed.name}: {told!r}"

    @clause(
        "ETG-FAULT-002",
        Level.TRANSACTIONAL,
        "A transaction whose answer was lost is found by what it wrote.",
        needs=(needs.CONDITIONAL, needs.WRITER_ETAGS, needs.TRANSACTIONS),
    )
    async def test_a_lost_answer_of_a_transaction_is_found(self, lab: Lab) -> None:
        async with losing(lab) as (store, layer):
            for level in deeds.levels(lab):
                deed = await deeds.transaction(lab, 0)
                layer.lose_next()
                told = await deed.do(store, consistency=level)
                assert await deeds.check(lab, deed, told) is True
                assert not isinstance(told, EtagereError), f"the {deed.name}: {told!r}"

    @clause(
        "ETG-FAULT-003",
        Level.CONDITIONAL,
        "A delete leaves no ETag behind to be recognised by: when its answer is lost, its outcome"
        " is unknown, and no retry makes a conflict or an absence of it.",
        needs=needs.CONDITIONAL,
    )
    async def test_a_lost_answer_of_a_delete_is_unknown(self, lab: Lab) -> None:
        async with losing(lab) as (store, layer):
            for level in deeds.levels(lab):
                for make in deeds.DELETES:
                    deed = await make(lab, 0)
                    layer.lose_next()
                    told = await deed.do(store, consistency=level)
                    assert await deeds.check(lab, deed, told) is True
                    assert deeds.certainty_of(told) is Certainty.UNKNOWN
                    await deeds.check_settled(lab, lab.store, deed, told)

    @clause(
        "ETG-FAULT-004",
        Level.CONDITIONAL,
        "However often answers are lost, each update that was confirmed took effect once.",
        soaks=True,
        needs=needs.CONDITIONAL,
    )
    async def test_updates_count_once(self, lab: Lab) -> None:
        keys = lab.keys(4)
        confirmed = dict.fromkeys(keys, 0)
        unknown = dict.fromkeys(keys, 0)
        async with losing(lab) as (store, layer):
            layer.lose_if(lambda: lab.random.random() < LOSS)

            async def count(key: str) -> None:
                for _ in range(INCREMENTS):
                    try:
                        await store.update(key, lambda old: b"%d" % (int(old or 0) + 1))
                        confirmed[key] += 1
                    except EtagereError as error:
                        unknown[key] += error.certainty is not Certainty.NOT_APPLIED

            for _ in lab.rounds(1):
                async with anyio.create_task_group() as tasks:
                    for key in keys:
                        tasks.start_soon(count, key)
        for key in keys:
            item = await lab.read(key)
            total = 0 if item is None else int(item.value)
            least, most = confirmed[key], confirmed[key] + unknown[key]
            assert least <= total <= most, f"{total} updates are there, of {least} to {most}"

    @clause(
        "ETG-FAULT-005",
        Level.CORE,
        "A read whose answer was lost is asked for again.",
    )
    async def test_a_lost_answer_of_a_read_is_asked_for_again(self, lab: Lab) -> None:
        item = await lab.place(lab.key())
        async with losing(lab) as (store, layer):
            for level in deeds.levels(lab):
                layer.lose_next()
                assert await store.get(item.key, consistency=level) == item
