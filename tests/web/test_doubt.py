"""Doubt over HTTP: the policy of a text, what a person says of it, and the numbers for Prometheus."""

import msgspec
import pytest

from smsgwd.model import LinkState
from smsgwd.web.metrics import metrics
from tests.contract.making import DOUBT
from tests.web.served import served

TEXT = {"to": "+15550100777", "text": "Hello"}


async def in_doubt(api, **more) -> str:
    """The id of a text of which nobody knows whether it was sent."""
    _, taken = await api.ask("POST", "/v1/messages", {**TEXT, **more})
    (segment,) = await api.queue.claim("m1", 1, api.clock.now())
    await api.queue.record_result(segment.submission, DOUBT, api.clock.now())
    return taken["id"]


@pytest.mark.parametrize(
    ("word", "kept", "then"),
    [
        pytest.param("hold", "hold", "uncertain", id="hold"),
        pytest.param("retry", "retry", "queued", id="retry"),
        pytest.param("resend", "retry", "queued", id="the other word for it"),
        pytest.param("assume-sent", "assume-sent", "sent", id="assume-sent"),
        pytest.param("", "", "uncertain", id="as its class"),
    ],
)
async def test_policy_of_a_text(tmp_path, word, kept, then):
    """`uncertain` says what is done with this text; it is shown, and a resend is shown as a possible duplicate."""
    async with served(tmp_path) as api:
        _, found = await api.ask("GET", f"/v1/messages/{await in_doubt(api, uncertain=word)}")
    assert (found["uncertain"], found["state"], found["possible_duplicate"]) == (kept, then, then == "queued")


async def test_unknown_policy(tmp_path):
    """Another word is refused with those that are known; the policy is part of what an idempotency key stands for."""
    async with served(tmp_path) as api:
        status, problem = await api.ask("POST", "/v1/messages", {**TEXT, "uncertain": "hope"})
        assert (status, problem["type"].rpartition(":")[2]) == (422, "unknown-policy")
        assert "hold, retry, assume-sent" in problem["detail"]
        for word, status in (("hold", 202), ("hold", 202), ("retry", 409)):
            assert (await api.ask("POST", "/v1/messages", {**TEXT, "uncertain": word, "key": "k"}))[0] == status


async def test_settled_by_a_person(tmp_path):
    """Who says so and why is kept; what is too long or no text is refused."""
    async with served(tmp_path) as api:
        path = f"/v1/messages/{await in_doubt(api)}/settle"
        for wrong in ({"why": "x" * 201}, {"why": "two\nlines"}, {"by": "a\tb"}, {"how": "maybe"}):
            assert (await api.ask("POST", path, {"how": "fail", **wrong}))[0] == 400
        status, found = await api.ask("POST", path, {"how": "fail", "by": "ann", "why": "he called"})
    assert (status, found["reason"]) == (200, "settled as not sent by ann: he called")


async def test_numbers(tmp_path):
    """Texts in doubt by link, with 0 for one that has none; and how doubts ended, every way from the start on."""
    async with served(tmp_path) as api:
        for name in ("m1", "m2"):
            await api.queue.record_link(name, "modem", "", LinkState.UP, "", api.clock.now())
        first = await in_doubt(api)
        await in_doubt(api)
        await api.ask("POST", f"/v1/messages/{first}/settle", {"how": "sent"})
        page = (await metrics(api.gateway)).splitlines()
    wanted = [f'smsgwd_uncertain_messages{{link="{name}"}} {n}' for name, n in (("m1", 1), ("m2", 0))]
    wanted += [
        f'smsgwd_uncertain_settled_total{{by="{by}"}} {int(by == "operator")}'
        for by in ("late-answer", "report", "query", "retry", "assumed", "operator")
    ]
    assert [line for line in page if line.startswith("smsgwd_uncertain")] == wanted


@pytest.mark.parametrize(
    ("zone", "due"),
    [("Europe/Vienna", "2027-01-16T08:00:00.000Z"), ("", None)],
    ids=["of the configuration", "of the machine"],
)
async def test_zone_of_the_configuration(tmp_path, zone, due):
    """A time without a zone is one of `gateway.timezone`."""
    async with served(tmp_path) as api:
        config = api.gateway.config
        api.gateway.config = msgspec.structs.replace(config, gateway=msgspec.structs.replace(config.gateway, timezone=zone))
        _, taken = await api.ask("POST", "/v1/messages", {**TEXT, "at": "2027-01-16T09:00"})
        _, found = await api.ask("GET", f"/v1/messages/{taken['id']}")
    assert found["due"] == due or due is None
