"""Hostile and broken input: every answer is a problem with a slug, never a 500, and never takes from others."""

import asyncio
import base64
import contextlib
import io
import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsgwd.errors import RequestRefused
from smsgwd.gateway import SendRequest
from smsgwd.model import ConsentChange, InDoubt, Reaction
from smsgwd.web import app, sites
from smsgwd.web.messages import Batch
from smsgwd.web.operations import decoded
from tests.store import inbound
from tests.web.served import TOKEN, served

SEND = {"to": "+15550100777", "text": "hello"}
JSON = {"Content-Type": "application/json"}


async def raw(api, octets: bytes, *, tcp: bool = False) -> bytes:
    """What comes back for bytes on a connection of their own."""
    if tcp:
        reader, writer = await asyncio.open_connection(*api.address.split(":"))
    else:
        reader, writer = await asyncio.open_unix_connection(api.path)
    try:
        writer.write(octets)
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


async def gone(writer: asyncio.StreamWriter) -> None:
    """Until the other side has closed. Its answer lies unread in the socket, so only a write finds out."""
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b"\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("path", "body", "status", "slug"),
    [
        pytest.param("/v1/messages", b'{"to": "\xff", "text": "x"}', 400, "invalid-body", id="not UTF-8"),
        pytest.param("/v1/messages", b'{"to": "+15550100777", "text": "\\ud800"}', 400, "invalid-body", id="half a pair"),
        pytest.param("/v1/messages/batch", b'{"messages": [' + b"[" * 400_000, 400, "invalid-body", id="tower of brackets"),
        pytest.param("/v1/messages", b"[" * 400_000, 400, "invalid-body", id="tower, no object"),
        pytest.param("/v1/messages", b"null", 400, "invalid-body", id="null"),
        pytest.param("/v1/messages", b"", 400, "invalid-body", id="no body"),
        pytest.param("/v1/messages", b'{"to": "+15550100777", "text": "a"} x', 400, "invalid-body", id="more behind"),
        pytest.param("/v1/messages", json.dumps({**SEND, "at": "+" + "9" * 40 + "w"}).encode(), 422, "invalid-time", id="aeons"),
        pytest.param("/v1/messages", json.dumps({**SEND, "at": "0001-01-01T00:00:00"}).encode(), 422, "invalid-time", id="year 1"),
        pytest.param("/v1/messages", json.dumps({**SEND, "at": "9999-12-31T23:59:59"}).encode(), 422, "invalid-time", id="year 9999"),
        pytest.param("/v1/messages", json.dumps({**SEND, "validity": "9" * 400 + "d"}).encode(), 422, "invalid-validity", id="for ever"),
        pytest.param("/v1/tokens", b'{"scopes": []}', 422, "unknown-scope", id="a token for nothing"),
    ],
)  # fmt: skip
async def test_bodies(tmp_path, path, body, status, slug):
    """A body that is no good is named as such; nothing is stored."""
    async with served(tmp_path) as api:
        async with api._unix.post(f"http://localhost{path}", data=io.BytesIO(body), headers=JSON) as answer:
            problem = await answer.json(content_type=None)
        _, page = await api.ask("GET", "/v1/messages?direction=all")
    assert (answer.status, problem["type"]) == (status, f"urn:smsgwd:problem:{slug}")
    assert page["items"] == []


