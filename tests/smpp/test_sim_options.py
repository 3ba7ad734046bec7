"""How the simulated SMSC behaves with its options: binds, window, delay, order, states; and what it does on request."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from smsgwd.smpp.bodies import Bind, CancelSm, QuerySm, ReplaceSm, ShortMessage, SubmitMulti
from smsgwd.smpp.consts import CommandId, MessageState
from smsgwd.smpp.fields import Destination, Tlv
from smsgwd.smpp.sim.settings import Settings, read_state, read_states
from tests.canaries import PASSWORD
from tests.smpp.test_sim_smsc import TEXT, bind
from tests.smpp.wire import Raw, client, smsc, until

_C = CommandId
REPORTED = ShortMessage(source_addr=b"15", destination_addr=b"25", short_message=b"hello", registered_delivery=1)


async def ask(raw, command: int, body, sequence: int = 9):
    """A request and its answer."""
    raw.say(command, sequence, body)
    answer = await raw.next()
    assert (answer.command_id, answer.sequence) == (command | 0x80000000, sequence)
    return answer


# ---- binds, window, delay --------------------------------------------------------------------------------------------


async def test_binds_of_an_account(tmp_path):
    """One more than the limit is refused as already bound; the end of one makes room; another account has its own."""
    async with smsc(tmp_path, binds=2) as place, AsyncExitStack() as stack:
        one, two, three, four = [await stack.enter_async_context(client(place.port)) for _ in range(4)]
        assert [(await bind(raw)).status for raw in (one, two, three)] == [0, 0, 0x05]
        assert (await bind(three, name=b"other")).status == 0
        one.close()
        await until(lambda: place.notes("left"))
        assert (await bind(four)).status == 0


@pytest.mark.parametrize(("said", "status"), [("throttled", 0x58), ("full", 0x14)])
async def test_the_window_of_submissions(tmp_path, said, status):
    """More unanswered than the window holds: the one too many is refused at once; an answer makes room."""
    async with smsc(tmp_path, window=2, delay=0.05, window_status=said) as place, client(place.port) as raw:
        await bind(raw)
        for sequence in (2, 3, 4):
            raw.say(_C.SUBMIT_SM, sequence, TEXT)
        assert [((a := await raw.next()).sequence, a.status) for _ in range(3)] == [(4, status), (2, 0), (3, 0)]
        assert (await ask(raw, _C.SUBMIT_SM, TEXT, 5)).status == 0
        assert [n["sequence"] for n in place.notes("submit")] == [2, 3, 5]


async def test_delay(tmp_path):
    """Each answer so late; enquire_link is not held up by it."""
    async with smsc(tmp_path, delay=0.05) as place, client(place.port) as raw:
        await bind(raw)
        start = asyncio.get_running_loop().time()
        raw.say(_C.SUBMIT_SM, 2, TEXT)
        raw.say(_C.ENQUIRE_LINK, 3)
        assert [(await raw.next()).sequence for _ in range(2)] == [3, 2]
        assert asyncio.get_running_loop().time() - start >= 0.05


async def test_receipts_before_their_answers(tmp_path):
    """Every text: the receipt, then the answer, in one write."""
    async with smsc(tmp_path, order="before") as place, client(place.port) as raw:
        await bind(raw)
        raw.say(_C.SUBMIT_SM, 2, REPORTED)
        assert [(await raw.next()).command_id for _ in range(2)] == [_C.DELIVER_SM, _C.SUBMIT_SM_RESP]
        assert len(place.notes("report")) == 1


async def test_receipts_out_of_order(tmp_path):
    """Each text has its receipt once, and twenty do not come in their order by chance alone."""
    async with smsc(tmp_path, order="shuffled", report_after=0.0) as place, client(place.port) as raw:
        await bind(raw)
        for sequence in range(2, 22):
            raw.say(_C.SUBMIT_SM, sequence, REPORTED)
        await until(lambda: len(place.notes("report")) == 20)
        sent = [n["id"] for n in place.notes("submit")]
        reported = [n["id"] for n in place.notes("report")]
    assert sorted(reported) == sorted(sent)
    assert reported != sent


async def test_states_in_turn(tmp_path):
    """The outcomes go round; a text that wants news on the way has one before."""
    states = (MessageState.DELIVERED, MessageState.EXPIRED)
    async with smsc(tmp_path, states=states, report_after=0.0) as place, client(place.port) as raw:
        await bind(raw)
        for sequence in (2, 3, 4):
            raw.say(_C.SUBMIT_SM, sequence, REPORTED)
        await until(lambda: len(place.notes("report")) == 3)
        assert [n["state"] for n in place.notes("report")] == ["delivered", "expired", "delivered"]
        raw.say(_C.SUBMIT_SM, 5, ShortMessage(destination_addr=b"25", registered_delivery=0x11))
        await until(lambda: len(place.notes("report")) == 5)
        assert [n["state"] for n in place.notes("report")[3:]] == ["enroute", "expired"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ids": "roman"}, "ids is one of"), ({"receipt": "x"}, "receipt is one of"), ({"order": "x"}, "order is one of"),
        ({"receipt_id": "hex>dec", "ids": "dec"}, "does not go with"), ({"receipt_id": "dec>hex"}, "does not go with"),
        ({"states": ()}, "one message_state"), ({"window_status": "x"}, "window-status is one of"),
    ],
)  # fmt: skip
def test_options_that_make_no_sense(options, said):
    """ValueError with the option's name."""
    with pytest.raises(ValueError, match=said):
        Settings(**options)


