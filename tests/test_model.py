"""Ids and transition tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.errors import NotFound
from smsgwd.model import (
    MESSAGE_TRANSITIONS,
    SUBMISSION_TRANSITIONS,
    TERMINAL,
    MessageState,
    SubmissionState,
    public_id,
    row_id,
)

ROWS = st.integers(0, 2**63 - 1)


@given(ROWS)
def test_ids_round_trip(row):
    """A public id and its row are one to one."""
    assert row_id("msg", public_id("msg", row)) == row


@given(ROWS, ROWS)
def test_ids_sort_like_rows(a, b):
    """Public ids sort as their rows do, so that lists by id are lists by time."""
    assert (public_id("msg", a) < public_id("msg", b)) == (a < b)


@pytest.mark.parametrize("bad", ["", "msg", "msg_", "cnv_0000000000001", "msg_000000000000", "msg_00000000000001",
                                 "msg_000000000000u", "msg_zzzzzzzzzzzzz", "msg_0000000000É01", "1; drop table"])  # fmt: skip
def test_bad_ids_are_not_found(bad):
    """Anything that is no id of the kind is simply not there."""
    with pytest.raises(NotFound):
        row_id("msg", bad)


def test_terminal_states_have_no_way_out():
    """A state without a row in the table is terminal, and the list of terminal states says the same."""
    assert {s for s in MessageState if s not in MESSAGE_TRANSITIONS} == TERMINAL
    assert {s for s in SubmissionState if s not in SUBMISSION_TRANSITIONS} == {"accepted", "refused"}


def test_every_outbound_state_is_reachable():
    """From queued or held every outbound state can be reached."""
    seen, todo = set(), {MessageState.QUEUED}
    while todo:
        state = todo.pop()
        seen.add(state)
        todo |= MESSAGE_TRANSITIONS.get(state, frozenset()) - seen
    assert seen == set(MessageState) - {MessageState.RECEIVED, MessageState.PARTIAL}
