"""The calls of the contract, over HTTP."""

import io
import json

import pytest

from smsgwd.model import InDoubt, LinkState
from tests.store import inbound
from tests.web.served import TOKEN, served

SEND = {"to": "+15550100777", "text": "hello"}


async def test_a_text_is_accepted_and_looked_at(tmp_path):
    """202 after the commit; then the whole message with its fields."""
    async with served(tmp_path) as api:
        await api.queue.record_link("m1", "modem", "+15550100100", LinkState.UP, "home network", api.clock.now())
        status, accepted = await api.ask("POST", "/v1/messages", SEND)
        assert status == 202
        assert (accepted["state"], accepted["segments"], accepted["encoding"]) == ("queued", 1, "gsm7")
        status, found = await api.ask("GET", f"/v1/messages/{accepted['id']}")
        _, page = await api.ask("GET", "/v1/messages?state=queued&to=%2B15550100777")
    assert status == 200
    wanted = {
        "id": accepted["id"], "direction": "out", "state": "queued", "to": "+15550100777", "from": "+15550100100",
        "text": "hello", "class": "normal", "link": "m1", "reason": "",
    }  # fmt: skip
    assert {k: found[k] for k in wanted} == wanted
    assert found["created"].endswith("Z")
    assert found["segments"] == [{"part": 1, "parts": 1, "state": "queued", "link": "", "reference": "", "reason": ""}]
    assert [m["id"] for m in page["items"]] == [accepted["id"]]
    assert page["next"] is None


async def test_names_and_values_of_the_caller(tmp_path):
    """`meta` is kept with the text and shown with it."""
    async with served(tmp_path) as api:
        status, accepted = await api.ask("POST", "/v1/messages", {**SEND, "meta": {"pe_id": "1101"}})
        _, found = await api.ask("GET", f"/v1/messages/{accepted['id']}")
    assert (status, found["meta"]) == (202, {"pe_id": "1101"})


async def test_the_same_key_never_sends_twice(tmp_path):
    """The same key and body give the same text; another body is a conflict. The header is as good as the field."""
    async with served(tmp_path) as api:
        _, first = await api.ask("POST", "/v1/messages", {**SEND, "key": "k1"})
        _, again = await api.ask("POST", "/v1/messages", {**SEND, "key": "k1"})
        _, header = await api.ask("POST", "/v1/messages", SEND, headers={"Idempotency-Key": "k1"})
        status, problem = await api.ask("POST", "/v1/messages", {**SEND, "text": "other", "key": "k1"})
        _, page = await api.ask("GET", "/v1/messages")
    assert first["id"] == again["id"] == header["id"]
    assert (status, problem["type"]) == (409, "urn:smsgwd:problem:conflict")
    assert len(page["items"]) == 1


