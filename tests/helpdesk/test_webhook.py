"""The webhook desk over real sockets: what it sends, and what it makes of every kind of answer."""

import asyncio
import json
import re
from contextlib import asynccontextmanager

import pytest

from smsgwd.config import Helpdesk, Secret
from smsgwd.errors import ConfigError
from smsgwd.helpdesk.answer import LARGEST_BODY
from smsgwd.helpdesk.interface import Call, Never, NotNow, Taken
from smsgwd.helpdesk.signing import key_of, verify
from smsgwd.helpdesk.webhook import LONGEST_PAUSE, LONGEST_TICKET, WebhookDesk
from tests.helpdesk.endpoint import SECRET, raw, serving
from tests.store import StillClock

CLOCK = StillClock()
CALL = Call(
    id="out_0000000000001", kind="message.received", at=1_800_000_000_123,
    data={"message": {"text": "My café is down 😀", "from": "+15550100777"}},
)  # fmt: skip


@asynccontextmanager
async def desk(url: str, secret: str | None = SECRET, timeout: float = 5.0):
    made = WebhookDesk(
        Helpdesk(name="support", url=url, secret=Secret(secret) if secret is not None else None),
        CLOCK,
        gateway="hq",
        timeout=timeout,
    )
    try:
        yield made
    finally:
        await made.close()


async def told(endpoint_url: str, **more):
    async with desk(endpoint_url, **more) as support:
        return await support.tell(CALL)


async def test_what_is_sent():
    """A POST of type, timestamp, our name and data, with the three headers of Standard Webhooks and a signature that fits."""
    async with serving() as endpoint:
        assert await told(endpoint.url) == Taken("")
    ((headers, body),) = endpoint.calls
    assert json.loads(body) == {
        "type": "message.received", "timestamp": "2027-01-15T08:00:00.123Z", "gateway": "hq", "data": CALL.data
    }  # fmt: skip
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == CALL.id
    assert headers["webhook-timestamp"] == str(CLOCK.now() // 1000)
    now = CLOCK.now() // 1000
    assert verify(key_of(SECRET), CALL.id, str(now), headers["webhook-signature"], body, now)


async def test_every_try_has_the_same_id_and_body():
    """A desk can see that a call is a copy: id and body stay, timestamp and signature are new."""
    clock = StillClock()
    async with serving((503, {}, b""), (200, {}, b"")) as endpoint:
        support = WebhookDesk(Helpdesk(name="support", url=endpoint.url, secret=Secret(SECRET)), clock)
        assert await support.tell(CALL) == NotNow("HTTP 503")
        clock.move(60)
        assert await support.tell(CALL) == Taken("")
        await support.close()
    (first, body), (second, again) = endpoint.calls
    assert (first["webhook-id"], body) == (second["webhook-id"], again)
    assert first["webhook-timestamp"] != second["webhook-timestamp"]
    assert first["webhook-signature"] != second["webhook-signature"]


async def test_without_a_secret():
    """No secret, no signature: nothing pretends to be one."""
    async with serving() as endpoint:
        await told(endpoint.url, secret=None)
    assert "webhook-signature" not in endpoint.calls[0][0]


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_no base64!"])
def test_secret_that_is_no_key(secret):
    """It is refused when the desk is made, with its name and without the secret."""
    with pytest.raises(ConfigError) as caught:
        WebhookDesk(Helpdesk(name="support", url="http://x/", secret=Secret(secret)), CLOCK)
    assert "support" in str(caught.value)
    assert "no base64!" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        pytest.param(200, Taken(""), id="200"),
        pytest.param(202, Taken(""), id="202"),
        pytest.param(204, Taken(""), id="204"),
        pytest.param(302, NotNow("HTTP 302"), id="redirect is a failure"),
        pytest.param(400, NotNow("HTTP 400", poison=True), id="400"),
        pytest.param(401, NotNow("HTTP 401"), id="wrong key may be repaired"),
        pytest.param(404, NotNow("HTTP 404"), id="wrong route may be repaired"),
        pytest.param(410, Never("HTTP 410: the endpoint is gone"), id="gone"),
        pytest.param(413, NotNow("HTTP 413", poison=True), id="too large"),
        pytest.param(422, NotNow("HTTP 422", poison=True), id="not understood"),
        pytest.param(429, NotNow("HTTP 429"), id="throttled"),
        pytest.param(500, NotNow("HTTP 500"), id="500"),
        pytest.param(503, NotNow("HTTP 503"), id="503"),
    ],
)
async def test_status(status, wanted):
    """What each status means."""
    async with serving(
        (status, {"Location": "http://127.0.0.1:9/elsewhere"} if status == 302 else {}, b"")
    ) as endpoint:
        assert await told(endpoint.url) == wanted
    assert len(endpoint.calls) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("120", 120.0, id="seconds"),
        pytest.param("0", 0.0, id="zero"),
        pytest.param("99999", LONGEST_PAUSE, id="bounded"),
        pytest.param("9" * 400, LONGEST_PAUSE, id="absurd"),
        pytest.param("Fri, 15 Jan 2027 08:05:00 GMT", 300.0, id="a date"),
        pytest.param("Fri, 15 Jan 2010 08:05:00 GMT", 0.0, id="a date that is over"),
        pytest.param("Fri, 15 Jan 99999 08:05:00 GMT", 0.0, id="a date that is none"),
        pytest.param("-5", 0.0, id="negative"),
        pytest.param("soon", 0.0, id="words"),
        pytest.param("²", 0.0, id="a digit that is no number"),
    ],
)
async def test_retry_after(header, seconds):
    """The pause that a desk asks for is kept, up to an hour."""
    async with serving((429, {"Retry-After": header}, b"")) as endpoint:
        assert await told(endpoint.url) == NotNow("HTTP 429", seconds)


