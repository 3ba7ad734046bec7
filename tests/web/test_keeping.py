"""HTTP: forgetting, erasing a person, and the audit chain, with who it was."""

import os

import pytest

from smsgwd.web.operations import table
from tests.contract.making import DAY, links_up, received
from tests.queue.storing import sql
from tests.store import StillClock
from tests.web.served import served

THEM = "+15550100777"


@pytest.fixture
async def api(tmp_path):
    async with served(tmp_path, "contacts:write", clock=StillClock()) as opened:
        await links_up(opened.queue, "modem")
        yield opened


async def text(api, **more):
    status, found = await api.ask("POST", "/v1/messages", {"to": THEM, "text": "Hello", **more})
    assert status == 202, found
    return found["id"]


async def chain(api, query: str = ""):
    return (await api.ask("GET", f"/v1/audit{query}"))[1]["items"]


def test_what_is_an_act():
    """Everything that changes something on a person's word is known here, so that a new operation is thought about: what it
    leads to stands in the table of acts."""
    texts = {f"POST /v1/messages/{{id}}/{verb}" for verb in ("cancel", "hold", "release", "retry", "settle")}
    links = {f"POST /v1/links/{{name}}/{verb}" for verb in ("pause", "resume", "accept", "ussd")}
    assert {f"{o.method} {o.path}" for o in table() if o.acts} == texts | links | {
        "DELETE /v1/messages/{id}", "PUT /v1/messages/{id}/text", "POST /v1/conversations/{id}/close",
        "PUT /v1/contacts/{number}", "DELETE /v1/contacts/{number}", "POST /v1/outbox/{id}/replay", "POST /v1/tokens",
        "DELETE /v1/tokens/{id}", "POST /v1/restored", "POST /v1/purge",
    }  # fmt: skip


async def test_who_acts_over_the_socket(api):
    """An act over the unix socket carries the user of the process that called, and the reason that came with it."""
    id_ = await text(api)
    assert (await api.ask("POST", f"/v1/messages/{id_}/hold?reason=he%20called"))[0] == 200
    made, entry = await chain(api)
    assert (made["act"], made["who"]) == ("token.create", "gateway")  # the test's own, before anybody called
    assert (entry["act"], entry["who"], entry["of"]) == ("message.hold", f"uid:{os.getuid()}", {"message": id_})
    assert entry["personal"] == {"number": THEM, "reason": "he called"}


async def test_who_acts_over_tcp(api):
    """An act with a token carries the token's id, never the token."""
    (token,) = (await api.ask("GET", "/v1/tokens"))[1]["items"]
    status, _, _ = await api.over_tcp("PUT", f"/v1/contacts/{THEM}", {"name": "Ada"})
    assert status == 200
    assert (await chain(api))[-1]["who"] == token["id"]


@pytest.mark.parametrize("reason", ["x" * 201, "two%0Alines", "%1b[31m"])
async def test_reasons_that_are_refused(api, reason):
    """A reason is one short line without control characters; nothing is done for another one."""
    id_ = await text(api)
    assert (await api.ask("POST", f"/v1/messages/{id_}/hold?reason={reason}"))[0] == 400
    assert (await api.ask("GET", f"/v1/messages/{id_}"))[1]["state"] == "queued"


async def test_texts_take_no_reason(api):
    """Accepting a text is no act: `reason` is a parameter that it does not know."""
    status, found = await api.ask("POST", "/v1/messages?reason=x", {"to": THEM, "text": "Hello"})
    assert (status, "no parameter" in found["detail"]) == (400, True)


async def test_erasing_a_person(api):
    """The answer is the proof; a second time there is nobody."""
    await received(api.queue, "Hello", sender=THEM, now=api.clock.now())
    status, proof = await api.ask("DELETE", f"/v1/contacts/{THEM}?reason=letter")
    assert status == 200
    assert proof["log_empty"] is True
    entry = (await chain(api))[-1]
    assert (entry["seq"], entry["hash"], entry["of"]["person"]) == (proof["audit"], proof["hash"], proof["person"])
    assert (await api.ask("DELETE", f"/v1/contacts/{THEM}"))[0] == 404
    assert (await api.ask("GET", f"/v1/contacts/{THEM}"))[0] == 404