async def test_a_batch_answers_each(tmp_path):
    """One commit for all; what is wrong has its own problem and stops nothing."""
    batch = [SEND, {"to": "nobody", "text": "x"}, {"to": "+15550100778"}, {**SEND, "text": "second"}]
    async with served(tmp_path) as api:
        status, answer = await api.ask("POST", "/v1/messages/batch", {"messages": batch})
        _, page = await api.ask("GET", "/v1/messages")
    assert status == 202
    ids = [m.get("id") for m in answer["messages"]]
    assert [bool(i) for i in ids] == [True, False, False, True]
    assert [m.get("status") for m in answer["messages"]] == [None, 422, 400, None]
    assert len(page["items"]) == 2


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        pytest.param({"to": "+15550100777"}, 400, "invalid-body", id="no text"),
        pytest.param({**SEND, "colour": "red"}, 400, "invalid-body", id="unknown field"),
        pytest.param({**SEND, "text": 5}, 400, "invalid-body", id="wrong type"),
        pytest.param({**SEND, "text": "  "}, 422, "empty-text", id="empty text"),
        pytest.param({**SEND, "text": "x" * 5000}, 422, "too-long", id="too many parts"),
        pytest.param({**SEND, "to": "12"}, 422, "invalid-number", id="no number"),
        pytest.param({**SEND, "to": "+436641234567"}, 422, "country-not-allowed", id="another country"),
        pytest.param({**SEND, "class": "urgent"}, 422, "unknown-class", id="class"),
        pytest.param({**SEND, "from": "nowhere"}, 422, "unknown-link", id="link"),
        pytest.param({**SEND, "at": "soon"}, 422, "invalid-time", id="time"),
        pytest.param({**SEND, "validity": "1"}, 422, "invalid-validity", id="validity"),
        pytest.param({**SEND, "meta": {"a": 5}}, 400, "invalid-body", id="meta that is no text"),
        pytest.param({**SEND, "meta": {"a b": "x"}}, 422, "invalid-meta", id="meta with a bad name"),
        pytest.param({**SEND, "origin": "desk"}, 400, "invalid-body", id="an origin that is not theirs"),
    ],
)
async def test_refused(tmp_path, body, status, slug):
    """RFC 9457 problems with a stable type; nothing is stored."""
    async with served(tmp_path) as api:
        got, problem = await api.ask("POST", "/v1/messages", body)
        _, page = await api.ask("GET", "/v1/messages")
    assert (got, problem["status"], problem["type"]) == (status, status, f"urn:smsgwd:problem:{slug}")
    assert problem["detail"]
    assert page["items"] == []


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        pytest.param("GET", "/v1/messages/msg_0000000000000", {}, 404, id="no such message"),
        pytest.param("GET", "/v1/messages/5", {}, 404, id="no id"),
        pytest.param("GET", "/v1/nothing", {}, 404, id="no such path"),
        pytest.param("PATCH", "/v1/messages", {}, 405, id="method"),
        pytest.param("GET", "/v1/messages?limit=0", {}, 400, id="limit"),
        pytest.param("GET", "/v1/messages?limit=x", {}, 400, id="limit, no number"),
        pytest.param("GET", "/v1/messages?state=lost", {}, 400, id="state"),
        pytest.param("GET", "/v1/messages?direction=up", {}, 400, id="direction"),
        pytest.param("GET", "/v1/events?kind=nothing", {}, 400, id="kind"),
        pytest.param("GET", "/v1/links/none", {}, 404, id="no such link"),
        pytest.param("GET", "/v1/conversations/cnv_0000000000000", {}, 404, id="no such conversation"),
        pytest.param("GET", "/v1/outbox?state=lost", {}, 400, id="outbox state"),
        pytest.param("POST", "/v1/messages", {"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, id="JSON"),
        pytest.param("POST", "/v1/messages", {"data": b"to=1", "headers": {"Content-Type": "text/plain"}}, 415, id="type"),
        pytest.param("POST", "/v1/messages", {"data": io.BytesIO(b" " * (1 << 20) + b"{}"), "headers": {"Content-Type": "application/json"}},
                     413, id="too large"),
        pytest.param("POST", "/v1/messages/batch", {"json": {"messages": []}}, 400, id="empty batch"),
        pytest.param("POST", "/v1/tokens", {"json": {"scopes": ["root"]}}, 422, id="unknown scope"),
    ],
)  # fmt: skip
async def test_wrong_calls(tmp_path, method, path, more, status):
    """Every wrong call is answered by a problem document."""
    async with served(tmp_path) as api, api._unix.request(method, f"http://localhost{path}", **more) as answer:
        assert answer.status == status
        assert answer.content_type == "application/problem+json"
        problem = await answer.json(content_type=None)
    assert problem["status"] == status