@pytest.mark.parametrize("value", ["", "happy", "10", "-1", 10, -1, True, None, 1.5, "9999999", "٣", []])
def test_no_state(value):
    """Neither a name nor a number of message_state."""
    with pytest.raises(ValueError, match="`state` is one of: scheduled"):
        read_state(value)


def test_states_by_name_and_number():
    """Mixed, with blanks, in any case."""
    assert read_states("Delivered, 5,rejected") == (
        MessageState.DELIVERED, MessageState.UNDELIVERABLE, MessageState.REJECTED
    )  # fmt: skip


# ---- the journal -----------------------------------------------------------------------------------------------------


async def test_the_journal_has_every_field(tmp_path):
    """What was asked for can be read back, optional parameters as octets."""
    body = ShortMessage(
        service_type=b"CMT", source_addr_ton=5, source_addr=b"ACME", dest_addr_ton=1, dest_addr_npi=1,
        destination_addr=b"25", protocol_id=0x41, priority_flag=2, schedule_delivery_time=b"000000010000000R",
        validity_period=b"000001000000000R", registered_delivery=0x11, replace_if_present_flag=1, data_coding=8,
        short_message="ж".encode("utf-16-be"), tlvs=(Tlv(0x1400, b"12\0"),),
    )  # fmt: skip
    async with smsc(tmp_path) as place, client(place.port) as raw:
        await bind(raw)
        raw.say(_C.SUBMIT_SM, 77, body)
        answer = await raw.next()
        (note,) = place.notes("submit")
    wanted = {
        "message_id": answer.body.message_id.decode(), "system_id": "u", "sequence": 77, "from": "ACME", "from_ton": 5,
        "from_npi": 0, "to": "+25", "to_ton": 1, "to_npi": 1, "data_coding": 8, "esm_class": 0, "registered_delivery": 0x11,
        "validity": "000001000000000R", "schedule": "000000010000000R", "priority": 2, "protocol_id": 0x41,
        "replace_if_present": 1, "service_type": "CMT", "tlvs": {"0x1400": "313200"}, "text": "ж",
    }  # fmt: skip
    assert {key: note[key] for key in wanted} == wanted


# ---- query_sm, cancel_sm, replace_sm, submit_multi -------------------------------------------------------------------


async def sent(raw, body=REPORTED) -> bytes:
    return (await ask(raw, _C.SUBMIT_SM, body, 2)).body.message_id