@pytest.mark.parametrize(
    ("answer", "ticket"),
    [
        pytest.param(b'{"ticket": "T-1"}', "T-1", id="text"),
        pytest.param(b'{"ticket": 4711, "more": [1, {}]}', "4711", id="number"),
        pytest.param('{"ticket": "Ü-1"}'.encode(), "Ü-1", id="beyond ASCII"),
        pytest.param(b'{"ticket": "T-\\u001b[31m1\\n"}', "T-[31m1", id="what a terminal would obey is left out"),
        pytest.param(json.dumps({"ticket": "x" * 5000}).encode(), "x" * LONGEST_TICKET, id="long"),
        pytest.param(b'{"ticket": true}', "", id="boolean"),
        pytest.param(b'{"ticket": null}', "", id="null"),
        pytest.param(b'{"ticket": {"id": 1}}', "", id="object"),
        pytest.param(b'{"id": "T-1"}', "", id="another name"),
        pytest.param(b'["T-1"]', "", id="list"),
        pytest.param(b"OK", "", id="text answer"),
        pytest.param(b"", "", id="empty"),
        pytest.param(b'{"ticket": "\xff"}', "", id="no UTF-8"),
        pytest.param(b"[" * 60_000, "", id="nested too deep"),
        pytest.param(b'{"x":' + b'[{"a":' * 8000, "", id="nested beside the ticket"),
        pytest.param(b" " * LARGEST_BODY + b'{"ticket": "T-1"}', "", id="behind the bound"),
    ],
)
async def test_ticket(answer, ticket):
    """The answer may name a ticket; any other answer is fine too."""
    async with serving((200, {}, answer)) as endpoint:
        assert await told(endpoint.url) == Taken(ticket)


async def test_endless_answer():
    """An answer without an end is read up to its bound."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n"
    async with raw(head + b"x" * (2 * LARGEST_BODY), hold=True) as url:
        assert await told(url) == Taken("")


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        pytest.param(b"", "the connection broke", id="closed at once"),
        pytest.param(b"220 mail.example ESMTP\r\n", "the answer is not HTTP", id="another protocol"),
        pytest.param(b"HTTP/1.1 2\xb20 OK\r\n\r\n", "the answer is not HTTP", id="status that is no number"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nA: " + b"x" * 99_999 + b"\r\n\r\n", "the answer is not HTTP", id="endless header"
        ),
    ],
)
async def test_broken_answers(octets, why):
    """What is no answer is a reason to try again, in words that hold nothing of the address but host and port."""
    async with raw(octets) as url:
        delivery = await told(url)
    assert isinstance(delivery, NotNow)
    assert re.fullmatch(rf"127\.0\.0\.1:[0-9]+: {why}", delivery.reason)


async def test_body_breaks_off():
    """A 200 whose body breaks off is a 200: the desk has taken the call."""
    async with raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc") as url:
        assert await told(url) == Taken("")


async def test_no_answer():
    """A desk that says nothing is left after the time-out."""
    async with raw(b"", hold=True) as url:
        delivery = await told(url, timeout=0.05)
    assert isinstance(delivery, NotNow)
    assert delivery.reason.endswith("no answer in 0.05 s")
    assert "key-in" not in delivery.reason


async def test_nobody_listens():
    """A closed port is a reason to try again."""
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    wanted = NotNow(f"127.0.0.1:{port}: Connection refused")
    assert await told(f"http://127.0.0.1:{port}/key-in-path?token=key-in-query") == wanted


async def test_unknown_name():
    """A name that does not resolve is a reason to try again (.invalid never does, RFC 6761)."""
    delivery = await told("http://desk.invalid/key-in-path", timeout=30)
    assert isinstance(delivery, NotNow)
    assert delivery.reason in (
        "desk.invalid:80: the name is not known", "desk.invalid:80: cannot be reached"
    )  # fmt: skip
