"""Plain calls served the short way: the same answers as from the general server, and everything else handed to it."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgwd.clock import SystemClock
from smsgwd.errors import StoreUnavailable
from smsgwd.gateway import Gateway
from smsgwd.web import auth, sites
from smsgwd.web.quick import Front, Plain, Reply, read, written
from tests.canaries import TOKEN
from tests.helpdesk.worker import until
from tests.web.served import served

BODY = b'{"to":"+15550100777","text":"hello"}'
#: a header that only the general server takes
GENERAL = "X-Other: 1"


def call(*more: str, body: bytes = BODY, token: str = TOKEN, line: str = "POST /v1/messages HTTP/1.1") -> bytes:
    """The octets of one call."""
    headers = ["Host: gateway", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    if token:
        headers.append(f"Authorization: Bearer {token}")
    return "\r\n".join([line, *headers, *more, "", ""]).encode() + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """One answer: (status, headers, body)."""
    async with asyncio.timeout(5):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return int(first.split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


async def opened(api):
    host, _, port = api.address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def asked(api, *calls: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """The answers to calls over one connection, each sent when the one before was answered."""
    reader, writer = await opened(api)
    try:
        answers = []
        for octets in calls:
            writer.write(octets)
            answers.append(await answer(reader))
        return answers
    finally:
        writer.close()
        await writer.wait_closed()


# ---- the same answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        pytest.param(lambda *more: call(*more), 202, id="accepted"),
        pytest.param(lambda *more: call(*more, token=""), 401, id="no token"),
        pytest.param(lambda *more: call(*more, token="smsgw_wrong"), 401, id="wrong token"),
        pytest.param(lambda *more: call(*more, body=b"{"), 400, id="no JSON"),
        pytest.param(lambda *more: call(*more, body=b""), 400, id="empty body"),
        pytest.param(lambda *more: call(*more, body=b'{"to":"+15550100777","text":""}'), 422, id="empty text"),
        pytest.param(lambda *more: call(*more, body=b'{"to":"+436641234567","text":"x"}'), 422, id="other country"),
        pytest.param(lambda *more: call(*more, body=b'{"to":"+15550100777","text":"x","from":"no"}'), 422, id="no such sender"),
    ],
)
async def test_same_answer_on_both_ways(tmp_path, octets, status):
    """Status, document and headers are those of the general server."""
    async with served(tmp_path, "messages:send") as api:
        (quick,), (general,) = await asked(api, octets()), await asked(api, octets(GENERAL))
    assert (quick[0], general[0]) == (status, status)
    here, there = json.loads(quick[2]), json.loads(general[2])
    if status == 202:
        assert here.pop("id") < there.pop("id")
    assert here == there
    left = {"date", "content-length"}
    assert {k: v for k, v in quick[1].items() if k not in left} == {
        k: v.replace("; charset=utf-8", "") for k, v in general[1].items() if k not in left
    }


async def test_scope_that_is_missing(tmp_path):
    """A token without the scope is refused alike."""
    async with served(tmp_path, "messages:read") as api:
        (quick,), (general,) = await asked(api, call()), await asked(api, call(GENERAL))
    assert (quick[0], quick[2]) == (general[0], general[2])
    assert quick[0] == 403


async def test_too_many_wrong_tokens(tmp_path, monkeypatch):
    """After too many failures of an address both ways say so, with Retry-After."""
    monkeypatch.setattr(auth, "MOST_FAILURES", 0)
    async with served(tmp_path, "messages:send") as api:
        (quick,), (general,) = await asked(api, call(token="")), await asked(api, call(GENERAL, token=""))
    assert (quick[0], quick[2], quick[1]["retry-after"]) == (general[0], general[2], general[1]["retry-after"])
    assert quick[0] == 429


async def test_idempotency_key_of_the_header(tmp_path):
    """The same key gives the same text, whichever way the call goes; another body under it is a conflict."""
    async with served(tmp_path, "messages:send") as api:
        keyed = call("Idempotency-Key: k1")
        answers = await asked(api, keyed, keyed, call("Idempotency-Key: k1", body=BODY.replace(b"hello", b"other")))
        (again,) = await asked(api, call("Idempotency-Key: k1", GENERAL))
    assert [a[0] for a in answers] == [202, 202, 409]
    assert answers[0][2] == answers[1][2] == again[2]


async def test_store_that_is_away(tmp_path, monkeypatch):
    """503 with Retry-After, and the connection stays."""

    async def away(self, request, token=None):
        raise StoreUnavailable("the disk is full")

    async with served(tmp_path, "messages:send") as api:
        monkeypatch.setattr(Gateway, "send", away)
        answers = await asked(api, call(), call(), call(GENERAL))
        assert answers[0][2] == answers[2][2]
    assert [(a[0], a[1]["retry-after"], a[1]["content-type"]) for a in answers] == [(503, "5", "application/problem+json")] * 3


async def test_bug_is_a_500_without_a_word(tmp_path, monkeypatch, capsys):
    """A bug in a call: 500, one line of the log without a word of the call, the end of that connection alone."""

    async def broken(self, request, token=None):
        raise ZeroDivisionError("hello +15550100777")

    async with served(tmp_path, "messages:send") as api:
        with monkeypatch.context() as patched:
            patched.setattr(Gateway, "send", broken)
            reader, writer = await opened(api)
            writer.write(call())
            assert (await answer(reader))[::2] == (500, b"")
            assert await reader.read() == b""
            writer.close()
        assert [a[0] for a in await asked(api, call())] == [202]
    said = capsys.readouterr().out
    assert "ZeroDivisionError" in said
    assert "5550100777" not in said


async def test_http_1_0_that_asks_to_stay(tmp_path):
    """A caller of HTTP/1.0 that says keep-alive is told so and may go on."""
    old = call("Connection: keep-alive", line="POST /v1/messages HTTP/1.0")
    async with served(tmp_path, "messages:send") as api:
        answers = await asked(api, old, old)
    assert [(a[0], a[1]["connection"]) for a in answers] == [(202, "keep-alive")] * 2


# ---- handing on ----------------------------------------------------------------------------------------------------


async def test_all_kinds_of_calls_over_one_connection(tmp_path):
    """Plain calls, others, and plain ones again, sent in one go: answered in order, nothing lost."""
    look = b"GET /v1/messages?limit=1 HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n\r\n"
    async with served(tmp_path, "messages:send", "messages:read") as api:
        assert [a[0] for a in await asked(api, call(), call(), look, call(), look)] == [202, 202, 200, 202, 200]
        reader, writer = await opened(api)
        writer.write(call() + call() + look + call())
        assert [(await answer(reader))[0] for _ in range(4)] == [202, 202, 200, 202]
        writer.write(call())
        await until(lambda: True)
        writer.write(call() + look)
        assert [(await answer(reader))[0] for _ in range(3)] == [202, 202, 200]
        writer.close()


async def test_call_in_two_pieces(tmp_path):
    """A call that is cut anywhere is answered as if it were whole."""
    octets = call()
    async with served(tmp_path, "messages:send") as api:
        for cut in range(1, len(octets)):
            reader, writer = await opened(api)
            writer.write(octets[:cut])
            for _ in range(5):
                await asyncio.sleep(0)
            writer.write(octets[cut:])
            assert (await answer(reader))[0] == 202
            writer.close()


async def test_calls_that_come_while_one_is_under_way(tmp_path, monkeypatch):
    """What comes behind a call waits for its answer; the answers are in order."""
    gate = asyncio.Event()
    real = Gateway.send

    async def slow(self, request, token=None):
        await gate.wait()
        return await real(self, request, token)

    monkeypatch.setattr(Gateway, "send", slow)
    async with served(tmp_path, "messages:send") as api:
        reader, writer = await opened(api)
        for n in range(4):
            writer.write(call(body=BODY.replace(b"hello", b"text %d" % n)))
            for _ in range(20):
                await asyncio.sleep(0)
        gate.set()
        ids = [json.loads((await answer(reader))[2])["id"] for _ in range(4)]
        assert ids == sorted(ids)
        assert [(await api.queue.message(id_)).text for id_ in ids] == [f"text {n}" for n in range(4)]
        writer.close()


# ---- life ----------------------------------------------------------------------------------------------------------


async def test_idle_connection_is_closed(tmp_path, monkeypatch):
    """A connection that brings nothing, or nothing more, is closed after its time."""
    monkeypatch.setattr(sites, "IDLE", 0.05)
    async with served(tmp_path, "messages:send") as api:
        reader, writer = await opened(api)
        writer.write(call())
        assert (await answer(reader))[0] == 202
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_stop_answers_what_is_under_way(tmp_path, monkeypatch):
    """At a stop a call that runs is answered, then its connection ends; an idle one ends at once."""
    begun, gate = asyncio.Event(), asyncio.Event()
    real = Gateway.send

    async def slow(self, request, token=None):
        begun.set()
        await gate.wait()
        return await real(self, request, token)

    monkeypatch.setattr(Gateway, "send", slow)
    async with served(tmp_path, "messages:send") as api:
        busy, idle = await opened(api), await opened(api)
        busy[1].write(call())
        async with asyncio.timeout(5):
            await begun.wait()
            api.stop.set()
            assert await idle[0].read() == b""
            gate.set()
            assert (await answer(busy[0]))[0] == 202
            assert await busy[0].read() == b""
        for _, writer in (busy, idle):
            writer.close()


async def test_connections_are_bounded_whoever_serves_them(tmp_path, monkeypatch):
    """The bound counts plain connections and those that were handed on, each once."""
    monkeypatch.setattr(sites, "MOST_CONNECTIONS", 2)
    async with served(tmp_path, "messages:send") as api:
        plain, general, more = [await opened(api) for _ in range(3)]
        assert (await answer(more[0]))[0] == 503
        plain[1].write(call())
        general[1].write(call(GENERAL))
        assert [(await answer(plain[0]))[0], (await answer(general[0]))[0]] == [202, 202]
        last = await opened(api)
        assert (await answer(last[0]))[0] == 503
        for _, writer in (plain, general, more, last):
            writer.close()


# ---- reading -------------------------------------------------------------------------------------------------------


def test_plain_call_is_read():
    """Body, authorization and key of a call on the list."""
    octets = call("Idempotency-Key: k", "User-Agent: x", "Accept: */*", "Connection: Keep-Alive")
    assert read(octets) == Plain(BODY, f"Bearer {TOKEN}", "k", asks_to_stay=True)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(call(line="GET /v1/messages HTTP/1.1"), id="method"),
        pytest.param(call(line="post /v1/messages HTTP/1.1"), id="method in small letters"),
        pytest.param(call(line="POST /v1/messages?x=1 HTTP/1.1"), id="query"),
        pytest.param(call(line="POST http://h/v1/messages HTTP/1.1"), id="absolute form"),
        pytest.param(call(line="POST /v1/messages HTTP/2.0"), id="version"),
        pytest.param(call(line="POST /v1/messages HTTP/1.0"), id="HTTP/1.0 that does not stay"),
        pytest.param(call("Transfer-Encoding: chunked"), id="chunked"),
        pytest.param(call("Expect: 100-continue"), id="expect"),
        pytest.param(call("Content-Encoding: gzip"), id="content-encoding"),
        pytest.param(call("Connection: close"), id="close"),
        pytest.param(call("Connection: upgrade"), id="upgrade"),
        pytest.param(call("Content-Length: 3"), id="length twice"),
        pytest.param(call("Authorization: Bearer x"), id="authorization twice"),
        pytest.param(call("Accept : x"), id="blank before the colon"),
        pytest.param(call(" folded"), id="folded line"),
        pytest.param(call("no colon"), id="no colon"),
        pytest.param(call("Accept: a\nX: b"), id="bare line feed"),
        pytest.param(call("Accept: a\0b"), id="NUL"),
        pytest.param(call("Accept: \xe9"), id="not ASCII"),
        pytest.param(call().replace(b"Host: gateway\r\n", b""), id="no host"),
        pytest.param(call().replace(b"application/json", b"text/plain"), id="content-type"),
        pytest.param(call().replace(b"Content-Type: application/json\r\n", b""), id="no content-type"),
        pytest.param(call() + b"x", id="more behind it"),
        pytest.param(call()[:-1], id="cut"),
        pytest.param(call().replace(b"Content-Length: ", b"Content-Length: 0"), id="length with a zero in front"),
        pytest.param(call().replace(b"Content-Length: ", b"Content-Length: +"), id="length with a sign"),
        pytest.param(call(f"User-Agent: {'x' * 5000}"), id="long head"),
        pytest.param(call(body=b"x" * 40_000), id="long body"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_everything_else_is_for_the_general_server(octets):
    """A call that is not as plain as can be is not read here."""
    assert read(octets) is None


@given(st.one_of(st.binary(max_size=300), st.builds(lambda a, b, n: call()[:a] + b + call()[a + n :], st.integers(0, 260),
                                                     st.binary(max_size=6), st.integers(0, 6))))  # fmt: skip
def test_any_octets(octets):
    """Reading never raises, and what is read is whole: head, blank line, and exactly the length that was told."""
    found = read(octets)
    if found is not None:
        head, _, body = octets.partition(b"\r\n\r\n")
        assert found.body == body
        assert head.split(b"\r\n")[0] in (b"POST /v1/messages HTTP/1.1", b"POST /v1/messages HTTP/1.0")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
        assert len(lengths) == 1
        assert int(lengths[0].split(b":")[1]) == len(body)


def test_written():
    """An answer with its length, its date, and what every answer has."""
    octets = written(Reply(202, b"{}", "application/json", {"X-A": "b"}), 0, {"Server": "smsgwd"})
    assert octets == (
        b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        b"Server: smsgwd\r\nX-A: b\r\nContent-Length: 2\r\n\r\n{}"
    )


async def test_cut():
    """A connection that is cut ends its call, and tells that it is gone once."""
    gone, ended = [], []

    async def never(plain: Plain, address: str) -> Reply:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(plain)
        raise AssertionError

    def front() -> Front:
        made.append(Front(never, SystemClock().now, {}, asyncio.Protocol, gone.append, ended.append, 60.0))
        return made[-1]

    made: list[Front] = []
    server = await asyncio.get_running_loop().create_server(front, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    writer.write(call())
    await until(lambda: made and made[0].task is not None)
    await asyncio.sleep(0)
    made[0].cut()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    server.close()
    await server.wait_closed()
    assert (gone, len(ended)) == (made, 1)
