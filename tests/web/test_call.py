"""The table without HTTP: what the command line does while no daemon runs."""

import subprocess
import sys

import pytest

from smsgwd.errors import Conflict, NotFound, RequestRefused
from smsgwd.web.operations import call
from smsgwd.web.problems import error_of, problem
from tests.store import StillClock, gateway, inbound, store
from tests.web.conforming import conforms

SEND = {"to": "+15550100777", "text": "hello"}


async def test_the_same_answers(tmp_path):
    """Texts are accepted and found; answers have the shapes that HTTP promises."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock)
        status, accepted = await call(gate, "POST", "/v1/messages", None, SEND)
        conforms("POST", "/v1/messages", status, accepted)
        for path in (
            f"/v1/messages/{accepted['id']}",
            "/v1/messages",
            "/v1/links",
            "/v1/status",
            "/v1/tokens",
            "/v1/events",
        ):
            conforms("GET", path, *(await call(gate, "GET", path)))
        _, page = await call(gate, "GET", "/v1/messages", {"to": "+15550100777", "limit": "5"})
    assert [m["id"] for m in page["items"]] == [accepted["id"]]


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "error"),
    [
        pytest.param("GET", "/v1/nothing", None, None, NotFound, id="no such path"),
        pytest.param("PATCH", "/v1/messages", None, None, NotFound, id="no such method"),
        pytest.param("GET", "/v1/messages/msg_0000000000000", None, None, NotFound, id="no such text"),
        pytest.param("GET", "/v1/messages", {"sate": "x"}, None, RequestRefused, id="misspelt"),
        pytest.param(
            "POST", "/v1/messages", None, {**SEND, "key": "k", "text": "other"}, Conflict, id="key of another"
        ),
        pytest.param("POST", "/v1/messages", None, {"to": 5}, RequestRefused, id="type"),
        pytest.param("POST", "/v1/links/none/pause", None, None, NotFound, id="no such link"),
    ],
)
async def test_errors(tmp_path, method, path, query, body, error):
    """Errors come as they are, and survive the way through a problem document."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock)
        await call(gate, "POST", "/v1/messages", None, {**SEND, "key": "k"})
        with pytest.raises(error) as caught:
            await call(gate, method, path, query, body)
    again = error_of(problem(caught.value))
    assert type(again) is type(caught.value)
    assert str(again) == str(caught.value)


async def test_a_link_that_never_ran_is_paused(tmp_path):
    """A link of the configuration can be paused before it has ever started, and is paused then."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock)
        _, paused = await call(gate, "POST", "/v1/links/m1/pause")
        _, shown = await call(gate, "GET", "/v1/links/m1")
    assert paused["paused"] is True
    assert shown["paused"] is True
    assert [link.ready for link in gate.roster] == [False]


@pytest.mark.parametrize(
    ("searched", "found"),
    [
        pytest.param("+15550100777", 1, id="E.164"),
        pytest.param("(555) 010-0777", 1, id="national"),
        pytest.param(" 15550100777", 1, id="a plus that became a space"),
        pytest.param("BANK", 1, id="letters"),
        pytest.param("12345", 1, id="short code"),
        pytest.param("+15550100778", 0, id="somebody else"),
    ],
)
async def test_people_are_found_as_they_are_written(tmp_path, searched, found):
    """A search understands a number as sending does; senders without a number are found by what they call themselves."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock)
        for sender in ("+15550100777", "BANK", "12345"):
            await queue.receive("m1", "+15550100100", inbound("hi", sender), clock.now())
        _, page = await call(gate, "GET", "/v1/inbox", {"from": searched})
        assert len(page["items"]) == found
        if found:
            _, person = await call(gate, "GET", f"/v1/contacts/{searched}")
            assert person["number"] == page["items"][0]["from"]
            _, named = await call(gate, "PUT", f"/v1/contacts/{searched}", None, {"name": "Ada"})
            assert named == {**person, "name": "Ada"}


async def test_only_people_are_named(tmp_path):
    """Nobody becomes a contact by a typing error."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        with pytest.raises(RequestRefused) as caught:
            await call(gateway(queue, clock), "PUT", "/v1/contacts/nobody", None, {"name": "Ada"})
    assert caught.value.code == "invalid-number"


async def test_a_batch_may_be_called_again(tmp_path):
    """With an idempotency key the whole batch is done once."""
    from tests.web.served import served

    batch = {"messages": [SEND, {**SEND, "text": "two"}, {**SEND, "text": "three", "key": "own"}]}
    async with served(tmp_path) as api:
        first = await api.ask("POST", "/v1/messages/batch", batch, headers={"Idempotency-Key": "b1"})
        again = await api.ask("POST", "/v1/messages/batch", batch, headers={"Idempotency-Key": "b1"})
        other = await api.ask(
            "POST", "/v1/messages/batch", {"messages": [{**SEND, "text": "x"}]}, headers={"Idempotency-Key": "b1"}
        )
        _, page = await api.ask("GET", "/v1/messages")
    assert first == again
    assert other[1]["messages"][0]["status"] == 409
    assert len(page["items"]) == 3


async def test_pages_have_no_gap_and_no_repeat(tmp_path):
    """Following `next` shows everything once."""
    clock = StillClock()
    async with store(tmp_path, clock) as queue:
        gate = gateway(queue, clock)
        _, made = await call(gate, "POST", "/v1/messages/batch", None, {"messages": [SEND] * 25})
        seen: list[str] = []
        after: str | None = ""
        while after is not None:
            _, page = await call(gate, "GET", "/v1/messages", {"limit": "10", "after": after})
            seen += [m["id"] for m in page["items"]]
            after = page["next"]
    assert seen == [m["id"] for m in made["messages"]][::-1]


def test_the_table_needs_no_server():
    """The operations are there without aiohttp, which takes a third of a second to import."""
    program = "import sys, smsgwd.web.operations as o; o.table(); sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=30).returncode == 0