async def test_query(tmp_path):
    """ENROUTE before its receipt is due, then the final state with its date; other people's texts are unknown."""
    async with smsc(tmp_path, report_after=0.05, states=(MessageState.EXPIRED,)) as place, client(place.port) as raw:
        await bind(raw)
        own = await sent(raw)
        answer = await ask(raw, _C.QUERY_SM, QuerySm(own, 0, 0, b"15"))
        assert (answer.status, answer.body.message_id, answer.body.message_state) == (0, own, MessageState.ENROUTE)
        assert answer.body.final_date == b""
        await raw.next()
        answer = await ask(raw, _C.QUERY_SM, QuerySm(own, 0, 0, b"15"))
        assert (answer.body.message_state, answer.body.error_code) == (MessageState.EXPIRED, 1)
        assert (len(answer.body.final_date), answer.body.final_date[-4:]) == (16, b"000+")
        assert (await ask(raw, _C.QUERY_SM, QuerySm(own, 0, 0, b"16"))).status == 0x67
        assert (await ask(raw, _C.QUERY_SM, QuerySm(b"nope"))).status == 0x0C
        async with client(place.port) as other:
            await bind(other, name=b"other")
            assert (await ask(other, _C.QUERY_SM, QuerySm(own, 0, 0, b"15"))).status == 0x0C
        assert [n["status"] for n in place.notes("query")] == [0, 0, 0x67, 0x0C, 0x0C]


async def test_cancel(tmp_path):
    """A text on its way is deleted, its receipt says so, and no other comes; a second time is too late."""
    async with smsc(tmp_path, report_after=0.1) as place, client(place.port) as raw:
        await bind(raw)
        own = await sent(raw)
        wrong = CancelSm(b"", own, 0, 0, b"15", 0, 0, b"26")
        assert (await ask(raw, _C.CANCEL_SM, wrong)).status == 0x11
        raw.say(_C.CANCEL_SM, 3, CancelSm(b"", own, 0, 0, b"15", 0, 0, b"25"))
        got = [await raw.next() for _ in range(2)]
        assert {(a.command_id, a.status) for a in got} == {(_C.CANCEL_SM_RESP, 0), (_C.DELIVER_SM, 0)}
        assert (await ask(raw, _C.CANCEL_SM, CancelSm(b"", own, 0, 0, b"15", 0, 0, b"25"))).status == 0x11
        assert (await ask(raw, _C.QUERY_SM, QuerySm(own, 0, 0, b"15"))).body.message_state == MessageState.DELETED
        assert (await ask(raw, _C.CANCEL_SM, CancelSm(b"", b"nope"))).status == 0x0C
        await until(lambda: place.do("state")["reports_due"] == 0)
        assert [n["state"] for n in place.notes("report")] == ["deleted"]


async def test_cancel_by_addresses(tmp_path):
    """Without a message_id: all of that source, destination and service_type; none of them is a refusal."""
    async with smsc(tmp_path, report_after=9.0) as place, client(place.port) as raw:
        await bind(raw)
        mine = [(await sent(raw, TEXT)).decode() for _ in range(2)]
        await sent(raw, ShortMessage(source_addr=b"15", destination_addr=b"99"))
        all_of = CancelSm(b"", b"", 0, 0, b"15", 0, 0, b"25")
        assert (await ask(raw, _C.CANCEL_SM, all_of)).status == 0
        assert place.notes("cancel")[0]["cancelled"] == mine
        assert (await ask(raw, _C.CANCEL_SM, all_of)).status == 0x11


async def test_replace(tmp_path):
    """Other words while it is on its way, and whether a receipt comes; not when it is done."""
    async with smsc(tmp_path, report_after=0.1) as place, client(place.port) as raw:
        await bind(raw)
        own = await sent(raw, TEXT)
        change = ReplaceSm(own, 0, 0, b"15", registered_delivery=1, short_message=b"other words")
        assert (await ask(raw, _C.REPLACE_SM, change)).status == 0
        assert place.notes("replace")[0]["text"] == "other words"
        assert (await ask(raw, _C.REPLACE_SM, ReplaceSm(own, 0, 0, b"16"))).status == 0x13
        assert (await raw.next()).body.esm_class == 4  # the text itself asked for none
        assert (await ask(raw, _C.REPLACE_SM, change)).status == 0x13
        assert (await ask(raw, _C.REPLACE_SM, ReplaceSm(b"nope"))).status == 0x0C


