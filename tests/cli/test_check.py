"""`check`: verdicts, exit codes, and what it says of files that are no histories."""

from __future__ import annotations

import gzip
import json
import os
import pty
from pathlib import Path
from typing import Any

import pytest

from etagere.histories.files import write_history
from tests.cli.conftest import Finished, Here, Script
from tests.histories.calls import call, history, saw, wrote

GOOD = history(
    wrote(1, 2, "a"), wrote(3, 4, "b", "a"), call("get", 5, 6, etag="b", value="B", found=True)
)
LOST_UPDATE = history(wrote(1, 2, "a"), wrote(3, 4, "b", "a"), wrote(5, 6, "c", "a"))
STALE = history(
    wrote(1, 2, "a"),
    wrote(3, 4, "b", client="c"),
    saw(5, 6, "b", client="c"),
    saw(9, 10, "a", client="c"),
)
HEADER = '{"format":"etagere-history","version":1}\n'
LOG = "INFO  jepsen.util - {}\n"
READ_1 = [":invoke\t:read\tnil", ":ok\t:read\t1"]
WRITE_1 = [":invoke\t:write\t1", ":ok\t:write\t1"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, run in {"good": GOOD, "bad": LOST_UPDATE, "stale": STALE}.items():
        write_history(run, tmp_path / f"{name}.jsonl")
    for name, lines in {"r": READ_1, "wr": WRITE_1 + READ_1}.items():
        text = "".join(LOG.format(f"0\t{line}") for line in lines)
        (tmp_path / f"{name}.log").write_text(text)
    return tmp_path


def words_of(done: Finished) -> list[list[str]]:
    return [line.split() for line in done.out.decode().splitlines()]


# --- verdicts -----------------------------------------------------------------------------------


def test_a_linearizable_history(here: Here) -> None:
    done = here("check", "good.jsonl")
    assert (done.code, done.err) == (0, "")
    assert words_of(done) == [
        ["FILE", "VERDICT", "CALLS", "KEYS", "SECONDS"],
        ["good.jsonl", "linearizable", "3", "1", words_of(done)[1][-1]],
    ]


def test_one_that_is_not_is_explained(here: Here) -> None:
    done = here("check", "bad.jsonl")
    assert done.code == 1
    text = done.out.decode()
    assert "bad.jsonl  not linearizable  3" in text
    assert "k: lost update." in text
    assert "set C" in text


@pytest.mark.parametrize(
    ("files", "code"),
    [
        (["good.jsonl", "stale.jsonl"], 0),
        (["good.jsonl", "bad.jsonl"], 1),
        (["good.jsonl", "nothing.jsonl"], 2),
        (["nothing.jsonl", "bad.jsonl"], 1),
    ],
)
def test_exit_codes_of_several(here: Here, files: list[str], code: int) -> None:
    assert here("check", *files).code == code


def test_undecided(here: Here, tmp_path: Path) -> None:
    # Writes that were never answered, and a read that none of their orders explains: a search that
    # may take no time at all does not find out.
    lines = [f"{n}\t:invoke\t:write\t{n % 7}" for n in range(40)]
    for n in range(40, 80):
        lines += [f"{n}	:invoke	:read	nil", f"{n}	:ok	:read	{n % 9}"]
    (tmp_path / "hard.log").write_text("".join(map(LOG.format, lines)))
    done = here("check", "hard.log", "--format", "jepsen-log", "--seconds", "0", "--json")
    assert (done.code, done.json) == (2, {"hard.log": None})


def test_many_findings_are_not_all_drawn(here: Here, tmp_path: Path) -> None:
    names = [f"bad{number}.jsonl" for number in range(5)]
    for name in names:
        (tmp_path / name).write_bytes((tmp_path / "bad.jsonl").read_bytes())
    text = here("check", *names).out.decode()
    assert text.count("k: lost update.") == 3
    assert text.endswith("and 2 more; check one alone to see why\n")


def test_what_only_a_search_refuses_is_made_smaller(here: Here, tmp_path: Path) -> None:
    lines = [f"{n}\t:{kind}\t:write\t{n}" for n in range(30) for kind in ("invoke", "ok")]
    lines += ["0\t:invoke\t:read\tnil", "0\t:ok\t:read\t3"]
    (tmp_path / "long.log").write_text("".join(LOG.format(line) for line in lines))
    done = here("check", "long.log", "--format", "jepsen-log")
    assert done.code == 1
    assert "read → 3" in done.out.decode()
    assert "write 7" not in done.out.decode()


def test_the_fault_is_drawn_not_the_keys_that_are_right(here: Here, tmp_path: Path) -> None:
    good = [wrote(2 * n, 2 * n + 1, f"e{n}", key=f"a{n}") for n in range(20)]
    bad = [wrote(50 + 2 * n, 51 + 2 * n, f"x{n}", "x", key="z") for n in range(2)]
    write_history(history(*good, wrote(48, 49, "x", key="z"), *bad), tmp_path / "many.jsonl")
    assert "z: lost update." in here("check", "many.jsonl").out.decode()


# --- formats and models -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["wr.log"], 0),
        (["r.log"], 1),
        (["r.log", "--initial", "1"], 0),
        (["r.log", "--initial", "2"], 1),
        (["wr.log", "--model", "register"], 0),
    ],
)
def test_a_log_of_jepsen(here: Here, words: list[str], code: int) -> None:
    assert here("check", *words, "--format", "jepsen-log").code == code


