"""USSD: codes and answers in three codings, and the session beside the texts."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.errors import LinkError
from smsgwd.modem import ussd
from smsgwd.modem.at import Parser, Unsolicited
from smsgwd.modem.balance import Balance, amount
from smsgwd.modem.ussd import Answer, M
from tests.modem.wire import OK, running, segment, until, wire


@pytest.mark.parametrize(
    ("how", "written"),
    [
        pytest.param("text", "*100#", id="text"),
        pytest.param("ucs2", "002A0031003000300023", id="UCS-2"),
        pytest.param("packed", "AA180C3602", id="packed septets"),
    ],
)
def test_codes(how, written):
    """The code in the coding of the profile; it is not shown in logs, it may hold a PIN."""
    command = ussd.ask("*100#", how)
    assert command.text == f'AT+CUSD=1,"{written}",15'
    assert "100" not in str(command)


@pytest.mark.parametrize("code", ["", "100;AT", '*1"', "*100#\r", "x"])
def test_what_is_no_code(code):
    """Only digits, * and # are written to a modem."""
    with pytest.raises(ValueError, match="USSD code"):
        ussd.ask(code, "text")


@pytest.mark.parametrize("code", ["*#06#", "*123*4#", "*100#12"])
def test_packed_codes_read_back(code):
    """Packing and the reading of packed answers are each other's inverse, also for seven digits."""
    assert ussd.read(f'+CUSD: 0,"{ussd.pack(code)}",15', "packed") == Answer(M.DONE, code)


@pytest.mark.parametrize(
    ("line", "how", "answer"),
    [
        pytest.param('+CUSD: 0,"Balance 12.34 EUR",15', "text", Answer(M.DONE, "Balance 12.34 EUR"), id="text"),
        pytest.param('+CUSD: 1,"1 Yes\n2 No",15', "text", Answer(M.MORE, "1 Yes\n2 No"), id="a menu over two lines"),
        pytest.param('+CUSD: 0,"00310032002C0035",72', "text", Answer(M.DONE, "12,5"), id="UCS-2 by its dcs"),
        pytest.param('+CUSD: 0,"00310032",15', "ucs2", Answer(M.DONE, "12"), id="UCS-2 by the profile"),
        pytest.param('+CUSD: 0,"1234",15', "text", Answer(M.DONE, "1234"), id="digits that are a text"),
        pytest.param("+CUSD: 4", "text", Answer(M.NOT_SUPPORTED, ""), id="not supported"),
        pytest.param("+CUSD: 2", "text", Answer(M.ENDED, ""), id="ended"),
        pytest.param("+CUSD: 9", "text", Answer(M.ENDED, ""), id="a number of no meaning"),
        pytest.param("+CUSD: x", "text", None, id="no number"),
    ],
)
def test_answers(line, how, answer):
    """What the network said, as a person reads it."""
    assert ussd.read(line, how) == answer


@given(st.text(max_size=60), st.sampled_from(["text", "ucs2", "packed"]))
def test_any_line(text, how):
    """Nothing that comes raises."""
    ussd.read(f"+CUSD: {text}", how)


def test_a_quoted_answer_over_several_lines():
    """It is one code, whatever the line ends; an open quote does not swallow what follows for ever."""
    parser = Parser()
    assert parser.feed(b'\r\n+CUSD: 1,"1 Yes\r\n2 No",15\r\n') == [Unsolicited('+CUSD: 1,"1 Yes\n2 No",15')]
    events = parser.feed(b'\r\n+CUSD: 0,"never closed\r\n' + b"line\r\n" * 20 + b'+CMTI: "SM",3\r\n')
    assert events[-1] == Unsolicited('+CMTI: "SM",3')


