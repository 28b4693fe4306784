"""Long names, shortened so that they still differ from each other."""

from __future__ import annotations

from collections.abc import Iterable

from etagere.pages import visible

LONGEST = 12
SHORTEST = 7
MORE = "…"


class Shortener:
    """Shortens the texts that it knows of; each stays different from the others, where that fits.

    The beginning is kept where it tells them apart, else the end, else both.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        known = {visible(text) for text in texts}
        self._heads = _distinct(known)
        self._tails = _distinct({text[::-1] for text in known})

    def __call__(self, text: str) -> str:
        """Return a text in at most `LONGEST` characters."""
        text = visible(text)
        if len(text) <= LONGEST:
            return text
        head = max(SHORTEST, self._heads.get(text, 0))
        if head < LONGEST:
            return text[:head] + MORE
        tail = max(SHORTEST, self._tails.get(text[::-1], 0))
        if tail < LONGEST:
            return MORE + text[-tail:]
        return text[: LONGEST - SHORTEST - 1] + MORE + text[-SHORTEST:]


def _distinct(texts: set[str]) -> dict[str, int]:
    """Return how many first characters tell each text from all others."""
    ordered = sorted(texts)
    common = [0, *map(_common, ordered, ordered[1:]), 0]
    return {text: max(common[at : at + 2]) + 1 for at, text in enumerate(ordered)}


def _common(one: str, other: str) -> int:
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))
