"""`etagere serve`: from flags to a server, and its end."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from etagere.commands import COMMANDS, load
from etagere.commands.command import parser_of
from etagere.commands.serve import settings_of
from etagere.serving.settings import Settings
from tests.cli.conftest import SECONDS, Here, Script
from tests.servers.processes import HOST, free_port, wait_until


def settings(*words: str) -> Settings:
    arguments = parser_of("serve", COMMANDS["serve"], load("serve")).read(words)
    return settings_of(arguments)


@pytest.fixture
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ETAGERE_STORE", raising=False)
    monkeypatch.delenv("DAPR_API_TOKEN", raising=False)


# --- flags --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_no_variables")
def test_without_flags_everything_is_as_by_default() -> None:
    chosen = settings()
    assert Settings(environment=chosen.environment, stores=[]) == chosen
    assert chosen.named_urls() == (("statestore", "sqlite:///./etagere.db"),)
    assert chosen.host == "127.0.0.1"


@pytest.mark.usefixtures("_no_variables")
def test_every_flag_arrives() -> None:
    chosen = settings(
        *["--store", "cart=sqlite:///cart.db?readers=4", "--store", "memory://?a=b"],
        *["--components", "folder", "--default-store", "cart", "--app-id", "shop"],
        *["--host", "0.0.0.0", "--port", "0", "--max-body-size", "8Mi", "--strict"],
        *["--access-log", "--log-format", "json", "--timeout", "500ms", "--shutdown-timeout", "1m"],
    )
    assert chosen == Settings(
        stores=[("cart", "sqlite:///cart.db?readers=4"), ("statestore", "memory://?a=b")],
        components=Path("folder"),
        default_store="cart",
        app_id="shop",
        host="0.0.0.0",
        port=0,
        max_body_size=8 * 2**20,
        strict=True,
        access_log=True,
        log_format="json",
        timeout=0.5,
        shutdown_timeout=60.0,
        environment=chosen.environment,
    )


def test_the_environment_names_the_store_and_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETAGERE_STORE", "memory://")
    monkeypatch.setenv("DAPR_API_TOKEN", "secret")
    assert settings().stores == [("statestore", "memory://")]
    assert settings().api_token == "secret"
    assert settings().environment["DAPR_API_TOKEN"] == "secret"
    assert settings("--store", "a=memory://").stores == [("a", "memory://")]
    assert settings("--components", "folder").stores == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--store", "state.db"], "not NAME=URL"),
        (["--store", "=memory://"], "not NAME=URL"),
        (["--store", "a="], "not NAME=URL"),
        (["--port", "70000"], "not a port"),
        (["--port", "http"], "not a port"),
        (["--max-body-size", "huge"], "not a size"),
        (["--max-body-size", "0"], "not a size"),
        (["--log-format", "xml"], "'xml'"),
        (["more"], "unrecognized arguments: more"),
    ],
    ids=repr,
)
def test_what_serve_refuses(here: Here, words: list[str], said: str) -> None:
    done = here("serve", *words)
    assert done.code == 2
    assert said in done.problem


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--store", "a=state.db"], "not a store's URL"),
        (["--store", "a=memory://", "--store", "a=memory://"], "'a'"),
        (["--components", "missing"], "missing"),
        (["--store", "memory://", "--default-store", "other"], "other"),
        (["--host", "nowhere.invalid", "--store", "memory://"], "nowhere.invalid"),
    ],
    ids=repr,
)
def test_what_the_server_refuses(bare: Script, words: list[str], said: str) -> None:
    done = bare("serve", *words)
    assert done.code == 2
    assert said in done.problem
    error = json.loads(bare("serve", *words, "--json").err)
    assert (error["error"], error["certainty"]) == ("ConfigurationError", "not applied")


# --- a server -----------------------------------------------------------------------------------

Call = Callable[..., tuple[int, bytes]]


@contextmanager
def serving(script: Script, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], Call]]:
    """Start a server and yield it, once it answers, with what calls it."""
    port = free_port()

    def call(method: str, path: str, body: str = "", **headers: str) -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection(HOST, port, timeout=SECONDS)) as connection:
            connection.request(method, f"/v1.0/{path}", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def answers() -> bool:
        assert process.poll() is None, process.stderr and process.stderr.read()
        try:
            return call("GET", "healthz")[0] == 204
        except OSError:
            return False

    words = ("serve", "--port", str(port), *words)
    with script.running(*words, stderr=subprocess.PIPE) as process:
        wait_until(answers, "the server answers")
        yield process, call


def stopped(process: subprocess.Popen[bytes], number: signal.Signals) -> str:
    """Stop a server and return what it logged."""
    process.send_signal(number)
    _, log = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert b"Traceback" not in log
    return log.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_by_default(bare: Script, number: signal.Signals) -> None:
    with serving(bare) as (process, call):
        assert call("POST", "state/statestore", '[{"key": "a", "value": 1}]')[0] == 204
        assert call("GET", "state/statestore/a") == (200, b"1")
        assert bare("get", "a", "--store", "sqlite:///etagere.db").out == b"1"
        stopped(process, number)


def test_a_server_as_told(etagere: Script) -> None:
    etagere("set", "a", "1", "--namespace", "shop")
    etagere.variables["DAPR_API_TOKEN"] = "secret"
    with serving(etagere, "--app-id", "shop", "--log-format", "json", "--access-log") as (
        process,
        call,
    ):
        assert call("GET", "state/statestore/a")[0] == 401
        assert call("GET", "state/statestore/a", **{"dapr-api-token": "secret"}) == (200, b"1")
        lines = [json.loads(line) for line in stopped(process, signal.SIGTERM).splitlines()]
    assert any(line.get("path") == "/v1.0/state/statestore/a" for line in lines)


def test_a_port_that_is_taken(bare: Script) -> None:
    with socket.create_server((HOST, 0)) as other:
        done = bare("serve", "--port", str(other.getsockname()[1]), "--store", "memory://")
    assert done.code == 2
    assert "Traceback" not in done.err
    assert done.err.splitlines()[-1].startswith("etagere: ")


def test_a_server_without_its_packages(bare: Script) -> None:
    hidden = bare.folder / "hidden"
    hidden.mkdir()
    (hidden / "uvicorn.py").write_text("raise ModuleNotFoundError('gone', name='uvicorn')")
    done = bare("serve", PYTHONPATH=str(hidden))
    assert done.code == 2
    assert "pip install 'etagere[server]'" in done.problem
