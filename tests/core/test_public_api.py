"""What `import etagere` gives, and what it costs."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import etagere
import etagere.histories
import etagere.layers
from etagere import errors

PACKAGE = Path(etagere.__file__).parent
CORE = sorted(
    module.name
    for module in pkgutil.walk_packages(etagere.__path__, "etagere.")
    if not module.name.startswith(("etagere.serving", "etagere.commands", "etagere.components"))
    and module.name.rpartition(".")[2] not in ("cli", "__main__", "test_conformance")
)


@pytest.mark.parametrize("module", [etagere, etagere.histories, etagere.layers])
def test_all_is_sorted_and_true(module: Any) -> None:
    constants = [name for name in module.__all__ if name.isupper()]
    classes = [name for name in module.__all__ if name[0].isupper() and not name.isupper()]
    others = [name for name in module.__all__ if not name[0].isupper()]
    assert module.__all__ == sorted(constants) + sorted(classes) + sorted(others)
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert hasattr(module, name)


@pytest.mark.parametrize("module", [etagere, etagere.histories, etagere.layers])
def test_all_is_complete(module: Any) -> None:
    tree = ast.parse(Path(module.__file__).read_text())
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == set(module.__all__)


def test_everything_that_users_meet_is_in_it() -> None:
    raised = {
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.EtagereError)
    }
    requests = {"Set", "Delete", "Item", "Keep", "KEEP", "Concurrency", "Consistency"}
    assert raised | requests | {"Certainty", "Store", "TypedStore", "open"} <= set(etagere.__all__)


def test_every_name_in_the_signatures_is_importable() -> None:
    """A user can annotate whatever a public method takes and returns."""
    plain = {"None", "Seconds", "T", "Callable", "Awaitable", "Iterable", "Mapping"}
    known = set(etagere.__all__) | plain
    for owner in (etagere.Store, etagere.TypedStore):
        for name, method in inspect.getmembers(owner, inspect.isfunction):
            if name.startswith("_"):
                continue
            for parameter in inspect.signature(method).parameters.values():
                words = set(re.findall(r"\b[A-Z]\w+", str(parameter.annotation)))
                assert words <= known, name


@pytest.mark.parametrize("name", etagere.__all__)
def test_everything_is_documented(name: str) -> None:
    thing = getattr(etagere, name)
    if not (inspect.isclass(thing) or inspect.isfunction(thing)):
        return  # constants are documented where they stand
    assert is_documented(thing), name
    members = inspect.getmembers(thing, inspect.isfunction) if inspect.isclass(thing) else []
    for member, function in members:
        if not member.startswith("_") and function.__module__.startswith("etagere"):
            assert is_documented(function), f"{name}.{member}"


def is_documented(thing: Any) -> bool:
    first = (inspect.getdoc(thing) or "").partition("\n")[0]
    return len(first) > 10 and "collection of name/value" not in first


@pytest.mark.parametrize("name", CORE)
def test_every_module_says_what_it_is_for(name: str) -> None:
    assert importlib.import_module(name).__doc__ or name == "etagere._version"


def test_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc|\.dev)\d+)?", etagere.__version__)


def test_importing_is_light() -> None:
    """No driver and no server: only what the core needs."""
    program = (
        "import sys; before = set(sys.modules); import etagere;"
        " print(*sorted({m.partition('.')[0] for m in set(sys.modules) - before}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    ).stdout.split()
    third_party = {name for name in loaded if name not in sys.stdlib_module_names}
    heavy = {"asyncpg", "redis", "hiredis", "aiosqlite", "sqlite3", "uvicorn", "yaml", "rich"}
    assert not heavy & set(loaded)
    assert {name for name in third_party if not name.startswith("_")} <= {
        "etagere",
        "anyio",
        "msgspec",
        "sniffio",
        "idna",
        "exceptiongroup",
        "typing_extensions",
    }
    assert not {"http", "unittest", "multiprocessing"} & set(loaded)


def test_the_core_never_imports_a_backend() -> None:
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert not re.match(r"etagere_\w+", name), f"{file.name} imports {name}"
