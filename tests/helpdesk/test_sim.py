"""The simulated helpdesk: signatures, tickets, copies, faults, the journal and the agent."""

import asyncio
import json
import signal
import subprocess
import sys

import aiohttp
import pytest
from aiohttp import web

from smsgwd.cli import cli
from smsgwd.clock import SystemClock
from smsgwd.helpdesk.sim import MOST_LINES, TRIES
from tests.canaries import TOKEN
from tests.helpdesk.endpoint import SECRET, listening
from tests.helpdesk.simulated import Caller, body, desk, signed


async def test_tickets(tmp_path):
    """One conversation is one ticket, whose number is the answer; the journal says all that a test wants to know."""
    async with desk(tmp_path) as caller:
        assert await caller.call("out_1", body("hello", "cnv_1")) == (200, {"ticket": "T-1"})
        assert await caller.call("out_2", body("other", "cnv_2")) == (200, {"ticket": "T-2"})
        assert await caller.call("out_3", body("again", "cnv_1", "message.sent")) == (200, {"ticket": "T-1"})
        items = json.loads(await caller.get("/tickets"))["items"]
    assert items[0] == {
        "ticket": "T-1", "conversation": "cnv_1", "person": "Corner Bakery",
        "lines": [{"type": "message.received", "text": "hello"}, {"type": "message.sent", "text": "again"}],
    }  # fmt: skip
    assert caller.journal()[0] == {
        "at": "2027-01-15T08:00:00.000Z", "kind": "call", "id": "out_1", "type": "message.received", "verified": True,
        "duplicate": False, "conversation": "cnv_1", "ticket": "T-1", "status": 200,
    }  # fmt: skip


async def test_copies(tmp_path):
    """The same webhook-id again is one entry, and gets the same answer."""
    async with desk(tmp_path) as caller:
        for _ in range(3):
            assert await caller.call("out_1", body()) == (200, {"ticket": "T-1"})
        assert len(json.loads(await caller.get("/tickets"))["items"][0]["lines"]) == 1
    assert [(x["duplicate"], x["ticket"]) for x in caller.journal()] == [(False, "T-1"), (True, "T-1"), (True, "T-1")]


async def test_only_a_text_that_came_in_opens_a_ticket(tmp_path):
    """A report on a text that nobody answered to, or a link event, is taken and opens nothing."""
    async with desk(tmp_path) as caller:
        assert await caller.call("out_1", body(kind="message.delivered")) == (200, {})
        link = json.dumps({"type": "link.down", "data": {"link": "m1"}}).encode()
        assert await caller.call("out_2", link) == (200, {})
        assert json.loads(await caller.get("/tickets"))["items"] == []
    assert [x["ticket"] for x in caller.journal()] == [None, None]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no headers"),
        pytest.param({"webhook-signature": "v1,AAAA"}, id="wrong signature"),
        pytest.param({"webhook-signature": "v1,é~"}, id="signature beyond ASCII"),
        pytest.param({"webhook-signature": ""}, id="empty signature"),
        pytest.param({"webhook-id": "out_2"}, id="another id"),
        pytest.param({"webhook-timestamp": "1799999000"}, id="another time"),
        pytest.param({"webhook-timestamp": "soon"}, id="no time"),
        pytest.param({"webhook-timestamp": "9" * 4500}, id="endless time"),
    ],
)
async def test_wrong_signature(tmp_path, headers):
    """What is not signed right gets 401, opens nothing and does not count as seen."""
    async with desk(tmp_path) as caller:
        right = signed(caller.clock, "out_1", body())
        status, _ = await caller.call("out_1", body(), {**right, **headers} if headers else {})
        assert status == 401
        assert caller.journal()[0]["verified"] is False
        assert await caller.call("out_1", body()) == (200, {"ticket": "T-1"})


async def test_right_signature_but_old(tmp_path):
    """A call that was signed right more than five minutes ago may be a replay."""
    async with desk(tmp_path) as caller:
        right = signed(caller.clock, "out_1", body())
        caller.clock.move(301)
        assert (await caller.call("out_1", body(), right))[0] == 401


async def test_without_a_secret(tmp_path):
    """Without a secret every call counts as verified."""
    async with desk(tmp_path, secret="") as caller:
        assert await caller.call("out_1", body(), {"webhook-id": "out_1"}) == (200, {"ticket": "T-1"})


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff", id="no UTF-8"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"[" * 50_000, id="nested too deep"),
        pytest.param(b'{"data": {}}', id="no type"),
    ],
)
async def test_no_webhook(tmp_path, octets):
    """A body that is no webhook is a 400, never a crash."""
    async with desk(tmp_path, secret="") as caller:
        assert (await caller.call("out_1", octets, {"webhook-id": "out_1"}))[0] == 400


@pytest.mark.parametrize("data", ['"text"', "[]", '{"conversation": "x", "message": 5}', '{"conversation": {"id": 7}}'])
async def test_odd_data(tmp_path, data):
    """Fields of other types than ours do not break it."""
    async with desk(tmp_path, secret="") as caller:
        odd = f'{{"type": "message.received", "data": {data}}}'.encode()
        assert (await caller.call("out_1", odd, {"webhook-id": "out_1"}))[0] == 200


