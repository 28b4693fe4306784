"""Probing: what is really stored, seen another way than the backend's own."""

from __future__ import annotations

from contextlib import suppress

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.paths import Path
from etagere.errors import ETagMismatch

VALUES = (b"", b"\0", b"plain", bytes(range(256)), b"\xff\xfe" * 1000)


class ProbedClauses:
    """What the backend says is so."""

    @clause(
        "ETG-FAULT-070",
        Level.CORE,
        "What is stored is the value that was written, byte for byte, and the ETag that its writer"
        " was told.",
        probed=True,
    )
    async def test_what_is_stored(self, lab: Lab, path: Path) -> None:
        for value in VALUES:
            key = lab.key()
            etag = await path.set(lab, key, value)
            assert await lab.probe.get(lab.prefix + key) == (value, etag)

    @clause(
        "ETG-FAULT-071",
        Level.CORE,
        "What was deleted is gone.",
        probed=True,
    )
    async def test_what_is_deleted(self, lab: Lab, path: Path) -> None:
        item = await lab.place(lab.key())
        assert await lab.probe.get(lab.prefix + item.key) == (item.value, item.etag)
        assert await path.delete(lab, item.key) is True
        assert await lab.probe.get(lab.prefix + item.key) is None

    @clause(
        "ETG-FAULT-072",
        Level.CONDITIONAL,
        "A conflict leaves what is stored as it was.",
        probed=True,
        needs=needs.CONDITIONAL,
    )
    async def test_what_a_conflict_leaves(self, lab: Lab, path: Path) -> None:
        item = await lab.place(lab.key())
        for options in ({"etag": "another"}, {"concurrency": "first-write"}):
            with suppress(ETagMismatch):
                await path.set(lab, item.key, b"lost", **options)
            assert await lab.probe.get(lab.prefix + item.key) == (item.value, item.etag)
