"""The suite itself: it ends, whatever a backend does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from etagere.conformance.results import Outcome
from etagere.conformance.running import Settings
from etagere.conformance.session import conduct
from etagere.conformance.subjects import Subject
from etagere.memory import MemoryBackend
from etagere.operations import Consistency


class Again(MemoryBackend):
    """Lists the key that it was to start behind: who pages through its keys never gets on."""

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncIterator[Sequence[str]]:
        keys = sorted(key for key in self._records if key.startswith(prefix) and key >= after)
        if found := keys[:limit]:
            yield found


def test_paging_that_never_ends_is_found_and_ended() -> None:
    subject = Subject(name="again://", make=lambda _: Again(), offered=Again.capabilities)
    run = conduct([subject], Settings(levels=frozenset({"listing"})))
    failed = {result.clause for result in run.results if result.outcome is Outcome.FAILED}
    assert failed == {"ETG-LIST-005", "ETG-LIST-006", "ETG-LIST-007"}
