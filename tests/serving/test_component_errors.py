"""What is said of what is wrong in a component file: what, and in which line."""

from __future__ import annotations

from pathlib import Path

import pytest

from etagere.components import load
from etagere.errors import ConfigurationError
from tests.serving.component_files import HERE, component, read, refusal, setting

WRONG_SETTINGS = [
    ("state.redis", {}, "store.yaml:6: the setting 'redisHost' is missing"),
    ("state.sqlite", {}, "store.yaml:6: the setting 'connectionString' is missing"),
    ("state.postgresql", {}, "store.yaml:6: the setting 'connectionString' is missing"),
    (
        "state.redis",
        {"redisHost": "h:1", "redisPort": "2"},
        "store.yaml:11: the setting 'redisPort'",
    ),
    ("state.redis", {"redisHost": "h", "redisDB": "x"}, "store.yaml:11: the setting 'redisDB'"),
    (
        "state.redis",
        {"redisHost": "h", "RedisType": "ring"},
        "store.yaml:11: the setting 'RedisType'",
    ),
    (
        "state.redis",
        {"redisHost": "h", "enableTLS": "maybe"},
        "store.yaml:11: the setting 'enableTLS'",
    ),
    (
        "state.redis",
        {"redisHost": "h", "failover": "true"},
        "setting 'sentinelMasterName' is missing",
    ),
    (
        "state.redis",
        {"redisHost": "h", "dialTimeout": "soon"},
        "store.yaml:11: the setting 'dialTime",
    ),
    ("state.redis", {"redisHost": "h", "dialTimeout": "0s"}, "it must be more than 0"),
    (
        "state.redis",
        {"redisHost": "h", "acks": "many"},
        "store.yaml:11: acks='many' in the redis URL",
    ),
    (
        "state.redis",
        {"redisHost": "h", "reads": "any"},
        "store.yaml:11: reads='any' in the redis URL",
    ),
    (
        "state.redis",
        {"redisHost": "a:1,b:2"},
        "store.yaml:9: the redis URL is wrong: several hosts",
    ),
    ("state.redis", {"redisHost": "h", "clientCert": "-----BEGIN X"}, "put it into a file"),
    (
        "state.redis",
        {"redisHost": "h", "REDISHOST": "i"},
        "'REDISHOST' is given twice, see store.yaml:9",
    ),
    ("state.redis", {"url": "sqlite:///x.db"}, "store.yaml:9: the setting 'url' is wrong"),
    (
        "state.redis",
        {"url": "redis://h", "acks": "-1"},
        "store.yaml:11: acks='-1' in the redis URL",
    ),
    (
        "state.sqlite",
        {"url": "x.db", "readers": "0"},
        "store.yaml:11: readers='0' in the sqlite URL",
    ),
    ("state.sqlite", {"url": "x.db", "timeout": "never"}, "store.yaml:11: the setting 'timeout'"),
    ("state.sqlite", {"url": "x.db", "ttlInSeconds": "-1"}, "store.yaml:11: the setting 'ttlInSec"),
    ("state.in-memory", {"primaryEncryptionKey": "k"}, "values cannot be encrypted yet"),
    ("state.mongodb", {"host": "h"}, "store.yaml:6: there is no store of the type 'state.mongodb'"),
    ("state.other", {"url": "other://x"}, "no backend is installed for other://"),
]


@pytest.mark.parametrize(("kind", "settings", "said"), WRONG_SETTINGS)
def test_settings_that_are_wrong(kind: str, settings: dict[str, str], said: str) -> None:
    message = refusal(component(kind, setting(**settings)))
    assert said in message
    assert message.startswith("store.yaml:")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [b\nc", "store.yaml:2: not YAML"),
        ("a: b: c", "store.yaml:1: not YAML"),
        ("? [a]\n: b", "store.yaml:1: expected a plain value"),
        ("a: \x00", "store.yaml:1: not YAML"),
        ("- just\n- a list", "store.yaml:1: expected a mapping"),
        ("kind: Component\nkind: Component", "store.yaml:2: 'kind' is given twice"),
        ("\nkind: Component\nspec: {type: state.redis}", "store.yaml:2: a component needs a name"),
        ("kind: Component\nmetadata: {name: s}", "store.yaml:1: a component needs a type"),
        (component("state.redis", spec="version: v7"), "store.yaml:7: there is no version 'v7'"),
        (component("state.redis", "- value: x\n"), "store.yaml:9: a setting needs a name"),
        (
            component("state.redis", "- name: x\n"),
            "the setting 'x' has none of value, secretKeyRef",
        ),
        (component("state.redis", "- name: x\n  value: [1]\n"), "store.yaml:10: expected a plain"),
        (
            component("state.redis").replace("  metadata:", "  metadata: 7"),
            "store.yaml:8: expected a",
        ),
        (component("state.redis", top="scopes: a"), "expected a list"),
    ],
    ids=range(14),
)
def test_files_that_are_wrong(text: str, said: str) -> None:
    assert said in refusal(text)


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigurationError, match=r"a\.yaml:1: cannot be read"):
        load(tmp_path, HERE)


def test_errors_that_are_to_be_ignored() -> None:
    warnings: list[str] = []
    text = component("state.redis", spec="ignoreErrors: true")
    text += "---\n" + component("state.in-memory", name="t", spec="ignoreErrors: true")
    [found] = read(text, warnings=warnings)
    assert (found.name, found.optional) == ("t", True)
    assert len(warnings) == 1
    assert "the setting 'redisHost' is missing" in warnings[0]
