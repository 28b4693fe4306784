"""What the simulator's page shows of commands, and what they print now.

    python -m tests.sim.shown       write into the page what they print now

A block of the page has commands behind `$`, each with what it prints; a line `...` stands for what
is left out there. The commands of all blocks run one after the other in one folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"
BLOCK = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
OURS = ("etagere ", "python -m ")
LEFT_OUT = "..."
MEASURED = re.compile(r"[\d,.]+(?= runs a second|(?<=\d) s$)")
"""What differs from one time to the next."""


@dataclass(frozen=True)
class Shown:
    """A command, and the lines that the page has below it."""

    command: str
    lines: tuple[str, ...]

    @property
    def is_ours(self) -> bool:
        return self.command.startswith(OURS)

    def as_text(self) -> str:
        return "".join(f"{line}\n" for line in (f"$ {self.command}", *self.lines))


def shown_in(block: str) -> Iterator[Shown]:
    """Yield the commands of a block."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *lines = part.splitlines()
        yield Shown(command, tuple(lines))


def printed(command: str, folder: Path) -> list[str]:
    """Run a command; return the lines that it prints."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    run = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=os.environ | {"PATH": path, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert not run.stderr, f"{command}: {run.stderr}"
    return run.stdout.rstrip("\n").splitlines()


def cut(lines: list[str], shown: Shown) -> tuple[str, ...]:
    """Leave out of what was printed what the page leaves out."""
    if LEFT_OUT not in shown.lines:
        return tuple(lines)
    head = shown.lines.index(LEFT_OUT)
    tail = len(shown.lines) - head - 1
    return (*lines[:head], LEFT_OUT, *lines[len(lines) - tail :])


def without_times(lines: tuple[str, ...]) -> list[str]:
    """Return lines as they are every time."""
    return [MEASURED.sub("#", line) for line in lines]


def now(folder: Path, page: str) -> Iterator[tuple[Shown, Shown]]:
    """Run the commands of a page; yield each as it is shown, and as it would have to be."""
    for block in BLOCK.findall(page):
        for shown in filter(lambda each: each.is_ours, shown_in(block)):
            yield shown, replace(shown, lines=cut(printed(shown.command, folder), shown))


def main() -> None:
    """Write into the page what the commands print now."""
    page = PAGE.read_text("utf-8")
    with TemporaryDirectory() as folder:
        for shown, found in list(now(Path(folder), page)):
            page = page.replace(shown.as_text(), found.as_text(), 1)
    PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
