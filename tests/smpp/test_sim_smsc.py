"""The simulated SMSC over a real socket, with a plain client that shares no session with our link."""

import json

import pytest

from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import Bind, DataSm, MessageResp, ShortMessage
from smsgwd.smpp.consts import CommandId, Tag
from smsgwd.smpp.fields import Tlv
from smsgwd.smpp.sim import centre, connection
from smsgwd.smpp.sim.control import Control
from tests.canaries import PASSWORD, WRONG_PASSWORD
from tests.smpp.dialogue import header_only
from tests.smpp.test_pdu import frame
from tests.smpp.wire import client, smsc, until

_C = CommandId
OURS = PASSWORD.encode()
TEXT = ShortMessage(source_addr=b"15", dest_addr_ton=1, destination_addr=b"25", short_message=b"hello")


async def bind(raw, command: int = _C.BIND_TRANSCEIVER, name: bytes = b"u", password: bytes = OURS) -> pdu.Pdu:
    raw.say(command, 1, Bind(name, password))
    return await raw.next()


async def test_bind(tmp_path):
    """bind_resp with the simulator's name and version; a second bind is refused."""
    async with smsc(tmp_path) as place, client(place.port) as raw:
        answer = await bind(raw)
        assert (answer.command_id, answer.status, answer.sequence) == (_C.BIND_TRANSCEIVER_RESP, 0, 1)
        assert (answer.body.system_id, answer.body.tlv(Tag.SC_INTERFACE_VERSION)) == (b"smsgwd-sim", b"\x34")
        assert (await bind(raw)).status == 0x05
        assert place.do("state")["bound"] == 1


@pytest.mark.parametrize(("name", "password", "status"), [(b"v", OURS, 0x0F), (b"u", WRONG_PASSWORD.encode(), 0x0E), (b"u", OURS, 0)])
async def test_credentials(tmp_path, name, password, status):
    """Wrong ones are refused, and may be tried again over the same connection."""
    async with smsc(tmp_path, system_id="u", password=PASSWORD) as place, client(place.port) as raw:
        assert (await bind(raw, name=name, password=password)).status == status
        assert (await bind(raw)).status == (0x05 if status == 0 else 0)


@pytest.mark.parametrize("command", [_C.SUBMIT_SM, _C.DATA_SM])
async def test_submit(tmp_path, command):
    """submit_sm and data_sm: an id of its own for each, the same as in the journal."""
    body = TEXT if command == _C.SUBMIT_SM else DataSm(destination_addr=b"25", tlvs=(Tlv(Tag.MESSAGE_PAYLOAD, b"hello"),))
    async with smsc(tmp_path) as place, client(place.port) as raw:
        await bind(raw)
        answers = []
        for sequence in (2, 0xFFFFFFFF):
            raw.say(command, sequence, body)
            answers.append(await raw.next())
        assert [(a.command_id, a.sequence, a.status) for a in answers] == [
            (command | 0x80000000, 2, 0), (command | 0x80000000, 0xFFFFFFFF, 0)
        ]  # fmt: skip
        notes = place.notes("submit")
    assert [a.body.message_id.decode() for a in answers] == [n["id"] for n in notes]
    assert len({n["id"] for n in notes}) == 2
    assert [n["text"] for n in notes] == ["hello", "hello"]


@pytest.mark.parametrize(
    ("command", "status"), [(None, 4), (_C.BIND_RECEIVER, 4), (_C.BIND_TRANSMITTER, 0)], ids=["unbound", "receiver", "transmitter"]
)  # fmt: skip
async def test_who_may_submit(tmp_path, command, status):
    """Only who is bound for it."""
    async with smsc(tmp_path) as place, client(place.port) as raw:
        if command:
            await bind(raw, command)
        raw.say(_C.SUBMIT_SM, 9, TEXT)
        assert (await raw.next()).status == status
        assert len(place.notes("submit")) == (status == 0)


async def test_refusals_of_its_own(tmp_path):
    """No destination, and more than the account's rate."""
    async with smsc(tmp_path, rate=2.0) as place, client(place.port) as raw:
        await bind(raw)
        statuses = []
        for body in (ShortMessage(), TEXT, TEXT):
            raw.say(_C.SUBMIT_SM, 2, body)
            statuses.append((await raw.next()).status)
        assert statuses == [0x0B, 0, 0x58]
        assert len(place.notes("submit")) == 1


async def test_ids(tmp_path):
    """In decimal digits when asked for."""
    async with smsc(tmp_path, ids="dec") as place, client(place.port) as raw:
        await bind(raw)
        raw.say(_C.SUBMIT_SM, 2, TEXT)
        assert (await raw.next()).body.message_id.isdigit()


