"""When each version can begin and end, given the chain of conditional writes that it is in."""

from __future__ import annotations

from collections.abc import Sequence

from etagere.histories.history import NEVER
from etagere.histories.versioned.versions import Version


def link(versions: Sequence[Version]) -> tuple[list[Version], bool]:
    """Give every version its times; return the heads of the chains, and whether all is in order.

    It is not in order where a version can only begin after it must have begun, or where chains
    bite their own tails.
    """
    heads = [version for version in versions if version.previous is None]
    in_order, reached = True, len(heads)
    for head in heads:
        if head.next is not None:
            length, chain_in_order = _link_chain(head)
            reached += length - 1
            in_order = in_order and chain_in_order
            continue
        head.earliest = start = head.start
        head.deadline = first = head.first
        head.closes = head.chain_closes = head.last
        if start > first:
            in_order = False
    return heads, in_order and reached == len(versions)


def _link_chain(head: Version) -> tuple[int, bool]:
    chain: list[Version] = []
    closes = head.start
    version: Version | None = head
    while version is not None:
        chain.append(version)
        if version.start > closes:
            closes = version.start
        version.earliest = closes
        if version.last > closes:
            closes = version.last
        version.closes = closes
        version = version.next
    head.chain_closes = closes
    deadline, in_order = NEVER, True
    for version in reversed(chain):
        if version.first < deadline:
            deadline = version.first
        version.deadline = deadline
        if version.earliest > deadline:
            in_order = False
    return len(chain), in_order