async def test_verbs_on_texts(tmp_path):
    """hold, release, cancel, retry and settle change the state, and refuse where they make no sense."""
    async with served(tmp_path) as api:
        _, a = await api.ask("POST", "/v1/messages", SEND)
        states = []
        for verb in ("hold", "release", "cancel"):
            status, found = await api.ask("POST", f"/v1/messages/{a['id']}/{verb}")
            states.append((status, found["state"]))
        conflict, _ = await api.ask("POST", f"/v1/messages/{a['id']}/hold")
        _, again = await api.ask("POST", f"/v1/messages/{a['id']}/retry")
        (segment,) = await api.queue.claim("m1", 10, api.clock.now())
        await api.queue.record_result(segment.submission, InDoubt("no answer"), api.clock.now())
        bad, _ = await api.ask("POST", f"/v1/messages/{again['id']}/settle", {"how": "guess"})
        _, settled = await api.ask("POST", f"/v1/messages/{again['id']}/settle", {"how": "sent"})
        _, b = await api.ask("POST", "/v1/messages", {**SEND, "text": "another"})
        _, deleted = await api.ask("DELETE", f"/v1/messages/{b['id']}")
    assert states == [(200, "held"), (200, "queued"), (200, "cancelled")]
    assert (conflict, bad) == (409, 400)
    assert again["id"] != a["id"]
    assert settled["state"] == "sent"
    assert deleted["state"] == "cancelled"


async def test_conversations_and_replies(tmp_path):
    """An inbound text opens a conversation; an agent's answer goes out from that number, once for each key."""
    async with served(tmp_path) as api:
        await api.queue.receive("m1", "+15550100100", inbound("help me please"), api.clock.now())
        _, inbox = await api.ask("GET", "/v1/inbox")
        _, page = await api.ask("GET", "/v1/conversations?state=open")
        thread = page["items"][0]["id"]
        reply = {"text": "at once", "author": "Ada", "key": "r1"}
        status, first = await api.ask("POST", f"/v1/conversations/{thread}/reply", reply)
        _, again = await api.ask("POST", f"/v1/conversations/{thread}/reply", reply)
        _, whole = await api.ask("GET", f"/v1/conversations/{thread}")
        _, closed = await api.ask("POST", f"/v1/conversations/{thread}/close")
        outbound_as_inbound, _ = await api.ask("GET", f"/v1/inbox/{first['id']}")
    assert inbox["items"][0]["text"] == "help me please"
    assert status == 202
    assert first["id"] == again["id"]
    assert [(m["direction"], m["text"]) for m in whole["messages"]] == [("in", "help me please"), ("out", "at once")]
    assert whole["messages"][1]["author"] == "Ada"
    assert closed["state"] == "closed"
    assert outbound_as_inbound == 404


async def test_contacts(tmp_path):
    """A person can be named before they ever write; national numbers are read as such."""
    async with served(tmp_path) as api:
        missing, _ = await api.ask("GET", "/v1/contacts/+15550100777")
        _, made = await api.ask("PUT", "/v1/contacts/+15550100777", {"name": "Corner Bakery", "tags": ["vip"]})
        _, kept = await api.ask("PUT", "/v1/contacts/+15550100777", {"tags": []})
        _, found = await api.ask("GET", "/v1/contacts/5550100777")
        _, events = await api.ask("GET", "/v1/events?kind=contact.changed")
    assert missing == 404
    assert (made["name"], made["tags"], made["consent"]) == ("Corner Bakery", ["vip"], "none")
    assert (kept["name"], kept["tags"]) == ("Corner Bakery", [])
    assert found == kept
    assert "Bakery" not in json.dumps(events)


async def test_links_and_status(tmp_path):
    """A link that never started is shown all the same; pausing one shows at once; status has it all."""
    async with served(tmp_path) as api:
        _, before = await api.ask("GET", "/v1/links")
        await api.queue.record_link("m1", "modem", "+15550100100", LinkState.UP, "home network", api.clock.now())
        _, paused = await api.ask("POST", "/v1/links/m1/pause")
        ready, _ = await api.ask("GET", "/readyz")
        _, resumed = await api.ask("POST", "/v1/links/m1/resume")
        await api.ask("POST", "/v1/messages", SEND)
        _, status = await api.ask("GET", "/v1/status")
    assert [(x["name"], x["state"], x["reason"]) for x in before["items"]] == [("m1", "down", "never started")]
    assert (paused["paused"], resumed["paused"], ready) == (True, False, 503)
    assert status["queue"][0]["count"] == 1
    assert sum(row["messages"] for row in status["today"]) == 1


