"""What people may ask: the checks on the way in, as a pure function."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.config import Config, Gateway, Helpdesk, Limits, ModemConfig
from smsgwd.errors import RequestRefused
from smsgwd.gateway import SendRequest, compose
from smsgwd.model import MessageClass
from smsgwd.routing import RouteLink
from smsgwd.routing.numbers import normal_number
from smsgwd.sms.encoding import Alphabet

NOW = int(datetime(2026, 11, 23, 15, 0).astimezone().timestamp() * 1000)
CONFIG = Config(
    gateway=Gateway(country="US", allow=("US", "CA", "+4366")),
    link=(ModemConfig(name="m1", type="modem", port="/dev/null", number="+15550100100"),),
    helpdesk=(Helpdesk(name="support", url="http://127.0.0.1/x"),),
    limits=Limits(segments=3),
)
LINKS = [RouteLink(name="m1", number="+15550100100", up=True)]


def composed(to="+15550100777", text="hello", **more):
    return compose(SendRequest(to=to, text=text, **more), CONFIG, LINKS, NOW)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        pytest.param("+15550100777", "+15550100777", id="E.164"),
        pytest.param("(212) 555-0100", "+12125550100", id="national with punctuation"),
        pytest.param("2125550100", "+12125550100", id="national"),
        pytest.param("0012125550100", "+12125550100", id="00"),
        pytest.param("+1 212 555 0100", "+12125550100", id="spaces"),
    ],
)
def test_numbers(written, wanted):
    """Numbers are understood as people of the country write them."""
    assert normal_number(written, "US") == wanted


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        pytest.param({"to": "hello"}, "invalid-number", id="letters"),
        pytest.param({"to": ""}, "invalid-number", id="empty"),
        pytest.param({"to": "+"}, "invalid-number", id="plus alone"),
        pytest.param({"to": "１２３４５６７８"}, "invalid-number", id="full-width digits"),
        pytest.param({"to": "٠١٢٣٤٥٦٧٨"}, "invalid-number", id="arabic digits"),
        pytest.param({"to": "+15550100777\n"}, "invalid-number", id="newline"),
        pytest.param({"to": '+44"\rAT+CFUN=0\r'}, "invalid-number", id="injection"),
        pytest.param({"to": "12345"}, "short-code-not-allowed", id="short code"),
        pytest.param({"to": "+999123456789"}, "invalid-number", id="no such calling code"),
        pytest.param({"to": "+447400123456"}, "country-not-allowed", id="other country"),
        pytest.param({"text": ""}, "empty-text", id="empty text"),
        pytest.param({"text": " \n "}, "empty-text", id="blank text"),
        pytest.param({"text": "a" * 460}, "too-long", id="over the cap"),
        pytest.param({"text": "a" * 100_000}, "too-long", id="far over the cap"),
        pytest.param({"from_": "modem9"}, "unknown-link", id="unknown link"),
        pytest.param({"class_": "urgent"}, "unknown-class", id="class"),
        pytest.param({"alphabet": "ebcdic"}, "unknown-alphabet", id="alphabet"),
        pytest.param({"at": "tomorrow"}, "invalid-time", id="time"),
        pytest.param({"at": "2030-01-01T00:00:00+00:00"}, "invalid-time", id="years ahead"),
        pytest.param({"validity": "soon"}, "invalid-validity", id="validity"),
        pytest.param({"validity": "5s"}, "invalid-validity", id="validity too short"),
        pytest.param({"callback": "nobody"}, "unknown-callback", id="callback"),
        pytest.param({"key": "k" * 256}, "invalid-key", id="key"),
    ],
)
def test_refusals(request_, code):
    """What cannot be sent is refused with a stable slug and a reason that repeats neither text nor number."""
    with pytest.raises(RequestRefused) as caught:
        composed(**request_)
    assert caught.value.code == code
    for private in ("+15550100777", "+447400123456", "AT+CFUN"):
        assert private not in str(caught.value)


def test_draft():
    """A good request becomes a draft that can be stored as it is."""
    draft = composed(text="hello there", key="k1")
    assert (draft.to, draft.link, draft.pinned, draft.parts) == ("+15550100777", "m1", False, 1)
    assert (draft.alphabet, draft.class_, draft.due) == (Alphabet.GSM7, MessageClass.NORMAL, NOW)
    assert draft.expires == NOW + 2 * 86_400_000
    assert draft.key_digest


def test_key_digest_tells_bodies_apart():
    """The same key with another body can be told; the key itself is not part of the digest."""
    assert composed(key="a").key_digest == composed(key="b").key_digest
    assert composed(key="a").key_digest != composed(key="a", text="other").key_digest


def test_long_text_is_cut():
    """A text of two parts says where the second begins."""
    draft = composed(text="a" * 200)
    assert draft.parts == 2
    assert draft.cuts[0] == 0


def test_lone_surrogate_is_replaced():
    """A lone surrogate cannot be stored or sent; the rest of the text can."""
    assert composed(text="a\ud83db").text.startswith("a")
    composed(text="a\ud83db").text.encode("utf-8")


def test_answering_skips_the_country():
    """A person who wrote to us may be answered wherever they are."""
    draft = compose(SendRequest(to="x", text="hi"), CONFIG, LINKS, NOW, answering="+447400123456")
    assert draft.to == "+447400123456"


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=10), st.text(max_size=10))
def test_any_request_is_composed_or_refused(to, text, at, validity):
    """Whatever is asked, the answer is a draft or a refusal."""
    code, number = "", ""
    try:
        number = composed(to=to, text=text, at=at, validity=validity).to
    except RequestRefused as e:
        code = e.code
    assert code or number.startswith("+")
