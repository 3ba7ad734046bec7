"""F10, F23, F24, F29: what the network says through the modem."""

import msgspec
import pytest

from smsgwd.model import LinkState, RefusalClass
from smsgwd.modem.causes import _CME, _CMS, Unknown
from tests.faults.plant import CALM, plant, until
from tests.modem.wire import OK, wire

#: every code of the tables, each class once more by words, and codes that no table has
CODES = [
    *(pytest.param(f"+CMS ERROR: {code}", cause.class_, id=f"CMS {code}") for code, cause in _CMS.items()),
    *(pytest.param(f"+CME ERROR: {code}", cause.class_, id=f"CME {code}") for code, cause in _CME.items()),
    pytest.param("+CMS ERROR: 77", RefusalClass.TEMPORARY, id="another RP cause"),
    pytest.param("+CMS ERROR: 512", Unknown.UNKNOWN, id="maker's, no row"),
    pytest.param("+CMS ERROR: 513", RefusalClass.TEMPORARY, id="maker's, with a row"),
    pytest.param("+CMS ERROR: 99999999999", Unknown.UNKNOWN, id="no number of anybody"),
    pytest.param("+CMS ERROR: ", Unknown.UNKNOWN, id="nothing"),
    pytest.param("ERROR", Unknown.UNKNOWN, id="ERROR"),
    pytest.param("COMMAND NOT SUPPORT", Unknown.UNKNOWN, id="Huawei's"),
]


@pytest.fixture(scope="module")
def makers():
    return msgspec.structs.replace(CALM, cms={"513": "temporary"})


@pytest.mark.parametrize(("result", "class_"), CODES)
async def test_f10_every_code(tmp_path, makers, result, class_):
    """After the PDU: the class of the table, and never an exception. Unknown is uncertain, and not sent again."""
    ends = {
        RefusalClass.PERMANENT: ("failed",), RefusalClass.TEMPORARY: ("queued",), RefusalClass.LINK: ("queued",),
        Unknown.UNKNOWN: ("uncertain",),
    }[class_]  # fmt: skip
    with wire() as modem:
        async with plant(tmp_path, modem, profile=makers) as gate:
            await gate.up()
            await gate.reaches(await gate.send("proof that this SIM can send"), "sent")
            modem.results.append(f"\r\n{result}\r\n")
            message = await gate.send()
            await until(lambda: len(modem.pdus) == 2)
            await gate.reaches(message, *ends)
            tripped = class_ is RefusalClass.LINK
            if tripped:
                await gate.hears("link.tripped")
            assert bool(await gate.events("link.tripped")) is tripped
    assert len(modem.pdus) == 2


@pytest.mark.parametrize(
    ("stat", "roaming", "state", "why"),
    [
        pytest.param(3, True, LinkState.STARTING, "denied", id="denied"),
        pytest.param(2, True, LinkState.STARTING, "searching", id="searching"),
        pytest.param(0, True, LinkState.STARTING, "not searching", id="off"),
        pytest.param(8, True, LinkState.STARTING, "emergency", id="emergency only"),
        pytest.param(5, False, LinkState.STARTING, "`roaming` is off", id="roaming that is not wanted"),
        pytest.param(5, True, LinkState.UP, "roaming", id="roaming"),
        pytest.param(6, True, LinkState.UP, "SMS only", id="SMS only"),
    ],
)
async def test_f23_registration(tmp_path, stat, roaming, state, why):
    """Sent only where the state and the policy allow it; the reason is told, and a change is noticed at once."""
    with wire() as modem:
        modem.answers["AT+CREG?"] = f"\r\n+CREG: 2,{stat}\r\n{OK}"
        async with plant(tmp_path, modem, roaming=roaming) as gate:
            await gate.is_(state, why=why)
            message = await gate.send()
            if state is LinkState.UP:
                await gate.reaches(message, "sent")
            else:
                assert (await gate.state(message), modem.pdus) == ("queued", [])
                modem.say('\r\n+CREG: 1,"00C3","A1B2"\r\n')
                await gate.reaches(message, "sent")


@pytest.mark.parametrize(
    ("csq", "cesq", "dbm"),
    [
        pytest.param("+CSQ: 99,99", "+CESQ: 99,99,255,255,255,255", None, id="unknown"),
        pytest.param("ERROR", "ERROR", None, id="refused"),
        pytest.param("+CSQ: 20,99", "ERROR", -73, id="known"),
        pytest.param("+CSQ: 99,99", "+CESQ: 99,99,255,255,20,60", -81, id="LTE"),
        pytest.param("+CSQ: 0,99", "ERROR", -113, id="the least"),
    ],
)
async def test_f24_signal(tmp_path, csq, cesq, dbm):
    """A signal that is not known is no number: the gauge is absent, not 0."""
    from smsgwd.web.metrics import metrics

    with wire() as modem:
        modem.answers["AT+CSQ"] = f"\r\n{csq}\r\n{OK if csq != 'ERROR' else ''}"
        modem.answers["AT+CESQ"] = f"\r\n{cesq}\r\n{OK if cesq != 'ERROR' else ''}"
        async with plant(tmp_path, modem, profile=msgspec.structs.replace(CALM, poll=0.02)) as gate:
            await gate.up()
            await until(lambda: modem.count("AT+COPS?") > 1)
            assert gate.daemon.roster.facts("m1").get("signal_dbm") == dbm
            page = await metrics(gate.daemon.gateway)
            assert ("smsgwd_link_signal_dbm{" in page) is (dbm is not None)


async def test_f29_the_network_takes_nothing(tmp_path):
    """Every text ends in CMS 500: after three numbers the link rests, the others go by the second modem at once, and the
    three stay uncertain."""
    with wire() as bad, wire() as good:
        bad.results.extend(["\r\n+CMS ERROR: 500\r\n"] * 20)
        async with plant(tmp_path, bad, good) as gate:
            await gate.up("m1")
            await gate.up("m2")
            await gate.queue.pause_link("m2", True, gate.daemon.clock.now())
            gate.daemon.roster.note("m2", paused=True)
            messages = [await gate.send(str(n), to=f"+3664123456{n}") for n in range(8)]
            await gate.hears("link.tripped")
            await gate.queue.pause_link("m2", False, gate.daemon.clock.now())
            gate.daemon.roster.note("m2", paused=False)
            gate.queue.poke("link:m1")
            for message in messages[3:]:
                await gate.reaches(message, "sent")
            assert [await gate.state(m) for m in messages[:3]] == ["uncertain"] * 3
    assert (len(bad.pdus), len(good.pdus)) == (3, 5)
