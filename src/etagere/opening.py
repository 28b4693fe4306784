"""From a URL to a store: backends are found by entry point, ours and everybody's alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, cast

from etagere.backend import Backend, Capabilities, Feature
from etagere.contract import PREFIX_SEPARATOR
from etagere.errors import ConfigurationError
from etagere.layers.prefix import KeyPrefix
from etagere.store import DEFAULT_TIMEOUT, Store

GROUP = "etagere.backends"


class BackendType(Protocol):
    """A backend class, as an entry point names it."""

    @property
    def capabilities(self) -> Capabilities:
        """The most that a backend of this kind can do."""
        ...

    def from_url(self, url: str, /) -> Backend:
        """Make a backend; refuse a URL that makes no sense, and touch no network yet."""
        ...


def open(
    url: str,
    *,
    namespace: str | None = None,
    require: Iterable[Feature | str] = (),
    timeout: float = DEFAULT_TIMEOUT,
    layers: Iterable[Callable[[Backend], Backend]] = (),
) -> Store:
    """Return the store behind a URL, to be entered with `async with`.

    The scheme picks the backend: `sqlite:///file.db`, `redis://`, `postgres://`, `memory://`, or
    any other that is installed. A database that is down does not stop the store from opening: its
    calls raise `Unavailable` until it is there; `ping` asks.

    - `namespace`: keep the keys as `namespace||key`, apart from those of others. It must not
      contain `||` or end with `|`.
    - `require`: features without which the store refuses to open, naming them (see `Feature`).
    - `timeout`: seconds within which each call ends, if it does not say otherwise.
    - `layers`: what wraps the backend, innermost first.

    Raises `ConfigurationError` for a URL that leads nowhere; entering raises `NotSupported` where
    something required is missing.
    """
    backend = backend_type(scheme_of(url)).from_url(url)
    for layer in layers:
        backend = layer(backend)
    if namespace is not None:
        backend = KeyPrefix(backend, prefix_of(namespace))
    return Store(backend, timeout=timeout, require=require)


def prefix_of(namespace: str) -> str:
    """Return the key prefix of a namespace, which no other namespace can reach into."""
    prefix = namespace + PREFIX_SEPARATOR
    # "a|" would meet "a" at the key "a|||b", and the keys of "a||b" would be listed in "a".
    if not namespace or prefix.index(PREFIX_SEPARATOR) != len(namespace):
        raise ConfigurationError(
            f"the namespace {namespace!r} must not be empty, contain '||' or end with '|'"
        )
    return prefix


def scheme_of(url: str) -> str:
    """Return the scheme of a URL, or say that there is none."""
    scheme, found, _ = url.partition("://")
    if not found or not scheme:
        raise ConfigurationError(
            f"{url!r} is not a store's URL; write for example sqlite:///state.db"
        )
    return scheme.lower()


def schemes() -> dict[str, list[EntryPoint]]:
    """Return the installed schemes, each with the entry points that offer it."""
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        offers = found.setdefault(point.name, [])
        if all(point.value != other.value for other in offers):
            offers.append(point)
    return dict(sorted(found.items()))


def backend_type(scheme: str) -> BackendType:
    """Return the backend class for a scheme, or say why there is none."""
    offers = schemes().get(scheme, [])
    if not offers:
        known = ", ".join(schemes())
        raise ConfigurationError(f"no backend is installed for {scheme}://; there are {known}")
    if len(offers) > 1:
        rivals = " and ".join(sorted(origin_of(point) for point in offers))
        raise ConfigurationError(f"{scheme}:// is claimed by {rivals}; uninstall all but one")
    try:
        return cast("BackendType", offers[0].load())
    except ImportError as error:
        raise ConfigurationError(
            f"the backend for {scheme}:// needs the package {error.name!r}; {remedy(offers[0])}"
        ) from error
    except AttributeError as error:
        raise ConfigurationError(
            f"the backend for {scheme}:// is not where {origin_of(offers[0])} says: {error}"
        ) from error


def remedy(point: EntryPoint) -> str:
    """Return how to install what a backend needs."""
    module = point.value.partition(":")[0]
    if point.dist is not None and point.dist.name == "etagere":
        return f"install it with: pip install 'etagere[{module.removeprefix('etagere_')}]'"
    return f"see what {origin_of(point)} says it needs"


def origin_of(point: EntryPoint) -> str:
    """Return where a backend comes from, for messages."""
    distribution = point.dist.name if point.dist else "an unknown distribution"
    return f"{distribution} ({point.value})"
