"""Where the pieces of a sweep are done: in this process, in several, or on a Dask cluster."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from importlib import import_module
from multiprocessing import active_children, get_context
from typing import Any, Final
from urllib.parse import urlsplit

from etagere.errors import ConfigurationError, InvalidArgument, Unavailable
from etagere_sim.campaigns.campaign import Campaign
from etagere_sim.campaigns.pieces import PIECE, Piece
from etagere_sim.campaigns.sweeps import Executor, sweep_piece
from etagere_sim.campaigns.tallies import Tally

AHEAD: Final = 4
"""Pieces that wait for each worker, so that none is ever without work."""
CONNECTING: Final = "10s"


def here(campaign: Campaign, pieces: Iterable[Piece]) -> Iterator[tuple[Piece, Tally]]:
    """Do one piece after the other, in this process."""
    for piece in pieces:
        yield piece, sweep_piece(campaign, piece)


class Processes:
    """Processes of this machine. Started anew, not forked: they share nothing with this one."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def __call__(
        self, campaign: Campaign, pieces: Iterable[Piece]
    ) -> Iterator[tuple[Piece, Tally]]:
        """Do the pieces, as many at once as there are processes."""
        others = active_children()
        with ProcessPoolExecutor(
            self._workers, mp_context=get_context("spawn"), initializer=_leave_ctrl_c_alone
        ) as pool:
            try:
                yield from self._do(pool, campaign, deque(pieces))
            except BaseException:
                # What is under way is not waited for: nobody would get to see it.
                for process in active_children():
                    if process not in others:
                        process.terminate()
                raise

    def _do(
        self, pool: ProcessPoolExecutor, campaign: Campaign, rest: deque[Piece]
    ) -> Iterator[tuple[Piece, Tally]]:
        waiting: dict[Future[Tally], Piece] = {}
        while rest or waiting:
            while rest and len(waiting) < AHEAD * self._workers:
                piece = rest.popleft()
                waiting[pool.submit(sweep_piece, campaign, piece)] = piece
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                yield waiting.pop(future), future.result()


class Cluster:
    """The workers of a `dask.distributed` cluster that is there already.

    etagere must be installed on them, in the same version.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "dask" or parts.hostname is None or parts.port is None:
            raise InvalidArgument(f"{url!r} names no cluster; write dask://HOST:PORT")
        self._address = f"tcp://{parts.netloc}"

    def __call__(
        self, campaign: Campaign, pieces: Iterable[Piece]
    ) -> Iterator[tuple[Piece, Tally]]:
        """Do the pieces, as many at once as there are threads on the workers."""
        distributed = _distributed()
        try:
            client = distributed.Client(self._address, timeout=CONNECTING, set_as_default=False)
        except OSError as error:
            raise Unavailable(f"no Dask scheduler answers at {self._address}: {error}") from error
        with client:
            # Not pure: a cluster that remembers results would give those of another version.
            futures = {
                client.submit(sweep_piece, campaign, piece, pure=False): piece for piece in pieces
            }
            for future in distributed.as_completed(futures, loop=client.loop):
                yield futures[future], future.result()


def executor_of(url: str | None, workers: int | None, seeds: int) -> Executor:
    """Return where to do a sweep: on the cluster of a URL, else in processes.

    `workers` None: one for each processor, as far as there is work for them.
    """
    if url is not None:
        return Cluster(url)
    if workers is None:
        workers = min(os.cpu_count() or 1, -(-seeds // PIECE))
    return here if workers <= 1 else Processes(workers)


def _leave_ctrl_c_alone() -> None:
    # The process that a person looks at ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _distributed() -> Any:
    try:
        return import_module("distributed")
    except ImportError as error:
        raise ConfigurationError(
            "sweeps on a cluster need the package 'distributed';"
            " install it with: pip install 'etagere[cluster]'"
        ) from error
