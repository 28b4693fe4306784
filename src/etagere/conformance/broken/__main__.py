"""`python -m etagere.conformance.broken`: print the table of the broken backends, in Markdown."""

from __future__ import annotations

from etagere.conformance.broken.catalogue import FLAWS, Flaw
from etagere.conformance.broken.sources import SOURCES


def table() -> str:
    """Return the table, one row for each broken backend, and where its links lead."""
    return "\n".join(
        [
            "| Backend | What is wrong | Seen in | Clauses that fail |",
            "|---|---|---|---|",
            *map(row, FLAWS),
            "",
            *(f"[{name}]: {url}" for name, url in SOURCES.items()),
        ]
    )


def row(flaw: Flaw) -> str:
    """Return the row of one broken backend."""
    return f"| `{flaw.name}` | {flaw.sentence} | {flaw.seen} | {flaw.fails} |"


if __name__ == "__main__":
    print(table())
