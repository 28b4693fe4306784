"""The ring: which hosts keep a key, and who stands in for them (Karger et al., STOC 1997)."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from hashlib import blake2b

TOKENS = 16
"""Places on the ring of each host: the more there are, the more even their shares."""


class Ring:
    """Hosts on a ring. A key is kept by the first N hosts that are met from its place on."""

    def __init__(self, hosts: Sequence[str], replicas: int) -> None:
        self.hosts = tuple(hosts)
        self._replicas = replicas
        self._places = sorted(
            (place_of(f"{host}/{token}"), host) for host in hosts for token in range(TOKENS)
        )
        self._walks: dict[int, tuple[str, ...]] = {}
        """By the position of the first place that is met."""

    def walk(self, key: str) -> tuple[str, ...]:
        """Return all hosts in the order in which they are met from a key on."""
        start = bisect(self._places, (place_of(key), ""))
        if start not in self._walks:
            places = self._places[start:] + self._places[:start]
            self._walks[start] = tuple(dict.fromkeys(host for _, host in places))
        return self._walks[start]

    def replicas_of(self, key: str) -> tuple[str, ...]:
        """Return the hosts that keep a key."""
        if len(self.hosts) == self._replicas:
            return self.hosts
        return self.walk(key)[: self._replicas]

    def stand_ins_of(self, key: str) -> tuple[str, ...]:
        """Return the other hosts, the next ones on the ring first."""
        return self.walk(key)[self._replicas :]


def place_of(text: str) -> int:
    """Return the place of a text on the ring: anywhere, and the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
