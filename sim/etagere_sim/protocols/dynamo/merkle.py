"""A Merkle tree over cells: two hosts find what differs without telling each other the rest.

Merkle, "A Digital Signature Based on a Conventional Encryption Function" (CRYPTO 1987).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Final

from etagere_sim.protocols.dynamo.ring import place_of
from etagere_sim.protocols.dynamo.versions import Cell

FANOUT: Final = 4
LEAVES_AT: Final = 2
"""The level of the leaves; the root is at 0."""
LEAVES: Final = FANOUT**LEAVES_AT


class MerkleTree:
    """Hashes of hashes. Equal roots: the cells are equal, empty ones left aside."""

    def __init__(self, cells: Mapping[str, Cell]) -> None:
        self._cells: list[dict[str, Cell]] = [{} for _ in range(LEAVES)]
        for key in sorted(cells):
            if cells[key]:
                self._cells[place_of(key) % LEAVES][key] = cells[key]
        level = [_hash(_texts(leaf)) for leaf in self._cells]
        self._levels = [level]
        while len(level) > 1:
            level = [_hash(level[first : first + FANOUT]) for first in range(0, len(level), FANOUT)]
            self._levels.insert(0, level)

    def hashes(self, level: int, nodes: Iterable[int]) -> tuple[tuple[int, bytes], ...]:
        """Return nodes of one level with their hashes."""
        return tuple((node, self._levels[level][node]) for node in nodes)

    def differing(self, level: int, hashes: Iterable[tuple[int, bytes]]) -> tuple[int, ...]:
        """Return those nodes whose hashes are others here."""
        return tuple(node for node, told in hashes if self._levels[level][node] != told)

    def under(self, leaves: Iterable[int]) -> dict[str, Cell]:
        """Return the cells under some leaves, by key."""
        return {key: cell for leaf in leaves for key, cell in self._cells[leaf].items()}


def children(nodes: Iterable[int]) -> Iterator[int]:
    """Yield the nodes one level down."""
    for node in nodes:
        yield from range(node * FANOUT, (node + 1) * FANOUT)


def _texts(leaf: Mapping[str, Cell]) -> Iterator[bytes]:
    # A stamp is of one version only, so it can be hashed in its place.
    for key, cell in leaf.items():
        yield repr((key, [version.stamp for version in cell])).encode()


def _hash(parts: Iterable[bytes]) -> bytes:
    return blake2b(b"\0".join(parts), digest_size=16).digest()