@given(
    st.one_of(
        st.binary(max_size=200), st.recursive(st.none() | st.text(max_size=5), st.lists).map(json.dumps).map(str.encode)
    )
)
@settings(max_examples=80)
def test_any_bytes(octets):
    """Whatever the bytes are, they are a request or refused."""
    for shape in (SendRequest, Batch):
        with contextlib.suppress(RequestRefused):
            assert isinstance(decoded(octets, shape), shape)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/v1/messages?sate=failed", 400, id="a misspelt filter"),
        pytest.param("/v1/status?x=", 400, id="a parameter where there is none"),
        pytest.param("/v1/messages?limit=1001", 400, id="more than a page"),
        pytest.param("/v1/messages?limit=%D9%A1", 400, id="an arabic digit"),
        pytest.param("/v1/messages?after=%00", 404, id="no cursor"),
        pytest.param("/v1/messages?after=cnv_0000000000000", 404, id="cursor of something else"),
        pytest.param("/v1/messages/msg_zzzzzzzzzzzzz", 404, id="beyond the last id"),
        pytest.param("/v1/messages/%FF%FE", 404, id="id, not UTF-8"),
        pytest.param("/v1/messages/..%2F..%2Fetc", 404, id="id, a path"),
        pytest.param("/v1/events?after=" + "9" * 18, 200, id="events of the far future"),
        pytest.param("/v1/events?after=" + "9" * 30, 400, id="no such number"),
        pytest.param("/v1/events?after=-1001", 400, id="too far back"),
        pytest.param("/v1/contacts/" + quote("'; DROP TABLE contact"), 404, id="no name"),
    ],
)
async def test_queries(tmp_path, path, status):
    """What is asked for wrongly is refused, not guessed."""
    async with served(tmp_path) as api:
        got, _ = await api.ask("GET", path)
    assert got == status


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(b"Idempotency-Key: \xff\xfe", id="key, not ASCII"),
        pytest.param("Idempotency-Key: schlüssel".encode(), id="key, UTF-8"),
        pytest.param(b"Idempotency-Key: " + b"k" * 256, id="key, too long"),
    ],
)
async def test_keys(tmp_path, headers):
    """A key that cannot be kept as it is is refused; silently dropped it would send twice."""
    body = json.dumps(SEND).encode()
    head = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    async with served(tmp_path) as api:
        answer = await raw(api, head + headers + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert b"urn:smsgwd:problem:invalid-key" in answer


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(b"Bearer smsgw_\xff\xfe", id="not ASCII"),
        pytest.param(b"Bearer smsgw_" + b"a" * 5000, id="long"),
        pytest.param(f"Bearer {TOKEN} {TOKEN}".encode(), id="two"),
        pytest.param(b"Bearer smsgw_", id="prefix alone"),
        pytest.param(b"Basic " + base64.b64encode(f"{TOKEN}:".encode()), id="another scheme"),
        pytest.param(TOKEN.encode(), id="no scheme"),
    ],
)
async def test_authorizations(tmp_path, authorization):
    """What is no token is 401 like a wrong one."""
    head = b"GET /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "
    async with served(tmp_path, "admin") as api:
        answer = await raw(api, head + authorization + b"\r\n\r\n", tcp=True)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b'WWW-Authenticate: Bearer realm="smsgwd"' in answer


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400", id="TLS"),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", b"400", id="version"),
        pytest.param(b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}", b"400", id="two lengths"),
        pytest.param(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"400", id="long line"),
        pytest.param(b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400", id="broken chunk"),
        pytest.param(b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", b"415", id="compressed"),
    ],
)  # fmt: skip
async def test_broken_http(tmp_path, octets, status, capsys):
    """What is no HTTP ends the connection with 4xx; the log neither calls it a bug nor repeats what was sent."""
    async with served(tmp_path) as api:
        answer = await raw(api, octets)
        assert (await api.ask("GET", "/healthz"))[0] == 200
    assert answer.split(b" ")[1] == status
    out = "".join(capsys.readouterr())
    assert "Traceback" not in out
    assert "by a bug" not in out
    assert "aaaa" not in out


async def test_a_body_that_never_comes(tmp_path, monkeypatch):
    """A slow body is given up with 408."""
    monkeypatch.setattr(app, "BODY", 0.02)
    head = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    async with served(tmp_path) as api:
        reader, writer = await asyncio.open_unix_connection(api.path)
        writer.write(head)
        async with asyncio.timeout(5):
            line = await reader.readline()
        writer.close()
    assert b" 408 " in line


async def test_a_head_that_never_ends(tmp_path, monkeypatch):
    """A connection that says nothing, or takes its time over the head, is closed."""
    monkeypatch.setattr(sites, "IDLE", 0.02)
    async with served(tmp_path) as api:
        assert await raw(api, b"") == b""
        assert await raw(api, b"GET /healthz HTTP/1.1\r\nHost:") == b""


