"""The SIM that belongs to a link, and its PIN over restarts."""

import asyncio

import pytest

from smsgwd.config import Secret
from smsgwd.errors import LinkError
from smsgwd.modem.card import read_iccid
from smsgwd.modem.channel import Channel
from tests.canaries import PIN
from tests.modem.wire import OK, QUICK, Ear, running, wire

OURS, OTHER = "89430100000000000001", "89430100000000009999"


def sim(modem, iccid: str, answer: str = "+CCID: {}") -> None:
    modem.answers["AT+CCID"] = f"\r\n{answer.format(iccid)}\r\n{OK}"


async def down(modem, ear, **config) -> str:
    """Why the link does not come up."""
    async with running(modem, up=False, ear=ear, **config) as (_, _ear, task):
        with pytest.raises(LinkError) as why:
            await asyncio.wait_for(task, 5)
    return str(why.value)


async def test_the_first_sim_is_taken():
    """And it is known at the next start."""
    ear = Ear()
    with wire() as modem:
        for _ in range(2):
            async with running(modem, ear=ear):
                pass
    assert ear.kept["sim m1"] == OURS
    assert ear.notices == []


async def test_another_sim_waits_for_a_person():
    """The link stays down, says how to go on, and names neither SIM; nothing is sent to it, no PIN either."""
    ear = Ear()
    ear.kept["sim m1"] = OURS
    with wire() as modem:
        sim(modem, OTHER)
        modem.answers["AT+CPIN?"] = f"\r\n+CPIN: SIM PIN\r\n{OK}"
        why = await down(modem, ear, pin=Secret(PIN))
    assert why == "another SIM (…9999) than last time (…0001); if that is meant: smsgwd links accept m1"
    assert ear.notices == [("sim.changed", {"was": "…0001", "now": "…9999"})]
    assert not [c for c in modem.sent if c.startswith("AT+CPIN=")]


async def test_a_sim_of_the_configuration():
    """`iccid` wants that one SIM; what was remembered does not matter."""
    ear = Ear()
    ear.kept["sim m1"] = OTHER
    with wire() as modem:
        async with running(modem, ear=ear, iccid=OURS[:19]):
            pass
        sim(modem, OTHER)
        assert "the configuration wants …0000" in await down(modem, ear, iccid=OURS[:19])


async def test_a_modem_of_the_configuration():
    """`imei` wants that one modem."""
    with wire() as modem:
        async with running(modem, imei="861121778331597"):
            pass
        assert "has IMEI 861121778331597" in await down(modem, Ear(), imei="861121778331598")


async def test_a_sim_that_tells_nothing():
    """Some tell no ICCID: the link works all the same, and remembers nothing."""
    ear = Ear()
    with wire() as modem:
        modem.answers["AT+CCID"] = "\r\nERROR\r\n"
        async with running(modem, ear=ear):
            pass
    assert "sim m1" not in ear.kept


@pytest.mark.parametrize(
    ("answer", "iccid"),
    [
        pytest.param("+CCID: {}", OURS, id="standard"),
        pytest.param('+ICCID: "{}"', OURS, id="another name, quotes"),
        pytest.param("{}", OURS, id="bare"),
        pytest.param("{}F", OURS, id="fill digit"),
        pytest.param("+CCID: none", "", id="none"),
    ],
)
async def test_ways_to_tell(answer, iccid):
    """Modems write it in many ways."""
    with wire() as modem:
        sim(modem, OURS, answer)
        channel = Channel(QUICK, lambda: None)
        await channel.open(modem.path, 115200)
        try:
            assert await read_iccid(QUICK, channel) == iccid
        finally:
            channel.close()


async def test_while_the_store_is_away():
    """Without the store nobody knows which SIM, or which refused PIN, it was: the link waits."""
    ear = Ear()
    ear.away = True
    with wire() as modem:
        assert "while the store is away" in await down(modem, ear)
        modem.answers["AT+CCID"] = "\r\nERROR\r\n"
        modem.answers["AT+CPIN?"] = f"\r\n+CPIN: SIM PIN\r\n{OK}"
        assert "only while the store can remember it" in await down(modem, ear, pin=Secret(PIN))
    assert not [c for c in modem.sent if c.startswith("AT+CPIN=")]


async def test_a_good_pin_is_forgotten():
    """What is remembered before the PIN is written goes when the SIM has taken it, and is no PIN that could be read."""
    ear, states = Ear(), iter(["SIM PIN"])
    with wire() as modem:
        modem.answers["AT+CPIN?"] = None
        modem.answers["AT+CPINR"] = f"\r\n+CPINR: SIM PIN,3,3\r\n{OK}"
        answer = modem._answer

        def locked(command):
            if command == "AT+CPIN?":
                modem.say(f"\r\n+CPIN: {next(states, 'READY')}\r\n{OK}")
            else:
                if command.startswith("AT+CPIN="):
                    assert any(name.startswith("pin ") for name in ear.kept)
                    assert "1234" not in str(ear.kept)
                answer(command)

        modem._answer = locked
        async with running(modem, ear=ear, pin=Secret(PIN)):
            pass
    assert [name for name in ear.kept if name.startswith("pin ") and ear.kept[name]] == []
    assert modem.count(f'AT+CPIN="{PIN}"') == 1
