"""One backend under several stores, where data does not outlive the backend that holds it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from etagere.backend import Backend
from etagere.layers.base import Layer


class Kept(Layer):
    """A backend that is open already, and stays open when a store on it closes."""

    async def open(self) -> None:
        """Do nothing: it is open."""

    async def close(self) -> None:
        """Do nothing: others use it."""


@asynccontextmanager
async def kept(backend: Backend) -> AsyncGenerator[Kept]:
    """Open a backend for any number of stores, and close it after them."""
    try:
        await backend.open()
        yield Kept(backend)
    finally:
        await backend.close()