@pytest.mark.parametrize(("initial", "code"), [([], 1), (["--initial", "x"], 0)])
def test_porcupine(here: Here, tmp_path: Path, initial: list[str], code: int) -> None:
    (tmp_path / "kv.txt").write_text(
        '{:process 0, :type :invoke, :f :get, :key "1", :value nil}\n'
        '{:process 0, :type :ok, :f :get, :key "1", :value "x"}\n'
    )
    assert here("check", "kv.txt", "--format", "porcupine-kv", *initial).code == code


def test_an_initial_value(here: Here, tmp_path: Path) -> None:
    write_history(history(call("get", 1, 2, value="v0", found=True)), tmp_path / "old.jsonl")
    assert here("check", "old.jsonl").code == 1
    assert here("check", "old.jsonl", "--initial", "v0").code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "the following arguments are required: FILE"),
        (["good.jsonl", "--model", "queue"], "invalid choice: 'queue'"),
        (["good.jsonl", "--format", "csv"], "invalid choice: 'csv'"),
        (["good.jsonl", "--model", "register"], "cannot be held against the model 'register'"),
        (["r.log", "--format", "jepsen-log", "--model", "versioned"], "the model 'versioned'"),
        (["r.log", "--format", "jepsen-log", "--initial", "["], "'[' is not one value in EDN"),
        (["r.log", "--format", "jepsen-log", "--session"], "--staleness need versions"),
        (["good.jsonl", "--details"], "--details is for --json"),
        (["good.jsonl", "--seconds", "soon"], "'soon' is not a time"),
    ],
)
def test_words_that_make_no_sense(here: Here, words: list[str], told: str) -> None:
    done = here("check", *words)
    assert done.code == 2
    assert told in done.problem


# --- files that are no histories ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "line 1: this is not the header of a history"),
        (b"\x00\x01", "line 1: this is not the header of a history"),
        (HEADER.replace("1", "7").encode(), "line 1: its version is 7"),
        (HEADER.encode() + b'{"event":"invoke"}\n', "line 2: Object missing required field `at`"),
        (HEADER.encode() + b"\xff\xfe\n", "not text in UTF-8"),
        (gzip.compress(os.urandom(100_000))[:-9], "not text in UTF-8"),
    ],
    ids=["empty", "binary", "version", "field", "encoding", "packed binary"],
)
def test_malformed(here: Here, tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "odd.jsonl").write_bytes(content)
    done = here("check", "odd.jsonl", "good.jsonl")
    assert done.code == 2
    assert ["odd.jsonl", "unreadable"] in words_of(done)
    assert done.err.startswith("etagere: odd.jsonl")
    assert told in done.err
    assert done.err.count("\n") == 1


def test_packed_and_cut_off(here: Here, tmp_path: Path) -> None:
    lines = "".join(f'{{"event":"invoke","at":{n},"kind":"get","key":"k"}}\n' for n in range(9999))
    (tmp_path / "cut.gz").write_bytes(gzip.compress((HEADER + lines).encode())[:-99])
    done = here("check", "cut.gz")
    assert done.code == 2
    assert "damaged" in done.err


def test_what_is_not_there(here: Here) -> None:
    done = here("check", "nothing.jsonl", "--json")
    assert (done.code, done.json) == (2, {"nothing.jsonl": None})
    assert "nothing.jsonl" in done.err
    assert "No such file" in done.err


def test_a_log_read_as_a_history_of_ours(here: Here) -> None:
    assert "--format reads files of other tools" in here("check", "wr.log").err


def test_a_model_that_does_not_know_a_function(here: Here, tmp_path: Path) -> None:
    lines = ["0\t:invoke\t:cas\t[1 2]", "0\t:ok\t:cas\t[1 2]"]
    (tmp_path / "cas.log").write_text("".join(map(LOG.format, lines)))
    done = here("check", "cas.log", "--format", "jepsen-log", "--model", "register")
    assert done.code == 2
    assert done.err.startswith("etagere: cas.log: the model 'register' has no function 'cas'")


def test_cut_off(here: Here, tmp_path: Path) -> None:
    whole = (tmp_path / "good.jsonl").read_bytes()
    (tmp_path / "cut.jsonl").write_bytes(whole[:-20])
    assert here("check", "cut.jsonl").code == 0
    (tmp_path / "cut.jsonl").write_bytes(whole[:-20] + b"\n")
    assert here("check", "cut.jsonl").code == 2


