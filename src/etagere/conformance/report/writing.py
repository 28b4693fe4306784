"""Reports as files, in the form that a file's name asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from etagere.conformance.report.html import html
from etagere.conformance.report.junit import junit
from etagere.conformance.report.markdown import markdown
from etagere.conformance.report.model import Report
from etagere.conformance.results import Result
from etagere.errors import ConfigurationError


def check_path(path: Path) -> None:
    """Refuse a file that no report can be written to, before anything is tested."""
    if path.suffix not in FORMS:
        raise ConfigurationError(
            f"{str(path)!r} is no report: its name must end with {', '.join(FORMS)}"
        )
    if not path.parent.is_dir():
        raise ConfigurationError(f"there is no folder {str(path.parent)!r} to write a report to")


def write_all(report: Report, results: Sequence[Result], paths: Sequence[Path]) -> list[Path]:
    """Write reports, and beside the first what belongs to failures; return what was written."""
    for path in paths:
        write_report(report, path)
    if not paths:
        return []
    folder = paths[0].with_suffix(".files")
    return [*paths, folder] if write_files(results, folder) else list(paths)


def write_report(report: Report, path: Path) -> None:
    """Write a report."""
    path.write_bytes(FORMS[path.suffix](report))


def write_files(results: Iterable[Result], folder: Path) -> list[str]:
    """Write the files of failures into a folder, made if there are any; return their names."""
    files = {name: content for result in results for name, content in result.files().items()}
    for name, content in files.items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return sorted(files)


def as_json(report: Report) -> bytes:
    """Return a report as JSON, indented."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


FORMS: Final[dict[str, Callable[[Report], bytes]]] = {
    ".html": lambda report: html(report).encode(),
    ".json": as_json,
    ".md": lambda report: markdown(report).encode(),
    ".xml": junit,
}
"""What makes a report, by the end of the file's name."""
