"""What a carrier's link makes of a request: its alphabet, its schedule, parameters of the caller's own."""

import msgspec
import pytest

from smsgwd.config import Config, Gateway, Limits, ModemConfig
from smsgwd.errors import RequestRefused
from smsgwd.gateway import Gateway as Door
from smsgwd.gateway import SendRequest, compose
from smsgwd.model import Direction, Message, MessageClass, MessageState
from smsgwd.routing import Roster, RouteLink
from smsgwd.sms.encoding import Alphabet
from tests.smpp.texts import carrier
from tests.store import StillClock, store

NOW = 1_800_000_000_000
CONFIG = Config(
    gateway=Gateway(country="US"),
    link=(
        ModemConfig(name="m1", type="modem", port="/dev/null", number="+15550100300"),
        carrier(default_alphabet="latin1", smsc_schedule=True, senders=("ACME",)),
    ),
    limits=Limits(segments=3),
)
LINKS = [
    RouteLink(name="m1", number="+15550100300", up=True),
    RouteLink(name="carrier", number="+15550100100", up=True, senders=("ACME",)),
]


def composed(text="hello", **more):
    return compose(SendRequest(**{"to": "+12125550177", "text": text, "from_": "carrier", **more}), CONFIG, LINKS, NOW)


def waiting(text, encoding=Alphabet.GSM7) -> Message:
    return Message(
        id="msg_0000000000001", direction=Direction.OUT, state=MessageState.QUEUED, to="+12125550177", from_="", text=text,
        class_=MessageClass.NORMAL, link="m1", created=0, updated=0, encoding=encoding, origin="api",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("link", "alphabet"), [pytest.param("m1", Alphabet.GSM7, id="modem"), pytest.param("carrier", Alphabet.UCS2, id="carrier")]
)
def test_alphabet_of_the_link(link, alphabet):
    """A text is planned for the link that carries it: a carrier of Latin-1 has no euro sign."""
    draft = composed("5 €", from_=link)
    assert (draft.link, draft.alphabet) == (link, alphabet)


def test_sender_of_a_link():
    """`from` may name one of the link's other senders: it carries the text, and the sender goes with it."""
    draft = composed(from_="ACME")
    assert (draft.link, draft.sender, draft.pinned) == ("carrier", "ACME", True)
    assert composed().sender == ""


def test_schedule_of_the_smsc():
    """Where the link says so, the SMSC keeps a text until its time; its validity counts from then."""
    draft = composed(at="+2h", validity="1h")
    assert (draft.due, draft.schedule, draft.expires) == (NOW, NOW + 7_200_000, NOW + 10_800_000)
    here = composed(at="+2h", from_="m1")
    assert (here.due, here.schedule) == (NOW + 7_200_000, 0)
    assert composed().schedule == 0


def test_meta():
    """Names and values of the caller's own go along; they are part of what a key stands for."""
    draft = composed(meta={"pe_id": "1101", "x.y-z": ""}, key="k")
    assert draft.meta == {"pe_id": "1101", "x.y-z": ""}
    assert draft.key_digest != composed(key="k").key_digest
    assert composed().meta == {}


@pytest.mark.parametrize(
    "meta",
    [
        pytest.param({f"n{n}": "" for n in range(17)}, id="17 names"),
        pytest.param({"": "x"}, id="no name"),
        pytest.param({"a" * 33: "x"}, id="long name"),
        pytest.param({"a b": "x"}, id="name with a space"),
        pytest.param({"a\n": "x"}, id="name with a line end"),
        pytest.param({"a": "x" * 256}, id="long value"),
        pytest.param({"a": "x\0"}, id="NUL"),
        pytest.param({"a": "\ud800"}, id="lone surrogate"),
    ],
)
def test_meta_that_is_too_much(meta):
    """At most 16 short names of printable values."""
    with pytest.raises(RequestRefused) as refused:
        composed(meta=meta)
    assert refused.value.code == "invalid-meta"


async def test_replan(tmp_path):
    """A text that waits is planned for another link; one that is gone, too long there, or for a link that is gone, stays."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        door = Door(CONFIG, queue, Roster(LINKS), clock)
        move = door.replan(waiting("5 €"), "carrier")
        assert (move.message, move.link, move.plan.alphabet, move.waits_there) == (
            "msg_0000000000001", "carrier", Alphabet.UCS2, True,
        )  # fmt: skip
        assert door.replan(waiting("5 €"), "m1").waits_there is False
        data = door.replan(waiting("\xff\0", Alphabet.DATA), "carrier")
        assert (data.plan.alphabet, data.plan.text) == (Alphabet.DATA, "\xff\0")
        assert door.replan(waiting("€" * 200), "m1").plan.parts == 3
        assert door.replan(waiting("€" * 202), "carrier") is None
        assert door.replan(waiting(None), "carrier") is None
        door.config = msgspec.structs.replace(CONFIG, link=CONFIG.link[:1])
        assert door.replan(waiting("hi"), "carrier") is None