async def test_submit_multi(tmp_path):
    """Refused with its own response, for each destination; nothing is taken."""
    body = SubmitMulti(dest_address=(Destination(b"25", 1, 1), Destination(b"list", None)), short_message=b"x")
    async with smsc(tmp_path) as place, client(place.port) as raw:
        await bind(raw)
        answer = await ask(raw, _C.SUBMIT_MULTI, body)
        assert (answer.status, answer.body.message_id) == (0x45, b"")
        assert [(u.address, u.status) for u in answer.body.unsuccess_sme] == [(b"25", 0x45), (b"list", 0x45)]
        assert place.notes("submit") == []


@pytest.mark.parametrize("command", [_C.QUERY_SM, _C.CANCEL_SM, _C.REPLACE_SM])
async def test_who_may_ask(tmp_path, command):
    """A receiver may not."""
    body = {_C.QUERY_SM: QuerySm(), _C.CANCEL_SM: CancelSm(), _C.REPLACE_SM: ReplaceSm()}[command]
    async with smsc(tmp_path) as place, client(place.port) as raw:
        await bind(raw, _C.BIND_RECEIVER)
        assert (await ask(raw, command, body)).status == 0x04


# ---- on request ------------------------------------------------------------------------------------------------------


async def test_alert_notification(tmp_path):
    """Who receives hears it; nobody answers."""
    async with smsc(tmp_path) as place, client(place.port) as raw, client(place.port) as sender:
        await bind(raw, _C.BIND_RECEIVER)
        await bind(sender, _C.BIND_TRANSMITTER)
        assert place.do("alert", **{"from": "+15550100777"}) == {"heard": 1}
        alert = await raw.next()
        assert (alert.command_id, alert.body.source_addr, alert.body.esme_addr) == (
            _C.ALERT_NOTIFICATION, b"15550100777", b"15550100200"
        )  # fmt: skip


async def test_outbind(tmp_path):
    """The SMSC connects, says outbind first, and takes the bind that follows on the same connection."""
    came: asyncio.Queue[Raw] = asyncio.Queue()
    server = await asyncio.start_server(lambda r, w: came.put_nowait(Raw(r, w)), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with smsc(tmp_path) as place:
        place.do("outbind", port=port, system_id="smsc", password=PASSWORD)
        async with asyncio.timeout(5):
            raw = await came.get()
        first = await raw.next()
        assert (first.command_id, first.body.system_id, first.body.password) == (_C.OUTBIND, b"smsc", PASSWORD.encode())
        raw.say(_C.BIND_RECEIVER, 1, Bind(b"u"))
        assert (await raw.next()).status == 0
        place.fault("text-now")
        assert (await raw.next()).command_id == _C.DELIVER_SM
        raw.close()
    server.close()
    assert [(n["port"], n["error"]) for n in place.notes("outbind")] == [(port, "")]


async def test_outbind_to_nobody(tmp_path):
    """The journal says why it came to nothing."""
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with smsc(tmp_path) as place:
        place.do("outbind", port=port)
        await until(lambda: place.notes("outbind"))
    assert "refused" in place.notes("outbind")[0]["error"].lower() or "Connect" in place.notes("outbind")[0]["error"]


@pytest.mark.parametrize(
    ("more", "said"),
    [({}, "`port`"), ({"port": 0}, "`port`"), ({"port": True}, "`port`"), ({"port": 9, "system_id": "x" * 16}, "15 octets")],
)
async def test_outbinds_that_make_no_sense(tmp_path, more, said):
    """Refused at once."""
    async with smsc(tmp_path) as place:
        answer = place.ask("outbind", **more)
        assert (answer["ok"], said in answer["error"]) == (False, True)
