"""The parts of Dynamo: settings, versions, the ring, the tree."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etagere.errors import ConfigurationError
from etagere.operations import Consistency, Record
from etagere.urls import Options
from etagere_sim.protocols.dynamo.knobs import Knobs
from etagere_sim.protocols.dynamo.merkle import LEAVES, LEAVES_AT, MerkleTree, children
from etagere_sim.protocols.dynamo.replication import Dynamo
from etagere_sim.protocols.dynamo.ring import Ring
from etagere_sim.protocols.dynamo.versions import (
    EMPTY,
    Cell,
    Merge,
    Version,
    context_of,
    has_seen,
    joined,
    keep_siblings,
    keep_the_last,
)

# --- settings -----------------------------------------------------------------------------------


def knobs_of(query: str) -> Knobs:
    options = Options(f"sim://?{query}")
    knobs = Knobs.from_options(options)
    options.done()
    return knobs


def test_settings_are_read_from_the_url() -> None:
    knobs = knobs_of(
        "n=3&hosts=5&r=2&w=3&versions=vector&repair=sync&hints=on&sloppy=on&sync=0.5&grace=0"
        "&expanding=off&unsafe=1&timeout=2&patience=0.1"
    )

    assert knobs == Knobs(
        n=3,
        hosts=5,
        r=2,
        w=3,
        versions="vector",
        repair="sync",
        hints=True,
        sloppy=True,
        sync=500.0,
        grace=0.0,
        expanding=False,
        unsafe=True,
        timeout=2000.0,
        patience=100.0,
    )
    assert knobs_of("") == Knobs()
    assert knobs_of("n=5") == Knobs(n=5, hosts=5)
    assert knobs_of("sync=off") == Knobs()


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("n=0", "n='0'"),
        ("hosts=2", "hosts='2'"),
        ("r=4", "r=4 asks for more replicas than the 3 that keep a key"),
        ("w=0", "w='0'"),
        ("sloppy=on", "sloppy=on needs hosts to stand in"),
        ("sync=0", "sync='0' must be seconds, more than 0, or off"),
        ("sync=soon", "sync='soon'"),
        ("grace=-1", "grace='-1' must be seconds, 0 or more"),
        ("grace=off", "grace='off'"),
        ("repair=maybe", "repair='maybe'"),
        ("versions=dotted", "versions='dotted'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(query: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match="sim URL") as refused:
        knobs_of(query)
    assert problem in str(refused.value)


def test_strong_is_claimed_only_where_it_is_said_to_be_unsafe() -> None:
    assert not Dynamo(Knobs()).capabilities.strong
    assert Dynamo(Knobs(unsafe=True)).capabilities.strong
    assert Dynamo(Knobs()).capabilities.freshest is Consistency.EVENTUAL


# --- versions -----------------------------------------------------------------------------------


@st.composite
def histories(draw: st.DrawFn) -> list[Version]:
    """Draw versions that writers made, each of them after a look at some of the earlier ones."""
    versions: list[Version] = []
    seen: dict[str, Cell] = {}
    for number in range(1, draw(st.integers(1, 8)) + 1):
        writer = draw(st.sampled_from("abc"))
        looked_at = draw(st.lists(st.sampled_from(versions), max_size=3)) if versions else []
        seen[writer] = seen.get(writer, EMPTY) + tuple(looked_at)
        clock = joined(context_of(seen[writer]), ((writer, number),))
        stamp = (draw(st.integers(0, 3)), writer, number)
        versions.append(Version(stamp, clock, Record(b"", str(number))))
        seen[writer] += (versions[-1],)
    return versions


def merged(merge: Merge, versions: list[Version]) -> Cell:
    cell = EMPTY
    for version in versions:
        cell = merge(cell, (version,))
    return cell


@pytest.mark.parametrize("merge", [keep_the_last, keep_siblings])
@settings(max_examples=30, deadline=None)
@given(data=st.data(), versions=histories())
def test_cells_come_to_the_same_in_whatever_order_versions_come(
    merge: Merge, data: st.DataObject, versions: list[Version]
) -> None:
    other = data.draw(st.permutations(versions))
    cell = merged(merge, versions)

    assert merged(merge, other) == cell
    assert merge(cell, cell) is cell
    split = data.draw(st.integers(0, len(versions)))
    assert merge(merged(merge, other[:split]), merged(merge, other[split:])) == cell


@settings(max_examples=30, deadline=None)
@given(histories())
def test_siblings_are_the_versions_that_no_other_has_seen(versions: list[Version]) -> None:
    cell = merged(keep_siblings, versions)

    assert set(cell) == {
        version for version in versions if not any(has_seen(other, version) for other in versions)
    }
    assert [version.stamp for version in cell] == sorted(
        (version.stamp for version in cell), reverse=True
    )


@settings(max_examples=30, deadline=None)
@given(histories())
def test_the_last_writer_is_the_one_with_the_greatest_stamp(versions: list[Version]) -> None:
    assert merged(keep_the_last, versions) == (max(versions, key=lambda each: each.stamp),)


# --- the ring -----------------------------------------------------------------------------------


def test_every_key_is_kept_by_n_hosts_and_the_others_stand_in() -> None:
    ring = Ring([f"r{number}" for number in range(1, 7)], 3)

    for number in range(200):
        key = f"k{number}"
        assert len(set(ring.replicas_of(key))) == 3
        assert sorted(ring.replicas_of(key) + ring.stand_ins_of(key)) == sorted(ring.hosts)


def test_hosts_have_about_the_same_share_of_the_keys() -> None:
    ring = Ring([f"r{number}" for number in range(1, 7)], 3)
    shares = Counter(host for number in range(1000) for host in ring.replicas_of(f"k{number}"))

    assert min(shares.values()) > 250  # of 500
    assert len(shares) == 6


def test_another_host_takes_only_its_own_share() -> None:
    names = [f"r{number}" for number in range(1, 8)]
    before, after = Ring(names[:-1], 1), Ring(names, 1)

    for number in range(200):
        now = after.replicas_of(f"k{number}")
        assert now in (before.replicas_of(f"k{number}"), ("r7",))


def test_where_every_host_keeps_every_key_nobody_stands_in() -> None:
    ring = Ring(["r1", "r2"], 2)

    assert ring.replicas_of("k") == ("r1", "r2")
    assert ring.stand_ins_of("k") == ()


# --- the tree -----------------------------------------------------------------------------------

KEYS = [f"k{number}" for number in range(20)]


def cells_of(numbers: dict[str, int]) -> dict[str, Cell]:
    return {
        key: (Version((number, "c1.0", 1), (), None),) if number else EMPTY
        for key, number in numbers.items()
    }


def leaves_that_differ(one: MerkleTree, other: MerkleTree) -> tuple[int, ...]:
    """Go down both trees, as two hosts do."""
    nodes: tuple[int, ...] = (0,)
    for level in range(LEAVES_AT + 1):
        nodes = other.differing(level, one.hashes(level, nodes))
        if level < LEAVES_AT:
            nodes = tuple(children(nodes))
    return nodes


contents = st.dictionaries(st.sampled_from(KEYS), st.integers(0, 2))


@settings(max_examples=30, deadline=None)
@given(contents, contents)
def test_two_trees_find_just_the_keys_that_differ(
    one: dict[str, int], other: dict[str, int]
) -> None:
    mine, theirs = MerkleTree(cells_of(one)), MerkleTree(cells_of(other))
    leaves = leaves_that_differ(mine, theirs)
    differing = {key for key in KEYS if one.get(key, 0) != other.get(key, 0)}

    assert differing <= mine.under(leaves).keys() | theirs.under(leaves).keys()
    assert bool(leaves) is bool(differing)
    assert len(leaves) <= len(differing)
    assert all(0 <= leaf < LEAVES for leaf in leaves)


def test_a_tree_is_the_same_in_whatever_order_its_keys_come() -> None:
    numbers = dict.fromkeys(KEYS, 1)
    backwards = dict(reversed(numbers.items()))

    assert MerkleTree(cells_of(numbers)).hashes(0, [0]) == MerkleTree(cells_of(backwards)).hashes(
        0, [0]
    )
