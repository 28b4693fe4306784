"""What a sweep has done so far, on disk, so that one that was interrupted can go on.

JSON Lines: a header that names the campaign, then a line for each piece that is done. A line that
was cut off, because the process ended in the middle of it, is not there.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from msgspec import Struct

from etagere import __version__
from etagere.errors import InvalidArgument
from etagere_sim.campaigns.campaign import Campaign
from etagere_sim.campaigns.pieces import Piece
from etagere_sim.campaigns.tallies import Tally

FORMAT: Final = "etagere-sweep"
VERSION: Final = 1


class Header(Struct, frozen=True):
    """The first line."""

    format: str
    version: int
    etagere: str
    campaign: Campaign


class Entry(Struct, frozen=True):
    """Another line."""

    piece: Piece
    tally: Tally


class Journal:
    """What was done, and where to write down what is done next."""

    def __init__(self, done: list[Entry], file: BinaryIO | None) -> None:
        self.done = done
        self._file = file

    def write(self, piece: Piece, tally: Tally) -> None:
        """Write down that a piece is done."""
        if self._file is not None:
            self._file.write(_line(Entry(piece, tally)))
            self._file.flush()


@contextmanager
def journal(path: Path | None, campaign: Campaign) -> Generator[Journal]:
    """Open the journal of a campaign; make one where there is none. None: keep none.

    Raises `InvalidArgument` for a file that is no journal, or one of another campaign.
    """
    if path is None:
        yield Journal([], None)
        return
    header = Header(FORMAT, VERSION, __version__, campaign)
    with path.open("a+b") as file:
        file.seek(0)
        first, *lines = file.read().splitlines(keepends=True) or [b""]
        if not first:
            file.write(_line(header))
            yield Journal([], file)
            return
        _check(first, header, path)
        whole = [line for line in lines if line.endswith(b"\n")]
        file.truncate(len(first) + sum(map(len, whole)))
        yield Journal([_entry(line, path) for line in whole], file)


def _check(line: bytes, wanted: Header, path: Path) -> None:
    try:
        header = msgspec.json.decode(line, type=Header)
    except msgspec.MsgspecError as error:
        raise InvalidArgument(f"{path} was not written by a sweep: {error}") from error
    if header.format != FORMAT or header.version != VERSION:
        raise InvalidArgument(
            f"{path} is {header.format} {header.version}; this one reads {FORMAT} {VERSION}"
        )
    if header != wanted:
        raise InvalidArgument(
            f"{path} is of another sweep, or of another version of etagere: it has"
            f" {_words(header)}, and this one is {_words(wanted)}; name another file"
        )


def _words(header: Header) -> str:
    return msgspec.json.encode((header.etagere, header.campaign)).decode()


def _entry(line: bytes, path: Path) -> Entry:
    try:
        return msgspec.json.decode(line, type=Entry)
    except msgspec.MsgspecError as error:
        raise InvalidArgument(f"a line of {path} makes no sense: {error}") from error


def _line(what: Struct) -> bytes:
    return msgspec.json.encode(what) + b"\n"
