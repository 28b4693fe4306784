"""The commands on every backend, and what they say when a server is slow or gone."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.cli.conftest import SECONDS, Script
from tests.servers import ValkeyServer
from tests.servers.processes import HOST, free_port, wait_until


def check_the_commands(script: Script, url: str) -> None:
    script.variables["ETAGERE_STORE"] = url
    etag = script("set", "🍏", "--ttl", "1h", stdin=bytes(range(256))).line
    assert script("get", "🍏").out == bytes(range(256))
    assert script("set", "🍏", "no", "--etag", "stale").code == 3
    assert script("set", "🍏", "yes", "--etag", etag).code == 0
    assert script("touch", "🍏", "--ttl", "never").line == "touched"
    assert script("get", "🍏", "--json").json["expires_at"] is None
    assert script("keys").line == "🍏"
    assert script("delete", "🍏").line == "deleted"
    assert script("get", "🍏").code == 1


def test_the_commands_on_sqlite(bare: Script, sqlite_url: str) -> None:
    check_the_commands(bare, sqlite_url)


def test_the_commands_on_redis(bare: Script, redis_url: str) -> None:
    check_the_commands(bare, redis_url)


def test_the_commands_on_postgres(bare: Script, postgres_url: str) -> None:
    check_the_commands(bare, postgres_url)


@pytest.mark.parametrize("scheme", ["redis", "postgres"])
def test_a_server_that_is_not_there(bare: Script, scheme: str) -> None:
    url = f"{scheme}://{HOST}:{free_port()}/0"
    done = bare("set", "key", "value", "--store", url, "--timeout", "2s")
    assert done.code == 5
    assert "'key'" in done.problem


@pytest.fixture
def paused(bare: Script, redis_url: str, valkey_server: ValkeyServer) -> Iterator[Script]:
    """The script on a server that takes writes and leaves them waiting."""
    bare.variables["ETAGERE_STORE"] = redis_url
    valkey_server.call("CLIENT PAUSE 600000 WRITE")
    yield bare
    valkey_server.call("CLIENT UNPAUSE")


def test_a_write_that_is_not_answered(paused: Script) -> None:
    done = paused("set", "key", "value", "--timeout", "1s", "--json")
    assert (done.code, done.out) == (4, b"")
    error = json.loads(done.err)
    assert (error["error"], error["key"], error["certainty"]) == (
        "OutcomeUnknown",
        "key",
        "unknown",
    )
    assert len(error["etag"]) == 32


def test_interrupted_while_the_server_is_at_work(
    paused: Script, valkey_server: ValkeyServer
) -> None:
    words = ("set", "key", "value", "--timeout", "10m")
    with paused.running(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(lambda: "evalsha" in str(valkey_server.call("CLIENT LIST")), "it is sent")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=SECONDS) == (b"", b"")
        assert process.returncode == 130