async def test_an_answer_that_nobody_takes(tmp_path, monkeypatch):
    """A reader that asks for much and takes nothing is dropped; the daemon's end does not wait for it."""
    monkeypatch.setattr(app, "TAKEN", 0.02)
    async with served(tmp_path) as api:
        batch = {"messages": [{**SEND, "text": "x" * 1000} for _ in range(1000)]}
        await api.ask("POST", "/v1/messages/batch", batch)
        _, writer = await asyncio.open_unix_connection(api.path, limit=1024)
        writer.write(b"GET /v1/messages?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(5):
            await gone(writer)
        writer.close()
        assert (await api.ask("GET", "/healthz"))[0] == 200


async def test_too_many_connections(tmp_path, monkeypatch):
    """One connection too many is told so at once; when another has gone there is room again."""
    monkeypatch.setattr(sites, "MOST_CONNECTIONS", 2)
    async with served(tmp_path) as api:
        held = [await asyncio.open_unix_connection(api.path) for _ in range(2)]
        refused = await raw(api, b"")
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After" in refused
        codes = [(await raw(api, b"GET /healthz HTTP/1.0\r\n\r\n")).split(b" ")[1] for _ in range(5)]
    assert codes[-1] == b"200"


async def test_a_batch_passes_no_opt_out(tmp_path):
    """The origins that may write to people who said STOP are not for callers to claim, one by one or in a batch."""
    async with served(tmp_path) as api:
        await api.queue.receive("m1", "+15550100100", inbound("STOP"), api.clock.now())
        (event,) = await api.queue.events_after(0, 10, "message.received")
        facts = await api.queue.peer_facts(event.message, api.clock.now())
        change = ConsentChange(number="+15550100777", action="opt_out", method="keyword", message=event.message)
        reaction = Reaction(event=event.id, message=event.message, conversation=facts.conversation.id, consent=change)
        await api.queue.react(reaction, api.clock.now())
        origins = ["api", "desk", "consent", "rule", "none"]
        _, answer = await api.ask("POST", "/v1/messages/batch", {"messages": [{**SEND, "origin": o} for o in origins]})
        _, page = await api.ask("GET", "/v1/messages")
    slugs = [m["type"].removeprefix("urn:smsgwd:problem:") for m in answer["messages"]]
    assert slugs == ["opted-out", *["invalid-body"] * 4]
    assert page["items"] == []


async def test_a_bug_says_nothing_of_the_request(tmp_path, monkeypatch, capsys):
    """An unexpected exception answers 500, and is one line of the log with its kind and place alone."""

    async def broken(*_, **__):
        raise KeyError("+15550100777 hello")

    async with served(tmp_path) as api:
        monkeypatch.setattr(api.gateway, "send", broken)
        async with api._unix.post("http://localhost/v1/messages", json=SEND) as answer:
            text = await answer.text()
    out = "".join(capsys.readouterr())
    assert answer.status == 500
    assert "KeyError" in out
    assert "test_abuse.py" in out
    for private in ("5550100777", "hello", "Traceback"):
        assert private not in out + text


async def test_nothing_tells_of_the_software(tmp_path):
    """Answers are not kept, not guessed at, and do not name what serves them."""
    async with served(tmp_path, "admin") as api:
        for path in ("/v1/status", "/v1/nothing", "/healthz", "/metrics"):
            async with api._unix.get(f"http://localhost{path}") as answer:
                headers = answer.headers
            assert headers["Server"] == "smsgwd"
            assert headers["Cache-Control"] == "no-store"
            assert headers["X-Content-Type-Options"] == "nosniff"


@given(
    st.text(max_size=30),
    st.sampled_from(["to", "from", "link", "state", "after", "limit", "conversation", "direction"]),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_query(tmp_path_factory, value, name):
    """Whatever is searched for, the answer is a page or a problem."""

    async def once():
        async with served(tmp_path_factory.mktemp("q")) as api:
            return await api.ask("GET", f"/v1/messages?{name}={quote(value)}")

    status, _ = asyncio.run(once())
    assert status in (200, 400, 404, 422)


async def test_settle_needs_a_name(tmp_path):
    """Who settled is kept, so it is neither empty nor a novel."""
    async with served(tmp_path) as api:
        _, a = await api.ask("POST", "/v1/messages", SEND)
        (segment,) = await api.queue.claim("m1", 1, api.clock.now())
        await api.queue.record_result(segment.submission, InDoubt("no answer"), api.clock.now())
        codes = [(await api.ask("POST", f"/v1/messages/{a['id']}/settle", {"how": "fail", "by": by}))[0]
                 for by in ("", "x" * 61, "Ada")]  # fmt: skip
    assert codes == [400, 400, 200]
