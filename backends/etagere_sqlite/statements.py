"""The SQL of this package, with the table's name filled in."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from etagere.errors import ConfigurationError

_SQL = files("etagere_sqlite") / "sql"
_POWERS = 8

MOST_ROWS: Final = 2 ** (_POWERS - 1)
"""How many rows one statement puts: with these, SQLite's smallest limit of parameters holds."""


class Statements:
    """Every statement that the backend runs on one table."""

    def __init__(self, table: str) -> None:
        self.meta_table = f"{table}_meta"
        self._names = {
            "records": quoted(table),
            "meta": quoted(self.meta_table),
            "expiry": quoted(f"{table}_expiry"),
        }
        self.create = self._load("create")
        self.is_there = self._load("is_there")
        self.schema = self._load("schema")
        self.read = self._load("read")
        self.read_one = self._load("read_one")
        self.read_inline = self._load("read_inline")
        self.page = self._load("page")
        self.find = self._load("find")
        self.find_one = self._load("find_one")
        self._put = tuple(self._load("put", rows=_rows(2**power)) for power in range(_POWERS))
        self.swap = self._load("swap")
        self.touch = self._load("touch")
        self.remove = self._load("remove")
        self.sweep = self._load("sweep")

    def put(self, rows: int) -> tuple[str, int]:
        """Return a statement that puts so many rows, and how many it takes in all."""
        power = (rows - 1).bit_length()
        return self._put[power], 2**power

    def _load(self, name: str, **more: str) -> str:
        return (_SQL / f"{name}.sql").read_text("utf-8").format_map(self._names | more)


def _rows(number: int) -> str:
    return ", ".join(["(?, ?, ?, ?)"] * number)


def quoted(name: str) -> str:
    """Return a name of the user's choice as an SQL identifier."""
    if not name or "\0" in name or name.lower().startswith("sqlite_"):
        raise ConfigurationError(
            f"table={name!r} in the sqlite URL is wrong: a table's name is not empty, has no NUL"
            " and does not start with 'sqlite_'"
        )
    return '"' + name.replace('"', '""') + '"'
