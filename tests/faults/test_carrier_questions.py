"""Carriers are asked: the real daemon, queue and link against the simulated SMSC, which answers truthfully."""

import asyncio

import pytest

from smsgwd import inquiry
from smsgwd.errors import Conflict, RequestRefused
from smsgwd.inquiry import ask, cancel, replace
from smsgwd.sms import gsm7
from tests.faults.carrier import carried
from tests.smpp.wire import smsc, until

LONG = "x" * 200


async def test_ask_when_the_receipt_never_came(tmp_path):
    """The SMSC sends no receipt, but says what became of every part: the text is delivered."""
    async with smsc(tmp_path) as place, carried(tmp_path, place.port, query=True) as gate:
        await gate.up()
        message = await gate.send(LONG)
        await gate.reaches(message, "sent")
        said = await ask(gate.daemon.gateway, message)
        assert [(s.part, s.status) for s in said] == [(1, "delivered"), (2, "delivered")]
        assert await gate.state(message) == "delivered"
    assert [n["status"] for n in place.notes("query")] == [0, 0]


async def test_ask_about_a_text_that_failed(tmp_path):
    """What went wrong is the reason of the text."""
    async with smsc(tmp_path) as place, carried(tmp_path, place.port, query=True) as gate:
        await gate.up()
        place.fault("undeliverable")
        message = await gate.send()
        await gate.reaches(message, "sent")
        await ask(gate.daemon.gateway, message)
        assert (await gate.queue.message(message)).reason == "the SMSC says UNDELIV, error 1"


async def test_ask_with_a_sender_of_its_own(tmp_path):
    """An SMSC tells about a text only to the sender that it had."""
    async with smsc(tmp_path) as place, carried(tmp_path, place.port, query=True, senders=("ACME",)) as gate:
        await gate.up()
        message = await gate.send(from_="ACME")
        await gate.reaches(message, "sent")
        (said,) = await ask(gate.daemon.gateway, message)
        assert said.status == "delivered"


async def test_overdue_asks_by_itself(tmp_path, monkeypatch):
    """The daemon asks about a text without a receipt when its time has come, and an event tells."""
    monkeypatch.setattr(inquiry, "OVERDUE_AFTER", (0,))
    monkeypatch.setattr(inquiry, "BACK", 1000)
    monkeypatch.setattr(inquiry, "EVERY", 0.02)
    async with smsc(tmp_path) as place, carried(tmp_path, place.port, query=True) as gate:
        await gate.up()
        message = await gate.send()
        await gate.reaches(message, "delivered")
        (event,) = await gate.events("report.asked")
        assert event.data == {"part": 1, "by": "clock", "status": "delivered"}
    assert len(place.notes("query")) == 1


@pytest.mark.parametrize("text", [pytest.param("hello", id="one part"), pytest.param(LONG, id="two parts")])
async def test_cancel_after_acceptance(tmp_path, text):
    """The SMSC takes every part back; its receipts, which say DELETED, are no failure, whenever they come."""
    async with smsc(tmp_path, report_after=60.0) as place, carried(tmp_path, place.port, cancel=True) as gate:
        await gate.up()
        message = await gate.send(text)
        await gate.reaches(message, "sent")
        assert (await cancel(gate.daemon.gateway, message)).state == "cancelled"
        parts = len(place.notes("submit"))
        await until(lambda: len(place.notes("answer")) == parts)
        assert await gate.state(message) == "cancelled"
        assert {n["state"] for n in place.notes("report")} == {"deleted"}
        assert "message.failed" not in await gate.kinds()


async def test_cancel_too_late(tmp_path):
    """0x11: the text is there already. Its state stays, and the receipt counts."""
    async with smsc(tmp_path) as place, carried(tmp_path, place.port, cancel=True) as gate:
        await gate.up()
        message = await gate.send()
        await gate.reaches(message, "sent")
        with pytest.raises(Conflict, match="ESME 0x11: it is too late"):
            await cancel(gate.daemon.gateway, message)
        assert await gate.state(message) == "sent"
        (note,) = place.notes("submit")
        place.do("report", id=note["id"])
        await gate.reaches(message, "delivered")


async def test_cancel_by_a_part_that_came(tmp_path):
    """The first part was delivered before: nothing is asked, and nothing changes."""
    async with smsc(tmp_path, report_after=60.0) as place, carried(tmp_path, place.port, cancel=True) as gate:
        await gate.up()
        message = await gate.send(LONG)
        await gate.reaches(message, "sent")
        place.do("report", id=place.notes("submit")[0]["id"])

        async def told() -> bool:
            return (await gate.queue.submissions(message))[0].report == "delivered"

        async with asyncio.timeout(5):
            while not await told():
                await asyncio.sleep(0.005)
        with pytest.raises(Conflict, match="reports part 1 of it delivered"):
            await cancel(gate.daemon.gateway, message)
    assert place.notes("cancel") == []


