"""Other words for a text, as people ask for them: in the queue with its caps, and at a carrier."""

import pytest

from smsgwd.errors import Conflict, LinkError, NotFound, RequestRefused, Uncertain
from smsgwd.inquiry import replace
from smsgwd.model import Accepted, InDoubt, Refusal, RefusalClass, Token
from smsgwd.queue.interface import Settled
from smsgwd.routing.caps import LINK, TOKEN
from tests.contract.making import NOW, accept, data, kinds, links_up, report, sent, state
from tests.store import StillClock, gateway, store
from tests.test_gateway_limits import DAY, NOON, opened
from tests.test_gateway_limits import sent as accepted
from tests.test_inquiry import Desk, carried

LONG = "x" * 200
TOO_LATE = Refusal("ESME 0x13", RefusalClass.PERMANENT, "it is too late to replace it")


@pytest.fixture
def clock():
    return StillClock(NOW)


@pytest.fixture
async def queue(tmp_path, clock):
    async with store(tmp_path, clock) as made:
        await links_up(made, "smpp")
        yield made


async def text_of(queue, message) -> str | None:
    return (await queue.message(getattr(message, "id", message))).text


# ---- what waits ------------------------------------------------------------------------------------------------------


async def test_what_waits(queue, clock):
    """A text that has not gone gets other words without a word to anybody, on a carrier that replaces nothing too."""
    message, desk = await accept(queue), Desk()
    found = await replace(carried(queue, clock, desk, replace=False), message.id, "Привет")
    assert (found.text, found.encoding, desk.asked) == ("Привет", "ucs2", [])


@pytest.mark.parametrize(("text", "code"), [(" ", "empty-text"), ("x" * 5000, "too-long")], ids=["empty", "too long"])
async def test_words_that_cannot_be_sent(queue, clock, text, code):
    """The reason is that of sending; the old words stay."""
    message = await accept(queue)
    with pytest.raises(RequestRefused) as caught:
        await replace(carried(queue, clock, Desk()), message.id, text)
    assert (caught.value.code, await text_of(queue, message)) == (code, "Hello")


