"""What docs/conformance.md says of the clauses and of the broken backends, from the code.

`python -m tests.conformance.page` writes it there.
"""

from __future__ import annotations

from pathlib import Path

from etagere.conformance import BackendConformance
from etagere.conformance.broken.__main__ import table
from etagere.conformance.clauses import REGISTRY, Level

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
BEGIN, END = "<!-- {} -->\n", "<!-- end of {} -->\n"

assert BackendConformance.__conformance__  # importing it fills the registry


def clauses() -> str:
    """The table of all clauses, level by level."""
    order = list(Level)
    found = sorted(REGISTRY.values(), key=lambda each: (order.index(each.level), each.id))
    rows = (f"| {each.id} | {each.level} | {each.sentence} |" for each in found)
    return "\n".join(["| clause | level | sentence |", "|---|---|---|", *rows])


PARTS = {"clauses": clauses, "broken backends": table}


def written(text: str) -> str:
    """The page with what is made from the code in its places."""
    for name, made in PARTS.items():
        begin, end = BEGIN.format(name), END.format(name)
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        assert found, f"docs/conformance.md has no place for the {name}"
        text = f"{before}{begin}\n{made()}\n\n{end}{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
