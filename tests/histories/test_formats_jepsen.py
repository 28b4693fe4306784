from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from etagere.histories.formats import FORMATS
from etagere.histories.history import NEVER, Status
from etagere.histories.malformed import MalformedHistory
from etagere.histories.models import Append, CasRegister
from etagere.histories.search import check_steps
from etagere.histories.steps import Step
from etagere.histories.verdicts import Answer

OK, INFO, FAIL, MISMATCH = Status.OK, Status.INFO, Status.FAIL, Status.MISMATCH


def read(tmp_path: Path, form: str, text: str) -> list[Step]:
    path = tmp_path / "history"
    path.write_text(text)
    return FORMATS[form](path)


def log(*lines: str) -> str:
    return "\n".join("INFO  jepsen.util - " + line.replace(" ", "\t") for line in lines) + "\n"


# --- the log --------------------------------------------------------------------------------------


def test_a_log(tmp_path: Path) -> None:
    steps = read(
        tmp_path,
        "jepsen-log",
        log("0 :invoke :write 3", "1 :invoke :read nil", "0 :ok :write 3", "1 :ok :read 3"),
    )
    assert steps == [
        Step(function="write", argument=3, start=0, finish=2, status=OK, client="0"),
        Step(function="read", result=3, start=1, finish=3, status=OK, client="1"),
    ]


def test_a_read_of_nothing_is_an_observation(tmp_path: Path) -> None:
    text = log("0 :invoke :write 3", "0 :ok :write 3", "0 :invoke :read nil", "0 :ok :read nil")
    assert check_steps(read(tmp_path, "jepsen-log", text), CasRegister()).answer is Answer.NO


def test_a_cas_that_fails_with_its_value_saw_another_one(tmp_path: Path) -> None:
    [saw, _] = read(
        tmp_path,
        "jepsen-log",
        log("0 :invoke :cas [1 2]", "0 :fail :cas [1 2]", "0 :invoke :read nil", "0 :ok :read 1"),
    )
    assert (saw.status, saw.argument) == (MISMATCH, (1, 2))


@pytest.mark.parametrize("answer", [":timed-out", "[1 2] :not-leader"])
def test_a_cas_that_fails_with_anything_else_saw_nothing(tmp_path: Path, answer: str) -> None:
    [failed] = read(tmp_path, "jepsen-log", log("0 :invoke :cas [1 2]", f"0 :fail :cas {answer}"))
    assert failed.status is FAIL


def test_a_read_that_timed_out_tells_nothing(tmp_path: Path) -> None:
    text = log("0 :invoke :read nil", "0 :fail :read :timed-out")
    [step] = read(tmp_path, "jepsen-log", text)
    assert (step.status, step.result) == (FAIL, None)


def test_what_is_lost_keeps_its_argument_and_when_it_was_given_up(tmp_path: Path) -> None:
    lost, later = read(
        tmp_path,
        "jepsen-log",
        log("0 :invoke :write 3", "0 :info :write :timed-out", "0 :invoke :write 4"),
    )
    assert (lost.status, lost.argument, lost.finish) == (INFO, 3, 1)
    assert (later.status, later.argument, later.finish) == (INFO, 4, NEVER)
    assert (lost.client, later.client) == ("0", "0~2")


def test_a_process_that_invokes_again_leaves_a_lost_step(tmp_path: Path) -> None:
    text = log("0 :invoke :write 3", "0 :invoke :write 4", "0 :ok :write 4")
    first, second = read(tmp_path, "jepsen-log", text)
    assert (first.status, first.finish) == (INFO, NEVER)
    assert (second.status, second.start, second.finish) == (OK, 1, 2)


def test_other_lines_of_a_log_are_passed_over(tmp_path: Path) -> None:
    text = "2015-03-01 INFO  jepsen.core - Running\n" + log(
        ":nemesis :info :start nil", "0 :invoke :write 1", "0 :ok :write 1"
    )
    assert len(read(tmp_path, "jepsen-log", text)) == 1


# --- EDN ------------------------------------------------------------------------------------------

OPERATIONS = """{:process 0, :type :invoke, :f :write, :value "a"}
{:process 1, :type :invoke, :f :read, :value nil}
{:process :nemesis, :type :info, :f :start, :value {:n1 #{:n2 :n3}}}
{:process 0, :type :ok, :f :write, :value "a"}
; the read comes late
{:index 4, :time 12345, :process 1, :type :ok, :f :read, :value "a", :error [:x "y"]}
"""


@pytest.mark.parametrize("layout", ["{}", "[{}]", "({})", "#jepsen.History[{}]"])
def test_either_layout(tmp_path: Path, layout: str) -> None:
    before, after = layout.split("{}")
    assert read(tmp_path, "jepsen-edn", before + OPERATIONS + after) == [
        Step(function="write", argument="a", start=0, finish=2, status=OK, client="0"),
        Step(function="read", result="a", start=1, finish=3, status=OK, client="1"),
    ]


