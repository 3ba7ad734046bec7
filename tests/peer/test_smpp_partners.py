"""Other people's SMPP clients on our simulated SMSC, and our link on an SMSC that shares no code with it."""

import asyncio
import json
import logging
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from smsgwd.model import Accepted, ReportStatus
from smsgwd.smpp.session import Timers
from tests.smpp.wire import linked, segment, smsc, until

pytestmark = pytest.mark.peer

REFSMSC = Path(__file__).resolve().parents[3] / "shared" / "peers" / "refsmsc.py"
here = pytest.mark.skipif(not REFSMSC.exists(), reason="the reference SMSC ../shared/peers/refsmsc.py is not here")
LONG = "A text that needs more than one part. " * 8


# ---- smpp34 ----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def by_smpp34(port: int, password: str = "p", patience: float = 10.0):
    smpp34 = pytest.importorskip("smpp34", reason="smpp34 is not installed")
    client = smpp34.Client(
        host="127.0.0.1", port=port, system_id="u", password=password, bind_type="TRX", window_size=10,
        connect_timeout_ms=int(patience * 1000),
    )  # fmt: skip
    session = await client.connect()
    try:
        yield session
    finally:
        await session.unbind()


async def test_smpp34_submits_and_receives(tmp_path):
    """Many texts in its window, all accepted with their ids; a receipt for the one that asks; a text in."""
    async with smsc(tmp_path, system_id="u", password="p", report_after=0.0) as place:
        async with by_smpp34(place.port) as session:
            answers = await asyncio.gather(
                *(session.submit_sm(source_addr="15550100100", destination_addr="15550100777", short_message=b"text %d" % n,
                                    registered_delivery=int(n == 0)) for n in range(50))
            )  # fmt: skip
            assert all(a.is_success for a in answers)
            notes = {n["id"]: n["text"] for n in place.notes("submit")}
            assert [notes[a.message_id] for a in answers] == [f"text {n}" for n in range(50)]
            async with asyncio.timeout(5):
                receipt = await session.next()
                assert receipt.short_message.startswith(f"id:{answers[0].message_id} ".encode())
                assert receipt.esm_class == 4
                place.do("text", **{"from": "+15550100777", "to": "+15550100100", "text": "help"})
                text = await session.next()
            assert (text.source_addr, text.destination_addr, text.short_message) == ("15550100777", "15550100100", b"help")
            await until(lambda: [n["status"] for n in place.notes("answer")] == [0, 0])
        await until(lambda: place.notes("left"))


async def test_smpp34_is_refused(tmp_path):
    """A wrong password, and a text that the SMSC refuses."""
    smpp34 = pytest.importorskip("smpp34", reason="smpp34 is not installed")
    async with smsc(tmp_path, system_id="u", password="p") as place:
        with pytest.raises(smpp34.SmppError):
            async with by_smpp34(place.port, "wrong", 0.5):
                pass
        place.fault("error", code=0x45)
        async with by_smpp34(place.port) as session:
            answer = await session.submit_sm(source_addr="1", destination_addr="2", short_message=b"x")
            assert (answer.is_success, answer.command_status) == (False, 0x45)


# ---- smpplib ---------------------------------------------------------------------------------------------------------


def smpplib_session(port: int, text: str) -> dict:
    """Binds, sends a text in parts, waits for its answers, receipts and one text in; what it saw."""
    import smpplib.client
    import smpplib.gsm

    logging.getLogger("smpplib").setLevel(logging.CRITICAL)
    seen: dict = {"ids": [], "received": []}
    client = smpplib.client.Client("127.0.0.1", port, timeout=5, allow_unknown_opt_params=True)
    client.set_message_sent_handler(lambda pdu: seen["ids"].append(pdu.message_id.decode()))
    client.set_message_received_handler(lambda pdu: seen["received"].append((pdu.esm_class, pdu.short_message)))
    client.connect()
    client.bind_transceiver(system_id="u", password="p")
    parts, coding, esm_class = smpplib.gsm.make_parts(text)
    for part in parts:
        client.send_message(
            source_addr_ton=1, source_addr_npi=1, source_addr="15550100100", dest_addr_ton=1, dest_addr_npi=1,
            destination_addr="15550100777", short_message=part, data_coding=coding, esm_class=esm_class,
            registered_delivery=1,
        )  # fmt: skip
    seen["parts"] = len(parts)
    while len(seen["ids"]) < len(parts) or len(seen["received"]) < len(parts) + 1:
        client.read_once()
    client.unbind()
    client.disconnect()
    return seen


