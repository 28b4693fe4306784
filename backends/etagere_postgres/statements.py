"""The SQL of this package, with the names of a store's tables filled in."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

from etagere.errors import ConfigurationError

SQL: Traversable = files("etagere_postgres") / "sql"
MIGRATIONS_TABLE = "etagere_migrations"
MAX_IDENTIFIER_BYTES = 63


class Statements:
    """Every statement that the backend runs on one table."""

    def __init__(self, schema: str | None, table: str) -> None:
        place = f"{quoted('schema', schema)}." if schema else ""
        self.table = place + quoted("table", table)
        self._names = {"table": self.table, "migrations": place + MIGRATIONS_TABLE}
        if table == MIGRATIONS_TABLE:
            raise ConfigurationError(
                f"table={table!r} in the postgres URL is wrong: etagere keeps its notes under that"
                " name; choose another"
            )
        self.read = self._load("read.sql")
        self.etags = self._load("etags.sql")
        self.upsert = self._load("upsert.sql")
        self.replace = self._load("replace.sql")
        self.touch = self._load("touch.sql")
        self.remove = self._load("remove.sql")
        self.lock = self._load("lock.sql")
        self.look = self._load("look.sql")
        self.change = self._load("change.sql")
        self.page = self._load("page.sql")
        self.sweep = self._load("sweep.sql")
        self.migrations = self._load("migrations.sql")
        self.version = self._load("version.sql")
        self.record = self._load("record.sql")
        steps = sorted((SQL / "migrations").iterdir(), key=lambda step: step.name)
        self.steps = [self._filled(step) for step in steps]

    def _load(self, name: str) -> str:
        return self._filled(SQL / name)

    def _filled(self, file: Traversable) -> str:
        return file.read_text("utf-8").format_map(self._names)


FACTS = (SQL / "facts.sql").read_text("utf-8")


def quoted(setting: str, name: str) -> str:
    """Return a name of the user's choice as an SQL identifier."""
    # PostgreSQL would cut a longer name, and two stores could end up in one table.
    if not name or "\0" in name or len(name.encode()) > MAX_IDENTIFIER_BYTES:
        raise ConfigurationError(
            f"{setting}={name!r} in the postgres URL is wrong: a name is not empty, has no NUL and"
            f" is at most {MAX_IDENTIFIER_BYTES} bytes long"
        )
    return '"' + name.replace('"', '""') + '"'
