"""What the servers of one process share: a directory, and a reaper."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path


class Session:
    """A directory for all servers, and the process that stops those we leave behind.

    A process, because it also has to work when this one is killed; see `tests.servers.reaper`.
    """

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="etagere-"))
        self.directory.chmod(0o711)
        self._reaper = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("reaper.py"), self.directory],
            stdin=subprocess.PIPE,
            text=True,
            env=_environment(),
            start_new_session=True,
        )
        atexit.register(self._end)

    def watch(self, pid: int) -> None:
        """Have a server stopped at the end."""
        self._tell(f"+{pid}")

    def forget(self, pid: int) -> None:
        """Take back `watch`: the server is stopped."""
        self._tell(f"-{pid}")

    def _tell(self, line: str) -> None:
        assert self._reaper.stdin is not None
        print(line, file=self._reaper.stdin, flush=True)

    def _end(self) -> None:
        assert self._reaper.stdin is not None
        self._reaper.stdin.close()
        self._reaper.wait()


def _environment() -> dict[str, str]:
    # Coverage of the tests would measure the reaper too, and find nothing.
    return {name: v for name, v in os.environ.items() if not name.startswith("COVERAGE")}


@cache
def session() -> Session:
    """Return the session of this process, begun on first use."""
    return Session()
