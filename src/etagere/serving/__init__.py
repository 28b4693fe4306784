"""The server: Dapr's state API over any etagere store, for programs in any language."""

from etagere.serving.server import Server, serve
from etagere.serving.settings import Settings, size_of

__all__ = ["Server", "Settings", "serve", "size_of"]
