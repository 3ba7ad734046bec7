"""Event streams over time: heartbeats, reconnecting, revoked tokens, stuck readers, the end."""

import asyncio
import json

import pytest

from smsgwd.clock import SystemClock
from smsgwd.web import stream
from tests.store import StillClock
from tests.web.served import TOKEN, served
from tests.web.test_stream import SEND, read


async def test_readers_that_keep_leaving_miss_nothing(tmp_path):
    """While texts are accepted, a reader that leaves after each few events and comes back has each event once."""
    seen: list[int] = []
    async with served(tmp_path) as api:

        async def write():
            for i in range(40):
                await api.ask("POST", "/v1/messages", {**SEND, "text": f"{i}"})

        async with asyncio.TaskGroup() as group:
            group.create_task(write(), name="writer")
            while len(seen) < 40:
                headers = {"Last-Event-ID": str(seen[-1])} if seen else None
                async with api.stream("/v1/events" if seen else "/v1/events?after=0", headers) as answer:
                    seen += [e["id"] for e in await read(answer, min(3, 40 - len(seen)))]
        _, stored = await api.ask("GET", "/v1/events?after=0&limit=1000")
    assert seen == [e["id"] for e in stored["items"]]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        pytest.param("after=-3", ["2", "3", "4"], id="the newest three, then on"),
        pytest.param("after=-1", ["4"], id="the newest, then on"),
        pytest.param("after=-1000", ["0", "1", "2", "3", "4"], id="more than there are"),
        pytest.param("", [], id="from now on"),
    ],
)
async def test_where_it_begins(tmp_path, query, wanted):
    """A negative number gives the newest so many; without any number the stream begins with what happens next."""
    async with served(tmp_path) as api:
        keys = {}
        for i in range(5):
            _, made = await api.ask("POST", "/v1/messages", SEND)
            keys[made["id"]] = str(i)
        async with api.stream(f"/v1/events?{query}") as answer:
            _, last = await api.ask("POST", "/v1/messages", SEND)
            events = await read(answer, len(wanted) + 1)
    assert [keys.get(e["message"]) for e in events[:-1]] == wanted
    assert events[-1]["message"] == last["id"]


async def test_the_newest_of_a_kind(tmp_path):
    """The newest so many of one kind are counted among that kind."""
    async with served(tmp_path) as api:
        await api.ask("PUT", "/v1/contacts/+15550100777", {"name": "A"})
        await api.ask("PUT", "/v1/contacts/+15550100777", {"name": "B"})
        for _ in range(5):
            await api.ask("POST", "/v1/messages", SEND)
        async with api.stream("/v1/events?after=-2&kind=contact.changed") as answer:
            events = await read(answer, 2)
    assert [e["kind"] for e in events] == ["contact.changed"] * 2


async def test_heartbeats(tmp_path, monkeypatch):
    """A quiet stream says that it lives, and so does one whose events are all of other kinds."""
    monkeypatch.setattr(stream, "HEARTBEAT", 0.02)
    async with served(tmp_path, clock=SystemClock()) as api:
        async with asyncio.timeout(5):
            async with api.stream("/v1/events") as answer:
                while await answer.content.readline() != b": still here\n":
                    pass

            busy = asyncio.Event()

            async def chatter():
                while not busy.is_set():
                    await api.ask("POST", "/v1/messages", SEND)

            async with asyncio.TaskGroup() as group:
                group.create_task(chatter(), name="chatter")
                async with api.stream("/v1/events?kind=contact.changed") as answer:
                    while await answer.content.readline() != b": still here\n":
                        pass
                busy.set()


async def test_a_revoked_token_reads_no_further(tmp_path, monkeypatch):
    """With the next heartbeat the stream of a token that was revoked ends."""
    monkeypatch.setattr(stream, "HEARTBEAT", 0.02)
    async with served(tmp_path, "messages:read", clock=SystemClock()) as api:
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/event-stream"}
        async with api._tcp.get(f"http://{api.address}/v1/events", headers=headers) as answer, asyncio.timeout(5):
            assert await answer.content.readline() == b"retry: 2000\n"
            (token,) = await api.queue.tokens()
            await api.ask("DELETE", f"/v1/tokens/{token.id}")
            rest = await answer.content.read()
    assert b"data:" not in rest


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        pytest.param("kind=nothing", {}, id="kind"),
        pytest.param("after=x", {}, id="after"),
        pytest.param("", {"Last-Event-ID": "x"}, id="Last-Event-ID"),
        pytest.param("knd=message.sent", {}, id="a misspelt parameter"),
    ],
)
async def test_wrong_streams(tmp_path, query, headers):
    """A wrong question is a problem, not a stream."""
    async with served(tmp_path) as api, api.stream(f"/v1/events?{query}", headers) as answer:
        assert answer.status == 400
        assert answer.content_type == "application/problem+json"


async def test_streams_are_bounded_for_each_door(tmp_path, monkeypatch):
    """One stream too many is told to come later; those of programs take none from the command line."""
    monkeypatch.setattr(stream, "MOST_STREAMS", 2)
    async with served(tmp_path, "messages:read") as api:
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/event-stream"}
        url = f"http://{api.address}/v1/events"
        async with (
            api._tcp.get(url, headers=headers) as a,
            api._tcp.get(url, headers=headers) as b,
            api._tcp.get(url, headers=headers) as c,
            api.stream("/v1/events") as d,
        ):
            statuses = [x.status for x in (a, b, c, d)]
    assert statuses == [200, 200, 429, 200]


async def test_a_reader_that_takes_nothing(tmp_path, monkeypatch):
    """It is dropped, and its place is free again."""
    monkeypatch.setattr(stream, "PATIENCE", 0.02)
    monkeypatch.setattr(stream, "MOST_STREAMS", 1)
    async with served(tmp_path) as api:
        for _ in range(8):
            await api.ask("POST", "/v1/messages/batch", {"messages": [SEND] * 1000})
        _, writer = await asyncio.open_unix_connection(api.path, limit=1024)
        writer.write(b"GET /v1/events?after=0 HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
        seen: list[int] = []
        async with asyncio.timeout(5):
            while seen[-2:] != [429, 200]:
                async with api.stream("/v1/events") as answer:
                    seen.append(answer.status)
                await asyncio.sleep(0.01)
        writer.close()


async def test_the_end_is_at_once(tmp_path):
    """Streams end with the daemon, cleanly: the reader sees the end, not a broken line."""
    loop = asyncio.get_running_loop()
    async with served(tmp_path) as api:
        await api.ask("POST", "/v1/messages", SEND)
        async with api.stream("/v1/events?after=0") as answer:
            await read(answer, 1)
            began = loop.time()
            api.stop.set()
            async with asyncio.timeout(5):
                rest = await answer.content.read()
    assert loop.time() - began < 1
    assert rest in (b"", b"\n")


async def test_events_hold_no_private_words(tmp_path):
    """Neither texts nor whole numbers are in the stream."""
    async with served(tmp_path, clock=StillClock()) as api:
        await api.ask("POST", "/v1/messages", {**SEND, "text": "a secret"})
        async with api.stream("/v1/events?after=0") as answer:
            events = json.dumps(await read(answer, 1))
    assert "secret" not in events
    assert "5550100777" not in events
