"""Anti-entropy: replicas compare what they have, two at a time, and even it out.

Demers et al., "Epidemic Algorithms for Replicated Database Maintenance" (PODC 1987), with trees of
hashes as in DeCandia et al., SOSP 2007, section 4.7.
"""

from __future__ import annotations

from collections.abc import Mapping

from etagere_sim.protocols.dynamo.cells import Cells
from etagere_sim.protocols.dynamo.knobs import Knobs
from etagere_sim.protocols.dynamo.merkle import LEAVES_AT, MerkleTree, children
from etagere_sim.protocols.dynamo.messages import Compare, Contents
from etagere_sim.protocols.dynamo.versions import Cell
from etagere_sim.world.hosts import Host


class AntiEntropy:
    """One host's part in it. Of every two hosts, the first on the list begins.

    No message depends on an earlier one that a host would have to remember: the tree is made anew
    for each, so whatever is lost or late does no harm.
    """

    def __init__(self, host: Host, knobs: Knobs, cells: Cells, period: float) -> None:
        self._host = host
        self._cells = cells
        self._ring = knobs.ring
        self._period = period
        hosts = knobs.ring.hosts
        self._partners = hosts[hosts.index(host.name) + 1 :]
        host.handlers[Compare] = self.compare
        host.handlers[Contents] = self.take_in
        host.after(period, self._begin)

    def compare(self, source: str, asked: Compare) -> None:
        """Look at what differs, one level further down."""
        tree, level = self._tree(source), asked.level
        differing = tree.differing(level, asked.hashes)
        if not differing:
            self._host.world.mark("trees agree")
        elif level < LEAVES_AT:
            self._host.world.mark("trees differ")
            hashes = tree.hashes(level + 1, children(differing))
            self._host.send(source, Compare(level + 1, hashes))
        else:
            self._tell(source, differing, tree.under(differing), is_answer=False)

    def take_in(self, source: str, told: Contents) -> None:
        """Take in what the other host has, and tell it what it has not."""
        before = self._tree(source).under(told.leaves)
        theirs = dict(told.cells)
        for key, cell in told.cells:
            if self._cells.take_in(key, cell) != before.get(key):
                self._host.world.mark("a tree brings news")
        if not told.is_answer:
            mine = self._tree(source).under(told.leaves)
            news = {key: cell for key, cell in mine.items() if cell != theirs.get(key)}
            if news:
                self._tell(source, told.leaves, news, is_answer=True)

    def _begin(self, _: object) -> None:
        for partner in self._partners:
            self._host.send(partner, Compare(0, self._tree(partner).hashes(0, [0])))
        self._host.after(self._period, self._begin)

    def _tell(
        self, target: str, leaves: tuple[int, ...], cells: Mapping[str, Cell], *, is_answer: bool
    ) -> None:
        self._host.send(target, Contents(leaves, tuple(cells.items()), is_answer))

    def _tree(self, partner: str) -> MerkleTree:
        """Return the tree over what this host and another one both keep."""
        both = {self._host.name, partner}
        return MerkleTree(
            {
                key: self._cells.read(key)
                for key in self._cells.known()
                if both <= set(self._ring.replicas_of(key))
            }
        )