async def test_a_code_beside_the_texts():
    """The answer may take its time; texts go out meanwhile."""
    with wire() as modem:
        async with running(modem) as (link, *_):
            asked = asyncio.create_task(link.ussd("*100#"))
            await until(lambda: modem.count('AT+CUSD=1,"*100#",15'))
            await link.submit(segment())
            with pytest.raises(LinkError, match="another"):
                await link.ussd("*101#")
            modem.say('\r\n+CUSD: 1,"Credit 5.00",15\r\n')
            assert await asked == ("Credit 5.00", True)
            modem.answers['AT+CUSD=1,"*102#",15'] = "\r\n+CME ERROR: 4\r\n"
            with pytest.raises(LinkError, match="refuses"):
                await link.ussd("*102#")


async def test_a_session():
    """Answers to the network's menus go one after the other; what is open at the end is ended."""
    with wire() as modem:
        modem.answers['AT+CUSD=1,"*100#",15'] = f'{OK}\r\n+CUSD: 1,"1 Credit\r\n2 Data",15\r\n'
        modem.answers['AT+CUSD=1,"2",15'] = f'{OK}\r\n+CUSD: 1,"5 GB. 0 Back",15\r\n'
        async with running(modem) as (link, *_):
            assert await link.ussd("*100#", ["2"]) == ("5 GB. 0 Back", True)
            await until(lambda: modem.count("AT+CUSD=2"))
            modem.answers['AT+CUSD=1,"2",15'] = f'{OK}\r\n+CUSD: 0,"Bye",15\r\n'
            with pytest.raises(LinkError, match="ended the session before '3'"):
                await link.ussd("*100#", ["2", "3"])
            assert await link.ussd("*100#", ["2"]) == ("Bye", False)
            assert modem.count("AT+CUSD=2") == 1


async def test_an_answer_before_the_ok():
    """Some modems answer first and say OK then."""
    with wire() as modem:
        modem.answers['AT+CUSD=1,"*100#",15'] = f'\r\n+CUSD: 0,"here",15\r\n{OK}'
        async with running(modem) as (link, *_):
            assert await link.ussd("*100#") == ("here", False)


async def test_no_answer(monkeypatch):
    """The wait ends, the session too, and the next code may be sent."""
    monkeypatch.setattr(ussd, "PATIENCE", 0.05)
    with wire() as modem:
        async with running(modem) as (link, *_):
            with pytest.raises(LinkError, match="did not answer"):
                await link.ussd("*100#")
            await until(lambda: modem.count("AT+CUSD=2"))


async def test_unasked():
    """A message of the network's own is told, without its words."""
    with wire() as modem:
        async with running(modem) as (_, ear, _task):
            modem.say('\r\n+CUSD: 0,"you have won",15\r\n')
            await ear.until(lambda: ear.notices, "the notice")
    assert ear.notices == [("ussd.unasked", {})]


async def test_the_link_goes_while_a_code_is_out():
    """Who waits is told."""
    with wire() as modem:
        async with running(modem) as (link, _, task):
            asked = asyncio.create_task(link.ussd("*100#"))
            await until(lambda: modem.count('AT+CUSD=1,"*100#",15'))
            modem.close()
            with pytest.raises(LinkError, match="went down"):
                await asked
            with pytest.raises(LinkError):
                await task


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("Balance 12.34 EUR", 12.34, id="point"),
        pytest.param("Guthaben: 7,05 EUR, gültig bis 1.2.", 7.05, id="comma"),
        pytest.param("no credit", None, id="none"),
    ],
)
def test_amounts(text, found):
    """The shipped pattern finds the first number."""
    assert amount(r"([0-9]+(?:[.,][0-9]+)?)", text) == found


async def test_balance_is_an_event():
    """The amount is told, the words of the network are not."""
    with wire() as modem:
        modem.answers['AT+CUSD=1,"*100#",15'] = f'\r\n+CUSD: 0,"+15550100777 has 3.50",15\r\n{OK}'
        async with running(modem, balance="*100#", balance_pattern="has ([0-9.]+)") as (link, ear, _):
            await Balance(link.config, ear, link.clock, link.ussd).once()
    assert ear.notices == [("link.balance", {"amount": 3.5})]
    assert ear.facts["balance"] == 3.5
