"""Component files: what they mean, and what is said of what is wrong, with file and line."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from etagere.components import Surroundings, load
from etagere.errors import ConfigurationError
from tests.serving.component_files import HERE, component, one, read, refusal, setting
from tests.serving.support import StoreClient, serving

# --- from settings to a URL ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "settings", "url"),
    [
        ("state.in-memory", {}, "memory://"),
        ("state.In-Memory", {}, "memory://"),
        ("state.sqlite", {"connectionString": "data.db"}, "sqlite:///data.db"),
        ("state.sqlite", {"CONNECTIONSTRING": "/var/a b#.db"}, "sqlite:////var/a%20b%23.db"),
        ("state.sqlite3", {"url": "data.db"}, "sqlite:///data.db"),
        ("state.sqlite", {"connectionString": "file:data.db"}, "sqlite:///data.db"),
        ("state.sqlite", {"connectionString": "file:///abs/d.db"}, "sqlite:////abs/d.db"),
        ("state.sqlite", {"connectionString": ":memory:"}, "sqlite://"),
        ("state.sqlite", {"connectionString": "file::memory:?cache=shared"}, "sqlite://"),
        ("state.sqlite", {"url": "sqlite:///x.db?readers=3"}, "sqlite:///x.db?readers=3"),
        (
            "state.sqlite",
            {"connectionString": "d.db", "tableName": "t", "busyTimeout": "1m30s", "readers": "4"},
            "sqlite:///d.db?table=t&busy_timeout=90&readers=4",
        ),
        ("state.redis", {"redisHost": "localhost:6379"}, "redis://localhost:6379/0"),
        ("state.redis", {"redisHost": "h", "redisPort": "7"}, "redis://h:7/0"),
        (
            "state.redis",
            {"redisHost": "h:1", "redisPassword": "p@ss/w", "redisDB": "3", "enableTLS": "true"},
            "rediss://:p%40ss%2Fw@h:1/3",
        ),
        (
            "state.redis",
            {"redisHost": "h:1", "redisUsername": "me", "redisPassword": "x"},
            "redis://me:x@h:1/0",
        ),
        (
            "state.redis",
            {
                "redisHost": "a:1,b:2",
                "failover": "true",
                "sentinelMasterName": "main",
                "sentinelPassword": "s",
                "redisDB": "1",
            },
            "redis+sentinel://a:1,b:2/main/1?sentinel_password=s",
        ),
        (
            "state.redis",
            {"redisHost": "a:1,b:2", "redisType": "cluster"},
            "redis+cluster://a:1,b:2",
        ),
        (
            "state.redis",
            {"redisHost": "h", "enableTLS": "yes", "insecureSkipTLSVerify": "1"},
            "rediss://h/0?tls_verify=no",
        ),
        (
            "state.redis",
            {"redisHost": "h", "dialTimeout": "5s", "readTimeout": "250", "acks": "0"},
            "redis://h/0?connect_timeout=5&reply_timeout=0.25&acks=0",
        ),
        ("state.redis", {"url": "redis://h/1", "reads": "replica"}, "redis://h/1?reads=replica"),
        (
            "state.postgresql",
            {"connectionString": "host=h user=me password='a b' port=5 database=d"},
            "postgres://?host=h&user=me&password=a+b&port=5&dbname=d",
        ),
        (
            "state.postgres",
            {"connectionString": "postgres://me@h/d?sslmode=disable", "tableName": "t"},
            "postgres://me@h/d?sslmode=disable&table=t",
        ),
        (
            "state.postgresql",
            {"host": "h", "port": "5", "user": "u", "password": "p", "database": "d"},
            "postgres://?host=h&port=5&user=u&password=p&dbname=d",
        ),
        (
            "state.postgresql",
            {"url": "postgresql://h/d", "schema": "s", "acks": "1", "tablePrefix": ""},
            "postgresql://h/d?schema=s&acks=1",
        ),
        (
            "state.postgresql",
            {"connectionString": "postgres://h/d", "tablePrefix": "x_"},
            "postgres://h/d?table=x_state",
        ),
    ],
)
def test_the_url_of_settings(kind: str, settings: dict[str, str], url: str) -> None:
    warnings: list[str] = []
    [found] = read(component(kind, setting(**settings)), warnings=warnings)
    assert (found.url, found.type) == (url, kind.lower())
    assert [line for line in warnings if "tablePrefix" not in line] == []


def test_what_goes_with_a_store() -> None:
    found = one(
        component("state.redis", setting(redisHost="h", ttlInSeconds="600", timeout="1500ms"))
    )
    assert (found.default_ttl, found.timeout, found.version) == (600, 1.5, "v1")
    assert one(component("state.in-memory", setting(ttlInSeconds="0"))).default_ttl is None
    found = one(component("state.postgresql", setting(host="h"), spec="version: v2"))
    assert found.version == "v2"
    assert one(component("state.postgresql", setting(host="h"), spec="initTimeout: 1m")).url


def test_values_of_any_kind() -> None:
    text = component(
        "state.redis",
        """
        - name: redisHost
          value: h
        - name: redisDB
          value: 3
        - name: enableTLS
          value: true
        - name: redisPassword
          value:
        """,
    )
    assert one(text).url == "rediss://h/3"


# --- key prefixes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "app_id", "namespace", "prefix"),
    [
        (None, "", "", None),
        (None, "app", "", "app"),
        ("appid", "app", "ns", "app"),
        ("AppID", "app", "", "app"),
        ("name", "app", "", "Store"),
        ("name", "", "", "Store"),
        ("namespace", "app", "ns", "ns.app"),
        ("namespace", "app", "", "app"),
        ("none", "app", "ns", None),
        ("Shared", "app", "", "shared"),
        ("{appID}-x", "app", "", "app-x"),
    ],
)
def test_key_prefixes(
    strategy: str | None, app_id: str, namespace: str, prefix: str | None
) -> None:
    given = setting(keyPrefix=strategy) if strategy else ""
    text = component("state.in-memory", given, name="Store")
    around = Surroundings(app_id=app_id, environment={"NAMESPACE": namespace})
    assert one(text, around).namespace == prefix


def test_a_key_prefix_without_its_separator() -> None:
    text = component("state.in-memory", setting(KeyPrefix="a||b"))
    assert refusal(text).startswith("store.yaml:9: the setting 'KeyPrefix' is wrong: ")


# --- which components ---------------------------------------------------------------------------


def test_several_documents_in_one_file() -> None:
    text = "---\n".join(component("state.in-memory", name=name) for name in "abc")
    assert [each.name for each in read(text)] == ["a", "b", "c"]


def test_a_folder(tmp_path: Path) -> None:
    for name, content in {
        "b.yaml": component("state.in-memory", name="b"),
        "a.yml": component("state.in-memory", name="a"),
        "c.txt": "not: [yaml",
        "d.yaml": "",
    }.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "folder").mkdir()
    assert [each.name for each in load(tmp_path, HERE)] == ["a", "b"]


def test_two_components_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(component("state.in-memory"))
    (tmp_path / "b.yaml").write_text("# second\n" + component("state.sqlite", setting(url="x")))
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, HERE)
    assert str(caught.value) == (
        f"{tmp_path}/b.yaml:2: there is another component 's', at {tmp_path}/a.yaml:1"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (component("pubsub.redis"), "'pubsub.redis' is not a state store"),
        ("kind: Configuration\n", "not of 'kind: Component'"),
        ("spec: {}\n", "not of 'kind: Component'"),
        (component("state.in-memory", top="scopes: [a, b]"), "it is for the apps a, b"),
        (
            component("state.in-memory").replace("name: s", "name: s\n  namespace: other"),
            "it is for the namespace 'other'",
        ),
    ],
)
def test_what_is_passed_over(text: str, said: str) -> None:
    warnings: list[str] = []
    assert read(text, warnings=warnings) == []
    assert len(warnings) == 1
    assert said in warnings[0]
    assert warnings[0].startswith("store.yaml:")


def test_what_is_meant_for_us() -> None:
    around = Surroundings(app_id="b", environment={"NAMESPACE": "prod"})
    text = component("state.in-memory", top="scopes:\n- a\n- b\n")
    assert read(text, around)
    assert read(component("state.in-memory", top="scopes:\n"))
    text = component("state.in-memory")
    assert read(text.replace("name: s", "name: s\n  namespace: prod"), around)
    assert read(text.replace("name: s", "name: s\n  namespace: default"))


# --- secrets and templates ----------------------------------------------------------------------


def test_secrets_come_from_the_environment() -> None:
    for reference in (
        "secretKeyRef:\n    name: PASSWORD",
        "secretKeyRef:\n    name: redis\n    key: PASSWORD",
        "envRef: PASSWORD",
    ):
        given = setting(redisHost="h") + f"- name: redisPassword\n  {reference}\n"
        assert one(component("state.redis", given)).url == "redis://:p%40ss@h/0"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (
            "secretKeyRef: {name: GONE}",
            "store.yaml:10: the secret 'GONE' is not in the environment",
        ),
        ("secretKeyRef: {key: GONE}", "a secretKeyRef needs a name"),
        ("secretKeyRef: GONE", "store.yaml:10: expected a mapping"),
        ("envRef: GONE", "store.yaml:10: the environment variable 'GONE' is not set"),
        ("envRef: DAPR_API_TOKEN", "may not be used here"),
        ("envRef: A B", "may not be used here"),
    ],
)
def test_secrets_that_are_not_there(reference: str, said: str) -> None:
    text = component("state.redis", f"- name: redisPassword\n  {reference}\n")
    assert said in refusal(text)


def test_templates() -> None:
    around = Surroundings(app_id="app", environment={"NAMESPACE": "ns", "POD_NAME": "pod-1"})
    given = setting(connectionString="{namespace}-{appID}-{podName}-{other}.db")
    found = one(component("state.sqlite", given), around)
    assert found.url == "sqlite:///ns.app-app-pod-1-%7Bother%7D.db"
    text = component("state.sqlite", setting(connectionString="{uuid}{uuid}"))
    name = one(text).url.removeprefix("sqlite:///")
    assert (len(name), name[:36] != name[36:]) == (72, True)


# --- what has no effect -------------------------------------------------------------------------


def test_settings_without_effect_are_named() -> None:
    warnings: list[str] = []
    given = setting(redisHost="h", poolSize=10, redisHots="x", actorStateStore="true")
    read(component("state.redis", given), warnings=warnings)
    assert warnings == [
        "store.yaml:11: the setting 'poolSize' has no effect (store 's')",
        "store.yaml:13: the setting 'redisHots' has no effect (store 's')",
    ]


def test_parts_of_connection_strings_without_effect_are_named() -> None:
    warnings: list[str] = []
    given = setting(connectionString="file:d.db?_txlock=immediate&cache=shared")
    [found] = read(component("state.sqlite", given), warnings=warnings)
    assert found.url == "sqlite:///d.db"
    given = setting(connectionString="postgres://h/d?pool_max_conns=5&sslmode=disable")
    [found] = read(component("state.postgresql", given), warnings=warnings)
    assert found.url == "postgres://h/d?sslmode=disable"
    assert [warning.partition(" of ")[0] for warning in warnings] == [
        "store.yaml:9: '_txlock=immediate&cache=shared'",
        "store.yaml:9: 'pool_max_conns'",
    ]


def test_a_server_starts_without_what_is_optional(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = setting(url="/nowhere/s.db")
    (tmp_path / "a.yaml").write_text(component("state.in-memory", name="a"))
    (tmp_path / "b.yaml").write_text(component("state.sqlite", given, "b", "ignoreErrors: true"))
    with serving(components=tmp_path) as call:
        assert [each["name"] for each in call("GET", "/v1.0/metadata").json["components"]] == ["a"]
    assert "store b is left out" in caplog.text
    (tmp_path / "b.yaml").write_text(component("state.sqlite", given, "b"))
    with pytest.raises(ConfigurationError, match="/nowhere/s"), serving(components=tmp_path):
        pass


def test_the_component_of_the_document() -> None:
    document = Path(__file__).parents[2] / "docs" / "dapr.md"
    [text] = re.findall(r"```yaml\n(.*?)```", document.read_text(), re.DOTALL)
    around = Surroundings(environment={"REDIS_PASSWORD": "secret"})
    assert one(text, around).url == "redis://:secret@localhost:6379/0?acks=0"


# --- a server of component files ----------------------------------------------------------------


def test_swapping_the_store_is_swapping_the_file(
    tmp_path: Path, redis_url: str, postgres_url: str
) -> None:
    kinds = {
        "state.in-memory": {},
        "state.sqlite": {"connectionString": f"{tmp_path}/s.db", "busyTimeout": "2s"},
        "state.redis": {"redisHost": urlsplit(redis_url).netloc, "redisDB": "1", "acks": "0"},
        "state.postgresql": {"connectionString": postgres_url, "tableName": "my_state"},
    }
    for kind, settings in kinds.items():
        text = component(kind, setting(**settings), name="store")
        (tmp_path / "store.yaml").write_text(text)
        with serving(components=tmp_path, app_id="app") as call:
            store = StoreClient(call, "store")
            etag = store.save({"key": "a", "value": kind, "etag": ""}).etag
            strong = {"key": "a", "value": 2, "etag": etag, "options": {"consistency": "strong"}}
            assert store.save(strong).status == 204
            refused = store.transact(("upsert", {"key": "b"}), ("upsert", strong))
            assert refused.error == (409, "ERR_STATE_TRANSACTION")
            assert refused.info()["actual"] == store.get("a", "?consistency=strong").etag
            assert store.keys() == ["a"]
            [described] = call("GET", "/v1.0/metadata").json["components"]
            assert described["type"] == kind


def test_a_time_to_live_by_default(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(component("state.in-memory", setting(ttlInSeconds="100")))
    with serving(components=tmp_path) as call:
        store = StoreClient(call, "s")
        store.save({"key": "a"}, {"key": "b", "metadata": {"ttlInSeconds": "-1"}})
        assert "metadata.ttlexpiretime" in store.get("a").headers
        assert "metadata.ttlexpiretime" not in store.get("b").headers


def test_stores_by_url_and_by_file_together(tmp_path: Path) -> None:
    (tmp_path / "store.yaml").write_text(component("state.in-memory", name="a"))
    with serving("b=memory://", components=tmp_path) as call:
        names = [each["name"] for each in call("GET", "/v1.0/metadata").json["components"]]
        assert sorted(names) == ["a", "b"]
    with (
        pytest.raises(ConfigurationError, match="more than one store is named 'a'"),
        serving("a=memory://", components=tmp_path),
    ):
        pass
