"""What a token opens: the scope of the operation, and never more through a side door."""

import asyncio
import re

import pytest

from smsgwd.web.operations import table
from smsgwd.web.plant import SCOPES
from tests.store import inbound
from tests.web.served import served


async def test_every_operation_is_guarded(tmp_path):
    """Without a token, and with a token of every other scope, each operation is closed; so are the metrics."""
    others = {s: [x for x in SCOPES if x not in (s, "admin")] for s in SCOPES}
    async with served(tmp_path) as api:
        made = {s: (await api.ask("POST", "/v1/tokens", {"scopes": others[s]}))[1]["token"] for s in SCOPES}
        for operation in table():
            path = re.sub(r"\{[a-z]+\}", "x", operation.path)
            none, _, _ = await api.over_tcp(operation.method, path, token="")
            wrong, problem, _ = await api.over_tcp(operation.method, path, token=made[operation.scope])
            assert (none, wrong) == (401, 403), operation.path
            assert operation.scope in problem["detail"]
            api.clock.move(61)
        assert (await api.over_tcp("GET", "/metrics", token=""))[0] == 401


async def test_inbound_texts_want_their_scope(tmp_path):
    """A token that may read what was sent reads no inbound text: not by id, not by direction."""
    async with served(tmp_path, "messages:read") as api:
        await api.queue.receive("m1", "+15550100100", inbound("private"), api.clock.now())
        _, inbox = await api.ask("GET", "/v1/inbox")
        (found,) = inbox["items"]
        answers = [
            await api.over_tcp("GET", path)
            for path in (f"/v1/messages/{found['id']}", "/v1/messages?direction=in", "/v1/messages?direction=all",
                         f"/v1/inbox/{found['id']}", f"/v1/conversations/{found['conversation']}")
        ]  # fmt: skip
        _, page, _ = await api.over_tcp("GET", f"/v1/messages?conversation={found['conversation']}")
        _, made = await api.ask("POST", "/v1/tokens", {"scopes": ["messages:read", "inbox:read"]})
        both, _, _ = await api.over_tcp("GET", f"/v1/messages/{found['id']}", token=made["token"])
    assert [status for status, _, _ in answers] == [403] * 5
    assert all("inbox:read" in problem["detail"] for _, problem, _ in answers)
    assert page["items"] == []
    assert both == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/v1/nothing"])
async def test_open_to_all(tmp_path, path):
    """What anybody may ask names no link, no number, no path of the machine."""
    async with served(tmp_path) as api:
        status, answer, _ = await api.over_tcp("GET", path, token="")
    assert status in (200, 404)
    for private in ("m1", "5550100100", str(tmp_path)):
        assert private not in str(answer)


async def test_a_token_is_256_bits(tmp_path):
    """Tokens are as long as the advice has it, with the prefix that scanners of leaked secrets know; no two are alike."""
    async with served(tmp_path) as api:
        made = {(await api.ask("POST", "/v1/tokens", {"scopes": ["admin"]}))[1]["token"] for _ in range(3)}
        _, listed = await api.ask("GET", "/v1/tokens")
    assert len(made) == 3
    for token in made:
        assert re.fullmatch(r"smsgw_[a-z2-7]{52}", token)
        assert token not in str(listed)


async def test_tokens_are_nowhere(tmp_path, capsys):
    """Neither a good nor a wrong token is in the log, the events, or a file of the store."""
    async with served(tmp_path) as api:
        _, made = await api.ask("POST", "/v1/tokens", {"scopes": ["admin"]})
        await api.over_tcp("GET", "/v1/status", token=made["token"])
        for _ in range(25):
            await api.over_tcp("GET", "/v1/status", token="smsgw_wrongwrongwrong")
        _, events = await api.ask("GET", "/v1/events?after=0")
        stored = b"".join(p.read_bytes() for p in tmp_path.iterdir() if p.is_file())
    out = "".join(capsys.readouterr())
    assert out.count("wrong tokens") == 1
    for secret in (made["token"], "wrongwrongwrong"):
        assert secret not in out
        assert secret not in str(events)
        assert secret.encode() not in stored


async def test_a_token_revoked_while_it_is_looked_up_is_not_remembered(tmp_path, monkeypatch):
    """Whatever the order, once the revocation is answered the token opens nothing."""
    async with served(tmp_path, "admin") as api:
        find, found, go_on = api.queue.find_token, asyncio.Event(), asyncio.Event()

        async def slow(digest):
            token = await find(digest)
            found.set()
            await go_on.wait()
            return token

        monkeypatch.setattr(api.queue, "find_token", slow)
        async with asyncio.TaskGroup() as group:
            early = group.create_task(api.over_tcp("GET", "/v1/links"))
            await found.wait()
            (token,) = await api.queue.tokens()
            await api.ask("DELETE", f"/v1/tokens/{token.id}")
            go_on.set()
        late, _, _ = await api.over_tcp("GET", "/v1/links")
    assert (early.result()[0], late) == (200, 401)


async def test_failures_are_counted_in_a_bounded_table(tmp_path):
    """The addresses that are remembered are bounded; the oldest failure is forgotten first."""
    from smsgwd.errors import RequestRefused
    from smsgwd.web.auth import MOST_ADDRESSES, Gatekeeper

    async with served(tmp_path) as api:
        keeper = Gatekeeper(api.queue, api.clock)
        for i in range(MOST_ADDRESSES + 50):
            with pytest.raises(RequestRefused, match="Authorization"):
                await keeper.check("", "admin", f"2001:db8::{i:x}")
    assert len(keeper._failures) == MOST_ADDRESSES
    assert "2001:db8::0" not in keeper._failures
