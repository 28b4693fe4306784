"""uvicorn's HTTP protocol, with bounds on what may be sent before a request is known."""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_BYTES: Final = 64 * 2**10
"""Of request line and headers together; one read from the socket may go beyond."""
HEAD_SECONDS: Final = 10.0
"""Within which they must have arrived."""


class BoundedProtocol(HttpToolsProtocol):
    """Refuses headers without end, and hangs up on who does not come to the point."""

    _head_size = 0
    _head_deadline = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give a new connection some time to say something."""
        super().connection_made(transport)
        self._hang_up_at(self.loop.time() + HEAD_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and look at the bounds while the head is not complete."""
        super().data_received(data)
        # A scope is there when a message begins, and has its method when the head is complete.
        if self.scope and "method" not in self.scope and not self.transport.is_closing():
            self._bound_head(len(data))
        elif self._head_size:
            self._head_size = 0

    def _bound_head(self, size: int) -> None:
        if not self._head_size:
            self._head_deadline = self.loop.time() + HEAD_SECONDS
        self._head_size += size
        if self._head_size > HEAD_BYTES:
            self._refuse_head()
        else:
            self._hang_up_at(self._head_deadline)

    def _hang_up_at(self, deadline: float) -> None:
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_at(deadline, self.timeout_keep_alive_handler)

    def _refuse_head(self) -> None:
        answer = b"the headers are too large"
        self.transport.write(
            STATUS_LINE[431]
            + b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(answer)
            + b"connection: close\r\n\r\n"
            + answer
        )
        self.transport.close()
