"""What goes in comes out, byte for byte, in another process."""

from __future__ import annotations

import base64
import os
import pty

import pytest

from tests.cli.conftest import Here, Script

VALUES = [
    b"",
    b"hello",
    b"line\n",
    b"\0",
    b"NUL\0in\0between\0",
    bytes(range(256)),
    b"\xff\xfe not UTF-8",
    "🍏 é".encode(),
    b"\r\n\x1a\x1b[31m",
]


def test_the_two_commands_of_the_acceptance_list(bare: Script) -> None:
    done = bare.shell(
        "printf hello | etagere set --store sqlite:///t.db greeting >etag"
        " && etagere get --store sqlite:///t.db greeting"
        " && etagere set --store sqlite:///t.db greeting bye --etag stale"
    )
    assert (done.code, done.out) == (3, b"hello")
    assert (bare.folder / "etag").read_text().strip() in done.err


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_standard_input_is_kept_byte_for_byte(etagere: Script, value: bytes) -> None:
    assert etagere("set", "key", stdin=value).code == 0
    assert etagere("get", "key").out == value


@pytest.mark.parametrize("words", [["-"], ["--file", "/dev/stdin"]])
def test_standard_input_can_be_named(etagere: Script, words: list[str]) -> None:
    assert etagere("set", "key", *words, stdin=b"a\0b").code == 0
    assert etagere("get", "key").out == b"a\0b"


def test_files_in_and_out(etagere: Script) -> None:
    source, copy = etagere.folder / "source", etagere.folder / "copy"
    source.write_bytes(bytes(range(256)))
    assert etagere("set", "key", "--file", "source").code == 0
    done = etagere("get", "key", "--output", "copy")
    assert (done.code, done.out, done.err) == (0, b"", "")
    assert copy.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("buffering", [{}, {"PYTHONUNBUFFERED": "1"}])
def test_a_huge_value(etagere: Script, buffering: dict[str, str]) -> None:
    value = os.urandom(1 << 20) * 24
    assert etagere("set", "key", stdin=value).code == 0
    assert etagere("get", "key", **buffering).out == value
    assert base64.b64decode(etagere("get", "key", "--json").json["value"]) == value


@pytest.mark.parametrize("value", ["hello", "", "two words\n", "🍏", "-5", "$HOME"])
def test_a_value_as_an_argument(here: Here, value: str) -> None:
    assert here("set", "key", value).code == 0
    assert here("get", "key").out == value.encode()


def test_an_argument_that_is_not_text(etagere: Script) -> None:
    assert etagere("set", "key", b"\xff\xfe").code == 0
    assert etagere("get", "key").out == b"\xff\xfe"


def test_an_emoji_as_a_key(etagere: Script) -> None:
    assert etagere("set", "🍏", "value").code == 0
    assert etagere("get", "🍏").out == b"value"
    assert etagere("keys").line == "🍏"


@pytest.mark.parametrize("key", ["🍏", "with space", "new\nline", "a/b?c=d#e%20", "é", "x" * 1024])
def test_keys_of_all_kinds(here: Here, key: str) -> None:
    assert here("set", key, "value").code == 0
    assert here("get", key).out == b"value"
    assert here("keys", "-0").out == key.encode() + b"\0"
    assert here("keys", "--json").json == {"key": key}
    assert here("delete", key).line == "deleted"


def test_keys_and_values_that_look_like_options(etagere: Script) -> None:
    assert etagere("set", "--", "-key", "--json").code == 0
    assert etagere("get", "--", "-key").out == b"--json"


def test_options_may_stand_anywhere(etagere: Script) -> None:
    assert etagere("set", "key", "--ttl", "1h", "value", "--json").code == 0
    assert etagere("get", "--json", "key").json["value"] == "value"


@pytest.mark.parametrize(
    ("value", "shown", "encoding"),
    [
        (b"hello", "hello", "utf-8"),
        ("🍏\n\0".encode(), "🍏\n\0", "utf-8"),
        (b"\xff", "/w==", "base64"),
    ],
)
def test_values_as_json(etagere: Script, value: bytes, shown: str, encoding: str) -> None:
    etag = etagere("set", "key", "--json", stdin=value).json["etag"]
    assert etagere("get", "key", "--json").json == {
        "key": "key",
        "value": shown,
        "encoding": encoding,
        "etag": etag,
        "expires_at": None,
    }


def test_namespaces_are_apart(here: Here) -> None:
    here("set", "key", "a", "--namespace", "a")
    here("set", "key", "b", "--namespace", "b")
    assert here("get", "key", "--namespace", "a").out == b"a"
    assert here("get", "key", "--namespace", "b").out == b"b"
    assert here("get", "key").code == 1
    assert here("keys").out == b""
    assert here("keys", "--namespace", "a").out == b"key\n"


def test_the_store_option_goes_before_the_variable(etagere: Script) -> None:
    assert etagere("set", "key", "here", "--store", "sqlite:///other.db").code == 0
    assert etagere("get", "key").code == 1
    assert etagere("get", "key", ETAGERE_STORE="sqlite:///other.db").out == b"here"


# --- terminals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "shown"), [("hello", b"hello\r\n"), ("line\n", b"line\r\n")])
def test_a_terminal_gets_whole_lines(etagere: Script, value: str, shown: bytes) -> None:
    etagere("set", "key", value)
    master, terminal = pty.openpty()
    with etagere.running("get", "key", stdout=terminal) as process:
        os.close(terminal)
        assert process.wait(timeout=30) == 0
        assert os.read(master, 100) == shown
    os.close(master)


def test_a_terminal_is_not_waited_for(etagere: Script) -> None:
    master, terminal = pty.openpty()
    with etagere.running("set", "key", stdin=terminal, stderr=-1) as process:
        os.close(terminal)
        _, problem = process.communicate(timeout=30)
        assert process.returncode == 2
        assert b"no value: give VALUE, --file FILE, or pipe it in" in problem
    os.close(master)


def test_a_terminal_is_read_when_asked_for(etagere: Script) -> None:
    master, terminal = pty.openpty()
    with etagere.running("set", "key", "-", stdin=terminal, stdout=-1) as process:
        os.close(terminal)
        os.write(master, b"typed\n\x04")
        assert process.wait(timeout=30) == 0
    os.close(master)
    assert etagere("get", "key").out == b"typed\n"


def test_an_output_file_is_left_alone_when_there_is_nothing(etagere: Script) -> None:
    file = etagere.folder / "file"
    file.write_bytes(b"precious")
    assert etagere("get", "nothing", "--output", "file").code == 1
    assert file.read_bytes() == b"precious"