@pytest.mark.parametrize("text", ["hello [€]", LONG, "Привет, мир. " * 12], ids=["short", "long", "long in UCS-2"])
async def test_smpplib_submits_and_receives(tmp_path, text):
    """A text in as many parts as it needs, a receipt for each, and a text in."""
    pytest.importorskip("smpplib.client", reason="smpplib is not installed")
    async with smsc(tmp_path, system_id="u", password="p", report_after=0.0) as place:
        place.do("text", **{"from": "+15550100777", "text": "help"})
        async with asyncio.timeout(15):
            seen = await asyncio.to_thread(smpplib_session, place.port, text)
        notes = place.notes("submit")
    assert [n["id"] for n in notes] == seen["ids"]
    assert "".join(n["text"] for n in sorted(notes, key=lambda n: n["part"])) == text
    assert {(n["parts"], n["to"], n["from"]) for n in notes} == {(seen["parts"], "+15550100777", "+15550100100")}
    receipts = [words for esm_class, words in seen["received"] if esm_class == 4]
    assert sorted(words.split()[0][3:].decode() for words in receipts) == sorted(seen["ids"])
    assert [words for esm_class, words in seen["received"] if esm_class == 0] == [b"help"]


# ---- our link on the reference SMSC ----------------------------------------------------------------------------------


class Reference:
    """refsmsc.py as a process, with its counters."""

    def __init__(self, line: str) -> None:
        words = line.split()
        assert words[::2] == ["ready", "stats"], line
        self.port, self._stats = (int(word.rpartition(":")[2]) for word in words[1::2])

    async def ask(self, word: str) -> dict:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._stats)
        writer.write(word.encode() + b"\n")
        writer.write_eof()
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        return json.loads(answer)


@contextmanager
def refsmsc(*options: str):
    process = subprocess.Popen(
        [sys.executable, str(REFSMSC), "--port", "0", "--stats-port", "0", *options], stdout=subprocess.PIPE, text=True
    )
    try:
        yield Reference(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=10)


@here
@pytest.mark.parametrize(
    "options", [("--id", "hex"), ("--id", "uuid", "--no-tlv"), ("--id", "dec", "--dlr-delay", "0.05")], ids="-".join
)
async def test_our_link_on_the_reference(options):
    """500 texts in a window of 10: each accepted once, each with its receipt, never more than the window open."""
    with refsmsc("--dlr", *options) as reference:
        async with linked(reference.port, Timers(unbind=1.0)) as (link, ear, *_):
            results = await asyncio.gather(*(link.submit(segment(f"text {n}", f"sub_{n}")) for n in range(500)))
            assert all(isinstance(r, Accepted) for r in results)
            await ear.until(lambda: len(ear.reports) == 500)
        counters = await reference.ask("get")
    assert {r.reference for r in ear.reports} == {r.reference for r in results}
    assert {r.status for r in ear.reports} == {ReportStatus.DELIVERED}
    assert (counters["submits"], counters["binds"], counters["bad"], counters["nacked"]) == (500, 1, 0, 0)
    assert counters["unanswered_max"] <= 10


@here
async def test_pace_as_the_reference_sees_it():
    """throughput = 100: no bursts within any 100 ms."""
    with refsmsc() as reference:
        async with linked(reference.port, Timers(unbind=1.0), throughput=100.0) as (link, *_):
            await asyncio.gather(*(link.submit(segment(str(n), str(n))) for n in range(60)))
        counters = await reference.ask("get")
    assert counters["burst_100ms"] <= 13


@here
async def test_texts_of_the_reference():
    """1000 texts at its window: each is told and acknowledged once."""
    with refsmsc() as reference:
        async with linked(reference.port, Timers(unbind=1.0)) as (_, ear, *_more):
            told = await reference.ask("mo 1000 10")
    assert (told["mo"], told["acked"]) == (1000, 1000)
    assert len({t.raw for t in ear.texts}) == len(ear.texts) == 1000
