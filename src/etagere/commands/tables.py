"""Tables: drawn by rich on a terminal where it is installed, in plain columns elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from etagere.commands import output

GAP = "  "


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text under their headings."""
    if not output.is_terminal() or not _draw(headings, rows):
        for line in columns([[heading.upper() for heading in headings], *rows]):
            output.write_line(line)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return one line for each row, its cells under those of the row before."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _draw(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        return False
    table = Table(*headings, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    return True
