"""What is on a disk, and what would be after a power cut."""

from __future__ import annotations

from random import Random

import pytest

from etagere_sim.world.disks import Corrupt, Disk, DiskFailed


def disk_with(**values):
    """Return a disk on which these values are durable."""
    disk = Disk()
    for name, value in values.items():
        disk.write(name, value)
    disk.sync()
    return disk


def test_a_write_is_read_at_once():
    disk = disk_with(a=1)
    disk.write("a", 2)
    disk.write("b", 3)
    assert (disk.read("a"), disk.read("b"), disk.read("c")) == (2, 3, None)
    assert disk.names() == ["a", "b"]


def test_what_was_not_synced_goes_with_the_power():
    disk = disk_with(a=1)
    disk.write("a", 2)
    disk.write("a", 3)
    disk.write("b", 4)
    assert disk.lose_power() == 2
    assert (disk.read("a"), disk.read("b"), disk.names()) == (1, None, ["a"])
    assert disk.lose_power() == 0


def test_what_was_synced_stays():
    disk = disk_with(a=1, b=2)
    disk.write("a", None)
    disk.sync()
    assert disk.lose_power(torn=Random(1)) == 0
    assert (disk.read("a"), disk.read("b")) == (None, 2)


def test_torn_writes_get_through_one_by_one():
    kept = lost = 0
    for seed in range(40):
        disk = disk_with(a=1)
        disk.write("a", 2)
        disk.write("b", 3)
        lost += disk.lose_power(torn=Random(seed))
        assert disk.read("a") in (1, 2)
        assert disk.read("b") in (None, 3)
        kept += (disk.read("a") == 2) + (disk.read("b") == 3)
    assert kept + lost == 80
    assert 20 < kept < 60


def test_a_failing_disk_refuses_and_keeps_nothing():
    disk = disk_with(a=1)
    disk.write("a", 2)
    disk.failing = "full"
    with pytest.raises(DiskFailed, match="full"):
        disk.write("b", 1)
    with pytest.raises(DiskFailed, match="full"):
        disk.sync()
    disk.lose_power()
    disk.failing = ""
    assert (disk.read("a"), disk.read("b")) == (1, None)


def test_a_broken_value_is_broken_until_it_is_written_again():
    disk = disk_with(a=1)
    assert disk.flip_a_bit(Random(1))
    assert not disk.flip_a_bit(Random(1))  # there is no other
    with pytest.raises(Corrupt, match="a"):
        disk.read("a")
    disk.write("a", 2)
    assert disk.read("a") == 2
    disk.lose_power()
    with pytest.raises(Corrupt, match="a"):
        disk.read("a")
    disk.write("a", 3)
    disk.sync()
    assert disk.read("a") == 3


def test_what_is_not_durable_cannot_be_broken():
    disk = Disk()
    assert not disk.flip_a_bit(Random(1))
    disk.write("a", 1)
    assert not disk.flip_a_bit(Random(1))
