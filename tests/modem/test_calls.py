"""Voice calls: told once each, hung up on request, and answered by the rules that are about calls."""

import pytest

from smsgwd.intake import Intake
from smsgwd.modem import commands
from smsgwd.rules.model import RuleSet
from tests.modem.wire import Ear, running, until, wire
from tests.rules.making import asked, load
from tests.store import StillClock, gateway, store

CALLER = "+436641234567"
RULES = """
[[rule]]
id = "texts"
then = [ { tag = ["text"] } ]

[[rule]]
id = "calls"
when.all = [ { call = true }, { from_prefix = "+43" } ]
then = [ { reply = "Please write." }, { forward = "support" } ]
"""


@pytest.mark.parametrize(
    ("line", "number"),
    [
        pytest.param('+CLIP: "+436641234567",145,,,,0', CALLER, id="international"),
        pytest.param('+CLIP: "436641234567",145', CALLER, id="international without plus"),
        pytest.param('+CLIP: "06641234567",129', "06641234567", id="national"),
        pytest.param('+CLIP: "",128', "", id="withheld"),
        pytest.param("+CLIP: x", "", id="junk"),
    ],
)
def test_numbers(line, number):
    """Who calls, as the modem writes it."""
    assert commands.caller(line) == number


async def test_a_call_is_told_once():
    """However often it rings; also in the middle of a result, which stays whole."""
    with wire() as modem:
        async with running(modem) as (link, ear, _):
            for _ in range(3):
                modem.say(f'\r\nRING\r\n\r\n+CLIP: "{CALLER}",145,,,,0\r\n')
            await ear.until(lambda: ear.calls, "the call")
            modem.say("\r\nRING\r\n")
            await until(lambda: not link._channel.unsolicited)
    assert ear.calls == [CALLER]
    assert [kind for kind, _ in ear.notices] == ["call.incoming"]
    assert CALLER[4:10] not in str(ear.notices)


async def test_hang_up():
    """AT+CHUP, or ATH where a modem lacks it; once a call."""
    with wire() as modem:
        modem.answers["AT+CHUP"] = "\r\nERROR\r\n"
        async with running(modem, hangup=True) as (_, ear, _task):
            modem.say("\r\nRING\r\n\r\nRING\r\n")
            await until(lambda: modem.count("ATH"))
    assert (modem.count("AT+CHUP"), modem.count("ATH"), ear.calls) == (1, 1, [])


def test_only_rules_about_calls_are_asked(tmp_path):
    """A rule without conditions matches every text, and no call."""
    rules = load(tmp_path, RULES)
    assert isinstance(rules, RuleSet)
    call = asked(rules, "", call=True, from_=CALLER)
    assert (call.rules, [r.text for r in call.replies], call.forwards) == (("calls",), ["Please write."], ("support",))
    assert asked(rules, "hello", from_=CALLER).rules == ("texts",)
    assert asked(rules, "", call=True).rules == ()


async def test_a_call_in_the_store(tmp_path):
    """It is a message of the caller's conversation, without words, and no text in the statistics."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        intake = Intake(queue, gateway(queue, clock).roster, clock, {"m1": "modem"})
        await intake.called("m1", CALLER)
        (event,) = await queue.events_after(0, 10, "message.received")
        message = await queue.message(event.message)
        assert (message.origin, message.text, message.from_) == ("call", "", CALLER)
        assert event.data["call"] is True
        assert CALLER not in str(event)
        assert (await queue.conversation(message.conversation)).contact == CALLER
        assert await queue.rollup(1, clock.now()) == []


def test_ear_is_the_sink():
    """The ear of these tests has every method of a sink."""
    from smsgwd.link import LinkSink

    assert {n for n in dir(LinkSink) if not n.startswith("_")} <= set(dir(Ear))
