"""Component files to components."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

from etagere.components.component import Component, Surroundings
from etagere.components.dialects import DIALECTS, Dialect, url_of
from etagere.components.documents import Node, documents
from etagere.components.properties import TRUE, Properties, properties_of
from etagere.contract import PREFIX_SEPARATOR
from etagere.errors import ConfigurationError
from etagere.opening import backend_type, scheme_of

log = logging.getLogger("etagere.components")

Warn = Callable[[str], None]

ENCRYPTION = ("primaryEncryptionKey", "secondaryEncryptionKey")


def load(folder: Path, surroundings: Surroundings) -> list[Component]:
    """Read every `.yaml` and `.yml` file in a folder; warnings go to the log.

    Raises `ConfigurationError`, with file and line, for what is wrong.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"there is no folder {str(folder)!r} to read components from")
    files = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))
    return parse([(_text_of(path), str(path)) for path in files], surroundings)


def parse(
    files: Iterable[tuple[str, str]], surroundings: Surroundings, warn: Warn = log.warning
) -> list[Component]:
    """Return the state stores that component files define: pairs of their text and their name.

    Components of other kinds, other applications' and other namespaces' are passed over.
    Warnings say what has no effect. Raises `ConfigurationError` for what is wrong, with file and
    line.
    """
    found: dict[str, Component] = {}
    places: dict[str, str] = {}
    for text, source in files:
        for document in documents(text, source):
            if not _is_ours(document, surroundings, warn):
                continue
            component = _component_or_none(document, surroundings, warn)
            if component is None:
                continue
            if component.name in found:
                raise document.wrong(
                    f"there is another component {component.name!r}, at {places[component.name]}"
                )
            found[component.name], places[component.name] = component, document.place
    return list(found.values())


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}:1: cannot be read: {error}") from error


def _is_ours(document: Node, surroundings: Surroundings, warn: Warn) -> bool:
    kind = document.field("kind")
    if kind is None or kind.text() != "Component":
        warn(f"{document.place}: passed over, since it is not of 'kind: Component'")
        return False
    if not _type_of(document).startswith("state."):
        warn(f"{document.place}: passed over, since {_type_of(document)!r} is not a state store")
        return False
    metadata = document.field("metadata")
    namespace = metadata.field("namespace") if metadata else None
    here = surroundings.namespace or "default"
    if namespace is not None and namespace.text() != here:
        warn(f"{namespace.place}: passed over, since it is for the namespace {namespace.text()!r}")
        return False
    scopes = [scope.text() for scope in _items(document, "scopes")]
    if scopes and surroundings.app_id not in scopes:
        warn(f"{document.place}: passed over, since it is for the apps {', '.join(scopes)}")
        return False
    return True


def _component_or_none(document: Node, surroundings: Surroundings, warn: Warn) -> Component | None:
    try:
        return _component(document, surroundings, warn)
    except ConfigurationError as error:
        if not _is_optional(document):
            raise
        warn(f"{error}; passed over, since it has 'ignoreErrors: true'")
        return None


def _component(document: Node, surroundings: Surroundings, warn: Warn) -> Component:
    name, kind = _name_of(document), _type_of(document)
    properties = properties_of(document, surroundings)
    dialect = DIALECTS.get(kind) or _foreign(kind, properties, document)
    version = _version_of(document, kind, dialect)
    prefix = _prefix(name, properties, surroundings)
    for key in ENCRYPTION:
        if properties.given(key):
            raise properties.wrong(key, "values cannot be encrypted yet, and shall not be in clear")
    properties.text("actorStateStore")
    component = Component(
        name=name,
        type=kind,
        version=version,
        optional=_is_optional(document),
        namespace=prefix,
        default_ttl=properties.integer("ttlInSeconds") or None,
        timeout=properties.seconds("timeout", "timeoutInSeconds"),
        url=_checked(url_of(dialect, properties), properties),
    )
    for note in properties.notes():
        warn(f"{note} (store {name!r})")
    return component


def _checked(url: str, properties: Properties) -> str:
    """Refuse now, with file and line, what opening the store would refuse."""
    try:
        backend_type(scheme_of(url)).from_url(url)
    except ConfigurationError as error:
        raise properties.blame(error) from error
    return url


def _foreign(kind: str, properties: Properties, document: Node) -> Dialect:
    """Return how to read a component of a type that is not Dapr's: by its setting `url` alone."""
    scheme = urlsplit(properties.peek("url")).scheme.lower()
    if not scheme:
        known = ", ".join(sorted(DIALECTS))
        raise document.fields()["spec"].wrong(
            f"there is no store of the type {kind!r}; there are {known},"
            " and any other backend that is installed, with a setting 'url'"
        )
    return Dialect(frozenset({scheme}), (), lambda properties: properties.text("url"))


def _name_of(document: Node) -> str:
    metadata = document.field("metadata")
    name = metadata.field("name") if metadata else None
    if name is None:
        raise document.wrong("a component needs a name, as in 'metadata: {name: statestore}'")
    return name.text()


def _type_of(document: Node) -> str:
    spec = document.field("spec")
    kind = spec.field("type") if spec else None
    if kind is None:
        raise document.wrong("a component needs a type, as in 'spec: {type: state.sqlite}'")
    return kind.text().lower()


def _version_of(document: Node, kind: str, dialect: Dialect) -> str:
    node = document.fields()["spec"].field("version")
    version = node.text().lower() if node else ""
    if node and version not in dialect.versions:
        versions = " or ".join(sorted(dialect.versions - {""}))
        raise node.wrong(f"there is no version {version!r} of {kind}; it is {versions}")
    return version or "v1"


def _is_optional(document: Node) -> bool:
    node = document.fields()["spec"].field("ignoreErrors")
    return node is not None and node.text().lower() in TRUE


def _prefix(name: str, properties: Properties, surroundings: Surroundings) -> str | None:
    """Return the namespace of the keys, by Dapr's strategies of key prefixes."""
    strategy = properties.text("keyPrefix", default="appid").lower()
    app_id, namespace = surroundings.app_id, surroundings.namespace
    if PREFIX_SEPARATOR in strategy:
        raise properties.wrong("keyPrefix", "it must not contain '||'")
    if strategy == "namespace" and namespace and app_id:
        return f"{namespace}.{app_id}"
    prefixes = {"none": "", "name": name, "appid": app_id, "namespace": app_id}
    return prefixes.get(strategy, strategy) or None


def _items(document: Node, name: str) -> list[Node]:
    node = document.field(name)
    return node.items() if node else []
