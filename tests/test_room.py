"""Sizes of the configuration, and the line of status and doctor about the store's room."""

import contextlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.cli.base import exit_status
from smsgwd.config.file import parse
from smsgwd.config.keys import parse_size
from smsgwd.daemon import queue_limits
from smsgwd.doctor.daemon import _judge
from smsgwd.errors import ConfigError, RequestRefused, StoreUnavailable
from smsgwd.queue.capacity import SpaceLimits
from smsgwd.queue.space import Space


@pytest.mark.parametrize(
    ("text", "octets"), [("0", 0), ("256K", 262_144), ("64M", 67_108_864), (" 2G ", 2_147_483_648), ("0M", 0)]
)
def test_size(text, octets):
    """A number with its unit; 0 needs none."""
    assert parse_size(text) == octets


@given(st.text(max_size=12))
def test_any_text_is_a_size_or_refused(text):
    """Never another error, never less than nothing."""
    with contextlib.suppress(ValueError):
        assert parse_size(text) >= 0


def test_store_of_the_configuration_reaches_the_queue():
    """[store] is what the queue is bounded by; a wrong size is told with its key."""
    space = queue_limits(parse('[store]\nfree = "1G"\nreserve = "2M"\nlargest = "4G"\nlog = "0"\n')).space
    assert space == SpaceLimits(reserve=2 << 20, free=1 << 30, largest=4 << 30, log=0)
    with pytest.raises(ConfigError, match=r"store\.free: '50' is not a size"):
        parse('[store]\nfree = "50"\n')


@pytest.mark.parametrize("code", ["store-full", "queue-full", "lane-full", "too-busy"])
def test_no_room_is_temporary(code):
    """A script that was refused for want of room is told 75: try again."""
    assert exit_status(RequestRefused(code, "no room")) == exit_status(StoreUnavailable("away")) == 75
    assert exit_status(RequestRefused("empty-text", "no text")) == 1


def test_the_doctor_tells_of_it():
    """A store that refuses texts is an error of the examination, with what to do."""
    status = {"version": "0", "outbox": {"dead": 0}, "queue": [], "store": {"low": "12 KiB of disk are left"}}
    (found,) = [check for check in _judge(status, 1) if check.name == "store"]
    assert (found.level.name, "12 KiB of disk are left" in found.message) == ("ERROR", True)


def test_the_mark_has_two_sides(tmp_path):
    """Once low, a quarter more than the mark must be free before texts are taken again: the answer does not flicker."""
    found = os.statvfs(tmp_path)
    free = found.f_bavail * found.f_frsize
    space = Space(str(tmp_path / "q.db"), SpaceLimits(free=free * 2))
    assert space.look().low
    space.limits = SpaceLimits(free=int(free * 0.9))
    assert "new texts need" in space.look().low
    space.limits = SpaceLimits(free=int(free * 0.5))
    assert space.look().low == ""


def test_the_reserve_is_really_there(tmp_path):
    """Its blocks are allocated, for the owner's eyes alone; given up it has none; new texts never get it."""
    space = Space(str(tmp_path / "q.db"), SpaceLimits(reserve=65_536), expendable=print)
    assert space.look().reserve >= 65_536
    assert (tmp_path / "q.db.reserve").stat().st_mode & 0o777 == 0o600
    assert not space.give_up(len), "nothing said that the disk is full"
    space.hit = True
    assert not space.give_up(print)
    assert space.give_up(len)
    assert (tmp_path / "q.db.reserve").stat().st_blocks == 0
    assert space.look().reserve >= 65_536
