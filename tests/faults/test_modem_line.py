"""F1 to F15: the line to the modem, and the dialogue on it."""

import asyncio

import msgspec
import pytest

from smsgwd.config import ModemConfig
from smsgwd.model import LinkState
from smsgwd.modem.discover import Candidate, Finder
from tests.faults.plant import CALM, plant, plug, until
from tests.modem.wire import HELLO, OK, wire


async def test_f01_unplugged_before_the_prompt(tmp_path):
    """No PDU was written: the text is queued again, never uncertain, and goes out once when the modem is back."""
    with wire() as modem, wire() as back:
        modem.answers["AT+CMGS="] = None
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            message = await gate.send()
            await until(lambda: any(c.startswith("AT+CMGS") for c in modem.sent))
            modem.close()
            await gate.is_(LinkState.DOWN)
            assert await gate.state(message) == "queued"
            plug(tmp_path / "tty1", back)
            await gate.reaches(message, "sent")
    assert (modem.pdus, len(back.pdus)) == ([], 1)


async def test_f02_unplugged_after_the_last_octet(tmp_path):
    """The network may have it: uncertain, and not sent again by the modem that comes back."""
    with wire() as modem, wire() as back:
        modem.results.append(None)
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            message = await gate.send()
            await until(lambda: modem.pdus)
            modem.close()
            await gate.reaches(message, "uncertain")
            plug(tmp_path / "tty1", back)
            await gate.up()
            await gate.reaches(await gate.send("another"), "sent")
            assert await gate.state(message) == "uncertain"
    assert len(modem.pdus) == len(back.pdus) == 1


async def test_f04_back_under_another_name(tmp_path):
    """The port's name is gone; the modem is found by its IMEI under the new one."""
    new, config = tmp_path / "ttyUSB7", ModemConfig(name="m1", type="modem", port=str(tmp_path / "tty1"))
    finder = Finder(config, candidates=lambda _: [Candidate(str(new), CALM)] if new.exists() else [])
    with wire() as modem, wire() as back:
        async with plant(tmp_path, modem, finder=finder) as gate:
            await gate.up()
            (tmp_path / "tty1").unlink()
            plug(new, back)
            modem.close()
            message = await gate.send()
            await gate.reaches(message, "sent")
    assert len(back.pdus) == 1


async def test_f05_no_prompt(tmp_path):
    """ESC ends what was begun, the text is refused for now, and goes later; the link stays up."""
    with wire() as modem:
        modem.answers["AT+CMGS="] = None
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            message = await gate.send()
            await gate.hears("message.retry")
            (retry,) = await gate.events("message.retry")
            assert (retry.data["code"], await gate.state(message)) == ("no prompt", "queued")
            del modem.answers["AT+CMGS="]
            await gate.queue.retry(message, gate.daemon.clock.now())
            await gate.reaches(message, "sent")
    assert len(modem.pdus) == 1


@pytest.mark.parametrize(
    "prompt",
    [
        pytest.param("\r\n> \r\n> ", id="twice"),
        pytest.param("\r\n>", id="without its space"),
        pytest.param("> ", id="without a line"),
        pytest.param('\r\n+CMTI: "SM",1\r\n\r\n> ', id="behind a notice"),
        pytest.param("\r\n^RSSI: 18 > 3\r\n\r\n> ", id="behind a notice with the same sign"),
    ],
)
async def test_f06_prompts(tmp_path, prompt):
    """However it comes: one PDU, once, accepted."""
    with wire() as modem:
        modem.answers["AT+CMGS="] = prompt
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            await gate.reaches(await gate.send(), "sent")
    assert len(modem.pdus) == 1


async def test_f07_result_after_the_time_out(tmp_path):
    """Uncertain at first; the late +CMGS settles its own text, which is sent then."""
    profile = msgspec.structs.replace(CALM, answer=0.05, silence=5.0)
    with wire() as modem:
        modem.results.append(None)
        async with plant(tmp_path, modem, profile=profile) as gate:
            await gate.up()
            message = await gate.send()
            await gate.reaches(message, "uncertain")
            modem.say("\r\n+CMGS: 77\r\n\r\nOK\r\n")
            await gate.reaches(message, "sent")
            (segment,) = (await gate.queue.message(message)).segments
    assert (segment.reference, len(modem.pdus)) == ("77", 1)


@pytest.mark.parametrize(
    ("result", "reference"),
    [
        pytest.param("\r\n+CMGS: 5\r\n\r\n+CMGS: 5\r\n\r\nOK\r\n", "5", id="+CMGS twice"),
        pytest.param("\r\nOK\r\n", "", id="OK without +CMGS"),
        pytest.param("\r\n+CMGS: 5\r\n", "5", id="+CMGS without OK"),
    ],
)
async def test_f08_odd_results(tmp_path, result, reference):
    """One submit each; a missing reference is accepted; the next text is not disturbed."""
    with wire() as modem:
        modem.results.append(result)
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            message, other = await gate.send(), await gate.send("next")
            await gate.reaches(message, "sent")
            await gate.reaches(other, "sent")
            (segment,) = (await gate.queue.message(message)).segments
    assert (segment.reference, len(modem.pdus)) == (reference, 2)


