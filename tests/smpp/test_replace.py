"""Other words for a text that an SMSC has: replace_sm as it is written, and what its answers mean."""

import asyncio

import msgspec
import pytest

from smsgwd.config.smpp import DataCoding
from smsgwd.errors import LinkError, PduError, Uncertain
from smsgwd.model import Accepted
from smsgwd.smpp.asking import Questions, replaced
from smsgwd.smpp.bodies import ReplaceSm
from smsgwd.smpp.events import Answer
from smsgwd.smpp.outgoing import Writer
from smsgwd.sms.encoding import Alphabet
from tests.smpp.test_link_life import asked
from tests.smpp.texts import carrier, segment
from tests.smpp.wire import HASTY, linked, raw_smsc

_G, _U = Alphabet.GSM7, Alphabet.UCS2
NOW = 1_800_000_000_000


def written(old, new, **keys) -> ReplaceSm:
    config = carrier(**keys)
    submit = Writer(config).submit_sm
    return Questions(config).replace_sm("1f", submit(old, NOW), submit(new, NOW))


@pytest.mark.parametrize(
    ("keys", "old", "new", "octets"),
    [
        pytest.param({}, segment("hello"), segment("@{"), b"\0\x1b\x28", id="GSM-7, one septet an octet"),
        pytest.param({}, segment("ж", _U), segment("hi", _U), b"\0h\0i", id="UCS-2"),
        pytest.param({"packed": True}, segment("x"), segment("hello"), bytes.fromhex("e8329bfd06"), id="packed"),
        pytest.param({"default_alphabet": "latin1"}, segment("x"), segment("é"), b"\xe9", id="Latin-1"),
        pytest.param({}, segment("x", flash=True), segment("y", flash=True), b"y", id="flash"),
    ],
)
def test_fields(keys, old, new, octets):
    """The id, the sender as it was, the receipt as it was asked for, the octets of the link; empty times leave the old
    ones, however long the text may wait."""
    old, new = (msgspec.structs.replace(made, validity=3600, schedule=NOW + 60_000) for made in (old, new))
    body = written(old, new, smsc_schedule=True, **keys)
    assert body == ReplaceSm(b"1f", 1, 1, b"15550100100", registered_delivery=1, short_message=octets)


@pytest.mark.parametrize(
    ("keys", "report", "expected"),
    [
        pytest.param({"receipts": "none"}, True, 0, id="none"),
        pytest.param({"intermediate": True}, True, 0x11, id="intermediate"),
        pytest.param({}, False, 0, id="not of this text"),
    ],
)
def test_receipt(keys, report, expected):
    """replace_sm says anew whether a receipt is wanted: it must not end one that was asked for."""
    made = segment(report=report)
    assert written(made, made, **keys).registered_delivery == expected


@pytest.mark.parametrize(
    ("keys", "old", "new", "why"),
    [
        pytest.param({}, segment("x"), segment("ж", _U), "no data_coding: it was 0, and the new text needs 8", id="alphabet"),
        pytest.param({"data_coding": DataCoding(latin1=3)}, segment("é"), segment("€"), "it was 3", id="Latin-1 before"),
        pytest.param({"default_alphabet": "ascii"}, segment("x"), segment("é"), "needs 8", id="UCS-2 for want of a letter"),
        pytest.param({}, segment("x"), segment("ğ", single=1), "header", id="a national table"),
        pytest.param({}, segment("ğ", single=1), segment("x"), "header", id="a national table before"),
        pytest.param({"segmentation": "payload"}, segment("x"), segment("y"), "message_payload", id="payload"),
    ],
)
def test_what_it_cannot_say(keys, old, new, why):
    """PduError for what needs a field that replace_sm does not have (section 4.10)."""
    with pytest.raises(PduError, match=why):
        written(old, new, **keys)


def test_an_id_of_other_letters():
    """A message_id is written in Latin-1."""
    body = Writer(carrier()).submit_sm(segment(), NOW)
    with pytest.raises(PduError, match="Latin-1"):
        Questions(carrier()).replace_sm("ж", body, body)


@pytest.mark.parametrize(
    ("status", "code"),
    [pytest.param(0, "", id="taken"), pytest.param(0x13, "ESME 0x13", id="too late"), pytest.param(0x58, None, id="another")],
)
def test_answers(status, code):
    """0 and 0x13 speak of this command; all other statuses mean what they mean elsewhere."""
    said = replaced(Answer("question 1", status, ""))
    assert (said is None) == (code is None)
    assert code is None or (getattr(said, "code", ""), isinstance(said, Accepted)) == (code, not code)


# ---- on a link -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param((0, None), "", id="replaced"),
        pytest.param((0x13, None), "ESME 0x13", id="too late"),
        pytest.param((0x58, None), "ESME 0x58", id="throttled"),
    ],
)
async def test_replace(answer, code):
    """Accepted only when the SMSC says so, else its reason; the session goes on."""
    seen: list[ReplaceSm] = []
    async with raw_smsc(asked(answer, seen)) as port, linked(port, HASTY, replace=True) as (link, _, task, _stop):
        said = await link.replace("1f", segment("hello"), segment("bye"))
        assert not task.done()
    assert (getattr(said, "code", ""), isinstance(said, Accepted)) == (code, not code)
    assert [(q.message_id, q.short_message) for q in seen] == [(b"1f", b"bye")]


async def test_no_answer():
    """Nobody can know then: Uncertain."""
    async with raw_smsc(asked(None, [])) as port, linked(port, HASTY, replace=True) as (link, *_):
        with pytest.raises(Uncertain):
            await link.replace("1f", segment("hello"), segment("bye"))


async def test_nothing_is_written():
    """Without `replace`, and for words that it cannot say: a LinkError, and no octet goes out."""
    seen: list[ReplaceSm] = []
    async with raw_smsc(asked((0, None), seen)) as port, linked(port, HASTY) as (link, *_):
        with pytest.raises(LinkError, match="replace = true"):
            await link.replace("1f", segment("hello"), segment("bye"))
    async with raw_smsc(asked((0, None), seen)) as port, linked(port, HASTY, replace=True) as (link, *_):
        with pytest.raises(LinkError, match="no data_coding"):
            await link.replace("1f", segment("hello"), segment("ж", _U))
        await asyncio.sleep(0)
    assert [body for body in seen if isinstance(body, ReplaceSm)] == []
