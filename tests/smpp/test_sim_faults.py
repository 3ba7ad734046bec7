"""The faults of the simulated SMSC that our link's own tests do not have: what a plain client sees of each."""

import pytest

from smsgwd.smpp.bodies import MessageResp, ShortMessage
from smsgwd.smpp.consts import CommandId
from smsgwd.smpp.sim import answers
from smsgwd.smpp.sim.faults import FAULTS
from tests.smpp.test_sim_smsc import TEXT, bind
from tests.smpp.wire import client, smsc, until

_C = CommandId
REPORTED = ShortMessage(source_addr=b"15", destination_addr=b"25", short_message=b"hello", registered_delivery=1)


async def submit(raw, *sequences: int, body=TEXT) -> None:
    for sequence in sequences:
        raw.say(_C.SUBMIT_SM, sequence, body)


async def swallow(place, raw):
    """All are taken, none is answered, and the connection ends."""
    place.fault("swallow", texts=3)
    await submit(raw, 2, 3, 4)
    assert await raw.ended()
    assert [n["sequence"] for n in place.notes("submit")] == [2, 3, 4]


async def reorder(place, raw):
    """The last is answered first, each with its own id."""
    place.fault("reorder", texts=3)
    await submit(raw, 2, 3, 4)
    got = [await raw.next() for _ in range(3)]
    assert [a.sequence for a in got] == [4, 3, 2]
    assert [a.body.message_id.decode() for a in reversed(got)] == [n["id"] for n in place.notes("submit")]


async def twice_answered(place, raw):
    """The second answer has another id."""
    place.fault("twice-answered")
    await submit(raw, 2)
    got = [await raw.next() for _ in range(2)]
    assert [a.sequence for a in got] == [2, 2]
    assert got[0].body.message_id != got[1].body.message_id


async def stray_answer(place, raw):
    """An answer to nothing comes before the right one."""
    place.fault("stray-answer")
    await submit(raw, 2)
    got = [(await raw.next()).sequence for _ in range(2)]
    assert got == [2 ^ 0x40000000, 2]


async def other_digits(place, raw):
    """The answer has the id in hexadecimal, the receipt the same number in decimal."""
    place.fault("other-digits")
    await submit(raw, 2, body=REPORTED)
    own = (await raw.next()).body.message_id
    words = (await raw.next()).body.short_message
    assert words.startswith(b"id:%d sub:" % int(own, 16))


async def orphan_report(place, raw):
    """A receipt on an id that no answer ever named."""
    place.fault("orphan-report")
    receipt = await raw.next()
    assert (receipt.command_id, receipt.body.esm_class) == (_C.DELIVER_SM, 4)
    await submit(raw, 2)
    assert (await raw.next()).body.message_id not in receipt.body.short_message


async def text_now(place, raw):
    """A text comes at once."""
    place.fault("text-now")
    assert (await raw.next()).body.short_message == b"a text of the simulator"


async def lost_answer(place, raw):
    """Our answer is lost with the line; the text comes again after the next bind, and then no more."""
    place.fault("lost-answer")
    place.do("text", **{"from": "+15", "text": "once"})
    raw.say(_C.DELIVER_SM_RESP, (await raw.next()).sequence, MessageResp())
    assert await raw.ended()
    async with client(place.port) as again:
        await bind(again)
        delivery = await again.next()
        assert delivery.body.short_message == b"once"
        again.say(_C.DELIVER_SM_RESP, delivery.sequence, MessageResp())
        await until(lambda: place.notes("answer"))
    assert place.do("state")["waiting"] == 0


async def no_enquire(place, raw):
    """enquire_link is not answered, what is behind it is."""
    place.fault("no-enquire")
    raw.say(_C.ENQUIRE_LINK, 2)
    await submit(raw, 3)
    assert (await raw.next()).sequence == 3


async def half(place, raw):
    """60 octets are announced, and fewer come."""
    place.fault("half")
    octets = await raw.some()
    assert octets[:4] == b"\0\0\0\x3c"
    assert 16 < len(octets) < 60


async def drip(place, raw):
    """One text in many reads, and what is said meanwhile comes behind it."""
    place.fault("drip", seconds=0.0)
    await submit(raw, 2)
    first, second = await raw.next(), await raw.next()
    assert (first.body.short_message, second.command_id) == (b"drop by drop", _C.SUBMIT_SM_RESP)


async def other_certificate(place, raw):
    """Without one it is a mistake that says what is missing."""
    answer = place.ask("fault", name="f40")
    assert (answer["ok"], "--other-tls" in answer["error"]) == (False, True)


MORE = {
    "swallow": swallow, "reorder": reorder, "twice-answered": twice_answered, "stray-answer": stray_answer,
    "other-digits": other_digits, "orphan-report": orphan_report, "text-now": text_now, "lost-answer": lost_answer,
    "no-enquire": no_enquire, "half": half, "drip": drip, "other-certificate": other_certificate,
}  # fmt: skip


@pytest.mark.parametrize("name", MORE)
async def test_fault(tmp_path, name):
    """What the row of the table says is what a client sees."""
    assert name in FAULTS
    async with smsc(tmp_path, report_after=0.0) as place, client(place.port) as raw:
        await bind(raw)
        await MORE[name](place, raw)


async def test_kept_answers_are_given_in_the_end(tmp_path, monkeypatch):
    """Fewer texts than the fault waits for: their answers come all the same, in the wrong order."""
    monkeypatch.setattr(answers, "KEPT", 0.02)
    async with smsc(tmp_path) as place, client(place.port) as raw:
        await bind(raw)
        place.fault("reorder", texts=9)
        await submit(raw, 2, 3)
        assert [(await raw.next()).sequence for _ in range(2)] == [3, 2]


async def test_names_of_the_catalogue(tmp_path):
    """F30 is two refusals, one after the other."""
    async with smsc(tmp_path) as place, client(place.port) as raw:
        await bind(raw)
        place.fault("f30")
        await submit(raw, 2, 3, 4)
        assert [(await raw.next()).status for _ in range(3)] == [0x58, 0x14, 0]
