"""A reader of EDN, the notation of Clojure's data, in which Jepsen keeps its histories.

Vectors and lists become tuples, sets frozensets, keywords `Keyword`s and other symbols `Symbol`s.
Maps become frozensets of their items, so that every value can be compared and hashed; but those on
the outside, alone or in one vector, are `Map`s. A tagged value is read as if it had no tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Final, TypeAlias, TypeGuard, final

from msgspec import Struct

Value: TypeAlias = Any
"""What can be written in EDN; hashable, unless it is a `Map` or holds one."""


@final
class Keyword(Struct, frozen=True):
    """A name that stands for itself, without its colon."""

    name: str

    def __str__(self) -> str:
        return f":{self.name}"


@final
class Symbol(Struct, frozen=True):
    """A name that stands for something else."""

    name: str

    def __str__(self) -> str:
        return self.name


@final
class Map(dict[Value, Value]):
    """A map, and the offset at which it begins."""

    offset = 0


class EdnError(ValueError):
    """Raised when a text is not EDN."""

    def __init__(self, problem: str, offset: int) -> None:
        self.problem, self.offset = problem, offset
        super().__init__(problem, offset)


def read_edn(text: str) -> Iterator[Value]:
    """Yield the values of a text, one after the other."""
    reader = _Reader(text)
    while (value := reader.next_value()) is not END:
        yield value


def is_vector(value: object) -> TypeGuard[tuple[Value, ...]]:
    """Tell whether a value is a vector or a list."""
    return isinstance(value, tuple)


END: Final = Symbol("")

TOKEN: Final = re.compile(
    r"""
    (?: [\s,]++ | ;[^\n]*+ )*+
    (?: (?P<opening> \#\{ | [\[({] )
      | (?P<closing> [\])}] )
      | (?P<string> "(?:[^"\\]|\\.)*+" )
      | (?P<discard> \#_ )
      | (?P<tag> \#[^\W\d_][^\s,;"\[\](){}]* )
      | (?P<atom> \\.[^\s,;"\[\](){}]* | [^\s,;"\[\](){}\\]+ )
      | (?P<end> \Z )
    )
    """,
    re.VERBOSE | re.DOTALL,
)


class _Open(Struct):
    """A collection whose end has not come yet."""

    bracket: str
    offset: int
    members: list[Value]
    discards: int = 0


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._offset = 0
        self._atoms: dict[str, Value] = {}

    def next_value(self) -> Value:
        """Return the next value, `END` after the last."""
        outside = _Open("", self._offset, [])
        open_ones = [outside]
        while not outside.members:
            kind, token, offset = self._next_token()
            innermost = open_ones[-1]
            if kind == "opening":
                open_ones.append(_Open(token, offset, []))
            elif kind == "discard":
                innermost.discards += 1
            elif kind == "closing":
                open_ones.pop()
                value = _closed(innermost, token, offset, _are_outside(open_ones))
                _add(open_ones[-1], value)
            elif kind == "end":
                if innermost is not outside:
                    raise EdnError(f"{innermost.bracket!r} is never closed", innermost.offset)
                return END
            elif kind != "tag":
                _add(innermost, self._value(kind, token, offset))
        return outside.members[0]

    def _next_token(self) -> tuple[str, str, int]:
        match = TOKEN.match(self._text, self._offset)
        if match is None:
            # Only a quotation mark or a backslash can begin what is no token.
            wrong = re.compile(r'["\\]').search(self._text, self._offset)
            raise EdnError("a string or character does not end", wrong.start() if wrong else 0)
        self._offset = match.end()
        kind = match.lastgroup or "end"
        return kind, match[kind], match.start(kind)

    def _value(self, kind: str, token: str, offset: int) -> Value:
        if kind == "string":
            return _string(token[1:-1], offset) if "\\" in token else token[1:-1]
        if token not in self._atoms:
            self._atoms[token] = _atom(token, offset)
        return self._atoms[token]


def _add(collection: _Open, value: Value) -> None:
    if collection.discards:
        collection.discards -= 1
    else:
        collection.members.append(value)


def _are_outside(open_ones: list[_Open]) -> bool:
    """Tell whether what stands here is alone, or in one vector or list."""
    return [each.bracket for each in open_ones] in ([""], ["", "["], ["", "("])


def _closed(collection: _Open, token: str, offset: int, outside: bool) -> Value:
    if CLOSING.get(collection.bracket) != token:
        raise EdnError(f"{token!r} closes nothing, or not what is open", offset)
    members = collection.members
    if collection.bracket == "#{":
        return frozenset(members)
    if collection.bracket != "{":
        return tuple(members)
    if len(members) % 2:
        raise EdnError("this map has a key without a value", collection.offset)
    items = zip(members[::2], members[1::2], strict=True)
    if not outside:
        return frozenset(items)
    value = Map(items)
    value.offset = collection.offset
    return value


CLOSING: Final = {"[": "]", "(": ")", "{": "}", "#{": "}"}


def _atom(token: str, offset: int) -> Value:
    if token in CONSTANTS:
        return CONSTANTS[token]
    if token[0] == ":":
        return Keyword(token[1:])
    if token[0] == "\\":
        return CHARACTERS.get(token[1:], token[1:])
    for pattern, number in NUMBERS:
        if pattern.fullmatch(token):
            return number(token)
    if token[0].isdigit() or token[0] == "#":
        raise EdnError(f"{token!r} is neither a number nor a name", offset)
    return Symbol(token)


CONSTANTS: Final[dict[str, Value]] = {
    "nil": None,
    "true": True,
    "false": False,
    "##NaN": float("nan"),
    "##Inf": float("inf"),
    "##-Inf": float("-inf"),
}
CHARACTERS: Final = {"newline": "\n", "return": "\r", "space": " ", "tab": "\t"}
NUMBERS: Final[list[tuple[re.Pattern[str], Callable[[str], Value]]]] = [
    (re.compile(r"[+-]?\d+N?"), lambda token: int(token.rstrip("N"))),
    (re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?M?"), lambda token: float(token.rstrip("M"))),
    (re.compile(r"[+-]?\d+/\d+"), Fraction),
]


def _string(inside: str, offset: int) -> str:
    def unescaped(match: re.Match[str]) -> str:
        if match["code"]:
            return chr(int(match["code"], 16))
        if match["letter"] not in ESCAPES:
            raise EdnError(f"the string has {match[0]!r}, which means nothing", offset)
        return ESCAPES[match["letter"]]

    return ESCAPE.sub(unescaped, inside)


ESCAPE: Final = re.compile(r"\\(?:u(?P<code>[0-9a-fA-F]{4})|(?P<letter>.))", re.DOTALL)
ESCAPES: Final = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "b": "\b",
    "f": "\f",
    '"': '"',
    "\\": "\\",
    "'": "'",
}
