"""Text files, compressed or not."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from io import BufferedReader, TextIOWrapper
from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any, Final, TextIO, TypeAlias

from etagere.histories.malformed import MalformedHistory

Opener: TypeAlias = Callable[..., Any]

ZSTANDARD: Final = import_module("compression.zstd") if find_spec("compression") else None
DAMAGES = (EOFError, zlib.error, lzma.LZMAError, *([ZSTANDARD.ZstdError] if ZSTANDARD else []))


@contextmanager
def open_text(path: str | PathLike[str]) -> Generator[TextIO]:
    """Open a file to read its text, in UTF-8.

    What it is compressed with (gzip, bzip2, xz, and Zstandard from Python 3.14 on) is told by how
    it begins, not by its name. Raises `OSError` where there is no such file, and `MalformedHistory`
    where it turns out to be damaged, which may be at any later line.
    """
    with Path(path).open("rb") as file:
        try:
            with _opener(file)(file, "rt", encoding="utf-8") as text:
                yield text
        except UnicodeDecodeError as error:
            problem = f"this is not text in UTF-8: {error.reason}"
            raise MalformedHistory(fspath(path), _first_line_of_no_text(path), problem) from error
        except (*DAMAGES, OSError) as error:
            # The operating system gives its errors a number, a decompressor does not.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            problem = f"the compressed data is damaged or cut off: {error}; fetch the file again"
            raise MalformedHistory(fspath(path), None, problem) from error
        except _NoZstandard as error:
            problem = "Zstandard can be read from Python 3.14 on; unpack it first with `zstd -d`"
            raise MalformedHistory(fspath(path), None, problem) from error


def _first_line_of_no_text(path: str | PathLike[str]) -> int | None:
    # Text is decoded in large blocks, so that what fails to be does not know its line.
    with Path(path).open("rb") as file, _opener(file)(file, "rb") as lines:
        return next((number for number, line in enumerate(lines, 1) if not _is_text(line)), None)


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


class _NoZstandard(Exception):
    pass


def _opener(file: BufferedReader) -> Opener:
    beginning = file.peek(8)
    return next((OPENERS[each] for each in OPENERS if beginning.startswith(each)), _open_plain)


def _open_plain(file: BufferedReader, _mode: str, encoding: str | None = None) -> IO[Any]:
    return TextIOWrapper(file, encoding=encoding) if encoding else file


def _open_zstandard(file: BufferedReader, mode: str, encoding: str | None = None) -> IO[Any]:
    if ZSTANDARD is None:
        raise _NoZstandard
    opened: IO[Any] = ZSTANDARD.open(file, mode, encoding=encoding)
    return opened


OPENERS: Final[Mapping[bytes, Opener]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": _open_zstandard,
}
"""By the bytes that a file begins with."""
