"""What docs/conformance.md says of the clauses and of the broken backends, from the code.

`python -m tests.conformance.page` writes it there.
"""

from __future__ import annotations

import re
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
        pattern = re.escape(begin) + ".*?" + re.escape(end)
        text, count = re.subn(
            pattern, lambda _, new=f"{begin}\n{made()}\n\n{end}": new, text, flags=re.DOTALL
        )
        assert count == 1, f"docs/conformance.md has no place for the {name}"
    return text


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
