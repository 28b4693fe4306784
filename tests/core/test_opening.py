"""From a URL to a store, over entry points that are really installed, in a test's directory."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import etagere
from etagere import ConfigurationError, NotSupported, Store
from etagere.layers import Layer
from etagere.memory import MemoryBackend
from etagere.opening import backend_type, schemes
from tests.listing import listed

Install = Callable[..., None]

THIRD_PARTY = """
from etagere.memory import MemoryBackend

class AcmeBackend(MemoryBackend):
    @classmethod
    def from_url(cls, url):
        backend = cls()
        backend.url = url
        return backend
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that installs a distribution with entry points and a module."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(name: str, entry_points: dict[str, str], module: str = "", code: str = "") -> None:
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"{scheme} = {target}" for scheme, target in entry_points.items()]
        (info / "entry_points.txt").write_text("[etagere.backends]\n" + "\n".join(lines))
        if module:
            (tmp_path / f"{module}.py").write_text(code)
            monkeypatch.delitem(sys.modules, module, raising=False)

    return install


def test_first_party_schemes() -> None:
    ours = {
        "memory",
        "sqlite",
        "redis",
        "rediss",
        "redis+sentinel",
        "rediss+sentinel",
        "redis+cluster",
        "rediss+cluster",
        "postgres",
        "postgresql",
    }
    assert ours <= set(schemes())
    assert backend_type("memory") is MemoryBackend


@pytest.mark.anyio
@pytest.mark.usefixtures("any_loop")
class TestOpening:
    async def test_memory(self) -> None:
        async with etagere.open("memory://") as store:
            etag = await store.set("k", b"v")
            assert await store.get("k") == etagere.Item("k", b"v", etag)

    async def test_a_third_party_backend_is_on_the_same_footing(self, install: Install) -> None:
        target = "acme_shelf:AcmeBackend"
        install("acme-shelf", {"acme": target, "acme+tls": target}, "acme_shelf", THIRD_PARTY)
        for url in ("acme://host/path?x=1", "ACME://", "acme+tls://a,b"):
            async with etagere.open(url) as store:
                assert type(store._backend).__name__ == "AcmeBackend"
                assert store._backend.url == url  # type: ignore[attr-defined]
                await store.set("k", b"v")

    async def test_layers_are_put_on_from_the_inside_out(self) -> None:
        class Outer(Layer):
            pass

        class Inner(Layer):
            pass

        store = etagere.open("memory://", layers=[Inner, Outer])
        assert isinstance(store._backend, Outer)
        assert isinstance(store._backend.inner, Inner)
        async with store:
            await store.set("k", b"v")
            assert await listed(store) == ["k"]

    async def test_a_namespace_keeps_keys_apart(self) -> None:
        backend = MemoryBackend()
        async with etagere.open("memory://", namespace="app", layers=[lambda _: backend]) as store:
            await store.set("k", b"v")
            assert list(backend._records) == ["app||k"]
            item = await store.get("k")
            assert item is not None
            assert item.key == "k"
            assert await listed(store) == ["k"]

    async def test_require(self) -> None:
        async with etagere.open("memory://", require=["strong", "full-transactions"]):
            pass
        message = "MemoryBackend does not offer strong-across-failover, durable here"
        with pytest.raises(NotSupported, match=message):
            async with etagere.open("memory://", require=["durable", "strong-across-failover"]):
                pass

    async def test_timeout(self) -> None:
        assert etagere.open("memory://", timeout=2.5)._engine.timeout == 2.5


@pytest.mark.parametrize("url", ["", "state.db", "/tmp/state.db", "sqlite:state.db", "://x"])
def test_no_scheme(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a store's URL; write for example sqlite:"):
        etagere.open(url)


def test_an_unknown_scheme_lists_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"for mongo://; there are .*memory, .*sqlite"):
        etagere.open("mongo://host")


@pytest.mark.parametrize("url", ["memory://?size=1", "memory://[::1"])
def test_a_url_that_the_backend_does_not_understand(url: str) -> None:
    with pytest.raises(ConfigurationError):
        etagere.open(url)


@pytest.mark.parametrize("namespace", ["", "a|", "a||b", "||", "nul\0", "\ud800", "x" * 1023])
def test_a_namespace_that_could_not_keep_keys_apart(namespace: str) -> None:
    with pytest.raises(ConfigurationError, match=r"the (namespace|key prefix) '"):
        etagere.open("memory://", namespace=namespace)


def test_two_claimants_are_named(install: Install) -> None:
    install("one-shelf", {"shelf": "one_shelf:Backend"})
    install("other-shelf", {"shelf": "other_shelf:Backend"})
    with pytest.raises(ConfigurationError) as raised:
        etagere.open("shelf://")
    assert str(raised.value) == (
        "shelf:// is claimed by one-shelf (one_shelf:Backend) and other-shelf"
        " (other_shelf:Backend); uninstall all but one"
    )


def test_one_backend_installed_twice_is_one_claimant(install: Install) -> None:
    install("shelf", {"shelf": "acme_shelf2:AcmeBackend"}, "acme_shelf2", THIRD_PARTY)
    install("shelf-editable", {"shelf": "acme_shelf2:AcmeBackend"})
    assert isinstance(etagere.open("shelf://"), Store)


@pytest.mark.parametrize(
    ("extra", "driver"), [("sqlite", "aiosqlite"), ("redis", "hiredis"), ("postgres", "asyncpg")]
)
def test_a_missing_driver_names_the_extra(
    extra: str, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.startswith(f"etagere_{extra}")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(ConfigurationError) as raised:
        etagere.open(f"{extra}://localhost/x")
    assert str(raised.value) == (
        f"the backend for {extra}:// needs the package '{driver}';"
        f" install it with: pip install 'etagere[{extra}]'"
    )


def test_a_missing_driver_of_a_third_party_names_its_distribution(install: Install) -> None:
    code = "import no_such_driver"
    install("torn-shelf", {"torn": "torn_shelf:Backend"}, "torn_shelf", code)
    with pytest.raises(ConfigurationError) as raised:
        etagere.open("torn://")
    assert "the backend for torn:// needs the package 'no_such_driver'" in str(raised.value)
    assert "torn-shelf" in str(raised.value)
    assert "etagere[" not in str(raised.value)


def test_an_entry_point_that_leads_nowhere(install: Install) -> None:
    install("hollow-shelf", {"hollow": "hollow_shelf:Backend"}, "hollow_shelf", "")
    with pytest.raises(ConfigurationError, match=r"hollow-shelf \(hollow_shelf:Backend\)"):
        etagere.open("hollow://")
