"""F60: user data headers that lie, repeat themselves or make no sense."""

import random
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsgwd.model import InboundSegment
from smsgwd.modem.mapping import read_pdu
from smsgwd.queue import inbound
from tests.contract.making import HOUR, NOW, OURS, SECOND
from tests.faults.arriving import HELLO, concat, deliver, gate, packed, ucs2
from tests.queue.storing import storing

READ_AT = datetime.fromtimestamp(NOW / 1000, UTC)
#: "hello" after a header of 6 octets: one fill bit
FILLED = packed(b"hello", 1)


async def test_f60_255_parts_in_any_order_each_twice(tmp_path):
    """A text of 255 parts under a 16-bit reference, shuffled, each part but the last to come twice with another time
    stamp: one whole text, and nothing waits."""
    words = [f"{n:03} " for n in range(1, 256)]
    pdus = [[ucs2(word, header=concat(n, 255, 0xBEEF, 16), at=at) for at in (0, 1)] for n, word in enumerate(words, 1)]
    chance = random.Random(60)
    last = pdus.pop(chance.randrange(255))
    order = [pdu for twice in pdus for pdu in twice]
    chance.shuffle(order)
    async with gate(tmp_path) as door:
        await door.takes_at_once(order)
        assert await door.inbox() == []
        await door.takes(last[0])
        assert await door.inbox() == [("received", "".join(words))]
        assert len(door.raw()) == 255
        assert door.rows("SELECT count(*) FROM inbound_part WHERE message IS NULL") == [(0,)]


@pytest.mark.parametrize(
    ("part", "parts"),
    [
        pytest.param(0, 3, id="part 0"),
        pytest.param(4, 3, id="part above the total"),
        pytest.param(1, 0, id="total 0"),
        pytest.param(0, 0, id="all 0"),
        pytest.param(255, 1, id="part 255 of 1"),
    ],
)
@pytest.mark.parametrize("bits", [8, 16])
async def test_f60_numbers_that_mean_nothing(tmp_path, part, parts, bits):
    """Part 0, a part above the total, a total of 0: stored raw and as a text of its own at once; it waits for nothing, and
    a set under the same reference becomes whole without it."""
    strange = ucs2("strange", header=concat(part, parts, 9, bits), at=1)
    pdus = [ucs2("one ", header=concat(1, 2, 9, bits)), strange, ucs2("two", header=concat(2, 2, 9, bits))]
    async with gate(tmp_path) as door:
        await door.takes(*pdus)
        assert await door.inbox() == [("received", "strange"), ("received", "one two")]
        assert door.raw() == pdus


@pytest.mark.parametrize(
    ("pdu", "text", "fault"),
    [
        pytest.param(deliver(FILLED, udl=12, header=bytes((5, 0, 9, 7, 2, 1))), "hello", "", id="element longer than UDHL"),
        pytest.param(deliver(FILLED, udl=12, header=bytes((5, 0, 0, 7, 2, 1))), "hello", "", id="element of length 0"),
        pytest.param(deliver(FILLED, udl=12, header=bytes((5, 8, 3, 7, 2, 1))), "hello", "", id="16-bit element too short"),
        pytest.param(deliver(packed(b"hello", 6), udl=15, header=bytes((7, 0, 3, 7, 2, 1, 0x24, 9))), "hello", "", id="a good one, then a lie"),
        pytest.param(deliver(packed(b"hello", 5), udl=8, header=b"\x01\x00"), "hello", "", id="identifier without length"),
        pytest.param(deliver(packed(b"hello", 6), udl=7, header=b"\x00"), "hello", "", id="UDHL 0"),
        pytest.param(deliver(b"\x00\x03", udl=3, header=b"\x20"), "", "header is longer", id="UDHL above UD"),
        pytest.param(deliver(b"", udl=0, header=b"\x05"), "", "header is missing", id="UD ends in its header"),
        pytest.param(deliver(HELLO, udl=0, header=b"\x05"), "", "header is missing", id="UDL 0 with a header announced"),
    ],
)  # fmt: skip
async def test_f60_lengths_that_lie(tmp_path, pdu, text, fault):
    """An element or a header whose length lies: its meaning is ignored and the text read behind it, or, where there is
    no telling, only the octets are kept with the reason. Nothing is raised, and the next text is taken."""
    async with gate(tmp_path) as door:
        await door.takes(pdu, ucs2("next"))
        assert await door.inbox() == [("received", text), ("received", "next")]
        assert door.raw() == [pdu, ucs2("next")]
        ((reason,),) = door.rows("SELECT fault FROM inbound_part ORDER BY id LIMIT 1")
    assert fault in reason
    assert bool(fault) == bool(reason)


async def test_f60_two_sets_under_one_reference(tmp_path):
    """Two texts whose phone used one reference for both, their parts alternating: two texts, none lost."""
    pdus = [ucs2(f"{text}{n}", header=concat(n, 2)) for n in (1, 2) for text in "ab"]
    async with gate(tmp_path) as door:
        await door.takes(*pdus)
        assert await door.inbox() == [("received", "a1a2"), ("received", "b1b2")]


async def test_f60_8_and_16_bit_references_are_two_sets(tmp_path):
    """Reference 9 in 8 bits and reference 9 in 16 bits are not the same text."""
    async with gate(tmp_path) as door:
        await door.takes(ucs2("a1", header=concat(1, 2, 9, 8)), ucs2("b2", header=concat(2, 2, 9, 16)))
        assert await door.inbox() == []
        await door.takes(ucs2("a2", header=concat(2, 2, 9, 8)), ucs2("b1", header=concat(1, 2, 9, 16)))
        assert await door.inbox() == [("received", "a1a2"), ("received", "b1b2")]


async def test_f60_what_never_becomes_whole_is_partial(tmp_path):
    """Parts 1 and 255 of 255: after an hour a partial text of what came."""
    async with gate(tmp_path) as door:
        await door.takes(ucs2("last", header=concat(255, 255)), ucs2("first ", header=concat(1, 255)))
        door.clock.move(HOUR / SECOND)
        assert await door.queue.expire(door.clock.now()) == 1
        assert await door.inbox() == [("partial", "first last")]


headers = st.one_of(
    st.binary(max_size=12).map(lambda elements: bytes((len(elements),)) + elements),
    st.binary(min_size=1, max_size=12),
    st.builds(concat, st.integers(0, 4), st.integers(0, 3), st.integers(0, 2), st.sampled_from([8, 16])),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.builds(deliver, st.binary(max_size=20), header=headers, udl=st.none() | st.integers(0, 255),
                          dcs=st.sampled_from([0, 4, 8])), max_size=8))  # fmt: skip
def test_f60_any_header_is_kept(tmp_path_factory, pdus):
    """Whatever the header says, each different PDU is one row with its octets, unless it is the copy of a part that waits;
    after an hour each row belongs to a message."""
    with storing(tmp_path_factory.mktemp("f60") / "q.db") as store:
        store.conn.execute("PRAGMA synchronous = OFF")
        copies = set()
        for pdu in pdus:
            segment = read_pdu(pdu, READ_AT)
            assert isinstance(segment, InboundSegment)
            if store.run(inbound.receive, "m1", OURS["m1"], segment, NOW).duplicate:
                copies.add(pdu)
        store.run(inbound.give_up, NOW + HOUR, 100)
        kept = {raw.hex().upper() for (raw,) in store.rows("SELECT raw FROM inbound_part")}
        assert kept | copies == set(pdus)
        assert store.value("SELECT count(*) FROM inbound_part WHERE message IS NULL") == 0
