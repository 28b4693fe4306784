"""The histories of the Porcupine project, where the environment says in which folder they are.

ETAGERE_PORCUPINE names a folder with `etcd/*.log`, `kv/*.txt` and `verdicts.json`, which maps each
file to whether it is linearizable. Without it, what needs them is deselected, and the run says so.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

FOLDER = os.environ.get("ETAGERE_PORCUPINE", "")
NEEDS_IT = "porcupine"


@pytest.fixture(scope="session")
def porcupine() -> Path:
    return Path(FOLDER)


@pytest.fixture(scope="session")
def verdicts(porcupine: Path) -> dict[str, bool]:
    return json.loads((porcupine / "verdicts.json").read_text())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if FOLDER:
        return
    needing = [item for item in items if NEEDS_IT in getattr(item, "fixturenames", ())]
    items[:] = [item for item in items if item not in needing]
    config.hook.pytest_deselected(items=needing)


def pytest_report_collectionfinish() -> list[str]:
    return [] if FOLDER else ["ETAGERE_PORCUPINE is not set: DESELECTED what needs its histories"]
