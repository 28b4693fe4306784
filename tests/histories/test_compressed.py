from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from etagere.histories.compressed import open_text
from etagere.histories.malformed import MalformedHistory

TEXT = "één\ntwee\n" * 2000
WAYS = {"plain": bytes, "gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("way", WAYS)
def test_the_beginning_tells_how_it_is_compressed(tmp_path: Path, way: str) -> None:
    path = tmp_path / "history.log"
    path.write_bytes(WAYS[way](TEXT.encode()))
    with open_text(path) as text:
        assert list(text) == TEXT.splitlines(keepends=True)


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.gz"
    path.touch()
    with open_text(path) as text:
        assert text.read() == ""


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_what_is_cut_off_says_so(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "history"
    path.write_bytes(compress(TEXT.encode())[:-12])
    with pytest.raises(MalformedHistory, match=r"history: the compressed data is .* fetch"):
        read(path)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_what_is_damaged_says_so(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "history"
    data = bytearray(compress(TEXT.encode()))
    for index in range(len(data) // 2, len(data) // 2 + 8):
        data[index] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(MalformedHistory, match=r"history: "):
        read(path)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_text_says_so_with_its_line(tmp_path: Path, way: str) -> None:
    path = tmp_path / "history"
    path.write_bytes(WAYS[way](TEXT.encode() + b"caf\xe9\n" + TEXT.encode()))
    message = "history, line 4001: this is not text in UTF-8: invalid continuation byte"
    with pytest.raises(MalformedHistory, match=message):
        read(path)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python reads Zstandard")
def test_zstandard_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "history.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd\x04\x00")
    with pytest.raises(MalformedHistory, match="unpack it first with `zstd -d`"):
        read(path)


def test_no_file_is_the_errors_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nothing")


def read(path: Path) -> str:
    with open_text(path) as text:
        return text.read()
