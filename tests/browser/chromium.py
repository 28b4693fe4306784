"""A headless Chromium, as a server that tests start and stop like any other."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.browser.binary import chromium_command
from tests.browser.page import Page
from tests.servers.processes import Server

# A profile of its own, and no traffic but that of the pages.
SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


class Chromium(Server):
    """A browser without a window. `page` opens a tab."""

    def __init__(self) -> None:
        super().__init__("chromium")
        self._command = chromium_command()

    @property
    def url(self) -> str:
        """Where the DevTools protocol is spoken."""
        return f"http://{self.address}"

    def command(self) -> Sequence[str | Path]:
        profile = f"--user-data-dir={self.directory}/profile"
        port = f"--remote-debugging-port={self.port}"
        return [*self._command, *SWITCHES, profile, port, "about:blank"]

    def is_ready(self) -> bool:
        try:
            return bool(self._get("/json/version")) and f":{self.port}/" in self.log()
        except OSError:
            return False

    def page(
        self, *, width: int = 1280, height: int = 900, dark: bool = False, touch: bool = False
    ) -> Page:
        """Return a tab with a window of this size; use it with `with`."""
        target = self._get("/json/new?about:blank", method="PUT")
        page = Page(target["webSocketDebuggerUrl"])
        page.resize(width, height, touch=touch)
        page.set_dark(dark)
        return page

    def _get(self, path: str, *, method: str = "GET") -> Any:
        request = urllib.request.Request(self.url + path, method=method)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)


def chromium() -> Chromium:
    """Return a browser that is not started; raise `ServerUnavailable` where there is none."""
    return Chromium()
