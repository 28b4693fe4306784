"""etagere against the best plain use of each driver, one operation per call, in one run.

    python -m benchmarks.batching [--stores sqlite,redis,postgres] [--tasks 1,64] [--json FILE]

Each figure is the median of several rounds in which both take turns. Read the ratios: absolute
figures belong to the machine and the hour. SQLite writes are strong on both sides (a synced commit
for each answer), so their ratio rises with what a sync costs on the disk; Redis and PostgreSQL run
as their servers are set up here, the same for both.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import etagere
from benchmarks.contenders import Ours, plain_postgres, plain_redis, plain_sqlite
from benchmarks.measuring import KEYS, VALUE, WORK, Contender, Result, compare
from tests.servers import postgres, valkey

AT_LEAST = {
    ("sqlite", "set"): 8.0,
    ("postgres", "get"): 8.0,
    ("postgres", "conditional set"): 6.0,
    ("redis", "get"): 2.5,
    ("redis", "conditional set"): 2.5,
}
"""What 64 tasks must gain, in times the driver's throughput."""
AT_MOST = 1.3
"""What a call alone may take, in times the driver's own time."""


@asynccontextmanager
async def contest(name: str) -> AsyncIterator[tuple[Contender, Contender]]:
    """Start a database and yield the two who share it: the driver, and etagere."""
    async with AsyncExitStack() as stack:
        consistency = etagere.Consistency.EVENTUAL
        raw: Contender
        if name == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            path = str(Path(folder) / "bench.db")
            url, consistency = f"sqlite:///{path}", etagere.Consistency.STRONG
            raw = await stack.enter_async_context(plain_sqlite(path))
        elif name == "redis":
            url = (await stack.enter_async_context(valkey())).url
            raw = await stack.enter_async_context(plain_redis(url))
        else:
            url = (await stack.enter_async_context(postgres(durable=True))).url
            raw = await stack.enter_async_context(plain_postgres(url))
        store = await stack.enter_async_context(etagere.open(url))
        ours = Ours(store, consistency)
        for contender in (raw, ours):
            for key in KEYS:
                await contender.set(key, VALUE)
        yield raw, ours


async def run(options: argparse.Namespace, progress: Progress) -> list[Result]:
    """Play every contest and return the results."""
    results: list[Result] = []
    steps = len(options.stores) * len(WORK) * len(options.tasks)
    bar = progress.add_task("measuring", total=steps)
    for store in options.stores:
        async with contest(store) as (raw, ours):
            for operation in WORK:
                for tasks in options.tasks:
                    progress.update(bar, description=f"{store}: {operation}, {tasks} at once")
                    result = await compare(
                        store,
                        operation,
                        raw,
                        ours,
                        tasks=tasks,
                        rounds=options.rounds,
                        seconds=options.seconds,
                    )
                    results.append(result)
                    progress.advance(bar)
    return results


def table_of(results: list[Result]) -> Table:
    """Lay the results out for people."""
    table = Table(title="etagere against one driver call per operation")
    for column in ("store", "operation"):
        table.add_column(column)
    for column in ("tasks", "driver, op/s", "etagere, op/s", "throughput", "time", "to reach"):
        table.add_column(column, justify="right")
    for r in results:
        spread = f"{r.ratio:.1f}x ({r.lowest:.1f}-{r.highest:.1f})"
        figures = (f"{r.raw:,.0f}", f"{r.ours:,.0f}", spread, f"{1 / r.ratio:.2f}x")
        table.add_row(r.store, r.operation, str(r.tasks), *figures, verdict_on(r))
    return table


def verdict_on(result: Result) -> str:
    """Say what was to be reached, and whether it was."""
    if result.tasks == 1:
        met = 1 / result.ratio <= AT_MOST
        return f"{'[green]' if met else '[red]'}time ≤ {AT_MOST}x"
    least = AT_LEAST.get((result.store, result.operation))
    if result.tasks != 64 or least is None:
        return ""
    return f"{'[green]' if result.ratio >= least else '[red]'}≥ {least}x"


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--stores", type=lambda t: t.split(","), default="sqlite,redis,postgres")
    parser.add_argument("--tasks", type=lambda t: [int(n) for n in t.split(",")], default="1,64")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each side of each round")
    parser.add_argument("--loop", choices=["uvloop", "asyncio"], default="uvloop")
    parser.add_argument("--json", metavar="FILE", help="write the results there as well")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    options = options_of(arguments)
    console = Console()
    if not console.is_terminal:
        console = Console(width=110)
    with Progress(console=console, transient=True) as progress:
        loop = {"use_uvloop": options.loop == "uvloop"}
        results = anyio.run(run, options, progress, backend_options=loop)
    console.print(table_of(results))
    if options.json:
        Path(options.json).write_bytes(msgspec.json.encode(results))


if __name__ == "__main__":
    main()
