"""The table at the end of the demo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from examples.guide import Answer, Step


def table_of(guide: Sequence[Step], answers: Mapping[str, Sequence[Answer]]) -> Table:
    """Lay out each step: what was sent, and what came back from each store."""
    table = Table(title="one guide, three stores")
    for column in ("step, and what was sent", *answers):
        table.add_column(column, overflow="fold", ratio=1)
    for position, step in enumerate(guide):
        row = [answers[store][position] for store in answers]
        marked = [f"[{'green' if answer.right else 'red'}]{answer.text}" for answer in row]
        table.add_row(f"{step.title}\n[dim]{step.sent}", *marked)
    return table