async def test_a_national_number_is_the_same_person(api):
    """The number may be written as people write it here."""
    await text(api, to="+12025550123")
    status, proof = await api.ask("DELETE", "/v1/contacts/2025550123")
    assert (status, proof["counts"]["cancelled"]) == (200, 1)


async def test_purging(api):
    """What is due goes; less than the configuration keeps may be asked for, more may not; a dry run changes nothing."""
    id_ = await text(api)
    await api.ask("POST", f"/v1/messages/{id_}/cancel")
    api.clock.move(40 * DAY / 1000)
    assert (await api.ask("POST", "/v1/purge", {}))[1]["counts"] == {}
    dry = (await api.ask("POST", "/v1/purge", {"older_than": "30d", "dry_run": True}))[1]
    assert (dry["dry_run"], dry["counts"]["texts"]) == (True, 1)
    assert (await api.ask("GET", f"/v1/messages/{id_}"))[1]["text"] == "Hello"
    assert (await api.ask("POST", "/v1/purge", {"older_than": "1000d"}))[1]["counts"] == {}
    done = (await api.ask("POST", "/v1/purge", {"older_than": "30d"}))[1]["counts"]
    assert (done["texts"], done["messages"]) == (1, 1)
    assert (await api.ask("GET", f"/v1/messages/{id_}"))[0] == 404
    assert (await api.ask("POST", "/v1/purge", {"older_than": "soon"}))[0] == 400


async def test_the_chain_in_pages_and_from_a_time_on(api):
    """Entries come oldest first, in pages, or from a time on."""
    for paused in ("pause", "resume", "pause"):
        await api.ask("POST", f"/v1/links/m1/{paused}")
        api.clock.move(60)
    whole = await chain(api)
    assert [e["act"] for e in whole] == ["token.create", "link.pause", "link.resume", "link.pause"]
    page = (await api.ask("GET", "/v1/audit?limit=2"))[1]
    assert page["items"] == whole[:2]
    rest = (await api.ask("GET", f"/v1/audit?limit=2&after={page['next']}"))[1]
    assert (rest["items"], rest["next"]) == (whole[2:], "4")
    assert await chain(api, f"?since={whole[2]['at'].replace('Z', '%2B00:00')}") == whole[2:]
    assert (await api.ask("GET", "/v1/audit?since=yesterday"))[0] == 400


async def test_the_state_of_the_chain(api, tmp_path):
    """Whole; broken, with the entry; shorter than an anchor that was kept."""
    for paused in ("pause", "resume", "pause"):
        await api.ask("POST", f"/v1/links/m1/{paused}")
    state = (await api.ask("GET", "/v1/audit/state"))[1]
    assert (state["ok"], state["entries"], state["broken"]) == (True, 4, 0)
    anchor = f"{state['seq']}:{state['hash']}"
    assert (await api.ask("GET", f"/v1/audit/state?anchor={anchor}"))[1]["ok"]
    with sql(tmp_path / "smsgwd.db", "rw") as other:
        other.execute("DROP TRIGGER audit_no_delete")
        other.execute("DELETE FROM audit WHERE seq = 4")
    assert (await api.ask("GET", "/v1/audit/state"))[1]["ok"]
    cut = (await api.ask("GET", f"/v1/audit/state?anchor={anchor}"))[1]
    assert (cut["ok"], cut["broken"]) == (False, 4)
    with sql(tmp_path / "smsgwd.db", "rw") as other:
        other.execute("DELETE FROM audit WHERE seq = 2")
    assert (await api.ask("GET", "/v1/audit/state"))[1]["broken"] == 2
    assert (await api.ask("GET", "/v1/audit/state?anchor=4"))[0] == 400


async def test_the_head_is_told_to_machines_that_watch(api):
    """/metrics carries the head, so that a chain that was cut or written anew shows elsewhere."""
    head = await api.queue.audit_head()
    async with api._unix.get("http://localhost/metrics") as answer:
        page = await answer.text()
    assert f"smsgwd_audit_head_seq {head.seq}\n" in page
    assert f'smsgwd_audit_head_info{{hash="{head.hash[:8].hex()}"}} 1\n' in page
