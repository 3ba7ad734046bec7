"""F64: texts that are meant for a machine."""

import pytest

from tests.contract.making import THEM
from tests.faults.answering import answers, suppressed
from tests.faults.arriving import HELLO, concat, deliver, gate, septets

#: application ports: WAP push goes to 2948
WAP = bytes((6, 5, 4, 0x0B, 0x84, 0x23, 0xF0))
#: a concatenation and a WAP port in one header
WAP_PART = bytes((11, 0, 3, 9, 2, 1, 5, 4, 0x0B, 0x84, 0x23, 0xF0))
BINARY = b"\x01\x06\x03\xbe\xaf\x84\x00STOP"

DATA = "it is no text for a person"
FLASH = "it is a flash text"


@pytest.mark.parametrize(
    ("pdu", "encoding", "text", "why"),
    [
        pytest.param(deliver(BINARY, dcs=0x04), "data", "", DATA, id="8-bit data"),
        pytest.param(deliver(BINARY, dcs=0xF5), "data", "", DATA, id="8-bit data, class 1"),
        pytest.param(deliver(BINARY, dcs=0x20), "data", "", DATA, id="compressed"),
        pytest.param(deliver(BINARY, dcs=0x04, header=WAP), "data", "", DATA, id="WAP push"),
        pytest.param(deliver(BINARY, dcs=0xF6, pid=0x7F), "data", "", DATA, id="SIM data download"),
        pytest.param(septets(b"hello", pid=0x40), "gsm7", "hello", DATA, id="type 0, silent"),
        pytest.param(septets(b"hello", pid=0x7F), "gsm7", "hello", DATA, id="SIM toolkit"),
        pytest.param(deliver(HELLO, udl=13, header=WAP), "gsm7", None, DATA, id="a port, in septets"),
        pytest.param(septets(b"hello", dcs=0xC8), "gsm7", "hello", DATA, id="voicemail waits"),
        pytest.param(septets(b"hello", dcs=0x10), "gsm7", "hello", FLASH, id="class 0"),
        pytest.param(deliver(BINARY, dcs=0x14), "data", "", DATA, id="class 0, 8-bit"),
    ],
)
async def test_f64_stored_and_never_answered(tmp_path, pdu, encoding, text, why):
    """Data and what is sent for a machine: stored with its octets, 8-bit data never as text (a STOP in it is no STOP), and
    no rule answers it. A person who writes next is answered."""
    async with gate(tmp_path) as door:
        await door.takes(pdu)
        assert await answers(door, tmp_path) == []
        assert await suppressed(door) == [why]
        assert door.raw() == [pdu]
        ((shown, stored),) = door.rows("SELECT text, encoding FROM message")
        assert stored == encoding
        if text is not None:
            assert shown == text
        assert door.rows("SELECT kind FROM event WHERE kind = 'consent.changed'") == []


async def test_f64_a_person_is_answered(tmp_path):
    """The same rules answer a text in septets without any of that."""
    async with gate(tmp_path) as door:
        await door.takes(septets(b"hello"))
        assert await answers(door, tmp_path) == [THEM]
        assert await suppressed(door) == []


async def test_f64_data_in_parts(tmp_path):
    """Parts of data come together as data: no text, the octets of both parts kept, no answer."""
    header = WAP_PART
    second = header[:5] + b"\x02" + header[6:]
    pdus = [deliver(BINARY, dcs=0x04, header=header), deliver(BINARY, dcs=0x04, header=second)]
    async with gate(tmp_path) as door:
        await door.takes(*pdus)
        assert await answers(door, tmp_path) == []
        assert door.rows("SELECT state, text, encoding, parts FROM message") == [("received", "", "data", 2)]
        assert door.raw() == pdus


async def test_f64_a_part_of_data_among_text(tmp_path):
    """A set of which one part is data and the other text is data as a whole."""
    pdus = [deliver(BINARY, dcs=0x04, header=concat(1, 2)), deliver(b"\0A", dcs=0x08, header=concat(2, 2))]
    async with gate(tmp_path) as door:
        await door.takes(*pdus)
        assert await answers(door, tmp_path) == []
        assert door.rows("SELECT text, encoding FROM message") == [("", "data")]
