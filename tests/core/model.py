"""What a store does, written a second time and differently, to hold `etagere.contract` against.

Words instead of types: an operation is a dictionary, a row is a list, an answer is a word.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

FOREVER = float("inf")
VALUE, ETAG, EXPIRES = range(3)


class Model:
    """Rows by key, and a clock that the test moves."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Any]] = {}
        self.now = 0

    def ask(self, kind: str, **asked: Any) -> Any:
        """Do one operation and return its answer: a row, a flag, or ("conflict", etag)."""
        key = asked["key"]
        self.drop_expired()
        row = self.rows.get(key)
        if kind == "read":
            return None if row is None else tuple(row)
        if kind == "write" and row is not None and row[ETAG] == asked["etag"]:
            return True
        if not self.allows(row, asked["expected"]):
            return ("conflict", None if row is None else row[ETAG])
        return getattr(self, kind)(row, **asked)

    def ask_all(self, asked: list[tuple[str, dict[str, Any]]]) -> Any:
        """Do all or nothing; return the answers, or ("conflict", etag, index)."""
        before = deepcopy(self.rows)
        answers = []
        for index, (kind, operation) in enumerate(asked):
            answers.append(self.ask(kind, **operation))
            if isinstance(answers[-1], tuple):
                self.rows = before
                return (*answers[-1], index)
        return tuple(answers)

    def drop_expired(self) -> None:
        self.rows = {key: row for key, row in self.rows.items() if row[EXPIRES] > self.now}

    @staticmethod
    def allows(row: list[Any] | None, expected: str | None) -> bool:
        match expected:
            case None:
                return True
            case "":
                return row is None
            case etag:
                return row is not None and row[ETAG] == etag

    def write(self, row: Any, key: str, value: bytes, etag: str, ttl: Any, expected: Any) -> bool:
        if ttl == "keep":
            expires = FOREVER if row is None else row[EXPIRES]
        else:
            expires = FOREVER if ttl is None else self.now + ttl
        self.rows[key] = [value, etag, expires]
        return True

    def remove(self, row: Any, key: str, expected: Any) -> bool:
        return self.rows.pop(key, None) is not None

    def touch(self, row: Any, key: str, ttl: int | None, expected: Any) -> bool:
        if row is None:
            return False
        row[EXPIRES] = FOREVER if ttl is None else self.now + ttl
        return True
