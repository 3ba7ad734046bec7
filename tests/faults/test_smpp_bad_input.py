"""What a carrier may say that makes no sense, through the whole gateway: a defined state and an event for each.

The SMSC is played by hand here, octet by octet; what the simulated one can do by itself is in ``test_smpp_faults.py``.
"""

import asyncio

import pytest

from smsgwd.model import LinkState
from smsgwd.smpp import pdu
from smsgwd.smpp.bodies import BindResp, MessageResp, ShortMessage
from smsgwd.smpp.consts import CommandId, CommandStatus, EsmClass, Tag
from smsgwd.smpp.fields import Tlv
from tests.faults.carrier import carried
from tests.smpp.wire import raw_smsc, smsc, until

_C, _E = CommandId, CommandStatus
THEM = b"15550100777"


class Carrier:
    """An SMSC that takes every bind and text, and says what a test wants between them. ``answers``: how texts are
    answered, by default with the ids 1, 2, …"""

    def __init__(self) -> None:
        self.raw = None
        self.ready = asyncio.Event()
        self.binds, self.texts = [], []
        self.got: dict[int, int] = {}
        self.bind_resp = lambda p: pdu.pack(p.command_id | 0x80000000, 0, p.sequence, BindResp(b"raw"))
        self.submit_resp = lambda p: pdu.pack(_C.SUBMIT_SM_RESP, 0, p.sequence, MessageResp(b"%d" % len(self.texts)))

    async def play(self, raw) -> None:
        while True:
            try:
                request = await raw.next()
            except asyncio.IncompleteReadError:
                return
            except TimeoutError:
                continue
            match request.command_id:
                case _C.BIND_TRANSCEIVER | _C.BIND_RECEIVER | _C.BIND_TRANSMITTER:
                    self.binds.append(request.command_id)
                    raw.send(self.bind_resp(request))
                    self.raw = raw
                    self.ready.set()
                case _C.SUBMIT_SM:
                    self.texts.append(request.body.short_message)
                    raw.send(self.submit_resp(request))
                case _C.UNBIND:
                    raw.say(_C.UNBIND_RESP, request.sequence)
                    return
                case _C.DELIVER_SM_RESP:
                    self.got[request.sequence] = request.status

    async def delivers(self, sequence: int, octets: bytes, **more) -> int:
        """A deliver_sm, and the status it is answered with."""
        body = ShortMessage(**{
            "source_addr_ton": 1, "source_addr_npi": 1, "source_addr": THEM, "destination_addr": b"15550100200",
            "short_message": octets, **more,
        })  # fmt: skip
        self.raw.say(_C.DELIVER_SM, sequence, body)
        await until(lambda: sequence in self.got)
        return self.got[sequence]


# ---- the bind --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param(0x03, "ESME_RINVCMDID", id="the command is not known"),
        pytest.param(0x04, "ESME_RINVBNDSTS", id="not in this state"),
        pytest.param(0x0D, "gives no reason", id="no reason"),
        pytest.param(0x0F, "unknown system_id", id="unknown account"),
    ],
)
async def test_a_bind_in_the_wrong_mode(tmp_path, code, said):
    """An SMSC that takes no transceivers, or no such account, and refuses the bind: the link is down with its words, and
    is not tried again for seconds; a text waits."""
    async with smsc(tmp_path) as place:
        place.fault("refuse-bind", code=code, count=0)
        async with carried(tmp_path, place.port) as gate:
            assert "refused the bind" in await gate.breaks(said)
            message = await gate.send()
            await gate.is_(LinkState.DOWN, "c1", said)
            assert [n["status"] for n in place.notes("bind")] == [code]
            assert await gate.state(message) == "queued"


async def test_a_bind_answered_in_another_mode(tmp_path):
    """bind_receiver_resp to a bind_transceiver: it answers nothing of ours and is told; without the right answer the
    link is down, and says so."""
    carrier = Carrier()
    carrier.bind_resp = lambda p: pdu.pack(_C.BIND_RECEIVER_RESP, 0, p.sequence, BindResp(b"raw"))
    async with raw_smsc(carrier.play) as port, carried(tmp_path, port, bind_timeout=0.3) as gate:
        why = await gate.breaks()
        assert "bind_transceiver" in why
        assert await gate.events("link.up") == []


