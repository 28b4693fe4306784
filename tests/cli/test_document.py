"""What docs/cli.md shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cli.conftest import Script

DOCUMENT = Path(__file__).parents[2] / "docs" / "cli.md"
END = "--- end of a command ---"
VARYING = re.compile(r"\b[0-9a-f]{32}\b")


def steps() -> list[tuple[str, str]]:
    """Return each command of the document with the output that it shows."""
    blocks = re.findall(r"```console\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    shown = "".join(blocks).removeprefix("$ ").split("\n$ ")
    return [(command, output.strip()) for command, _, output in (s.partition("\n") for s in shown)]


def alike(text: str) -> str:
    """Return text with its ETags numbered, in the order in which they first come."""
    seen: dict[str, str] = {}
    return VARYING.sub(lambda found: seen.setdefault(found[0], f"ETAG-{len(seen)}"), text)


def test_the_console_shows_what_happens(bare: Script) -> None:
    expected = steps()
    script = "\n".join(
        f"{command}; _code=$?; echo '{END}'; (exit $_code)" for command, _ in expected
    )
    done = bare.shell(f"exec 2>&1\n{script}")
    outputs = [output.strip() for output in done.out.decode().split(END)[:-1]]
    got = "\n".join(f"$ {c}\n{o}" for (c, _), o in zip(expected, outputs, strict=True))
    assert alike(got) == alike("\n".join(f"$ {command}\n{output}" for command, output in expected))


def test_the_loop_loses_no_update(bare: Script) -> None:
    loop = re.search(r"```sh\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert loop
    bare.variables["ETAGERE_STORE"] = f"sqlite:///{bare.folder}/state.db"
    assert bare("set", "counter", "39").code == 0
    writer = f"(mkdir $name; cd $name; {loop[1]}) &"
    done = bare.shell(f"for name in a b c; do {writer} done; wait; etagere get counter")
    assert done.out == b"42"
    assert "Traceback" not in done.err
