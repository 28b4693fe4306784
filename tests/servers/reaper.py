"""Stop the servers that a test run left behind, however the run ended.

Runs beside the test run as a process of its own. Its standard input is a pipe that only the run
holds open, so the operating system closes it even when the run is killed. A line is `+PID` for a
server that was started and `-PID` for one that was stopped.
"""

import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Iterable

import psutil

GRACE_SECONDS = 3.0
POLL_SECONDS = 0.01


def main(directory: str) -> None:
    family = [process for server in follow(sys.stdin) for process in stop(server)]
    deadline = time.monotonic() + GRACE_SECONDS
    while not all(map(is_gone, family)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    shutil.rmtree(directory, ignore_errors=True)


def follow(lines: Iterable[str]) -> list[psutil.Process]:
    """Read until the test run ends and return the servers that are still there."""
    # A psutil.Process knows when it was started, so that a PID used again is never mistaken for it.
    servers: dict[int, psutil.Process] = {}
    for line in lines:
        pid = int(line[1:])
        if line.startswith("-"):
            servers.pop(pid, None)
        else:
            with contextlib.suppress(psutil.NoSuchProcess):
                servers[pid] = psutil.Process(pid)
    return [server for server in servers.values() if server.is_running()]


def stop(server: psutil.Process) -> list[psutil.Process]:
    """Tell a server to end, frozen or not, and return it and its child processes."""
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        family += [server, *server.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
        # PostgreSQL's quickest orderly end; it frees shared memory, which SIGKILL does not.
        server.send_signal(signal.SIGQUIT)
    return family


def is_gone(process: psutil.Process) -> bool:
    """Tell whether a process has ended."""
    # A zombie holds nothing any more; whether its parent collects it is not up to us.
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


if __name__ == "__main__":
    main(sys.argv[1])
