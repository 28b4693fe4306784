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
            reached += 1
            if head.start > head.first:
                in_order = False
        else:
            chain = [head]
            while (after := chain[-1].next) is not None:
                chain.append(after)
            reached += len(chain)
            in_order = _link_chain(chain) and in_order
    return heads, in_order and reached == len(versions)


def _link_chain(chain: list[Version]) -> bool:
    closes, deadline, in_order = chain[0].start, chain[-1].first, True
    for version in chain:
        version.earliest = max(version.start, closes)
        if version.last > closes:
            closes = version.last
        version.closes = closes
    chain[0].chain_closes = closes
    for version in reversed(chain):
        if version.first < deadline:
            deadline = version.first
        version.deadline = deadline
        if version.earliest > deadline:
            in_order = False
    return in_order