async def test_told_to_fail(tmp_path):
    """--fail N answers 503 to the first N calls; the call that comes again is no copy then."""
    async with desk(tmp_path, fail=2) as caller:
        assert [(await caller.call("out_1", body()))[0] for _ in range(3)] == [503, 503, 200]
    assert [x["duplicate"] for x in caller.journal()] == [False, False, False]


async def test_told_to_be_slow(tmp_path):
    """--slow S waits before each answer."""
    async with desk(tmp_path, slow=7.5) as caller:
        await caller.call("out_1", body())
        assert caller.clock.slept == [7.5]


async def test_page_is_escaped(tmp_path):
    """Texts of strangers are shown, not run."""
    async with desk(tmp_path) as caller:
        await caller.call("out_1", body("<script>alert(1)</script>", "cnv_<b>"))
        page = await caller.get("/")
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "cnv_<b>" not in page


async def test_bounded(tmp_path):
    """A conversation without an end keeps its newest lines."""
    async with desk(tmp_path, secret="") as caller:
        for i in range(MOST_LINES + 5):
            await caller.call(f"out_{i}", body(f"text {i}"), {"webhook-id": f"out_{i}"})
        lines = json.loads(await caller.get("/tickets"))["items"][0]["lines"]
    assert len(lines) == MOST_LINES
    assert lines[-1]["text"] == f"text {MOST_LINES + 4}"


async def test_journal_holds_no_text(tmp_path):
    """The journal may be kept and shown: no text, no name."""
    async with desk(tmp_path) as caller:
        await caller.call("out_1", body("a private matter"))
    assert "private" not in caller.path.read_text()
    assert "Bakery" not in caller.path.read_text()


class Gateway:
    """A gateway's reply call that answers by a list of statuses; the last one stays."""

    def __init__(self, *statuses: int) -> None:
        self.statuses, self.requests, self.done = list(statuses), [], asyncio.Event()

    async def reply(self, request: web.Request) -> web.Response:
        self.requests.append((request.match_info["id"], request.headers["Authorization"], await request.json()))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status < 500 or len(self.requests) == TRIES:
            self.done.set()
        return web.json_response({}, status=status)

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/conversations/{id}/reply", self.reply)
        return app


async def replies(caller, count: int) -> list[dict]:
    async with asyncio.timeout(5):
        while True:
            if len(found := caller.journal("reply")) >= count:
                return found
            await asyncio.sleep(0.002)


async def test_agent(tmp_path):
    """The agent answers each new ticket once, with the token and a key that makes a repetition harmless."""
    gateway = Gateway(202)
    async with listening(gateway.application()) as address, desk(tmp_path, agent_for=f"http://{address}/") as caller:
        await caller.call("out_1", body("hello"))
        await caller.call("out_2", body("hello?"))
        notes = await replies(caller, 1)
    assert gateway.requests == [
        ("cnv_1", f"Bearer {TOKEN}", {"text": "We look into it", "author": "agent", "key": "reply-T-1-cnv_1"})
    ]
    assert [(x["ticket"], x["status"]) for x in notes] == [("T-1", 202)]


@pytest.mark.parametrize(
    ("statuses", "tried"),
    [
        pytest.param((503, 500, 202), 3, id="comes back"),
        pytest.param((404,), 1, id="refused: no try will change that"),
        pytest.param((503,), TRIES, id="never comes back"),
    ],
)
async def test_agent_tries_again(tmp_path, statuses, tried):
    """A gateway that is away for a moment gets the answer later; tries have an end."""
    gateway = Gateway(*statuses)
    async with listening(gateway.application()) as address, desk(tmp_path, agent_for=f"http://{address}") as caller:
        await caller.call("out_1", body())
        async with asyncio.timeout(5):
            await gateway.done.wait()
        notes = await replies(caller, tried)
    assert len(notes) == len(gateway.requests) == tried
    assert len({request["key"] for _, _, request in gateway.requests}) == 1


async def test_agent_without_a_gateway(tmp_path):
    """Nobody listens: the journal says so, and the desk goes on."""
    async with desk(tmp_path, agent_for="http://127.0.0.1:1") as caller:
        await caller.call("out_1", body())
        notes = await replies(caller, TRIES)
        assert {x["error"] for x in notes} == {"ClientConnectorError"}
        assert await caller.call("out_2", body("hello", "cnv_2")) == (200, {"ticket": "T-2"})


def test_secret_that_is_no_key(capfd):
    """The command refuses a secret that cannot be one, with the option's name and without the secret."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["sim", "helpdesk", "--secret", "whsec_A"])
    assert ended.value.code == 2
    message = capfd.readouterr().err
    assert "--secret" in message
    assert "whsec_A" not in message


@pytest.mark.story
async def test_command(tmp_path):
    """`smsgwd sim helpdesk` says where it listens in its first line, takes a call, and ends with 0 when told to."""
    journal = tmp_path / "calls.jsonl"
    command = [
        sys.executable,
        "-m",
        "smsgwd",
        "sim",
        "helpdesk",
        "--port",
        "0",
        "--journal",
        str(journal),
        "--secret",
        SECRET,
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            said, _, address = (await process.stdout.readline()).decode().strip().partition(" ")
        assert said == "ready"
        async with aiohttp.ClientSession() as session:
            caller = Caller(f"http://{address}", session, SystemClock(), journal)
            assert await caller.call("out_1", body()) == (200, {"ticket": "T-1"})
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            status = await process.wait()
    assert status == 0
    assert [x["status"] for x in caller.journal()] == [200]
