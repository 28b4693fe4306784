"""What an HTTP URL says."""

from __future__ import annotations

import re
import ssl
from typing import Final, Self
from urllib.parse import quote, unquote

from msgspec import Struct

from etagere.backend import Reach, TransactionScope
from etagere.urls import Options

STATE: Final = "/v1.0/state/"
EXTENSIONS: Final = "/v1.0-etagere/state/"
REACHES: Final = {
    "none": Reach.NONE,
    "primary": Reach.PRIMARY,
    "failover": Reach.FAILOVER,
    "always": Reach.ALWAYS,
}
SCOPES: Final = {
    "": None,
    "full": TransactionScope.FULL,
    "same-slot": TransactionScope.SAME_SLOT,
    "none": TransactionScope.NONE,
}
UNITS: Final = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
MAX_BODY_SIZE: Final = "4Mi"


class Settings(Struct, frozen=True, kw_only=True):
    """Where a store is, and what its server cannot say of it."""

    server: str
    """Scheme, host, port and the path before the API's own."""
    store: str
    token: str
    tls: ssl.SSLContext | None
    connect_timeout: float
    json_values: bool
    """Whether a value travels as the JSON that it is."""
    reach: Reach
    transactions: TransactionScope | None
    """None: what the server says."""
    max_body_size: int

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Read the settings from a URL, without touching the network."""
        options = Options(url)
        if options.parts.fragment:
            raise options.wrong("write '#' in a token or a store's name as %23")
        server, store = _place(options)
        settings = cls(
            server=server,
            store=store,
            token=_token(options),
            tls=options.tls_context() if options.parts.scheme == "https" else None,
            connect_timeout=options.seconds("connect_timeout", 2.0),
            json_values=options.choice("values", "base64", "json") == "json",
            reach=REACHES[options.choice("strong", *REACHES)],
            transactions=SCOPES[options.choice("transactions", *SCOPES)],
            max_body_size=_size(options),
        )
        options.done()
        return settings

    def __repr__(self) -> str:
        # The token belongs in no log.
        return f"Settings(server={self.server!r}, store={self.store!r}, ...)"

    @property
    def state(self) -> str:
        """The path of the store in Dapr's API."""
        return STATE + quote(self.store, safe="")

    @property
    def extensions(self) -> str:
        """The path of the store in what a server of ours adds."""
        return EXTENSIONS + quote(self.store, safe="")


def _place(options: Options) -> tuple[str, str]:
    parts = options.parts
    base, found, store = parts.path.partition(STATE)
    store = unquote(store.removesuffix("/"))
    if not found or not store or not parts.hostname:
        example = f"{parts.scheme}://127.0.0.1:3500{STATE}statestore"
        raise options.wrong(f"it names a server and a store of it, as in {example}")
    if "/" in store:
        raise options.wrong(f"the name of the store ends it, not {store!r}")
    try:
        port = parts.port
    except ValueError as error:
        raise options.wrong(f"there is no such port ({error})") from error
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{base}", store


def _token(options: Options) -> str:
    user, _, token = options.parts.netloc.rpartition("@")[0].partition(":")
    token = unquote(token)
    if user or not (token.isascii() and token.isprintable()):
        raise options.wrong("before its host is only an API token, as in :TOKEN@host")
    return token


def _size(options: Options) -> int:
    text = options.text("max_body_size", MAX_BODY_SIZE)
    match = re.fullmatch(r"([1-9]\d{0,12})([KMG]i)?", text)
    if match is None:
        raise options.wrong(f"max_body_size is a number of bytes or as in 4Mi, not {text!r}")
    return int(match[1]) * UNITS[match[2] or ""]
