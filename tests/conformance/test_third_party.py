"""A backend as a stranger ships it: a distribution of its own, installed where it is alone."""

from __future__ import annotations

import json
import os
import re
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "etagere_lmdb"
PAGE = (ROOT / "docs" / "writing-a-backend.md").read_text()


class Environment:
    """A fresh virtual environment that borrows etagere, and what that needs, from this one."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder)
        self._folder = folder
        self.python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        packages = self.run("-c", "import site; print(site.getsitepackages()[0])").stdout.strip()
        # By `addsitedir`, which also reads the .pth file of an editable install.
        borrowed = [f"site.addsitedir({folder!r})" for folder in site.getsitepackages()]
        Path(packages, "borrowed.pth").write_text("import site; " + "; ".join(borrowed))

    def install(self, distribution: Path) -> None:
        """Build a distribution and install it, without looking for anything elsewhere."""
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet"]
        offline = ["--no-index", "--no-deps", "--no-build-isolation"]
        subprocess.run([*pip, *offline, str(distribution)], check=True, timeout=100)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python, away from the project."""
        variables = {**os.environ, "COLUMNS": "200"}
        variables.pop("PYTEST_ADDOPTS", None)
        command = [str(self.python), *arguments]
        return subprocess.run(
            command, cwd=self._folder, env=variables, capture_output=True, text=True, timeout=100
        )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("environment"))
    assert "lmdb" not in schemes(made)
    made.install(EXAMPLE)
    return made


def schemes(environment: Environment) -> dict[str, str]:
    listed = environment.run("-m", "etagere", "stores", "--json")
    assert listed.returncode == 0, listed.stderr
    kinds = map(json.loads, listed.stdout.splitlines())
    return {scheme: kind["origin"] for kind in kinds for scheme in kind["schemes"]}


class TestInstalled:
    def test_its_scheme_is_found(self, environment: Environment) -> None:
        assert schemes(environment)["lmdb"] == "etagere-lmdb (etagere_lmdb:LmdbBackend)"

    def test_the_command_holds_it_to_the_contract(
        self, environment: Environment, tmp_path: Path
    ) -> None:
        url = f"lmdb://{tmp_path}/state.lmdb"
        levels = ["transactional", "listing"]
        asked = [word for level in levels for word in ("--level", level)]
        done = environment.run("-m", "etagere", "conformance", url, *asked)
        assert done.returncode == 0, done.stdout + done.stderr
        for level in levels:
            assert re.search(rf"^{level} +passed \(\d+\)$", done.stdout, re.MULTILINE)
        assert f"{url} conforms to etagere 1.0: transactional, listing" in done.stdout

    def test_its_own_tests_pass(self, environment: Environment) -> None:
        """The three lines, with the races: two event loops, several stores on one file."""
        picked = "ETG-CAS-002 or ETG-RACE-00 or ETG-FAULT-041 or test_file"
        options = [
            "-q",
            "-p",
            "no:cacheprovider",
            "-c",
            str(EXAMPLE / "pyproject.toml"),
            "-k",
            picked,
        ]
        done = environment.run("-m", "pytest", *options, str(EXAMPLE / "tests"))
        assert done.returncode == 0, done.stdout
        assert re.search(r"^conditional +passed", done.stdout, re.MULTILINE)
        assert "test_conformance.TestLmdb conforms to etagere 1.0" in done.stdout


class TestPage:
    """What the page shows is what was tested above."""

    def test_the_pieces_are_the_module(self) -> None:
        *pieces, _ = shown("py")
        assert lines("\n".join(pieces)) == lines((EXAMPLE / "etagere_lmdb.py").read_text())

    def test_the_three_lines(self) -> None:
        assert shown("py")[-1] == (EXAMPLE / "tests" / "test_conformance.py").read_text()

    def test_the_project_file(self) -> None:
        assert shown("toml") == [(EXAMPLE / "pyproject.toml").read_text()]

    @pytest.mark.parametrize("link", re.findall(r"\]\(#([^)]+)\)", PAGE))
    def test_links_inside_lead_somewhere(self, link: str) -> None:
        headings = re.findall(r"^##+ (.*)$", PAGE, re.MULTILINE)
        assert link in [heading.lower().replace(" ", "-") for heading in headings]


def shown(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def lines(text: str) -> list[str]:
    """The lines of a text, but for blank ones, which a page may set as it likes."""
    return [line for line in text.splitlines() if line]