def test_compressed(here: Here, tmp_path: Path) -> None:
    packed = gzip.compress((tmp_path / "bad.jsonl").read_bytes())
    (tmp_path / "bad.jsonl.gz").write_bytes(packed)
    assert here("check", "bad.jsonl.gz", "--json").json == {"bad.jsonl.gz": False}


def test_a_huge_line(here: Here, tmp_path: Path) -> None:
    value = "v" * 3_000_000
    run = history(wrote(1, 2, "a", value=value), call("get", 3, 4, etag="a", value=value))
    write_history(run, tmp_path / "huge.jsonl")
    assert here("check", "huge.jsonl").code == 0


# --- the weaker checks --------------------------------------------------------------------------


def test_session_guarantees(here: Here) -> None:
    assert here("check", "stale.jsonl").code == 0
    done = here("check", "stale.jsonl", "--session")
    assert done.code == 1
    assert ["monotonic", "reads", "1", "1", "0"] in words_of(done)
    assert "session 'c' saw ETag 'a' of key 'k' (call 9)" in done.out.decode()


def test_staleness(here: Here) -> None:
    done = here("check", "stale.jsonl", "--staleness")
    assert done.code == 0
    assert "stale.jsonl: 1 of 2 reads were stale" in done.out.decode()
    assert ["99", "%", "1", "5"] in words_of(done)


# --- for programs -------------------------------------------------------------------------------


def test_json(here: Here) -> None:
    done = here("check", "good.jsonl", "bad.jsonl", "--json")
    assert (done.code, done.err) == (1, "")
    assert done.json == {"good.jsonl": True, "bad.jsonl": False}


def test_json_in_detail(here: Here) -> None:
    words = ["--json", "--details", "--session", "--staleness"]
    told: Any = here("check", "bad.jsonl", "stale.jsonl", "nothing.jsonl", *words).json
    bad, stale = told["bad.jsonl"], told["stale.jsonl"]
    assert (bad["linearizable"], bad["calls"], bad["keys"]) == (False, 3, 1)
    assert bad["findings"][0]["anomaly"] == "lost_update"
    assert bad["findings"][0]["witnesses"]
    assert stale["sessions"]["breaches"][0]["guarantee"] == "monotonic reads"
    assert stale["staleness"] == {
        "reads": 2,
        "stale": 1,
        "untold": 0,
        "behind": {"50": 0, "90": 1, "99": 1, "99.9": 1},
        "age": {"50": 0, "90": 5, "99": 5, "99.9": 5},
    }
    assert told["nothing.jsonl"]["linearizable"] is None
    assert "No such file" in told["nothing.jsonl"]["problem"]


def test_a_page(here: Here, tmp_path: Path) -> None:
    assert here("check", "bad.jsonl", "--html", "out.html").code == 1
    page = (tmp_path / "out.html").read_text()
    assert "lost update" in page
    assert page.startswith("<!doctype html>")


def test_a_folder_of_pages(here: Here, tmp_path: Path) -> None:
    assert here("check", "bad.jsonl", "good.jsonl", "nothing.jsonl", "--html", "pages").code == 1
    pages = sorted(path.name for path in (tmp_path / "pages").iterdir())
    assert pages == ["1-bad.jsonl.html", "2-good.jsonl.html"]


# --- the terminal -------------------------------------------------------------------------------


def test_progress_is_for_terminals_only(bare: Script, folder: Path) -> None:
    bare.folder = folder
    assert bare("check", "good.jsonl").err == ""
    reading, writing = pty.openpty()
    with bare.running("check", "good.jsonl", stdout=writing, stderr=writing) as process:
        process.wait(timeout=60)
        os.close(writing)
        shown = b""
        while chunk := read_terminal(reading):
            shown += chunk
    os.close(reading)
    assert process.returncode == 0
    assert b"good.jsonl" in shown
    assert b"linearizable" in shown


def read_terminal(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the other end is closed
        return b""


if PORCUPINE := os.environ.get("ETAGERE_PORCUPINE"):

    @pytest.mark.parametrize(("folder", "form"), [("etcd", "jepsen-log"), ("kv", "porcupine-kv")])
    def test_the_verdicts_of_porcupines_data(
        here: Here, monkeypatch: pytest.MonkeyPatch, folder: str, form: str
    ) -> None:
        data = Path(PORCUPINE)
        monkeypatch.chdir(data)
        files = [f"{folder}/{path.name}" for path in (data / folder).iterdir()]
        verdicts = json.loads((data / "verdicts.json").read_text())
        wanted = {name: good for name, good in verdicts.items() if name.startswith(folder)}
        assert here("check", *files, "--format", form, "--json").json == wanted