@pytest.mark.parametrize("size", [1, 7, 10_000], ids=["byte by byte", "sevens", "whole"])
async def test_a_stream_in_pieces(tmp_path, size):
    """However the octets come, the answers are the same and in order."""
    octets = (
        pdu.pack(_C.BIND_TRANSCEIVER, 0, 1, Bind(b"u"))
        + pdu.pack(_C.SUBMIT_SM, 0, 2, TEXT) + header_only(_C.ENQUIRE_LINK, 3) + header_only(0x123, 4)
        + frame(_C.SUBMIT_SM, b"cut", 0, 5) + header_only(_C.QUERY_SM, 6) + header_only(_C.ENQUIRE_LINK_RESP, 7)
        + header_only(_C.UNBIND, 8)
    )  # fmt: skip
    async with smsc(tmp_path) as place, client(place.port) as raw:
        for at in range(0, len(octets), size):
            raw.send(octets[at : at + size])
        got = [await raw.next() for _ in range(7)]
        assert await raw.ended()
    assert [(a.command_id, a.status, a.sequence) for a in got] == [
        (_C.BIND_TRANSCEIVER_RESP, 0, 1), (_C.SUBMIT_SM_RESP, 0, 2), (_C.ENQUIRE_LINK_RESP, 0, 3), (_C.GENERIC_NACK, 3, 4),
        (_C.GENERIC_NACK, 2, 5), (_C.GENERIC_NACK, 2, 6), (_C.UNBIND_RESP, 0, 8),
    ]  # fmt: skip


@pytest.mark.parametrize("length", [0, 15, 65_537, 0xFFFFFFFF])
async def test_a_length_that_cannot_be(tmp_path, length):
    """generic_nack, and the connection is closed."""
    async with smsc(tmp_path) as place, client(place.port) as raw:
        raw.send(length.to_bytes(4, "big") + bytes(40))
        nack = await raw.next()
        assert (nack.command_id, nack.status) == (_C.GENERIC_NACK, 2)
        assert await raw.ended()


async def test_numbers_that_no_journal_has(tmp_path):
    """sar_* of 5000 octets: taken, told in a line, answered."""
    odd = ShortMessage(destination_addr=b"25", tlvs=tuple(Tlv(tag, b"\xff" * 5000) for tag in (0x20C, 0x20E, 0x20F)))
    async with smsc(tmp_path) as place, client(place.port) as raw:
        await bind(raw)
        raw.say(_C.SUBMIT_SM, 2, odd)
        assert (await raw.next()).status == 0
        assert len(place.notes("submit")) == 1


async def test_unanswered_deliveries_come_again(tmp_path, monkeypatch):
    """What the last connection did not answer comes over the next one, in its order and before all others."""
    monkeypatch.setattr(connection, "WINDOW", 2)
    async with smsc(tmp_path, system_id="u") as place:
        async with client(place.port) as raw:
            await bind(raw)
            for text in ("one", "two", "three", "four"):
                place.do("text", **{"from": "+15", "text": text})
            first, _ = await raw.next(), await raw.next()
            raw.say(_C.DELIVER_SM_RESP, first.sequence, MessageResp())
            assert (await raw.next()).body.short_message == b"three"
        await until(lambda: place.notes("left"))
        async with client(place.port) as raw:
            await bind(raw, _C.BIND_RECEIVER)
            again = [await raw.next() for _ in range(2)]
            raw.say(_C.DELIVER_SM_RESP, again[0].sequence, MessageResp())
            again.append(await raw.next())
    assert [delivery.body.short_message for delivery in again] == [b"two", b"three", b"four"]


async def test_the_window_of_deliveries(tmp_path, monkeypatch):
    """No more than the window is unanswered; each answer brings the next."""
    monkeypatch.setattr(connection, "WINDOW", 2)
    async with smsc(tmp_path) as place, client(place.port) as raw:
        await bind(raw)
        for n in range(3):
            place.do("text", **{"from": "+15", "text": str(n)})
        first = await raw.next()
        await raw.next()
        assert place.do("state")["waiting"] == 1
        raw.say(_C.DELIVER_SM_RESP, first.sequence, MessageResp())
        assert (await raw.next()).body.short_message == b"2"


