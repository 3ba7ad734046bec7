"""Ids: ordered by time, never back, never twice, and the same on both sides of the door."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.errors import NotFound
from smsgwd.model import MESSAGE, public_id, row_id
from smsgwd.queue import outbound
from smsgwd.queue.ids import Ids, floor_id
from tests.contract.making import NOW, draft
from tests.queue.storing import storing

YEARS = 3650 * 86_400_000


@given(st.lists(st.integers(-(1 << 50), 1 << 50), max_size=50))
def test_ids_never_go_back(clock):
    """Whatever the clock says, each id is larger than the one before and fits in SQLite's integer."""
    ids = Ids()
    given_ = [ids.next(now) for now in clock]
    assert all(a < b for a, b in itertools.pairwise(given_))
    assert all(0 < id_ < 1 << 63 for id_ in given_)


@given(st.integers(0, (1 << 43) - 2))
def test_ids_tell_their_time(now):
    """The first id of a millisecond lies in it."""
    assert floor_id(now) <= Ids(0).next(now) < floor_id(now + 1)


@given(st.integers(0, (1 << 63) - 1), st.integers(0, (1 << 63) - 1))
def test_public_ids_sort_as_rows_do(a, b):
    """The text of an id is 17 characters, comes back as the number, and sorts like it."""
    one, other = public_id(MESSAGE, a), public_id(MESSAGE, b)
    assert (row_id(MESSAGE, one), len(one)) == (a, 17)
    assert (one < other) == (a < b)


@given(st.text(max_size=20))
def test_what_is_no_id(text):
    """Any other text is NotFound, never another error."""
    for id_ in (text, f"msg_{text}"):
        try:
            row = row_id(MESSAGE, id_)
        except NotFound:
            continue
        assert public_id(MESSAGE, row) == id_


@pytest.mark.parametrize("id_", ["msg_zzzzzzzzzzzzz", "MSG_0000000000000", "sub_0000000000000", "msg_000000000000I", ""])
def test_near_misses(id_):
    """Too large a number, another noun, a letter that is no digit."""
    with pytest.raises(NotFound):
        row_id(MESSAGE, id_)


def test_clock_that_was_set_back_between_two_starts(tmp_path):
    """After a start with a clock that is ten years behind, ids go on after the newest one that is stored, so lists and
    the order of sending stay right."""
    seen = []
    for now in (NOW, NOW - YEARS, NOW + 1):
        with storing(tmp_path / "q.db") as store:
            seen += [m.id for m in store.run(outbound.accept, [draft(), draft()], now)]
    assert seen == sorted(set(seen))