def used(made, kind: str = LINK, name: str = "m1") -> int:
    return made.bounds.ledger.used(kind, name, NOON // DAY)[0]


async def test_caps_of_the_link(tmp_path):
    """Longer words need room for what comes on top, and only for that; shorter ones give room back, and what is refused
    takes none."""
    async with opened(tmp_path, StillClock(NOON), m1="segments_per_day = 3", up=("m1",)) as made:
        message, other = await accepted(made), await accepted(made, 888)
        with pytest.raises(RequestRefused) as caught:
            await replace(made, message.id, "x" * 400)
        assert (caught.value.code, used(made), await text_of(made.queue, message)) == ("cap-reached", 2, "hello")
        assert (await replace(made, message.id, LONG)).parts == 2
        assert used(made) == 3
        assert (await replace(made, message.id, "y" * 200)).text == "y" * 200  # as long as before: the full cap is no matter
        with pytest.raises(RequestRefused):
            await replace(made, other.id, LONG)
        await replace(made, message.id, "short")
        assert used(made) == 2
        assert (await replace(made, other.id, LONG)).parts == 2


async def test_caps_of_the_token(tmp_path):
    """Longer words count for the token that the text was accepted with, whoever asks."""
    async with opened(tmp_path, StillClock(NOON), up=("m1",)) as made:
        token = Token(id="tok_1", scopes=(), created=NOON, caps={"segments_per_day": 2})
        message = await accepted(made, token=token, class_="alarm")
        with pytest.raises(RequestRefused) as caught:
            await replace(made, message.id, "x" * 400)
        assert (caught.value.code, used(made, TOKEN, "tok_1")) == ("cap-reached", 1)
        assert (await replace(made, message.id, LONG)).parts == 2
        assert used(made, TOKEN, "tok_1") == 2


async def test_a_conflict_takes_no_room(tmp_path):
    """The first attempt may have arrived, so the words stay; what was promised for the longer ones is free again."""
    async with opened(tmp_path, StillClock(NOON), m1="segments_per_day = 2", up=("m1",)) as made:
        message = await accepted(made)
        (segment,) = await made.queue.claim("m1", 1, NOON)
        await made.queue.record_result(segment.submission, InDoubt("no answer"), NOON)
        await made.queue.settle(message.id, Settled("resend", "us"), NOON)
        with pytest.raises(Conflict, match="went to the network already"):
            await replace(made, message.id, LONG)
        assert used(made) == 1


# ---- at a carrier ----------------------------------------------------------------------------------------------------


async def test_after_acceptance(queue, clock):
    """The carrier takes the new words: they are stored."""
    message, desk = await sent(queue), Desk()
    found = await replace(carried(queue, clock, desk), message.id, "bye")
    assert (found.text, found.state, desk.asked) == ("bye", "sent", ["7"])


async def test_in_the_alphabet_of_the_first(queue, clock):
    """A text that went as UCS-2 gets plain words as UCS-2 too, since the carrier is not told of another alphabet."""
    message = await replace(carried(queue, clock, Desk()), (await accept(queue)).id, "Привет")
    (segment,) = await queue.claim("m1", 1, NOW)
    await queue.record_result(segment.submission, Accepted("7"), NOW)
    seen = []

    class Watched(Desk):
        async def replace(self, reference, old, new):
            seen.append((old.alphabet, new.alphabet, new.text))
            return Accepted()

    found = await replace(carried(queue, clock, Watched()), message.id, "bye")
    assert (found.text, seen) == ("bye", [("ucs2", "ucs2", "bye")])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(TOO_LATE, "the carrier does not replace it .ESME 0x13: it is too late", id="too late"),
        pytest.param(Refusal("ESME 0x58", RefusalClass.BUSY, "throttled"), "ESME 0x58: throttled", id="another status"),
        pytest.param(LinkError("not bound"), "not bound", id="not bound"),
    ],
)
async def test_not_replaced(queue, clock, answer, words):
    """Words and state stay; the caller and an event are told why."""
    message = await sent(queue)
    with pytest.raises(Conflict, match=words):
        await replace(carried(queue, clock, Desk(answer)), message.id, "bye")
    assert (await text_of(queue, message), await state(queue, message)) == ("Hello", "sent")
    assert (await kinds(queue))[-2:] == ["message.replacing", "message.kept"]


async def test_no_answer(queue, clock):
    """Nobody knows which words arrive: the caller and an event are told that; the stored ones are the old ones."""
    message = await sent(queue)
    with pytest.raises(RequestRefused, match="nobody knows which of the two texts") as caught:
        await replace(carried(queue, clock, Desk(Uncertain("no answer in 15 s"))), message.id, "bye")
    assert (caught.value.code, await text_of(queue, message)) == ("no-answer", "Hello")
    assert await data(queue, "message.unclear") == {"why": "no answer in 15 s"}


@pytest.mark.parametrize(
    ("config", "desk", "code", "words"),
    [
        pytest.param({"replace": False}, Desk(), "not-offered", "replace = true", id="not offered"),
        pytest.param({}, None, "link-not-up", "running daemon", id="stopped"),
    ],
)
async def test_cannot_ask(queue, clock, config, desk, code, words):
    """It says why, and no event tells of a question that nobody asked."""
    message = await sent(queue)
    before = await kinds(queue)
    with pytest.raises(RequestRefused, match=words) as caught:
        await replace(carried(queue, clock, desk, **config), message.id, "bye")
    assert (caught.value.code, await kinds(queue)) == (code, before)


async def test_what_cannot_be_replaced(queue, clock):
    """A text that a modem sent, one that needs another alphabet or more parts now, and one that arrived."""
    message = await sent(queue)
    with pytest.raises(RequestRefused, match="is a modem"):
        await replace(gateway(queue, clock), message.id, "bye")
    made = carried(queue, clock, Desk())
    for text, words in (("Привет", "needs ucs2"), (LONG, "one part")):
        with pytest.raises(Conflict, match=words):
            await replace(made, message.id, text)
    await queue.record_report("m1", report(), NOW)
    with pytest.raises(Conflict, match="is delivered"):
        await replace(made, message.id, "bye")
    with pytest.raises(NotFound):
        await replace(made, "msg_0000000000000", "bye")
