"""F65: texts over the API that may confuse who reads them, or are too long."""

import io
import json
from itertools import pairwise

import pytest

from smsgwd.model import Accepted
from smsgwd.modem.mapping import tpdu_of
from smsgwd.sms.cluster import clusters
from smsgwd.sms.tpdu import decode_hex
from tests.contract.making import THEM
from tests.faults.arriving import gate, ucs2
from tests.web.served import served

#: father, mother, daughter: 8 units of UTF-16, one character to the eye
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
ODD = [
    pytest.param("invoice \u202efdp.exe", id="right-to-left override"),
    pytest.param("\u2066a\u2069 \u200fb", id="isolates and marks"),
    pytest.param("a\0b", id="NUL"),
    pytest.param("\0", id="NUL alone"),
    pytest.param(f"we {FAMILY} come", id="emoji with joiners"),
    pytest.param("e\u0301\u0302\u0303" * 10, id="accents upon accents"),
    pytest.param("a\x1b[2Jb\x07", id="escape of a terminal"),
    pytest.param("a\ufffe\uffff", id="no characters"),
]


async def sent_parts(api, text: str) -> list[str]:
    """The text of each part as the wire would carry it, read back from the octets."""
    status, accepted = await api.ask("POST", "/v1/messages", {"to": THEM, "text": text})
    assert status == 202, accepted
    parts, (segment,) = [], await api.queue.claim("m1", 1, api.clock.now())
    while segment is not None:
        parts.append(decode_hex(tpdu_of(segment)[1], "mo").text)
        segment = await api.queue.record_result(segment.submission, Accepted(str(len(parts))), api.clock.now())
    return parts


@pytest.mark.parametrize("text", ODD)
async def test_f65_kept_as_it_is(tmp_path, text):
    """Whatever characters a text holds, the API stores and gives back the very same, and they are on the wire."""
    async with served(tmp_path) as api:
        assert "".join(await sent_parts(api, text)) == text
        _, page = await api.ask("GET", "/v1/messages")
        _, whole = await api.ask("GET", f"/v1/messages/{page['items'][0]['id']}")
    assert [m["text"] for m in page["items"]] == [text]
    assert whole["text"] == text


@pytest.mark.parametrize("text", ODD)
async def test_f65_kept_when_it_comes_in(tmp_path, text):
    """The same characters from a person are stored as they came."""
    async with gate(tmp_path) as door:
        await door.takes(ucs2(text))
        assert await door.inbox() == [("received", text)]


async def test_f65_emoji_are_not_cut(tmp_path):
    """A text of forty families goes in parts, and no family is cut: each part holds whole ones."""
    async with served(tmp_path) as api:
        parts = await sent_parts(api, FAMILY * 40)
    assert len(parts) == 5
    assert "".join(parts) == FAMILY * 40
    assert all(set(clusters(part)) == {FAMILY} for part in parts)
    assert all(len(a) >= len(b) for a, b in pairwise(parts))


@pytest.mark.parametrize(
    ("text", "status", "slug"),
    [
        pytest.param("a" * 100_000, 422, "too-long", id="100,000 letters"),
        pytest.param("\U0001f600" * 100_000, 413, "too-large", id="100,000 emoji"),
        pytest.param("a" * 20_000, 422, "too-long", id="20,000 letters: more parts than are allowed"),
        pytest.param("a" * 2_000_000, 413, "too-large", id="more than a request may have"),
    ],
)
async def test_f65_too_long(tmp_path, text, status, slug):
    """A text over the cap is refused as such, and so is a request of more than 1 MiB; nothing is stored, and the next text is
    taken."""
    async with served(tmp_path, "messages:send") as api:
        body = io.BytesIO(json.dumps({"to": THEM, "text": text}).encode())
        got, problem, _ = await api.over_tcp("POST", "/v1/messages", data=body, headers={"Content-Type": "application/json"})
        _, page = await api.ask("GET", "/v1/messages")
        after, _ = await api.ask("POST", "/v1/messages", {"to": THEM, "text": "short"})
    assert (got, problem["type"]) == (status, f"urn:smsgwd:problem:{slug}")
    assert page["items"] == []
    assert after == 202