async def test_for_machines_that_watch(tmp_path):
    """healthz, readyz and metrics: no people, no texts."""
    async with served(tmp_path) as api:
        await api.ask("POST", "/v1/messages", {**SEND, "text": "a secret"})
        assert (await api.ask("GET", "/healthz"))[0] == 200
        assert (await api.ask("GET", "/readyz"))[0] == 200
        async with api._unix.get("http://localhost/metrics") as answer:
            page = await answer.text()
    assert 'smsgwd_queue_messages{link="m1",state="queued"} 1' in page
    assert "5550100777" not in page
    assert "secret" not in page


async def test_tokens(tmp_path):
    """A token is shown once, listed without its secret, and opens nothing once it is revoked."""
    async with served(tmp_path) as api:
        status, made = await api.ask("POST", "/v1/tokens", {"scopes": ["messages:send"]})
        used = await api.over_tcp("POST", "/v1/messages", SEND, token=made["token"])
        _, listed = await api.ask("GET", "/v1/tokens")
        await api.ask("DELETE", f"/v1/tokens/{made['id']}")
        after = await api.over_tcp("POST", "/v1/messages", SEND, token=made["token"])
    assert status == 201
    assert made["token"].startswith("smsgw_")
    assert used[0] == 202
    assert made["token"] not in json.dumps(listed)
    assert after[0] == 401


@pytest.mark.parametrize(
    ("scopes", "token", "method", "path", "status"),
    [
        pytest.param(["messages:read"], TOKEN, "GET", "/v1/messages", 200, id="has the scope"),
        pytest.param(["messages:read"], TOKEN, "POST", "/v1/messages", 403, id="lacks the scope"),
        pytest.param(["admin"], TOKEN, "POST", "/v1/messages", 202, id="admin"),
        pytest.param(["admin"], "smsgw_other", "GET", "/v1/messages", 401, id="unknown token"),
        pytest.param(["admin"], "", "GET", "/v1/messages", 401, id="no token"),
        pytest.param(["messages:read"], "", "GET", "/metrics", 401, id="metrics"),
        pytest.param([], "", "GET", "/healthz", 200, id="health"),
        pytest.param(["inbox:read"], TOKEN, "GET", "/v1/tokens", 403, id="tokens are for admins"),
    ],
)
async def test_doors(tmp_path, scopes, token, method, path, status):
    """TCP wants a token with the scope; the answer names what is missing, not what is there."""
    async with served(tmp_path, *scopes) as api:
        got, document, headers = await api.over_tcp(method, path, SEND if method == "POST" else None, token=token)
    assert got == status
    if got == 401:
        assert headers["WWW-Authenticate"].startswith("Bearer")
    if got == 403:
        assert "scope" in document["detail"]


async def test_guessing_tokens_is_limited(tmp_path):
    """After twenty wrong tokens the next ones are answered 429 for a minute; a good one passes all the same, because
    others may sit behind the same address."""
    async with served(tmp_path, "admin") as api:
        codes = [(await api.over_tcp("GET", "/v1/messages", token="smsgw_wrong"))[0] for _ in range(21)]
        good = (await api.over_tcp("GET", "/v1/messages"))[0]
        none, _, headers = await api.over_tcp("GET", "/v1/messages", token="")
        api.clock.move(61)
        later = (await api.over_tcp("GET", "/v1/messages", token="smsgw_wrong"))[0]
    assert codes == [401] * 20 + [429]
    assert (good, none, later) == (200, 429, 401)
    assert headers["Retry-After"] == "60"


async def test_the_socket_is_for_its_group(tmp_path):
    """The unix socket has mode 0660, and is gone after the end."""
    async with served(tmp_path):
        assert (tmp_path / "s.sock").stat().st_mode & 0o777 == 0o660
    assert not (tmp_path / "s.sock").exists()
