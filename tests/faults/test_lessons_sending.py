"""Lessons from other programs' defects, the rows about sending: one named test for each. See ``test_lessons.py``."""

import asyncio
from datetime import UTC, datetime

import msgspec

from smsgwd.model import Accepted, LinkState, RefusalClass
from smsgwd.modem.profile import Profile
from tests.faults.plant import CALM, plant, until
from tests.modem.wire import HELLO, QUICK, REPORT, Wire, running, segment, wire


async def test_lesson_10_a_notice_inside_a_result_is_kept(tmp_path):
    """+CMTI between the PDU and +CMGS: accepted with reference 5, and the text is read. Elsewhere it never was."""
    with wire() as modem:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            modem.slots[3] = HELLO
            modem.results.append('\r\n+CMTI: "SM",3\r\n\r\n+CMGS: 5\r\n\r\nOK\r\n')
            message = await gate.send()
            await gate.reaches(message, "sent")
            await until(lambda: not modem.slots)
            (part,) = (await gate.queue.message(message)).segments
            assert (part.reference, await gate.inbox()) == ("5", ["hello"])


async def test_lesson_11_a_report_before_its_result(tmp_path):
    """+CDS for reference 5 comes before ``+CMGS: 5``: delivered. Elsewhere the report was lost."""
    digits = f"{datetime.now(UTC):%y%m%d%H%M%S}00"
    now = "".join(digits[i + 1] + digits[i] for i in range(0, 14, 2))
    report = REPORT.replace("62113261005080", now)
    with wire() as modem:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            modem.results.append(f"\r\n+CDS: 25\r\n{report}\r\n\r\n+CMGS: 5\r\n\r\nOK\r\n")
            await gate.reaches(await gate.send(), "delivered")


async def test_lesson_14_a_text_is_one_transaction():
    """Two tasks send 100 texts each while the modem is asked for its signal: 200 whole PDUs, and nothing is written
    between AT+CMGS and its PDU. Elsewhere 4 of 14 PDUs had commands in them (``AT+CMGS=23 AT+CLAC 0021…``)."""
    with wire() as modem:
        async with running(modem, profile=msgspec.structs.replace(QUICK, poll=0.001)) as (link, *_):
            before = len(modem.sent)

            async def send(task: str) -> None:
                for i in range(100):
                    assert isinstance(await link.submit(segment(f"{task}{i:02}")), Accepted)
                    if i % 10 == 9:  # as long as a text waits, nothing is asked
                        asked = modem.count("AT+CSQ")
                        await until(lambda asked=asked: modem.count("AT+CSQ") > asked)

            await asyncio.gather(send("a"), send("b"))
            written = modem.sent[before:]
    assert len(modem.pdus) == len(set(modem.pdus)) == 200
    assert {len(pdu) for pdu in modem.pdus} == {2 * (1 + 16)}
    assert written.count("AT+CMGS=16") == 200
    assert written.count("AT+CSQ") >= 10


async def test_lesson_16_more_fields_of_cmgs():
    """A time behind the reference is ignored. Elsewhere that was a ValueError after the text had gone, and it was sent
    again."""
    with wire() as modem:
        async with running(modem) as (link, *_):
            modem.results.append('\r\n+CMGS: 5,"26/11/23,16:00:00+04"\r\n\r\nOK\r\n')
            assert await link.submit(segment()) == Accepted("5")
    assert len(modem.pdus) == 1


async def test_lesson_17_every_part_is_tracked(tmp_path):
    """400 letters are three parts with three references. Elsewhere only the last was known."""
    with wire() as modem:
        modem.mr = 9
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            message = await gate.send("a" * 400)
            await gate.reaches(message, "sent")
            parts = (await gate.queue.message(message)).segments
    assert [(p.part, p.state, p.reference) for p in parts] == [(i, "accepted", str(9 + i)) for i in (1, 2, 3)]


