"""Signal and operator over the second AT port."""

import msgspec

from tests.modem.wire import OK, QUICK, running, segment, until, wire

OFTEN = msgspec.structs.replace(QUICK, poll=0.02)
SMS = ("AT+CMGS", "AT+CMGR", "AT+CMGL", "AT+CMGD", "AT+CNMI", "AT+CPMS", "AT+CMGF", "AT+CPIN", "AT+CFUN")


async def test_status_goes_over_the_second_port():
    """It is asked there, again and again, and nothing about texts is ever written to it."""
    with wire() as first, wire() as second:
        second.answers["AT+COPS?"] = f'\r\n+COPS: 0,0,"Net",7\r\n{OK}'
        async with running(first, profile=OFTEN, second=second.path) as (link, ear, _):
            await until(lambda: second.count("AT+CSQ") >= 3)
            await link.submit(segment())
            asked = first.count("AT+CSQ")
            await until(lambda: second.count("AT+CSQ") >= 6)
            assert first.count("AT+CSQ") == asked
    assert (ear.facts["operator"], ear.facts["access"], ear.facts["signal_dbm"]) == ("Net", "LTE", -73)
    assert [c for c in second.sent if c.startswith(SMS)] == []
    assert len(first.pdus) == 1


async def test_a_second_port_that_does_not_serve():
    """Nobody there, or a device that is silent: the first port is asked, and the link does not mind."""
    with wire() as first, wire() as dead:
        dead.answers["AT"] = None
        for second in ("/nowhere/ttyUSB3", dead.path):
            asked = first.count("AT+CSQ")
            async with running(first, profile=OFTEN, second=second) as (link, ear, _):
                await until(lambda asked=asked: first.count("AT+CSQ") >= asked + 3)
                await link.submit(segment())
            assert ear.facts["signal_dbm"] == -73


async def test_a_second_port_that_goes_away():
    """The link goes on, and asks over the first port from then on."""
    with wire() as first, wire() as second:
        async with running(first, profile=OFTEN, second=second.path) as (link, _, task):
            await until(lambda: second.count("AT+CSQ"))
            second.close()
            asked = first.count("AT+CSQ")
            await until(lambda: first.count("AT+CSQ") > asked)
            await link.submit(segment())
            assert not task.done()
