"""Server processes: on a free port of 127.0.0.1, in a directory of their own, never left behind.

The core is synchronous, so that one server can serve tests that each run on an event loop of their
own; `async with` runs the same `start` and `stop` in a thread.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Self

import anyio
import psutil

from tests.servers.reaper import is_gone
from tests.servers.session import session

HOST = "127.0.0.1"
START_SECONDS = 30.0
GRACE_SECONDS = 5.0
POLL_SECONDS = 0.005
PORT_ATTEMPTS = 5
LOG_LINES = 40

# Below the range that systems give to outgoing connections: one of those could take the port of a
# server that is down for a moment, and a client of that port could even connect to itself. The
# upper half is for the cluster buses, which listen 10,000 above.
PORTS = range(11_000, 21_000)
BUS_OFFSET = 10_000


class ServerUnavailable(RuntimeError):
    """This machine does not have such a server."""


class ServerFailed(RuntimeError):
    """A server did not start; the message ends with its log."""


def wait_until(
    condition: Callable[[], object], what: str, *, seconds: float = START_SECONDS
) -> None:
    """Return when `condition()` is true; raise `TimeoutError` that says `what` was awaited."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(POLL_SECONDS)


def free_port() -> int:
    """Return a port on which, and 10,000 above which, nothing listens."""
    while True:
        port = random.choice(PORTS)
        if _is_free(port) and _is_free(port + BUS_OFFSET):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


class Service:
    """Something that is started and stopped: use `with` in fixtures, `async with` in tests."""

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await anyio.to_thread.run_sync(self.__enter__)

    async def __aexit__(self, *_: object) -> None:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self.stop)


class Server(Service):
    """One server process. Subclasses say how it is called and how to tell that it is ready.

    `start` and `restart` block until it is; call them from a coroutine through
    `anyio.to_thread.run_sync` where the event loop must go on.
    """

    host: ClassVar[str] = HOST
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, name: str, *, account: pwd.struct_passwd | None = None) -> None:
        self.name = name
        self.port = 0
        self._account = account
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    # --- what subclasses say ----------------------------------------------------------------

    def command(self) -> Sequence[str | Path]:
        """Return the command line."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Tell whether *this* process answers, not another one that took its port."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Fill the new directory before the first start."""

    # --- what tests do ----------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where clients find the server."""
        raise NotImplementedError

    @property
    def directory(self) -> Path:
        """Where the server keeps its data, its log and its sockets."""
        if self._directory is None:
            raise RuntimeError(f"{self.name} is not started")
        return self._directory

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start on a free port and with no data."""
        self._directory = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=session().directory))
        self._give(self._directory)
        self.prepare()
        for attempt in range(1, PORT_ATTEMPTS + 1):
            self.port = free_port()
            try:
                return self._launch()
            except ServerFailed as error:
                # Another process was quicker to listen on the port.
                if "in use" not in str(error) or attempt == PORT_ATTEMPTS:
                    raise
        return None

    def stop(self) -> None:
        """Stop, and remove the data."""
        self.shut_down()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def shut_down(self) -> None:
        """Stop in an orderly way; the data stays for `restart`."""
        if self._process is None:
            return
        self.thaw()
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        else:
            self._ended()

    def restart(self) -> None:
        """Start again on the same port and data; a server that still runs is shut down first."""
        self.shut_down()
        self._launch()

    def kill(self) -> None:
        """End the server as a crash would (SIGKILL), its child processes too."""
        if self._process is None:
            return
        family = self._for_each(psutil.Process.kill)
        self._process.wait()
        wait_until(lambda: all(map(is_gone, family)), f"the processes of {self.name} to end")
        self._ended()

    def freeze(self) -> None:
        """Stop the server's clock (SIGSTOP): connections stay open, nothing answers."""
        self._for_each(psutil.Process.suspend)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self._for_each(psutil.Process.resume)

    def log(self) -> str:
        """Return what the server has logged."""
        return (self.directory / "server.log").read_text(errors="replace")

    # --- processes --------------------------------------------------------------------------

    def _launch(self) -> None:
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                # Ctrl-C is for the test run; it stops its servers itself.
                start_new_session=True,
                user=self._account.pw_uid if self._account else None,
                group=self._account.pw_gid if self._account else None,
                extra_groups=[] if self._account else None,
            )
        session().watch(self.pid)
        try:
            wait_until(self._answers, f"{self.name} to answer")
        except TimeoutError as error:
            raise self._failed("does not answer") from error

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            status = self._process.returncode
            self._ended()
            raise self._failed(f"ended with status {status}")
        return self.is_ready()

    def _ended(self) -> None:
        session().forget(self.pid)
        self._process = None

    def _failed(self, what: str) -> ServerFailed:
        tail = "\n".join(self.log().splitlines()[-LOG_LINES:])
        return ServerFailed(f"{self.name} on port {self.port} {what}; its log ends:\n{tail}")

    def _for_each(self, act: Callable[[psutil.Process], None]) -> list[psutil.Process]:
        """Act on the server and its child processes, and return them."""
        if not self.running:
            return []
        server = psutil.Process(self.pid)
        # A stopped server cannot fork a child that we would miss.
        server.suspend()
        family = [server, *server.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                act(process)
        return family

    def _give(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)
