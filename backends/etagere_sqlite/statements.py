"""The SQL of this package, with the table's name filled in."""

from __future__ import annotations

from importlib.resources import files

from etagere.errors import ConfigurationError

_SQL = files("etagere_sqlite") / "sql"


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
        self.page = self._load("page")
        self.find = self._load("find")
        self.find_one = self._load("find_one")
        self.put = self._load("put")
        self.touch = self._load("touch")
        self.remove = self._load("remove")
        self.sweep = self._load("sweep")

    def _load(self, name: str) -> str:
        return (_SQL / f"{name}.sql").read_text("utf-8").format_map(self._names)


def quoted(name: str) -> str:
    """Return a name of the user's choice as an SQL identifier."""
    if not name or "\0" in name or name.lower().startswith("sqlite_"):
        raise ConfigurationError(
            f"table={name!r} in the sqlite URL is wrong: a table's name is not empty, has no NUL"
            " and does not start with 'sqlite_'"
        )
    return '"' + name.replace('"', '""') + '"'