async def test_texts_over_a_receiver(tmp_path):
    """A link that is bound as receiver takes texts in; one for out waits, and goes nowhere."""
    carrier = Carrier()
    async with raw_smsc(carrier.play) as port, carried(tmp_path, port, bind="receiver") as gate:
        await gate.up()
        assert await carrier.delivers(7, b"hello") == 0
        assert await gate.inbox() == ["hello"]
        message = await gate.send("out")
        assert await carrier.delivers(8, b"again") == 0
        assert await gate.state(message) == "queued"
    assert (carrier.binds, carrier.texts) == ([_C.BIND_RECEIVER], [])


# ---- receipts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"stat:DELIVRD err:000", id="no id at all"),
        pytest.param(b"id: stat:DELIVRD err:000", id="an empty one"),
        pytest.param(b"your message was delivered", id="words"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"text:id:1 stat:DELIVRD", id="only in the person's words"),
    ],
)
async def test_a_receipt_without_an_id(tmp_path, octets):
    """It is acknowledged, so that it does not come back; kept raw with the reason, and no text of ours is touched by it."""
    carrier = Carrier()
    async with raw_smsc(carrier.play) as port, carried(tmp_path, port) as gate:
        await gate.up()
        message = await gate.send()
        await gate.reaches(message, "sent")
        assert await carrier.delivers(7, octets, esm_class=EsmClass.DELIVERY_RECEIPT) == 0
        (event,) = await gate.events("message.undecodable")
        assert "names no message" in event.data["reason"]
        assert await gate.inbox() == []
        assert await gate.state(message) == "sent"
        assert await carrier.delivers(8, b"id:1 stat:DELIVRD", esm_class=EsmClass.DELIVERY_RECEIPT) == 0
        await gate.reaches(message, "delivered")


@pytest.mark.parametrize(
    "dates",
    [
        pytest.param("submit date:2611231600 done date:2611231601", id="as the standard has them"),
        pytest.param("submit date:261123160000 done date:261123160100", id="with seconds"),
        pytest.param("submit date:20261123160000 done date:20261123160100", id="with the century"),
        pytest.param("submit date:0000000000 done date:0000000000", id="zeros"),
        pytest.param("submit date:9999999999 done date:3113992561", id="a day that no month has"),
        pytest.param("submit date: done date:", id="empty"),
        pytest.param("done date:2026-11-23T16:00:00Z submit date:23 Nov 26 16:00", id="words, the other way round"),
        pytest.param("submit date:\x00\xff done date:-1", id="octets"),
        pytest.param("", id="none"),
    ],
)
async def test_receipt_dates_in_any_shape(tmp_path, dates):
    """Dates decide nothing: the receipt finds its text and says that it is delivered."""
    carrier = Carrier()
    async with raw_smsc(carrier.play) as port, carried(tmp_path, port) as gate:
        await gate.up()
        message = await gate.send()
        await gate.reaches(message, "sent")
        octets = f"id:1 sub:001 dlvrd:001 {dates} stat:DELIVRD err:000 text:hello".encode("latin-1")
        assert await carrier.delivers(7, octets, esm_class=EsmClass.DELIVERY_RECEIPT) == 0
        await gate.reaches(message, "delivered")
        assert await gate.events("message.undecodable") == []


# ---- parts -----------------------------------------------------------------------------------------------------------


def header(ref: int, parts: int, part: int) -> bytes:
    return bytes((5, 0, 3, ref, parts, part))


def sar(ref: int, parts: int, part: int) -> tuple[Tlv, ...]:
    return (
        Tlv(Tag.SAR_MSG_REF_NUM, ref.to_bytes(2, "big")), Tlv(Tag.SAR_TOTAL_SEGMENTS, bytes((parts,))),
        Tlv(Tag.SAR_SEGMENT_SEQNUM, bytes((part,))),
    )  # fmt: skip


