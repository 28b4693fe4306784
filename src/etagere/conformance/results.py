"""What came of a run, test by test."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Outcome(StrEnum):
    """What came of one test."""

    PASSED = "passed"
    FAILED = "failed"


class Deselected(Struct, frozen=True, kw_only=True):
    """A test that was not run, and why."""

    subject: str
    clause: str
    variant: str
    reason: str


class Result(Struct, frozen=True, kw_only=True):
    """One test of a clause that was run."""

    subject: str
    clause: str
    variant: str = ""
    """Which of the clause's tests: by path, by event loop, by parameter."""
    outcome: Outcome
    seconds: float = 0.0
    message: str = ""
    """What went wrong, in a line or a few."""
    details: str = ""
    """Where it went wrong: the test's source and its values."""
    operations: list[str] = []
    """What was asked of the backend, and what it answered."""
    attachments: dict[str, bytes] = {}
    """Files that tell more, by name."""

    def files(self) -> dict[str, bytes]:
        """Return the attachments by names that are unique in a run."""
        words = f"{self.clause} {self.subject} {self.variant}".strip()
        stem = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in words)
        return {f"{stem}-{name}": content for name, content in self.attachments.items()}
