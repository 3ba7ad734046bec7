"""Which deliver_sm is the same one again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import ShortMessage
from smsgwd.smpp.consts import CommandId
from smsgwd.smpp.pdu import Header
from smsgwd.smpp.repeats import CAPACITY, STAMP_TAG, Heard, Repeats

YES, NO = b"yes", b"no"


class Connections:
    """A link with one connection after the other: each break is followed by a new one."""

    def __init__(self, repeats: Repeats) -> None:
        self.repeats, self.heard = repeats, repeats.connection()

    def stamp(self, sequence: int, body: bytes, now: float) -> int:
        return self.heard.stamp(sequence, body, now)

    def broken(self, now: float) -> None:
        self.heard.broken(now)
        self.heard = self.repeats.connection()


@pytest.fixture
def repeats():
    return Connections(Repeats(1_800_000_000_000))


def heard(epoch: int) -> Heard:
    return Repeats(epoch).connection()


def test_the_same_words_twice(repeats):
    """Two texts with the same octets and numbers of their own are two."""
    assert repeats.stamp(1, YES, 0.0) != repeats.stamp(2, YES, 1.0)


def test_the_same_number_again(repeats):
    """Same octets, same number, same connection, within ten minutes: once."""
    first = repeats.stamp(1, YES, 0.0)
    assert repeats.stamp(1, YES, 599.0) == first
    assert repeats.stamp(1, NO, 599.0) != first
    assert repeats.stamp(1, YES, 601.0) != first


def test_again_after_a_break(repeats):
    """What came in the last minute of a broken connection may come again once, whatever its number."""
    first = repeats.stamp(1, YES, 0.0)
    repeats.broken(59.0)
    assert repeats.stamp(7, YES, 60.0) == first
    assert repeats.stamp(8, YES, 61.0) not in (first, None)


@pytest.mark.parametrize(
    ("came", "broke", "again"),
    [pytest.param(0.0, 61.0, 62.0, id="old when it broke"), pytest.param(0.0, 1.0, 602.0, id="ten minutes after the break")],
)
def test_too_late_for_a_repeat(repeats, came, broke, again):
    """Then it is a new text."""
    first = repeats.stamp(1, YES, came)
    repeats.broken(broke)
    assert repeats.stamp(1, YES, again) != first


def test_each_first_counts_for_one(repeats):
    """Two equal texts before the break: two repeats, in their order, and the third is new."""
    stamps = [repeats.stamp(1, YES, 0.0), repeats.stamp(2, YES, 1.0)]
    repeats.broken(2.0)
    assert [repeats.stamp(n, YES, 3.0) for n in (1, 2)] == stamps
    assert repeats.stamp(3, YES, 3.0) not in stamps


def test_a_repeat_of_a_repeat(repeats):
    """The connection breaks again before our answer: still the first one."""
    first = repeats.stamp(1, YES, 0.0)
    for broke in (1.0, 2.0, 3.0):
        repeats.broken(broke)
        assert repeats.stamp(int(broke) + 10, YES, broke + 0.5) == first


def test_after_an_end_in_order(repeats):
    """Unbind was answered: every answer of ours arrived, so the same octets over the next connection are a new text."""
    first = repeats.stamp(1, YES, 0.0)
    repeats.heard = repeats.repeats.connection()
    assert repeats.stamp(1, YES, 1.0) != first


def test_two_connections_at_once(repeats):
    """Sequence numbers are those of a connection: the same number and words over two of them are two texts; and what one
    left in doubt comes again over the other."""
    other = repeats.repeats.connection()
    first = repeats.stamp(1, YES, 0.0)
    assert other.stamp(1, YES, 0.0) != first
    repeats.heard.broken(1.0)
    assert other.stamp(2, YES, 2.0) == first


def test_a_refused_one_is_forgotten(repeats):
    """Refused for now, it comes again and is stored; a repeat of that after a break is that, not the refused one."""
    octets = pdu.pack(CommandId.DELIVER_SM, 0, 1, ShortMessage(short_message=b"yes"))
    body = octets[16:]
    repeats.stamp(1, body, 0.0)
    repeats.heard.forget(Header(len(octets), CommandId.DELIVER_SM, 0, 1), octets)
    stored = repeats.stamp(2, body, 1.0)
    repeats.broken(2.0)
    assert repeats.stamp(1, body, 3.0) == stored


def test_two_runs_of_the_program():
    """Stamps of a later run differ from those of this one, so that nothing new is taken for something stored."""
    early, late = heard(1_800_000_000_000), heard(1_800_000_000_001)
    assert {early.stamp(n, YES, 0.0) for n in range(1000)}.isdisjoint(late.stamp(n, YES, 0.0) for n in range(1000))


def test_memory_ends(repeats):
    """The oldest is forgotten at capacity; a peer cannot fill the memory."""
    first = repeats.stamp(0, YES, 0.0)
    for n in range(1, CAPACITY + 1):
        repeats.stamp(n, YES, 0.0)
    assert repeats.stamp(0, YES, 1.0) != first


@given(st.binary(max_size=100), st.integers(0, 0xFFFFFFFF))
def test_what_is_stored(text, sequence):
    """A PDU with number 0 that has the stamp as its last parameter and the rest as it came."""
    made = ShortMessage(short_message=text)
    octets = pdu.pack(CommandId.DELIVER_SM, 0, sequence, made)
    stored = heard(5).stamped(pdu.unpack_header(octets), octets, 0.0)
    read = pdu.unpack(stored)
    assert (read.command_id, read.sequence) == (CommandId.DELIVER_SM, 0)
    assert read.body.short_message == text
    assert [t.tag for t in read.body.optional] == [STAMP_TAG]
    assert int.from_bytes(read.body.tlv(STAMP_TAG), "big") == (5 << 20) + 1


def test_after_a_crash():
    """What the store says of the life before counts as doubt: the same octets come again once under the old stamp, then they
    are new. Octets that carry no stamp are passed over."""
    whole = pdu.pack(CommandId.DELIVER_SM, 0, 7, ShortMessage(short_message=YES))
    header = pdu.unpack_header(whole)
    stored = heard(1_700_000_000_000).stamped(header, whole, 0.0)
    repeats = Repeats(1_800_000_000_000)
    repeats.remember([stored, b"", b"\0" * 40, whole], 1.0)
    assert repeats.connection().stamped(header, whole, 2.0) == stored
    assert repeats.connection().stamped(header, whole, 3.0) != stored


def test_long_after_a_crash():
    """The doubt ends after ten minutes."""
    whole = pdu.pack(CommandId.DELIVER_SM, 0, 7, ShortMessage(short_message=YES))
    header = pdu.unpack_header(whole)
    stored = heard(1_700_000_000_000).stamped(header, whole, 0.0)
    repeats = Repeats(1_800_000_000_000)
    repeats.remember([stored], 1.0)
    assert repeats.connection().stamped(header, whole, 602.0) != stored
