"""Streams of random numbers."""

from __future__ import annotations

from etagere_sim.kernel.streams import stream


def test_a_stream_is_the_same_everywhere():
    # Numbers of a first run: another version of Python must give them too.
    random = stream(7, "workload")
    assert [random.randrange(1000) for _ in range(3)] == [269, 442, 28]
    assert stream(7, "a", "b").random() == 0.3739866327308017
    assert stream(-7, "a", "b").random() == 0.34502229092320724


def test_streams_differ_by_seed_and_by_each_name():
    seeds = {
        stream(seed, *names).random() for seed in (1, 2) for names in (("a",), ("b",), ("ab",))
    }
    assert len(seeds) == 6
    assert stream(1, "a", "bc").random() != stream(1, "ab", "c").random()


def test_what_one_is_asked_changes_nothing_in_another():
    one, other = stream(1, "one"), stream(1, "other")
    expected = [stream(1, "other").random()]
    one.random()
    assert [other.random()] == expected