async def test_uncertain_is_settled_by_the_id_of_a_receipt(tmp_path):
    """No answer to the text, so no id; then its receipt comes, which alone proves nothing. Asked by a person, the SMSC
    knows that id from our sender: the text was taken."""
    async with (
        smsc(tmp_path, report_after=0.3) as place,
        carried(tmp_path, place.port, query=True, response_timeout=0.1) as gate,
    ):
        await gate.up()
        place.fault("no-answer")
        message = await gate.send()
        await gate.reaches(message, "uncertain")
        with pytest.raises(Conflict, match="there is no id"):
            await ask(gate.daemon.gateway, message)
        await gate.hears("report.orphan")
        assert await gate.state(message) == "uncertain"
        (said,) = await ask(gate.daemon.gateway, message)
        assert (said.reference, said.status) == (place.notes("submit")[0]["id"], "delivered")
        assert await gate.state(message) == "delivered"
    assert len(place.notes("submit")) == 1


# ---- other words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "then"),
    [pytest.param("hello", "bye, @£{", id="GSM-7"), pytest.param("Привет", "Пока", id="UCS-2"), pytest.param("Привет", "bye", id="plain as UCS-2")],
)
async def test_replace_after_acceptance(tmp_path, first, then):
    """The SMSC has the new words, and the receipt that was asked for comes all the same."""
    async with smsc(tmp_path, report_after=60.0) as place, carried(tmp_path, place.port, replace=True) as gate:
        await gate.up()
        message = await gate.send(first)
        await gate.reaches(message, "sent")
        found = await replace(gate.daemon.gateway, message, then)
        assert (found.text, found.state) == (then, "sent")
        (note,) = place.notes("submit")
        (asked,) = place.notes("replace")
        assert (asked["id"], asked["status"]) == (note["id"], 0)
        body = place.centre._texts.get(note["id"]).body
        said = body.short_message.decode("utf-16-be") if body.data_coding == 8 else gsm7.decode(body.short_message)
        assert said == then
        place.do("report", id=note["id"])
        await gate.reaches(message, "delivered")
        assert "message.replaced" in await gate.kinds()
        assert first not in str(gate.rows("SELECT * FROM message"))


async def test_replace_too_late(tmp_path):
    """0x13: the text is there already. Words and state stay."""
    async with smsc(tmp_path) as place, carried(tmp_path, place.port, replace=True) as gate:
        await gate.up()
        message = await gate.send()
        await gate.reaches(message, "sent")
        with pytest.raises(Conflict, match="ESME 0x13: it is too late"):
            await replace(gate.daemon.gateway, message, "bye")
        found = await gate.queue.message(message)
        assert (found.text, found.state) == ("hello", "sent")
    assert [n["status"] for n in place.notes("replace")] == [0x13]


@pytest.mark.parametrize(
    "config", [{"segmentation": "payload"}, {"default_alphabet": "ascii"}], ids=["message_payload", "another coding"]
)
async def test_replace_that_cannot_be_written(tmp_path, config):
    """What replace_sm cannot say is not tried: nothing is written to the SMSC, and the words stay."""
    async with smsc(tmp_path, report_after=60.0) as place, carried(tmp_path, place.port, replace=True, **config) as gate:
        await gate.up()
        message = await gate.send()
        await gate.reaches(message, "sent")
        with pytest.raises(Conflict):
            await replace(gate.daemon.gateway, message, "é")
        assert (await gate.queue.message(message)).text == "hello"
    assert place.notes("replace") == []


async def test_replace_without_an_answer(tmp_path):
    """The SMSC says nothing: nobody knows which words arrive, and an event says so; words and state stay."""
    async with (
        smsc(tmp_path, report_after=60.0) as place,
        carried(tmp_path, place.port, replace=True, response_timeout=0.1) as gate,
    ):
        await gate.up()
        message = await gate.send()
        await gate.reaches(message, "sent")
        place.fault("mute")
        with pytest.raises(RequestRefused, match="nobody knows"):
            await replace(gate.daemon.gateway, message, "bye")
        await gate.hears("message.unclear")
        found = await gate.queue.message(message)
        assert (found.text, found.state) == ("hello", "sent")
        place.fault("clear")
