"""What a server is told at its start."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from etagere.errors import ConfigurationError
from etagere.store import DEFAULT_TIMEOUT

DEFAULT_STORE: Final = "statestore"
DEFAULT_URL: Final = "sqlite:///./etagere.db"
UNITS: Final = {
    "": 1,
    "k": 1000,
    "M": 1000**2,
    "G": 1000**3,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
}


def size_of(text: str) -> int:
    """Return the bytes that a size stands for: `4Mi`, `500k`, `4194304`."""
    match = re.fullmatch(r"(\d+)\s*([kMG]|[KMG]i)?B?", text.strip())
    if match is None or int(match[1]) == 0:
        raise ConfigurationError(f"{text!r} is not a size; write 4Mi, 500k or a number of bytes")
    return int(match[1]) * UNITS[match[2] or ""]


class Settings(Struct, frozen=True, kw_only=True):
    """How to serve, and what."""

    stores: Sequence[tuple[str, str]] = ()
    """Names and URLs."""
    components: Path | None = None
    """A folder of Dapr's component files."""
    host: str = "127.0.0.1"
    port: int = 3500
    """0: any that is free."""
    app_id: str = ""
    """Keys are kept as `app_id||key`; empty: as they are."""
    api_token: str = ""
    """What clients must send as `dapr-api-token`; empty: nothing."""
    max_body_size: int = 4 * 2**20
    """Bytes."""
    strict: bool = False
    """Answer as Dapr does also where Dapr answers with an error and etagere understands."""
    default_store: str = ""
    """The store of requests that name none; empty: `statestore`, or else the first."""
    access_log: bool = False
    """Whether to log a line for each request."""
    log_format: str = "text"
    """`text` (key=value) or `json`."""
    timeout: float = DEFAULT_TIMEOUT
    """Seconds within which a store answers."""
    shutdown_timeout: float = 30.0
    """Seconds that requests in flight have to finish when the server stops."""
    environment: Mapping[str, str] = os.environ
    """Where component files find secrets, `NAMESPACE` and `POD_NAME`."""

    def named_urls(self) -> Sequence[tuple[str, str]]:
        """Return the stores by URL; without any store or components, one on SQLite."""
        if self.stores or self.components is not None:
            return self.stores
        return ((DEFAULT_STORE, DEFAULT_URL),)