def test_what_fails_did_not_happen(tmp_path: Path) -> None:
    text = """{:process 0 :type :invoke :f :cas :value [1 2]}
              {:process 0 :type :fail :f :cas :value [1 2]}"""
    [step] = read(tmp_path, "jepsen-edn", text)
    assert (step.status, step.argument) == (FAIL, (1, 2))


def test_keywords_and_strings_are_different_values(tmp_path: Path) -> None:
    text = """{:process 0 :type :invoke :f :write :value :a}
              {:process 0 :type :ok :f :write :value :a}
              {:process 0 :type :invoke :f :read}
              {:process 0 :type :ok :f :read :value "a"}"""
    assert check_steps(read(tmp_path, "jepsen-edn", text), CasRegister()).answer is Answer.NO


def test_pairs_are_keys_and_values(tmp_path: Path) -> None:
    text = """{:process 0 :type :invoke :f :write :value [7 1]}
              {:process 1 :type :invoke :f :cas :value [8 [1 2]]}
              {:process 2 :type :invoke :f :read :value [7 nil]}
              {:process 0 :type :ok :f :write :value [7 1]}
              {:process 1 :type :info :f :cas :value [8 [1 2]] :error :timeout}
              {:process 2 :type :ok :f :read :value [7 1]}"""
    write, cas, reading = read(tmp_path, "jepsen-edn", text)
    assert (write.key, write.argument) == ("7", 1)
    assert (cas.key, cas.argument) == ("8", (1, 2))
    assert (reading.key, reading.result) == ("7", 1)


def test_a_cas_of_two_values_is_not_a_key(tmp_path: Path) -> None:
    text = """{:process 0 :type :invoke :f :cas :value [1 2]}
              {:process 0 :type :ok :f :cas :value [1 2]}"""
    [step] = read(tmp_path, "jepsen-edn", text)
    assert (step.key, step.argument) == ("", (1, 2))


def test_compressed_files(tmp_path: Path) -> None:
    path = tmp_path / "history.edn.gz"
    path.write_bytes(gzip.compress(OPERATIONS.encode()))
    assert len(FORMATS["jepsen-edn"](path)) == 2


def test_texts_by_key(tmp_path: Path) -> None:
    text = """{:process 0, :type :invoke, :f :append, :key "7", :value "x"}
              {:process 0, :type :ok, :f :append, :key "7", :value "x"}
              {:process 0, :type :invoke, :f :get, :key "7", :value nil}
              {:process 0, :type :ok, :f :get, :key "7", :value "x"}"""
    steps = read(tmp_path, "porcupine-kv", text)
    assert [(step.function, step.key, step.argument, step.result) for step in steps] == [
        ("append", "7", "x", None),
        ("get", "7", None, "x"),
    ]
    assert check_steps(steps, Append()).answer is Answer.YES


# --- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "text", "problem"),
    [
        ("jepsen-log", "", "history: there is no operation in it; is this the format?"),
        ("jepsen-log", OPERATIONS, "history: there is no operation in it"),
        ("jepsen-log", log("0 :invoke :write 1", "0 :ok"), "line 2: after 'jepsen.util -' come"),
        ("jepsen-log", log("0 :invoke :write [1"), "line 1: the value is not EDN: '[' is never"),
        ("jepsen-log", log("0 :invoke :cas 3"), "line 1: the value of a cas is [from to], not 3"),
        (
            "jepsen-log",
            log("0 :ok :write 1"),
            "line 1: process 0 completes 'write', which it has not",
        ),
        (
            "jepsen-log",
            log("0 :invoke :write 1", "0 :ok :read 1"),
            "line 2: process 0 completes 'read', but what it invoked in line 1 is 'write'",
        ),
        (
            "jepsen-log",
            log("0 :invoke :read nil", "0 :done :read 1"),
            "line 2: the type is invoke, ok",
        ),
        ("jepsen-edn", "", "history: there is no operation in it"),
        ("jepsen-edn", "[{:process 0\n :type]", "line 2: this is not EDN: ']' closes nothing"),
        ("jepsen-edn", "[5]", "history: an operation is a map, not 5"),
        (
            "jepsen-edn",
            "\n\n{:type :ok :f :read}",
            "line 3: an operation has :process, :type and :f",
        ),
        ("porcupine-kv", OPERATIONS, "operations are get, put or append of a key, not write of ''"),
    ],
)
def test_what_is_wrong_and_where(tmp_path: Path, form: str, text: str, problem: str) -> None:
    with pytest.raises(MalformedHistory) as raised:
        read(tmp_path, form, text)
    assert problem in str(raised.value)
    assert str(tmp_path / "history") in str(raised.value)
