"""F16 to F19: the storage of SIM and modem."""

import asyncio

import msgspec
import pytest

from tests.faults.plant import CALM, plant, until
from tests.modem.wire import HELLO, OK, wire


def texts(n: int) -> dict[int, str]:
    """So many different texts: each has another second in its time stamp."""
    return {i + 1: HELLO.replace("62113261005080", f"621132{i // 60 % 10}{i // 600 % 6}{i % 10}{i // 10 % 6}80") for i in range(n)}


async def test_f16_no_notice_at_all(tmp_path):
    """A text that nobody announced is found by the regular look."""
    with wire() as modem:
        async with plant(tmp_path, modem, profile=msgspec.structs.replace(CALM, poll=0.05)) as gate:
            await gate.up()
            modem.slots = {4: HELLO}
            await until(lambda: not modem.slots)
            assert await gate.inbox() == ["hello"]


@pytest.mark.parametrize("slots", [10, 25, 255])
async def test_f17_storage_full(tmp_path, slots):
    """All of it is taken, in order and once, and the operator is told that it was full."""
    with wire() as modem:
        modem.slots = texts(slots)
        modem.answers["AT+CPMS?"] = f'\r\n+CPMS: "SM",{slots},{slots},"SM",{slots},{slots}\r\n{OK}'
        async with plant(tmp_path, modem) as gate:
            await until(lambda: not modem.slots, 30)
            await gate.up()
            assert len(await gate.inbox()) == slots
            (told,) = await gate.events("storage.full")
            assert (told.data["used"], told.data["total"]) == (slots, slots)


async def test_f17_storage_nearly_full(tmp_path):
    """From 80 % on the operator is told, once."""
    with wire() as modem:
        modem.answers["AT+CPMS?"] = f'\r\n+CPMS: "SM",40,50,"SM",40,50\r\n{OK}'
        async with plant(tmp_path, modem, profile=msgspec.structs.replace(CALM, poll=0.02)) as gate:
            await gate.up()
            await until(lambda: modem.count("AT+CPMS?") > 4)
            assert len(await gate.events("storage.high")) == 1


async def test_f18_delete_fails(tmp_path):
    """The text stays in its place and is read again by each look; it is stored once."""
    with wire() as modem:
        modem.answers["AT+CMGD=3"] = "\r\n+CMS ERROR: 320\r\n"
        async with plant(tmp_path, modem, profile=msgspec.structs.replace(CALM, poll=0.05)) as gate:
            await gate.up()
            modem.slots = {3: HELLO}
            modem.say('\r\n+CMTI: "SM",3\r\n')
            await until(lambda: modem.count("AT+CMGD=3") >= 3)
            assert await gate.inbox() == ["hello"]
            del modem.answers["AT+CMGD=3"]
            await until(lambda: not modem.slots)


async def test_f18_another_text_took_the_place(tmp_path):
    """Before the second try to delete, the place is read again: a new text in it is stored, not deleted unread."""
    other = HELLO.replace("E8329BFD06", "E8329BFD46")
    with wire() as modem:
        modem.answers["AT+CMGD=3"] = "\r\n+CMS ERROR: 320\r\n"
        async with plant(tmp_path, modem, profile=msgspec.structs.replace(CALM, poll=0.05)) as gate:
            await gate.up()
            modem.slots = {3: HELLO}
            modem.say('\r\n+CMTI: "SM",3\r\n')
            await until(lambda: modem.count("AT+CMGD=3"))
            modem.slots = {3: other}
            del modem.answers["AT+CMGD=3"]
            await until(lambda: not modem.slots)
            assert len(await gate.inbox()) == 2


async def test_f19_the_list_hangs(tmp_path):
    """AT+CMGL without an answer ends by its time-out; the link comes up and sends all the same."""
    with wire() as modem:
        modem.answers["AT+CMGL=4"] = None
        async with plant(tmp_path, modem, profile=msgspec.structs.replace(CALM, stretch=0.002)) as gate:
            await gate.up()
            await gate.reaches(await gate.send(), "sent")
            await asyncio.sleep(0)
    assert len(modem.pdus) == 1
