"""Caps and refusals of routing, as programs see them over HTTP."""

from smsgwd.routing.caps import Caps
from tests.web.served import served

TEXT = {"to": "+12125550100", "text": "hello"}


async def test_a_cap_is_429_with_the_time_to_wait(tmp_path):
    """When a token has used its cap: status 429, Retry-After until the day is over, the same in the document and in a
    batch; another token goes on."""
    async with served(tmp_path, "messages:send") as api:
        _, made = await api.ask("POST", "/v1/tokens", {"scopes": ["messages:send"], "segments_per_day": 1})
        assert made["caps"] == {"segments_per_day": 1}
        first, _, _ = await api.over_tcp("POST", "/v1/messages", TEXT, token=made["token"])
        status, problem, headers = await api.over_tcp("POST", "/v1/messages", TEXT, token=made["token"])
        left = 86_400 - api.clock.now() // 1000 % 86_400
        assert (first, status, problem["type"]) == (202, 429, "urn:smsgwd:problem:cap-reached")
        assert (headers["Retry-After"], problem["retry_after"]) == (str(left), left)
        _, batch, _ = await api.over_tcp("POST", "/v1/messages/batch", {"messages": [TEXT]}, token=made["token"])
        assert (batch["messages"][0]["status"], batch["messages"][0]["retry_after"]) == (429, left)
        assert (await api.over_tcp("POST", "/v1/messages", TEXT))[0] == 202


async def test_policy_is_403(tmp_path):
    """What no waiting changes says 403, and no time."""
    async with served(tmp_path) as api:
        status, problem = await api.ask("POST", "/v1/messages", {**TEXT, "to": "+19002345678"})
        assert (status, "retry_after" in problem) == (403, False)


async def test_a_wrong_cap_is_refused(tmp_path):
    """A cap is a number from 0 on."""
    async with served(tmp_path) as api:
        for wrong in (-1, "many", 1.5):
            status, _ = await api.ask("POST", "/v1/tokens", {"scopes": ["admin"], "segments_per_day": wrong})
            assert status == 400


async def test_the_route_of_a_text(tmp_path):
    """An explanation as the document says it; a class that is none is refused."""
    async with served(tmp_path) as api:
        status, found = await api.ask("POST", "/v1/route", {"to": "(212) 555-0100", "class": "bulk"})
        assert (status, found["answer"], found["link"], found["to"]) == (200, "route", "m1", "+12125550100")
        api.gateway.bounds.ledger._caps["link", "m1"] = Caps(segments_per_day=1)
        await api.ask("POST", "/v1/messages", TEXT)
        _, refused = await api.ask("POST", "/v1/route", {"to": "+12125550100"})
        assert (refused["answer"], refused["not_before"][-14:]) == ("refused", "T00:00:00.000Z")
        assert (await api.ask("POST", "/v1/route", {"to": "+12125550100", "class": "urgent"}))[0] == 422
