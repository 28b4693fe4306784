"""Histories on disk: what is written is read, and what is wrong is told with file and line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from etagere.histories.files import HistoryWriter, load_history, read_history, write_history
from etagere.histories.history import NEVER, Call, History, Kind, Status
from etagere.histories.malformed import MalformedHistory
from etagere.histories.recording import Recorder
from etagere.operations import Consistency

HEADER = '{"format":"etagere-history","version":1}\n'
SET = '{"event":"invoke","at":1,"kind":"set","client":"c1","key":"k","value":"v1"}\n'
SET_OK = '{"event":"respond","at":2,"of":1,"status":"ok","etag":"e1"}\n'
GET = '{"event":"invoke","at":3,"kind":"get","client":"c2","key":"k"}\n'
GET_OK = '{"event":"respond","at":4,"of":3,"status":"ok","etag":"e1","value":"v1"}\n'


def read(*lines: str) -> list[Call]:
    return list(read_history([HEADER, *lines], "run.jsonl").calls)


def problem(*lines: str) -> str:
    with pytest.raises(MalformedHistory) as failure:
        read_history(lines, "run.jsonl")
    return str(failure.value)


def call(kind: str, start: int, finish: int, status: str = "ok", **fields: Any) -> Call:
    return Call(
        kind=Kind(kind),
        start=start,
        finish=finish,
        status=Status(status),
        **({"key": "k"} | fields),
    )


ALL_KINDS = [
    call("set", 1, 5, client="a", value="v", etag="e"),
    call("set", 2, NEVER, "info", client="b", value="w", etag="f", ttl=5),
    call("set", 3, 8, "mismatch", value="x", expected="", actual="e"),
    call("set", 4, 9, "fail", value="ü\n"),
    call("get", 10, 12, etag="e", value="v", found=True),
    call("get", 11, 13, found=False),
    call("get", 14, NEVER, "info", client="b~2", consistency=Consistency.EVENTUAL),
    call("delete", 15, 16, found=True),
    call("delete", 17, 18, "mismatch", expected="x", actual=""),
    call("touch", 19, 20, found=False, ttl=0),
    call(
        "transaction",
        30,
        34,
        key="",
        client="t",
        parts=(
            call("set", 30, 34, client="t", value="x", etag="g", expected="e"),
            call("delete", 30, 34, client="t", key="l", found=True),
        ),
    ),
]


# --- what is written is read --------------------------------------------------------------------


@pytest.mark.parametrize("initial", [None, "", "v0"])
def test_a_history_comes_back(tmp_path: Path, initial: str | None) -> None:
    path = tmp_path / "run.jsonl"
    write_history(History(ALL_KINDS, initial=initial), path)
    loaded = load_history(path)
    # Numbers stay, as no two are the same.
    assert list(loaded.calls) == ALL_KINDS
    assert (loaded.initial, loaded.source) == (initial, str(path))


@pytest.mark.parametrize("seed", range(20))
def test_calls_that_meet_stay_concurrent(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    calls = []
    for _ in range(30):
        start = random.randrange(20)
        finish = start + random.randrange(1, 5)
        calls.append(call("touch", start, finish, client=str(len(calls))))
    write_history(History(calls), tmp_path / "run.jsonl")
    loaded = {call.client: call for call in load_history(tmp_path / "run.jsonl").calls}
    for a in calls:
        for b in calls:
            one, other = loaded[a.client], loaded[b.client]
            assert (one.finish < other.start) == (a.finish < b.start)


def test_a_compressed_file(tmp_path: Path) -> None:
    write_history(History(ALL_KINDS), tmp_path / "run.jsonl")
    packed = tmp_path / "run.jsonl.gz"
    packed.write_bytes(gzip.compress((tmp_path / "run.jsonl").read_bytes()))
    assert list(load_history(packed).calls) == ALL_KINDS


def test_a_huge_line(tmp_path: Path) -> None:
    value = "v" * 5_000_000
    written = call("set", 1, 2, value=value)
    write_history(History([written]), tmp_path / "run.jsonl")
    assert list(load_history(tmp_path / "run.jsonl").calls) == [written]


def test_flush_hands_over_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    recorder = Recorder(path)
    recorder.invoke(Kind.GET, "c1", "k")
    assert path.read_bytes() == b""
    recorder.flush()
    assert [call.key for call in load_history(path).calls] == ["k"]
    recorder.close()


def test_a_writer_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("something else")
    with HistoryWriter(path, initial="v0"):
        pass
    assert json.loads(path.read_text()) == {
        "format": "etagere-history",
        "version": 1,
        "initial": "v0",
    }


# --- what a crash leaves ------------------------------------------------------------------------


def test_a_header_alone_is_an_empty_history() -> None:
    assert read() == []


def test_a_call_without_response_is_unknown() -> None:
    assert read(SET) == [call("set", 1, NEVER, "info", client="c1", value="v1")]


def test_every_beginning_of_a_file_is_a_history() -> None:
    text = SET + SET_OK + GET + GET_OK
    for cut in range(len(text)):
        calls = read(*text[:cut].splitlines(keepends=True))
        whole = text[:cut].count("\n") + (text[cut] == "\n")
        assert len(calls) == (whole + 1) // 2
        assert sum(call.status is Status.OK for call in calls) == whole // 2


def test_a_later_answer_settles_an_unknown_one() -> None:
    unknown = '{"event":"respond","at":2,"of":1,"status":"info","etag":"e1"}\n'
    settled = '{"event":"respond","at":5,"of":1,"status":"ok"}\n'
    (got,) = read(SET, unknown)
    assert (got.status, got.finish, got.etag) == (Status.INFO, NEVER, "e1")
    (got,) = read(SET, unknown, settled)
    assert (got.status, got.finish) == (Status.OK, 5)


def test_blank_lines_do_not_matter() -> None:
    assert len(read(SET, "\n", SET_OK, "  \n")) == 1


def test_a_get_with_an_etag_found_something() -> None:
    assert read(SET, SET_OK, GET, GET_OK)[1].found is True


# --- what is wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("", "not the header of a history"),
        ("\n", "not the header of a history"),
        ('{"event":"invoke"}\n', "not the header of a history"),
        ("INFO jepsen.util - 0 :invoke :read nil\n", "--format reads files of other tools"),
        ('{"format":"other","version":1}\n', "its format is 'other'"),
        ('{"format":"etagere-history","version":2}\n', "its version is 2; this etagere reads"),
    ],
)
def test_a_wrong_header(header: str, told: str) -> None:
    message = problem(header, SET)
    assert message.startswith("run.jsonl, line 1: ")
    assert told in message


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["{\n"], "line 2: "),
        ([SET, "null\n"], "line 3: "),
        (['{"event":"ask","at":1}\n'], "line 2: Invalid value 'ask' - at `$.event`"),
        (['{"event":"invoke","at":1,"kind":"put","key":"k"}\n'], "'put' - at `$.kind`"),
        (['{"event":"invoke","at":1,"kind":"get","key":7}\n'], "at `$.key`"),
        (['{"event":"invoke","at":-1,"kind":"get","key":"k"}\n'], "at `$.at`"),
        (['{"event":"invoke","at":1.5,"kind":"get","key":"k"}\n'], "at `$.at`"),
        (['{"event":"invoke","kind":"get","key":"k"}\n'], "missing required field `at`"),
        ([SET.replace("value", "valeu")], "unknown field `valeu`"),
        (['{"event":"invoke","at":1,"kind":"get"}\n'], "a get has a key"),
        (['{"event":"invoke","at":1,"kind":"transaction"}\n'], "a transaction has parts"),
        ([SET, SET], "line 3: 'at' is 1, but a line above has 1; lines are in order"),
        ([SET, GET, SET_OK], "line 4: 'at' is 2, but a line above has 3"),
        ([SET_OK], "line 2: no call 1 is open"),
        ([SET, SET_OK, SET_OK.replace("2", "3")], "line 4: no call 1 is open"),
        ([GET, '{"event":"respond","at":4,"of":3,"status":"ok"}\n'], 'or "found": false'),
        ([SET, '{"event":"respond","at":2,"of":1,"status":"mismatch"}\n'], "no mismatch"),
        ([SET, '{"event":"respond","at":2,"of":1,"status":"done"}\n'], "'done' - at `$.status`"),
    ],
)  # fmt: skip
def test_a_wrong_line(lines: list[str], told: str) -> None:
    message = problem(HEADER, *lines)
    assert message.startswith("run.jsonl, line ")
    assert told in message


TRANSACTION = '{"event":"invoke","at":1,"kind":"transaction","parts":[%s]}\n'
PART = '{"kind":"set","key":"k","value":"v"}'
RESPONSE = '{"event":"respond","at":2,"of":1,"status":%s}\n'


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([TRANSACTION % '{"kind":"get","key":"k"}'], "a set or a delete, not a get"),
        ([TRANSACTION % PART, RESPONSE % '"mismatch","index":1'], "has no part 1"),
        ([TRANSACTION % PART, RESPONSE % '"mismatch"'], "no mismatch"),
        ([TRANSACTION % PART, RESPONSE % '"ok","parts":[{},{}]'], "2 results for the 1 parts"),
        ([SET.replace("}", f',"parts":[{PART}]' + "}")], "a set has no parts"),
    ],
)
def test_a_wrong_transaction(lines: list[str], told: str) -> None:
    assert told in problem(HEADER, *lines)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(HEADER.encode() + b'{"event":"\xff"}\n')
    with pytest.raises(MalformedHistory, match=r"run\.jsonl.*UTF-8"):
        load_history(path)


def test_a_compressed_file_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl.gz"
    lines = "".join(SET.replace('"at":1', f'"at":{n}') for n in range(1, 2000))
    path.write_bytes(gzip.compress((HEADER + lines).encode())[:-50])
    with pytest.raises(MalformedHistory, match=r"run\.jsonl\.gz"):
        load_history(path)


# --- transactions -------------------------------------------------------------------------------


def test_a_conflict_is_of_one_part_alone() -> None:
    parts = '{"kind":"set","key":"a","value":"1"},{"kind":"set","key":"b","expected":"e"}'
    answer = '{"event":"respond","at":2,"of":1,"status":"mismatch","index":1,"actual":"f"}\n'
    (got,) = read(TRANSACTION % parts, answer)
    one, other = got.parts
    assert (one.status, one.actual) == (Status.FAIL, None)
    assert (other.status, other.actual) == (Status.MISMATCH, "f")


def test_a_conflict_with_the_transaction_itself_tells_nothing() -> None:
    parts = '{"kind":"set","key":"a","value":"1"},{"kind":"set","key":"a","expected":""}'
    answer = '{"event":"respond","at":2,"of":1,"status":"mismatch","index":1,"actual":"f"}\n'
    (got,) = read(TRANSACTION % parts, answer)
    assert [each.status for each in got.parts] == [Status.FAIL, Status.FAIL]
