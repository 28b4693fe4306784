"""Log lines, as text and as JSON; the access log."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from etagere.errors import ConfigurationError
from etagere.serving import logs
from tests.serving.support import serving


def record(message: str, *arguments: object, **facts: object) -> logging.LogRecord:
    made = logging.LogRecord("etagere.test", logging.INFO, "", 0, message, arguments, None)
    made.created = 0.0125
    made.facts = facts
    return made


def test_json_lines() -> None:
    line = logs.JsonFormatter().format(record("a %s", "é\n", path="/x", ms=1.5))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.012Z",
        "level": "info",
        "logger": "etagere.test",
        "msg": "a é\n",
        "path": "/x",
        "ms": 1.5,
    }


def test_text_lines() -> None:
    line = logs.TextFormatter().format(
        record("two words", path="/a=b", empty="", line="1\n2", quote='"', plain="é", number=3)
    )
    assert line == (
        'time=1970-01-01T00:00:00.012Z level=info logger=etagere.test msg="two words"'
        ' path="/a=b" empty="" line="1\\n2" quote="\\"" plain=é number=3'
    )


@pytest.mark.parametrize("formatter", [logs.JsonFormatter(), logs.TextFormatter()])
def test_a_traceback_stays_on_its_line(formatter: logging.Formatter) -> None:
    made = record("failed")
    try:
        raise ValueError("why")
    except ValueError:
        made.exc_info = sys.exc_info()
    line = formatter.format(made)
    assert "\n" not in line
    assert "ValueError: why" in line


def test_an_unknown_format() -> None:
    with pytest.raises(ConfigurationError, match="text or json, not 'xml'"):
        logs.configure("xml")


def test_the_access_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "etagere.access")
    with serving("s=memory://", access_log=True) as call:
        call("POST", "/v1.0/state/s", [{"key": "a", "value": 1}])
        call("GET", "/v1.0/state/s/a%0Ab")
        call("GET", "/nowhere")
    lines = [each for each in caplog.records if each.name == "etagere.access"]
    facts = [each.facts for each in lines]  # type: ignore[attr-defined]
    assert [(fact["method"], fact["path"], fact["status"]) for fact in facts] == [
        ("POST", "/v1.0/state/s", 204),
        ("GET", "/v1.0/state/s/a%0Ab", 204),
        ("GET", "/nowhere", 404),
    ]
    assert all(fact["ms"] >= 0 for fact in facts)


def test_no_access_log_unless_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with serving("s=memory://") as call:
        call("GET", "/v1.0/state/s/a")
    assert not [each for each in caplog.records if each.name == "etagere.access"]