@pytest.mark.parametrize("form", ["udh", "sar"])
@pytest.mark.parametrize(
    ("parts", "part"),
    [
        pytest.param(0, 0, id="0 of 0"), pytest.param(0, 1, id="1 of 0"), pytest.param(2, 0, id="0 of 2"),
        pytest.param(2, 3, id="3 of 2"), pytest.param(255, 0, id="0 of 255"), pytest.param(1, 255, id="255 of 1"),
    ],
)  # fmt: skip
async def test_parts_that_cannot_be(tmp_path, form, parts, part):
    """A part number that its text cannot have: it is a text of its own at once, waits for no others, and is acknowledged;
    the parts of a right text behind it are joined."""
    carrier = Carrier()
    async with raw_smsc(carrier.play) as port, carried(tmp_path, port) as gate:
        await gate.up()
        wrong = {"esm_class": EsmClass.UDHI} if form == "udh" else {"tlvs": sar(9, parts, part)}
        octets = (header(9, parts, part) if form == "udh" else b"") + b"odd"
        assert await carrier.delivers(7, octets, **wrong) == 0
        assert await gate.inbox() == ["odd"]
        for n, words in enumerate((b"one ", b"two"), 1):
            assert await carrier.delivers(7 + n, header(9, 2, n) + words, esm_class=EsmClass.UDHI) == 0
        assert await gate.inbox() == ["odd", "one two"]
        assert await gate.downs() == []


# ---- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sequence", [0, 77, 0x7FFFFFFF, 0xFFFFFFFF], ids=hex)
@pytest.mark.parametrize("command", [_C.SUBMIT_SM_RESP, _C.ENQUIRE_LINK_RESP, _C.GENERIC_NACK], ids=lambda c: c.name.lower())
async def test_unknown_sequence_numbers(tmp_path, command, sequence):
    """An answer to what nobody asked is a notice and nothing else: the link stays, and the next text goes."""
    carrier = Carrier()
    async with raw_smsc(carrier.play) as port, carried(tmp_path, port) as gate:
        await gate.up()
        body = MessageResp(b"99") if command == _C.SUBMIT_SM_RESP else None
        carrier.raw.say(command, sequence, body)
        await gate.hears("link.notice")
        (notice,) = await gate.events("link.notice")
        assert "answers nothing of ours" in notice.data["what"]
        message = await gate.send()
        await gate.reaches(message, "sent")
        assert await gate.downs() == []
        assert gate.rows("SELECT reference FROM submission") == [("1",)]


async def test_a_second_answer_that_says_otherwise(tmp_path):
    """Taken, then refused for the same sequence_number in one write: the first one counts, the second is a notice."""
    carrier = Carrier()
    carrier.submit_resp = lambda p: (
        pdu.pack(_C.SUBMIT_SM_RESP, 0, p.sequence, MessageResp(b"1f"))
        + pdu.pack(_C.SUBMIT_SM_RESP, _E.ESME_RINVDSTADR, p.sequence, MessageResp())
    )
    async with raw_smsc(carrier.play) as port, carried(tmp_path, port) as gate:
        await gate.up()
        message = await gate.send()
        await gate.reaches(message, "sent")
        await gate.hears("link.notice")
        assert await gate.state(message) == "sent"
        assert gate.rows("SELECT state, reference FROM submission") == [("accepted", "1f")]


async def test_an_answer_that_is_cut_short(tmp_path):
    """Half of the answer to a text, and the line is gone: nobody knows, so it is uncertain; the link is down with a
    reason, comes back, and the text is not sent again."""
    carrier = Carrier()
    whole = carrier.submit_resp

    def cut(request) -> bytes:
        carrier.submit_resp = whole
        asyncio.get_running_loop().call_soon(carrier.raw.close)
        return whole(request)[:9]

    carrier.submit_resp = cut
    async with raw_smsc(carrier.play) as port, carried(tmp_path, port) as gate:
        await gate.up()
        message = await gate.send()
        await gate.reaches(message, "uncertain")
        await gate.breaks("closed the connection")
        await gate.up()
        await gate.reaches(await gate.send("next"), "sent")
        assert await gate.state(message) == "uncertain"
    assert carrier.texts == [b"hello", b"next"]
