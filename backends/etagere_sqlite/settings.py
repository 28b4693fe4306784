"""What an sqlite URL says."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from etagere.errors import ConfigurationError
from etagere.urls import Options

_DAY = 86_400


class Settings(Struct, frozen=True, kw_only=True):
    """Where the records are, and how to treat them."""

    path: Path | None
    """Absolute; None: in memory."""
    table: str
    readers: int
    busy_timeout: float
    always_durable: bool
    sweep: float
    inline: bool

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Read the settings from a URL, without touching the file."""
        options = Options(url)
        settings = cls(
            path=_path(options),
            table=options.text("table", "etagere"),
            readers=options.integer("readers", 2, least=1),
            busy_timeout=min(options.seconds("busy_timeout", 5.0), _DAY),
            always_durable=options.choice("durability", "normal", "full") == "full",
            sweep=options.seconds("sweep", 10.0),
            inline=options.choice("inline", "on", "off") == "on",
        )
        options.done()
        return settings

    @property
    def place(self) -> str:
        """The database as error messages name it."""
        return "the in-memory database" if self.path is None else f"{str(self.path)!r}"


def _path(options: Options) -> Path | None:
    parts = options.parts
    if parts.netloc or parts.fragment or (parts.path and not parts.path.startswith("/")):
        raise _wrong("write '#' in a file's name as %23" if parts.fragment else "count the slashes")
    try:
        name = unquote_to_bytes(parts.path[1:]).decode()
    except UnicodeDecodeError as error:
        raise _wrong("the % escapes in it are not UTF-8") from error
    if not parts.path or name == ":memory:":
        return None
    if not name or "\0" in name:
        raise _wrong("it names no file")
    # Made absolute now: a later change of the working directory must not lead to another file.
    return Path(name).absolute()


def _wrong(problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"the sqlite URL is wrong: {problem}. It is sqlite:///relative.db, sqlite:////absolute.db,"
        " or sqlite:// for a database in memory"
    )
