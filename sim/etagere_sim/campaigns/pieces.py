"""Seeds in a row, and what is left of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

PIECE: Final = 200
"""Seeds in one piece: less than a second of work."""


class Piece(Struct, frozen=True, order=True):
    """Some seeds in a row."""

    first: int
    number: int

    @property
    def end(self) -> int:
        """The seed after the last."""
        return self.first + self.number

    def has(self, other: Piece) -> bool:
        """Tell whether all of another piece is in this one."""
        return self.first <= other.first and other.end <= self.end


def left_of(seeds: Piece, done: Iterable[Piece]) -> Iterator[Piece]:
    """Yield what is left to do of some seeds, in pieces."""
    first = seeds.first
    for piece in (*sorted(done), Piece(seeds.end, 0)):
        while first < piece.first:
            number = min(PIECE, piece.first - first)
            yield Piece(first, number)
            first += number
        first = max(first, piece.end)
