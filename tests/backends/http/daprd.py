"""A server that answers as Dapr's runtime does, with a dict behind it: what is not ours.

It tells no ETag of a write and no reason of a conflict; values are decoded and encoded again; a
transaction that fails is a 500, whatever the cause. Its ETags count up from 1 and begin anew when a
key is deleted, as Redis's do there, or are random, as SQLite's are.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from msgspec import Struct

STORE = "statestore"
ALL = ("ETAG", "TRANSACTIONAL", "TTL")
MISMATCH = "possible etag mismatch. error from state store: a newer version is there"


class Kept(Struct, frozen=True):
    text: bytes
    etag: str
    expires: float | None = None


class Refused(Exception):
    """What is answered instead."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Daprd:
    """The state of such a server, and what it was asked."""

    def __init__(self, features: tuple[str, ...], token: str, *, counting: bool) -> None:
        self.features, self.token, self.counting = features, token, counting
        self.url = ""
        self.kept: dict[str, Kept] = {}
        self.lock = threading.Lock()
        self.asked: list[tuple[str, str]] = []
        self.answers: list[tuple[int, bytes]] = []
        """Given to the next writes instead of doing them."""

    @property
    def store(self) -> str:
        return f"{self.url}/v1.0/state/{STORE}"

    def find(self, key: str) -> Kept | None:
        found = self.kept.get(key)
        return None if found and found.expires and found.expires <= time.time() else found

    def check(self, item: Mapping[str, Any], concurrency: str) -> None:
        found, etag = self.find(item["key"]), item.get("etag")
        if etag:
            if self.counting and not etag.isdecimal():
                raise Refused(400, "", "invalid etag value: not a number")
            if found is None or found.etag != etag:
                raise Refused(409, "", MISMATCH)
        elif concurrency == "first-write" and found is not None:
            raise Refused(409, "", MISMATCH)

    def save(self, item: Mapping[str, Any]) -> None:
        self.check(item, item.get("options", {}).get("concurrency", ""))
        found, seconds = self.find(item["key"]), item.get("metadata", {}).get("ttlInSeconds")
        expires = time.time() + int(seconds) if seconds else None
        count = str(1 if found is None else int(found.etag) + 1) if self.counting else ""
        text = json.dumps(item.get("value")).encode()
        self.kept[item["key"]] = Kept(text, count or secrets.token_hex(8), expires)

    def delete(self, item: Mapping[str, Any], concurrency: str) -> None:
        self.check(item, concurrency)
        self.kept.pop(item["key"], None)

    def transact(self, operations: list[Mapping[str, Any]]) -> None:
        before = dict(self.kept)
        try:
            for each in operations:
                item = each["request"]
                if each["operation"] == "upsert":
                    self.save(item)
                else:
                    self.delete(item, item.get("options", {}).get("concurrency", ""))
        except Refused as error:
            self.kept = before
            words = f"error while executing state transaction: {error.message}"
            raise Refused(500, "ERR_STATE_TRANSACTION", words) from error

    def components(self) -> list[Mapping[str, Any]]:
        return [
            {"name": STORE, "type": "state.redis", "version": "v1", "capabilities": self.features},
            {"name": "pubsub", "type": "pubsub.redis", "version": "v1"},
        ]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    daprd: Daprd

    def handle(self) -> None:
        """Take it as it is when a client hangs up."""
        with suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def _answer(self) -> None:
        size = int(self.headers.get("content-length", "0"))
        if len(body := self.rfile.read(size)) < size:
            return  # the client hung up in the middle
        parts = urlsplit(self.path)
        self.daprd.asked.append((self.command, self.path))
        if self.daprd.token and self.headers.get("dapr-api-token") != self.daprd.token:
            self._send(401, b"invalid api token")
            return
        try:
            with self.daprd.lock:
                self._dispatch(parts.path, dict(parse_qsl(parts.query)), body)
        except Refused as error:
            content = {"errorCode": error.code, "message": error.message}
            self._send(error.status, json.dumps(content).encode())

    def _dispatch(self, path: str, query: Mapping[str, str], body: bytes) -> None:
        daprd, state = self.daprd, f"/v1.0/state/{STORE}"
        writing = self.command == "DELETE" or path in (state, f"{state}/transaction")
        if writing and daprd.answers:
            self._send(*daprd.answers.pop(0))
        elif path == "/v1.0/metadata":
            content = {"id": "app", "runtimeVersion": "1.16.0", "components": daprd.components()}
            self._send(200, json.dumps(content).encode())
        elif path == "/v1.0/healthz/outbound":
            self._send(204)
        elif self.command == "POST" and path == state:
            for item in json.loads(body):
                self._saving(item)
            self._send(204)
        elif self.command == "POST" and path == f"{state}/bulk":
            self._bulk(json.loads(body)["keys"])
        elif self.command == "POST" and path == f"{state}/transaction":
            daprd.transact(json.loads(body)["operations"])
            self._send(204)
        elif self.command in ("GET", "DELETE") and path.startswith(f"{state}/"):
            self._one(unquote_plus(path.removeprefix(f"{state}/")), query)
        else:
            raise Refused(404, "ERR_DIRECT_INVOKE", "failed getting app id")

    def _saving(self, item: Mapping[str, Any]) -> None:
        try:
            self.daprd.save(item)
        except Refused as error:
            words = f"failed saving state in state store {STORE}: {error.message}"
            raise Refused(error.status, "ERR_STATE_SAVE", words) from error

    def _one(self, key: str, query: Mapping[str, str]) -> None:
        if self.command == "DELETE":
            item = {"key": key, "etag": self.headers.get("if-match")}
            self.daprd.delete(item, query.get("concurrency", ""))
            self._send(204)
        elif (found := self.daprd.find(key)) is None:
            self._send(204)
        else:
            headers = {"ETag": found.etag}
            if found.expires:
                headers["Metadata.ttlexpiretime"] = rfc3339(found.expires)
            self._send(200, found.text, headers)

    def _bulk(self, keys: list[str]) -> None:
        answers: list[dict[str, Any]] = []
        for key in sorted(set(keys), key=lambda key: self.daprd.find(key) is None):
            found = self.daprd.find(key)
            answer: dict[str, Any] = {"key": key}
            if found is not None:
                answer |= {"data": json.loads(found.text), "etag": found.etag}
                if found.expires:
                    answer["metadata"] = {"ttlExpireTime": rfc3339(found.expires)}
            answers.append(answer)
        answers += [{"key": ""}] * (len(keys) - len(answers))
        self._send(200, json.dumps(answers).encode() + b"\n")

    def _send(self, status: int, body: bytes = b"", headers: Mapping[str, str] = {}) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class CrowdedServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # many connect at once


def rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def daprd(
    features: tuple[str, ...] = ALL, token: str = "", *, counting: bool = False
) -> Iterator[Daprd]:
    """Run such a server in threads."""
    state = Daprd(features, token, counting=counting)
    handler = type("Bound", (Handler,), {"daprd": state})
    server = CrowdedServer(("127.0.0.1", 0), handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
