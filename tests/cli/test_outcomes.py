"""What a command says and exits with, whatever comes of it."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

import etagere
from etagere.commands.failures import Exit, report
from etagere.operations import Write
from tests.cli.conftest import Here, Script
from tests.servers.processes import wait_until

# --- it worked ----------------------------------------------------------------------------------


def test_set_prints_the_new_etag(here: Here) -> None:
    etag = here("set", "key", "value").line
    assert here("get", "key", "--json").json["etag"] == etag
    assert here("set", "key", "next", "--etag", etag, "--json").json["key"] == "key"
    assert here("get", "key").out == b"next"


def test_the_etag_beside_the_value(here: Here) -> None:
    etag = here("set", "key", "value").line
    done = here("get", "key", "--with-etag")
    assert (done.out, done.err) == (b"value", f"{etag}\n")


def test_delete_says_whether_there_was_something(here: Here) -> None:
    here("set", "key", "value")
    assert here("delete", "key").line == "deleted"
    assert here("delete", "key").line == "absent"
    assert here("delete", "key", "--json").json == {"key": "key", "deleted": False}


def test_delete_at_an_etag(here: Here) -> None:
    etag = here("set", "key", "value").line
    assert here("delete", "key", "--etag", "stale").code == Exit.CONFLICT
    assert here("delete", "key", "--etag", etag, "--json").json == {"key": "key", "deleted": True}


def expiry(here: Here) -> datetime | None:
    text = here("get", "key", "--json").json["expires_at"]
    return None if text is None else datetime.fromisoformat(text)


def test_time_to_live(here: Here) -> None:
    before = datetime.now(UTC)
    here("set", "key", "value", "--ttl", "1.5h")
    first = expiry(here)
    assert first is not None
    assert timedelta(hours=1.5) <= first - before + timedelta(milliseconds=1) < timedelta(hours=1.6)
    here("set", "key", "value", "--ttl", "keep")
    assert expiry(here) == first
    assert here("touch", "key", "--ttl", "7d").line == "touched"
    later = expiry(here)
    assert later is not None
    assert later - first > timedelta(days=6)
    assert here("touch", "key", "--ttl", "never", "--json").json == {"key": "key", "touched": True}
    assert expiry(here) is None


def test_an_expired_key_is_absent(here: Here) -> None:
    here("set", "key", "value", "--ttl", "1ms")
    wait_until(lambda: here("get", "key").code == Exit.ABSENT, "the key is gone")


def test_strong_consistency(here: Here) -> None:
    assert here("set", "key", "value", "--consistency", "strong").code == 0
    assert here("get", "key", "--consistency", "strong").out == b"value"


# --- it did not ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["get"], ["touch", "--ttl", "1s"]])
def test_an_absent_key(here: Here, command: list[str]) -> None:
    done = here(*command, "key")
    assert done.code == Exit.ABSENT == 1
    assert done.problem == "there is nothing under key 'key'"
    done = here(*command, "key", "--json")
    assert done.out == b""
    assert json.loads(done.err) == {
        "error": "Absent",
        "key": "key",
        "certainty": "not applied",
        "message": "there is nothing under key 'key'",
    }


def test_a_stale_etag_exits_with_3(etagere: Script) -> None:
    etag = etagere("set", "key", "value").line
    done = etagere("set", "key", "other", "--etag", "stale")
    assert done.code == 3
    assert "'stale'" in done.problem
    assert etag in done.problem
    assert etagere("get", "key").out == b"value"


def test_a_conflict_as_json(here: Here) -> None:
    etag = here("set", "key", "value").line
    for words, expected in ((["--etag", "stale"], "stale"), (["--first-write"], None)):
        done = here("set", "key", "other", *words, "--json")
        assert (done.code, done.out) == (3, b"")
        error = json.loads(done.err)
        assert error.pop("message")
        assert error == {
            "error": "ETagMismatch",
            "key": "key",
            "expected": expected,
            "actual": etag,
            "certainty": "not applied",
        }


def test_first_write_creates_only(here: Here) -> None:
    assert here("set", "key", "a", "--first-write").code == 0
    assert here("set", "key", "b", "--first-write").code == 3
    assert here("get", "key").out == b"a"


def test_touch_at_a_stale_etag(here: Here) -> None:
    here("set", "key", "value")
    assert here("touch", "key", "--ttl", "1s", "--etag", "stale").code == 3
    assert expiry(here) is None


@pytest.mark.parametrize("command", [["get", "key"], ["set", "key", "v"], ["delete", "key"],
                                     ["touch", "key", "--ttl", "1s"], ["keys"]])  # fmt: skip
def test_no_store(here: Here, monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    said = "no store is named: give --store URL or set ETAGERE_STORE"
    monkeypatch.setenv("ETAGERE_STORE", "")
    assert said in here(*command).problem
    monkeypatch.delenv("ETAGERE_STORE")
    assert said in here(*command).problem
    assert here(*command).code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "KEY"),
        (["key", "--store", "state.db"], "not a store's URL"),
        (["key", "--store", "nosuch://x"], "no backend is installed for nosuch://"),
        (["key", "--store", "sqlite:///t.db?colour=red"], "'colour'"),
        (["key", "--store", "sqlite:///no/such/folder/t.db"], "no/such/folder"),
        (["key", "--store", ""], "no store is named"),
        (["key", "--consistency", "absolute"], "'absolute'"),
        (["key", "--timeout", "soon"], "'soon' is not a time"),
        (["key", "--timeout", "0"], "more than 0"),
        (["key", "--namespace", "n" * 1024], "prefix"),
        (["key", "other"], "unrecognized arguments: other"),
        (["key", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["key", "--js"], "unrecognized arguments: --js"),
        ([""], "empty"),
        (["a||b"], "'||'"),
        (["x" * 1025], "1025 bytes"),
        ([b"\xff".decode(errors="surrogateescape")], r"'\udcff'"),
    ],
    ids=repr,
)
def test_what_makes_no_sense(here: Here, words: list[str], said: str) -> None:
    done = here("get", *words)
    assert done.code == Exit.USAGE == 2
    assert said in done.problem
    done = here("get", "--json", *words)
    assert said in json.loads(done.err)["message"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["value", "--file", "x"], "not both"),
        (["value", "--ttl", "0"], "more than 0"),
        (["value", "--ttl", "-1"], "--ttl"),
        (["value", "--ttl", "never"], "'never' is not a time"),
        (["value", "--ttl", "1w"], "'1w' is not a time"),
        (["value", "--ttl", "400000d"], "365000 days"),
        (["value", "--ttl", "9" * 400], "365000 days"),
        (["value", "more"], "unrecognized arguments: more"),
    ],
    ids=repr,
)
def test_what_set_refuses(here: Here, words: list[str], said: str) -> None:
    done = here("set", "key", *words)
    assert done.code == 2
    assert said in done.problem
    assert here("get", "key").code == 1


def test_an_option_behind_the_dashes_is_none(here: Here) -> None:
    done = here("get", "--", "--json")
    assert done.problem == "there is nothing under key '--json'"


@pytest.mark.parametrize(
    "words", [["set", "key", "--file", "missing"], ["get", "key", "--output", "missing/file"]]
)
def test_files_that_cannot_be_used(etagere: Script, words: list[str]) -> None:
    etagere("set", "key", "value")
    done = etagere(*words)
    assert done.code == Exit.FAILED == 7
    assert done.problem == f"{words[-1]}: No such file or directory"


def test_a_store_that_is_busy_is_unavailable(here: Here, sqlite_url: str) -> None:
    here("set", "key", "value")
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        done = here("set", "key", "other", "--store", f"{sqlite_url}?busy_timeout=0.05")
    other.close()
    assert done.code == Exit.UNAVAILABLE == 5
    assert here("get", "key").out == b"value"


def test_a_store_that_refuses_is_a_failure(here: Here, sqlite_url: str) -> None:
    here("set", "key", "value")
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as other:
        refusal = "BEGIN SELECT RAISE(ABORT, 'no more'); END"
        other.execute(f"CREATE TRIGGER refuse BEFORE UPDATE ON etagere {refusal}")
    other.close()
    done = here("set", "key", "other")
    assert done.code == Exit.FAILED == 7
    assert "no more" in done.problem
    assert here("get", "key").out == b"value"


# --- every error has its code -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (etagere.InvalidArgument("no"), 2),
        (etagere.TooLarge("no"), 2),
        (etagere.ConfigurationError("no"), 2),
        (etagere.ETagMismatch("key", "a", "b"), 3),
        (etagere.OutcomeUnknown(Write("key", b"", "minted"), "unknown"), 4),
        (etagere.Unavailable("no"), 5),
        (etagere.NotReplicated("key", "etag", "no"), 6),
        (etagere.NotSupported("no"), 7),
        (etagere.StoreFailed("no"), 7),
        (RuntimeError("a bug"), 7),
        (OSError("closed"), 7),
    ],
    ids=repr,
)
def test_exit_codes(capsys: pytest.CaptureFixture[str], error: Exception, code: int) -> None:
    assert report(error, as_json=True, debug=False) == code
    said = json.loads(capsys.readouterr().err)
    assert said["error"] == type(error).__name__
    assert said.get("certainty") == getattr(error, "certainty", None)
    assert said["message"]


def test_an_unknown_outcome_tells_the_etag_that_was_sent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report(etagere.OutcomeUnknown(Write("key", b"", "minted"), "?"), as_json=True, debug=False)
    said = json.loads(capsys.readouterr().err)
    assert (said["key"], said["etag"], said["certainty"]) == ("key", "minted", "unknown")
    assert said["message"] == "?. If it was, its ETag is 'minted'"


def test_messages_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    report(etagere.StoreFailed("one\n  two\n\n"), as_json=False, debug=False)
    assert capsys.readouterr().err == "etagere: one; two\n"


def test_debug_shows_where(etagere: Script) -> None:
    done = etagere("get", "a||b", "--debug")
    assert done.code == 2
    assert "Traceback" in done.err
    assert done.err.endswith(
        "\netagere: key 'a||b' contains '||', which is kept for key prefixes\n"
    )
