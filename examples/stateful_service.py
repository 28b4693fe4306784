"""The guide to a stateful service, played over HTTP on three stores.

    make demo

The same requests go to `etagere serve` three times; only the component file behind it changes, from
a SQLite file to Valkey with two replicas to PostgreSQL with two standbys. Exits 1 if any answer is
not what the guide promises.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx2
from rich.console import Console

from examples.guide import GUIDE, Answer
from examples.showing import table_of
from tests.servers import postgres, valkey
from tests.servers.processes import free_port

COMPONENT = """\
apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: statestore
spec:
  type: {type}
  version: v1
  metadata:
  - name: {name}
    value: "{value}"
"""


@asynccontextmanager
async def sqlite_component(folder: Path) -> AsyncIterator[str]:
    """A fresh file."""
    path = folder / "state.db"
    yield COMPONENT.format(type="state.sqlite", name="connectionString", value=path)


@asynccontextmanager
async def valkey_component(folder: Path) -> AsyncIterator[str]:
    """A primary with two replicas: strong writes wait for a majority of the three."""
    async with valkey(replicas=2) as server:
        host = f"{server.host}:{server.port}"
        yield COMPONENT.format(type="state.redis", name="redisHost", value=host)


@asynccontextmanager
async def postgres_component(folder: Path) -> AsyncIterator[str]:
    """A primary with two standbys, one of which must have applied a strong write."""
    async with postgres(standbys=2, sync="ANY 1 (s1, s2)") as server:
        yield COMPONENT.format(type="state.postgresql", name="connectionString", value=server.url)


STORES = {
    "SQLite": sqlite_component,
    "Valkey, 2 replicas": valkey_component,
    "PostgreSQL, 2 standbys": postgres_component,
}


@asynccontextmanager
async def sidecar(component: str, folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Run `etagere serve` on a component file, as a process of its own."""
    components = folder / "components"
    components.mkdir(exist_ok=True)
    (components / "statestore.yaml").write_text(component)
    port = free_port()
    command = [sys.executable, "-m", "etagere", "serve"]
    command += ["--components", str(components), "--port", str(port)]
    with (folder / "serve.log").open("ab") as log:
        server = await anyio.open_process(command, stdout=log, stderr=log)
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            await until_ready(client, folder / "serve.log")
            yield client
    finally:
        server.terminate()
        await server.wait()


async def until_ready(client: httpx2.AsyncClient, log: Path) -> None:
    """Wait as Dapr's clients do, for the health endpoint."""
    for _ in range(200):
        try:
            if (await client.get("/v1.0/healthz/outbound")).is_success:
                return
        except httpx2.TransportError:
            pass
        await anyio.sleep(0.05)
    raise SystemExit(f"the server did not come up; its log says:\n{log.read_text()}")


async def play(console: Console) -> dict[str, list[Answer]]:
    """Play the guide on each store and return what came back."""
    answers: dict[str, list[Answer]] = {}
    for store, component_of in STORES.items():
        with (
            tempfile.TemporaryDirectory() as name,
            console.status(f"{store}: starting the servers") as status,
        ):
            folder = Path(name)
            async with component_of(folder) as component, sidecar(component, folder) as client:
                answers[store] = []
                for step in GUIDE:
                    status.update(f"{store}: {step.title}")
                    answers[store].append(await step.play(client))
        console.print(
            f"{store}: {sum(a.right for a in answers[store])} of {len(GUIDE)} as promised"
        )
    return answers


def main() -> None:
    """Play, print the table, and exit 1 if an answer is wrong."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=100)
    answers = anyio.run(play, console)
    console.print(table_of(GUIDE, answers))
    if not all(answer.right for column in answers.values() for answer in column):
        raise SystemExit("some answers are not what the guide promises")


if __name__ == "__main__":
    main()
