"""Asking a carrier about a text, and taking one back, over HTTP."""

import pytest

from smsgwd.errors import Uncertain
from smsgwd.model import Accepted, LinkState
from tests.faults.carrier import account
from tests.test_inquiry import TOO_LATE, Desk
from tests.web.served import served

NUMBER = "+15550100777"


async def carried(api, desk: Desk) -> str:
    """The API has a carrier's link; the id of a text that the carrier took."""
    await api.queue.record_link("m1", "smpp", "", LinkState.UP, "bound", api.clock.now())
    config = api.gateway.config
    row = account(1, name="m1", query=True, cancel=True, replace=True)
    api.gateway.config = type(config)(gateway=config.gateway, link=(row,))
    api.gateway.carriers = {"m1": desk}
    _, accepted = await api.ask("POST", "/v1/messages", {"to": NUMBER, "text": "hello"})
    (segment,) = await api.queue.claim("m1", 1, api.clock.now())
    await api.queue.record_result(segment.submission, Accepted("c7"), api.clock.now())
    return accepted["id"]


async def test_ask(tmp_path):
    """The whole text as it is after the answer, with what was said of each part."""
    async with served(tmp_path, "messages:read") as api:
        message = await carried(api, Desk())
        status, found, _ = await api.over_tcp("POST", f"/v1/messages/{message}/ask")
        assert (status, found["state"], found["submissions"][0]["report"]) == (200, "delivered", "delivered")
        assert found["asked"] == [{"part": 1, "link": "m1", "reference": "c7", "status": "delivered", "reason": ""}]
        status, problem = await api.ask("POST", f"/v1/messages/{message}/ask")
        assert (status, problem["type"]) == (409, "urn:smsgwd:problem:conflict")


async def test_a_link_that_cannot_be_asked(tmp_path):
    """409 with the reason."""
    async with served(tmp_path) as api:
        await api.ask("POST", "/v1/messages", {"to": NUMBER, "text": "hello"})
        (segment,) = await api.queue.claim("m1", 1, api.clock.now())
        await api.queue.record_result(segment.submission, Accepted("7"), api.clock.now())
        status, problem = await api.ask("POST", f"/v1/messages/{segment.message}/ask")
    assert (status, problem["type"]) == (409, "urn:smsgwd:problem:not-offered")
    assert "is a modem" in problem["detail"]


@pytest.mark.parametrize(
    ("desk", "status", "state"),
    [pytest.param(Desk(), 200, "cancelled", id="taken back"), pytest.param(Desk(TOO_LATE), 409, "sent", id="too late")],
)
async def test_cancel(tmp_path, desk, status, state):
    """DELETE on a text that the carrier has: 200 when it is taken back, else 409 and the text stays as it is."""
    async with served(tmp_path) as api:
        message = await carried(api, desk)
        answered, found = await api.ask("DELETE", f"/v1/messages/{message}")
        _, now = await api.ask("GET", f"/v1/messages/{message}")
    assert (answered, now["state"]) == (status, state)
    assert status == 200 or "ESME 0x11" in found["detail"]


async def test_replace_what_waits(tmp_path):
    """PUT gives other words to a text in the queue; 422 for one that cannot be sent, 400 for another body."""
    async with served(tmp_path, "messages:send", "messages:read") as api:
        _, accepted = await api.ask("POST", "/v1/messages", {"to": NUMBER, "text": "hello"})
        path = f"/v1/messages/{accepted['id']}"
        status, found, _ = await api.over_tcp("PUT", f"{path}/text", {"text": "Привет"})
        assert (status, found["text"], found["encoding"], found["state"]) == (200, "Привет", "ucs2", "queued")
        assert (await api.ask("PUT", f"{path}/text", {"text": "Привет"}))[0] == 200
        refused = [(await api.ask("PUT", f"{path}/text", body))[0] for body in ({"text": " "}, {"text": "x" * 5000}, {"words": "x"}, {})]
        assert refused == [422, 422, 400, 400]
        assert (await api.ask("GET", path))[1]["text"] == "Привет"


async def test_replace_wants_its_scope(tmp_path):
    """A token that may only read changes nothing."""
    async with served(tmp_path, "messages:read") as api:
        _, accepted = await api.ask("POST", "/v1/messages", {"to": NUMBER, "text": "hello"})
        status, *_ = await api.over_tcp("PUT", f"/v1/messages/{accepted['id']}/text", {"text": "bye"})
        assert (status, (await api.ask("GET", f"/v1/messages/{accepted['id']}"))[1]["text"]) == (403, "hello")


@pytest.mark.parametrize(
    ("desk", "status", "text"),
    [
        pytest.param(Desk(), 200, "bye", id="replaced"),
        pytest.param(Desk(TOO_LATE), 409, "hello", id="too late"),
        pytest.param(Desk(Uncertain("no answer in 15 s")), 504, "hello", id="no answer"),
    ],
)
async def test_replace_after_acceptance(tmp_path, desk, status, text):
    """A text that the carrier has: 200 when it is replaced, 409 when not, 504 when nobody knows."""
    async with served(tmp_path) as api:
        message = await carried(api, desk)
        answered, _ = await api.ask("PUT", f"/v1/messages/{message}/text", {"text": "bye"})
        _, now = await api.ask("GET", f"/v1/messages/{message}")
    assert (answered, now["text"], now["state"]) == (status, text, "sent")
