"""Server-sent events: nothing missed, nothing twice."""

import asyncio
import json

from tests.web.served import served

SEND = {"to": "+15550100777", "text": "hello"}


async def read(answer, count: int) -> list[dict]:
    """The next events of a stream."""
    events = []
    async with asyncio.timeout(5):
        while len(events) < count:
            line = await answer.content.readline()
            assert line, "the stream ended"
            if line.startswith(b"data: "):
                events.append(json.loads(line[6:]))
    return events


async def test_from_the_beginning_and_on(tmp_path):
    """What was before, then what happens, each with its number."""
    async with served(tmp_path) as api:
        await api.ask("POST", "/v1/messages", SEND)
        async with api.stream("/v1/events?after=0") as answer:
            assert answer.content_type == "text/event-stream"
            first = await read(answer, 1)
            await api.ask("POST", "/v1/messages", SEND)
            second = await read(answer, 1)
    assert [e["kind"] for e in first + second] == ["message.accepted"] * 2
    assert second[0]["id"] > first[0]["id"]
    assert set(first[0]) == {"id", "at", "kind", "message", "link", "data"}


async def test_coming_back(tmp_path):
    """Last-Event-ID goes on exactly behind that event."""
    async with served(tmp_path) as api:
        for _ in range(3):
            await api.ask("POST", "/v1/messages", SEND)
        async with api.stream("/v1/events?after=0") as answer:
            seen = await read(answer, 2)
        async with api.stream("/v1/events", {"Last-Event-ID": str(seen[-1]["id"])}) as answer:
            rest = await read(answer, 1)
    ids = [e["id"] for e in seen + rest]
    assert ids == sorted(set(ids))
    assert len(ids) == 3


async def test_one_kind(tmp_path):
    """`kind` leaves out the others."""
    async with served(tmp_path) as api:
        await api.ask("POST", "/v1/messages", SEND)
        await api.ask("PUT", "/v1/contacts/+15550100777", {"name": "A"})
        async with api.stream("/v1/events?after=0&kind=contact.changed") as answer:
            (event,) = await read(answer, 1)
    assert event["kind"] == "contact.changed"


async def test_ends_with_the_daemon(tmp_path):
    """An open stream does not hold up the end."""
    async with served(tmp_path) as api:
        answer = await api.stream("/v1/events").__aenter__()
        loop = asyncio.get_running_loop()
        began = loop.time()
    assert loop.time() - began < 4
    answer.close()