async def test_what_nobody_takes_is_lost_in_the_end(tmp_path, monkeypatch):
    """Refused for now again and again: a few tries, then it is in the journal as lost; refused for good is not tried."""
    monkeypatch.setattr(centre, "RETRY", 0.0)
    monkeypatch.setattr(centre, "MOST_TRIES", 3)
    async with smsc(tmp_path) as place, client(place.port) as raw:
        await bind(raw)
        place.do("text", **{"from": "+15", "text": "x"})
        for _ in range(3):
            raw.say(_C.DELIVER_SM_RESP, (await raw.next()).sequence, MessageResp(), 0x64)
        await until(lambda: place.notes("lost"))
        assert place.notes("lost")[0]["tries"] == 3
        place.do("text", **{"from": "+15", "text": "y"})
        raw.say(_C.DELIVER_SM_RESP, (await raw.next()).sequence, MessageResp(), 0x65)
        await until(lambda: len(place.notes("answer")) == 4)
        assert place.do("state")["waiting"] == 0


async def test_a_silent_client_is_asked_and_cut(tmp_path, monkeypatch):
    """enquire_link after silence; no answer ends the connection."""
    monkeypatch.setattr(connection, "TICK", 0.01)
    monkeypatch.setattr(connection, "ENQUIRE", 0.02)
    monkeypatch.setattr(connection, "ENQUIRE_TIME", 0.05)
    async with smsc(tmp_path) as place, client(place.port) as raw:
        await bind(raw)
        assert (await raw.next()).command_id == _C.ENQUIRE_LINK
        raw.say(_C.ENQUIRE_LINK_RESP, 1)
        assert (await raw.next()).command_id == _C.ENQUIRE_LINK
        assert await raw.ended()


@pytest.mark.parametrize("begun", [b"", b"\0\0\0\x20"], ids=["no bind", "half a PDU"])
async def test_who_only_connects_is_cut(tmp_path, monkeypatch, begun):
    """No bind, or a PDU that does not end: cut."""
    monkeypatch.setattr(connection, "TICK", 0.01)
    monkeypatch.setattr(connection, "PDU_TIME" if begun else "BIND_TIME", 0.03)
    async with smsc(tmp_path) as place, client(place.port) as raw:
        raw.send(begun)
        assert await raw.ended()


async def test_asked_to_unbind(tmp_path):
    """The fault asks for unbind, takes no text any more, and closes when that is answered."""
    async with smsc(tmp_path) as place, client(place.port) as raw:
        await bind(raw)
        place.fault("unbind")
        request = await raw.next()
        assert request.command_id == _C.UNBIND
        raw.say(_C.SUBMIT_SM, 2, TEXT)
        assert (await raw.next()).status == 0x04
        raw.say(_C.UNBIND_RESP, request.sequence)
        assert await raw.ended()


# ---- control -------------------------------------------------------------------------------------------------------


async def test_reports_on_request(tmp_path):
    """A receipt with any state on a text that was submitted."""
    async with smsc(tmp_path) as place, client(place.port) as raw:
        await bind(raw)
        raw.say(_C.SUBMIT_SM, 2, TEXT)
        message_id = (await raw.next()).body.message_id.decode()
        for state in ("expired", 5, "Delivered"):
            place.do("report", id=message_id, state=state)
        words = [(await raw.next()).body.short_message.decode() for _ in range(3)]
    assert [w.partition("stat:")[2].split()[0] for w in words] == ["EXPIRED", "UNDELIV", "DELIVRD"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "Expecting value"), ("[]", "JSON object"), ("{}", "`do` is"), ('{"do": "dance"}', "`do` is"),
        ('{"do": "text"}', "`from` is missing"), ('{"do": "text", "from": 5, "text": "x"}', "`from`"),
        ('{"do": "text", "from": "+15", "text": "x"}', "nobody ever bound"),
        ('{"do": "text", "from": "+15", "text": "x", "system_id": "\\ud800"}', "surrogates"),
        ('{"do": "report", "id": "7"}', "no text '7'"), ('{"do": "report", "id": "7", "state": "happy"}', "`state` is one of"),
        ('{"do": "report", "id": "7", "state": 10}', "`state` is one of"), ('{"do": "fault"}', "None is no fault"),
        ('{"do": "fault", "name": "error", "code": true}', "whole number"), ("[" * 100_000, "too deeply"),
    ],
)  # fmt: skip
async def test_bad_requests(tmp_path, line, said):
    """Each is answered with what is wrong; nothing else happens."""
    async with smsc(tmp_path) as place:
        answer = Control(place.centre).answer(line.encode())
        assert answer["ok"] is False
        assert said in answer["error"]
        assert place.notes() == []
        assert json.dumps(answer)
