"""HTML and SVG by construction: text is escaped unless it is markup already."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})


class Markup(str):
    """Text that is HTML already, made by `tag` or written down in a program."""

    __slots__ = ()


Content: TypeAlias = str | int | None
Attribute: TypeAlias = str | int | float | bool | None


def tag(name: str, /, *content: Content, **attributes: Attribute) -> Markup:
    """Return an element with its content.

    Content that is not `Markup` is escaped, None is left out. In attribute names `_` stands for `-`
    and one at the end is dropped (`class_`, `data_key`); None and False leave an attribute out.
    """
    opening = name + "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Markup(f"<{opening}>")
    return Markup(f"<{opening}>{join(content)}</{name}>")


def join(content: Iterable[Content]) -> Markup:
    """Return pieces of content as one."""
    return Markup("".join(_html(piece) for piece in content if piece is not None))


def visible(text: str) -> str:
    """Return text with everything that cannot be seen or encoded written as an escape.

    That covers control characters, lone surrogates, and the marks that turn the direction of text.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _html(piece: str | int) -> str:
    return piece if isinstance(piece, Markup) else escape(visible(str(piece)))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{_html(_number(value))}"'


def _number(value: str | float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