async def test_lesson_17_a_failing_part_hides_none(tmp_path):
    """Part 2 is refused for now: part 1 stays accepted, part 3 is not tried, and only these two go again later.
    Elsewhere a bare exception told nothing of part 1."""
    with wire() as modem:
        modem.mr = 9
        modem.results.extend(["\r\n+CMGS: 10\r\n\r\nOK\r\n", "\r\n+CMS ERROR: 38\r\n"])
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            message = await gate.send("a" * 400)
            await gate.hears("message.retry")
            first, second, third = (await gate.queue.message(message)).segments
            assert (first.state, first.reference) == ("accepted", "10")
            assert (second.state, second.reason[:6]) == ("refused", "CMS 38")
            assert (third.state, third.link, len(modem.pdus)) == ("queued", "", 2)
            await gate.queue.retry(message, gate.daemon.clock.now())
            await gate.reaches(message, "sent")
    assert len(modem.pdus) == 4
    assert modem.pdus[1] == modem.pdus[2]


class Tapped(Wire):
    """Keeps every octet that is written to it."""

    octets = b""

    def _feed(self, octets: bytes) -> None:
        self.octets += octets
        super()._feed(octets)


async def test_lesson_21_no_prompt_then_escape():
    """AT+CMGS is swallowed: ESC before anything else, then AT; refused. Elsewhere the next command became a text."""
    modem = Tapped()
    try:
        async with running(modem) as (link, *_):
            modem.answers["AT+CMGS="] = None
            refused = await link.submit(segment())
            assert (refused.code, refused.class_) == ("no prompt", RefusalClass.TEMPORARY)
            assert modem.octets.partition(b"AT+CMGS=18\r")[2].startswith(b"\x1b\rAT\r")
            del modem.answers["AT+CMGS="]
            assert await link.submit(segment()) == Accepted("1")
    finally:
        modem.close()


async def test_lesson_22_busy_for_ever_at_the_prompt():
    """``+CMS ERROR: 515`` to every AT+CMGS: each text is refused for now at once, the queue tries later, and the link
    lives. Elsewhere the same text was tried again and again inside the driver."""
    with wire() as modem:
        async with running(modem) as (link, ear, _):
            modem.answers["AT+CMGS="] = "\r\n+CMS ERROR: 515\r\n"
            before = len(modem.sent)
            refused = await link.submit(segment())
            assert (refused.class_, refused.retry_after > 0) == (RefusalClass.TEMPORARY, True)
            assert (len(modem.sent) - before, ear.state) == (1, LinkState.UP)


async def test_lesson_23_a_late_result_finds_its_text(tmp_path):
    """+CMGS after 80 s: uncertain, then sent. Elsewhere the text had failed after 35 s, and the late line was noise."""
    assert Profile().answer < 80 < Profile().silence
    with wire() as modem:
        modem.results.append(None)
        async with plant(tmp_path, modem, profile=msgspec.structs.replace(CALM, answer=0.05, silence=5.0)) as gate:
            await gate.up()
            message = await gate.send()
            await gate.reaches(message, "uncertain")
            modem.say("\r\n+CMGS: 9\r\n\r\nOK\r\n")
            await gate.reaches(message, "sent")
            (part,) = (await gate.queue.message(message)).segments
    assert (part.reference, len(modem.pdus)) == ("9", 1)


async def test_lesson_27_an_error_before_the_prompt_is_never_unknown():
    """Nothing was sent then, so no code makes the text uncertain: 500, 332 and a maker's own come back as refusals."""
    with wire() as modem:
        async with running(modem) as (link, *_):
            for code in ("+CMS ERROR: 500", "+CMS ERROR: 332", "+CMS ERROR: 512", "ERROR"):
                modem.answers["AT+CMGS="] = f"\r\n{code}\r\n"
                assert (await link.submit(segment())).class_ is RefusalClass.TEMPORARY
    assert modem.pdus == []


async def test_lesson_28_no_command_without_use():
    """1,500 texts cost 1,500 AT+CMGS and nothing else. Elsewhere each had an AT+CSCS of its own."""
    with wire() as modem:
        async with running(modem) as (link, *_):
            before = len(modem.sent)
            for i in range(1500):
                assert isinstance(await link.submit(segment(f"{i:04}")), Accepted)
            written = modem.sent[before:]
    assert written == ["AT+CMGS=17"] * 1500
    assert "AT+CSCS" not in " ".join(modem.sent)
