from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest

from etagere.histories.formats.edn import EdnError, Keyword, Map, Symbol, read_edn


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("nil", None),
        ("true", True),
        ("-7", -7),
        ("+7N", 7),
        ("1.5e3", 1500.0),
        ("2.50M", 2.5),
        ("1/3", Fraction(1, 3)),
        ("##Inf", math.inf),
        (":a/b-c?", Keyword("a/b-c?")),
        ("->x", Symbol("->x")),
        ("-", Symbol("-")),
        ("\\a", "a"),
        ("\\newline", "\n"),
        ("\\;", ";"),
        (
            '"a \\"quoted\\" \\u00e9 \\\\ line\\nbreak; [no] comment"',
            'a "quoted" é \\ line\nbreak; [no] comment',
        ),
        ('"two\nlines"', "two\nlines"),
        ("[1 (2 3) []]", (1, (2, 3), ())),
        ("[1,2,,3]", (1, 2, 3)),
        ("#{1 [2 3]}", frozenset({1, (2, 3)})),
        ("{:a 1, :b {:c 2}}", {Keyword("a"): 1, Keyword("b"): frozenset({(Keyword("c"), 2)})}),
        ('#inst "2020-01-01"', "2020-01-01"),
        ("#jepsen.history.Op{:a 1}", {Keyword("a"): 1}),
        ("[1 #_ 2 3]", (1, 3)),
        ("[#_ #_ 1 2 3]", (3,)),
        ("#_ {:a [1 2]} 5", 5),
        ("[1 ; ] not the end\n2]", (1, 2)),
    ],
)
def test_a_value(text: str, value: Any) -> None:
    assert list(read_edn(f" {text} ; and a comment")) == [value]


def test_values_one_after_the_other() -> None:
    assert list(read_edn("1 [2]\n{:a 3}\n\n4")) == [1, (2,), {Keyword("a"): 3}, 4]
    assert list(read_edn("  ; nothing\n")) == []


def test_only_maps_on_the_outside_are_maps() -> None:
    alone, (inside,) = read_edn("{:a {}} [{:b {}}]")
    assert (type(alone), alone.offset) == (Map, 0)
    assert (type(inside), inside.offset) == (Map, 9)
    assert hash(alone[Keyword("a")]) == hash(inside[Keyword("b")])


def test_deep_nesting_is_no_deep_recursion() -> None:
    [value] = read_edn("[" * 5000 + "]" * 5000)
    assert len(value) == 1


def test_blanks_before_what_is_wrong_cost_no_time() -> None:
    with pytest.raises(EdnError, match="does not end"):
        list(read_edn(" " * 100_000 + '"'))


@pytest.mark.parametrize(
    ("text", "problem", "offset"),
    [
        ("[1 2", "'[' is never closed", 0),
        ("{:a [1}", "'}' closes nothing", 6),
        ("]", "closes nothing", 0),
        ("[1 {:a}]", "a key without a value", 3),
        ('["abc]', "does not end", 1),
        ('["a" "abc]', "does not end", 5),
        ('["\\q"]', "which means nothing", 1),
        ("12ab", "neither a number nor a name", 0),
        ("#?(:clj 1)", "neither a number nor a name", 0),
    ],
)
def test_what_is_wrong_and_where(text: str, problem: str, offset: int) -> None:
    with pytest.raises(EdnError) as raised:
        list(read_edn(text))
    assert problem in raised.value.problem
    assert raised.value.offset == offset