async def test_f09_result_of_an_earlier_text_after_a_reopen(tmp_path):
    """It belongs to no text of the new opening: the new one has its own reference, the old one stays uncertain."""
    with wire() as modem, wire() as back:
        modem.results.append(None)
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            old = await gate.send("old")
            await until(lambda: modem.pdus)
            modem.close()
            await gate.reaches(old, "uncertain")
            plug(tmp_path / "tty1", back)
            await gate.up()
            back.say("\r\n+CMGS: 200\r\n")
            new = await gate.send("new")
            await gate.reaches(new, "sent")
            (segment,) = (await gate.queue.message(new)).segments
            assert (segment.reference, await gate.state(old)) == ("1", "uncertain")


NOISE = [
    pytest.param(bytes(range(128, 256)) * 3, id="high bytes"),
    pytest.param(b"\x00" * 200, id="0x00"),
    pytest.param(b"\xff" * 200, id="0xff"),
    pytest.param("ä€😀".encode()[:-1], id="half a character"),
    pytest.param(b"\r\nOK\r\n\r\nERROR\r\n\r\n> ", id="results that nobody waits for"),
    pytest.param(b"AT+CPIN=\r\n+CMT: ,24\r\n", id="a header without its PDU"),
]


@pytest.mark.parametrize("noise", NOISE)
async def test_f11_noise(tmp_path, noise):
    """Noise at any time: the link stays up, and the next text goes out."""
    with wire() as modem:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            modem.say(noise.decode("latin-1"))
            await gate.reaches(await gate.send(), "sent")
            modem.say(noise.decode("latin-1") + "\r\n")
            await gate.reaches(await gate.send("again"), "sent")
    assert len(modem.pdus) == 2


async def test_f12_bytes_in_pieces(tmp_path):
    """One byte at a time, half lines, and 64 KiB without an end: read as if whole, in a bounded buffer."""
    with wire() as modem:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            modem.slots[3] = HELLO
            for c in '\r\n+CMTI: "SM",3\r\n':
                modem.say(c)
                await asyncio.sleep(0.001)
            await until(lambda: not modem.slots)
            for _ in range(64):
                modem.say("x" * 1024)
                await asyncio.sleep(0)
            await asyncio.sleep(0.02)
            modem.say("\r\n")
            await gate.reaches(await gate.send(), "sent")
            (_, link), *_ = gate.daemon.links
            assert len(link._channel._parser._buffer) < 5000
            assert await gate.inbox() == ["hello"]


@pytest.mark.parametrize("code", ['+CMTI: "SM",3', "^RSSI: 18", "RING", "NO CARRIER", "+CREG: 1", "+CMT: ,24\r\n" + HELLO])
async def test_f13_codes_inside_results(tmp_path, code):
    """Between +CMGS and OK, and before both: the text is accepted with its reference, once; the code is heard."""
    with wire() as modem:
        modem.results.extend([f"\r\n{code}\r\n\r\n+CMGS: 8\r\n\r\nOK\r\n", f"\r\n+CMGS: 9\r\n\r\n{code}\r\n\r\nOK\r\n"])
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            modem.slots[3] = HELLO
            first, second = await gate.send("first"), await gate.send("second")
            await gate.reaches(first, "sent")
            await gate.reaches(second, "sent")
            references = [(await gate.queue.message(m)).segments[0].reference for m in (first, second)]
            assert references == ["8", "9"]
    assert len(modem.pdus) == 2


async def test_f14_echo_in_spite_of_ate0(tmp_path):
    """Every command and the PDU come back: nothing changes."""
    with wire() as modem:
        modem.echo = True
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            await gate.reaches(await gate.send(), "sent")
    assert len(modem.pdus) == 1


async def test_f15_notices_that_lie(tmp_path):
    """The same notice twice, and one for an empty place, as +CMS ERROR 321 or as OK: one text, no error."""
    with wire() as modem:
        async with plant(tmp_path, modem) as gate:
            await gate.up()
            modem.slots[3] = HELLO
            modem.say('\r\n+CMTI: "SM",3\r\n\r\n+CMTI: "SM",3\r\n\r\n+CMTI: "SM",9\r\n')
            await until(lambda: modem.count("AT+CMGR=9"))
            modem.answers["AT+CMGR=10"] = OK
            modem.say('\r\n+CMTI: "SM",10\r\n')
            await until(lambda: modem.count("AT+CMGR=10"))
            await gate.reaches(await gate.send(), "sent")
            assert await gate.inbox() == ["hello"]
