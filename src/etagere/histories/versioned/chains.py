"""When each version can begin and end, given the chain of conditional writes that it is in."""

from __future__ import annotations

from collections.abc import Sequence

from etagere.histories.versioned.versions import Version


def link(versions: Sequence[Version]) -> tuple[list[Version], bool]:
    """Give every version its times; return the heads of the chains, and whether all is in order.

    It is not in order where a version can only begin after it must have begun, or where chains
    bite their own tails.
    """
    heads = [version for version in versions if version.previous is None]
    in_order, reached = True, 0
    for head in heads:
        if head.next is None:
            head.earliest, head.deadline = head.start, head.first
            head.closes = head.chain_closes = head.last
            in_order = in_order and head.start <= head.first
            reached += 1
        else:
            chain = list(head.chain())
            reached += len(chain)
            in_order = _link_chain(chain) and in_order
    return heads, in_order and reached == len(versions)


def _link_chain(chain: list[Version]) -> bool:
    closes = chain[0].start
    for version in chain:
        version.earliest = max(closes, version.start)
        version.closes = closes = max(closes, version.last)
    chain[0].chain_closes = closes
    deadline = chain[-1].first
    in_order = True
    for version in reversed(chain):
        version.deadline = deadline = min(deadline, version.first)
        in_order = in_order and version.earliest <= deadline
    return in_order
