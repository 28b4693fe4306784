"""The demo and the benchmarks run."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_demo() -> None:
    shown = run("examples.stateful_service")
    for store in ("SQLite", "Valkey, 2 replicas", "PostgreSQL, 2 standbys"):
        assert f"{store}: 10 of 10 as promised" in shown
    assert "one winner: 50 of 50" in shown


def test_batching_benchmark(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    shown = run("benchmarks.batching", "--rounds=1", "--seconds=0.05", f"--json={report}")
    results = json.loads(report.read_text())
    assert len(results) == 3 * 3 * 2
    assert all(result["raw"] > 0 and result["ours"] > 0 for result in results)
    for store in ("sqlite", "redis", "postgres"):
        assert store in shown
