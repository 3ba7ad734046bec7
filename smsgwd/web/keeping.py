"""Operations on what is kept: forgetting what is old, erasing a person, and the audit chain."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec

from smsgwd import keeping
from smsgwd.clock import isoformat
from smsgwd.config import parse_duration
from smsgwd.errors import NotFound, RequestRefused
from smsgwd.queue.privacy.audit import shown
from smsgwd.queue.privacy.chain import Head
from smsgwd.routing.numbers import normal_number
from smsgwd.web.operations import Answer, Call, Operation, filtered_number


class PurgeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to forget: all that is older than it is kept, or older than ``older_than`` (``90d``) where that is less."""

    older_than: str = ""
    dry_run: bool = False


class Purged(msgspec.Struct, frozen=True):
    """What went (or would go), by kind."""

    dry_run: bool
    counts: dict[str, int]


class ErasedPerson(msgspec.Struct, frozen=True):
    """The proof of an erasure. ``log_empty``: the write-ahead log holds nothing of the person any more."""

    person: str
    counts: dict[str, int]
    opted_out: bool
    audit: int
    hash: str
    log_empty: bool


class AuditEntry(msgspec.Struct, frozen=True):
    """One act. ``personal`` is absent where nothing personal was recorded, and null where it was erased."""

    seq: int
    at: str
    act: str
    who: str
    of: dict[str, Any]
    hash: str
    prev: str
    personal: dict[str, str] | None = None


class AuditState(msgspec.Struct, frozen=True):
    """What following the chain from its beginning found; ``broken`` is the first entry that does not fit, 0 = none."""

    ok: bool
    entries: int
    #: entries whose personal part was erased
    erased: int
    #: the newest entry, and its hash
    seq: int
    hash: str
    broken: int
    why: str


async def purge(call: Call) -> Answer:
    asked, queue, now = call.read(PurgeRequest), call.gateway.queue, call.gateway.clock.now()
    keep = keeping.kept(call.gateway.config.retention)
    if asked.older_than:
        try:
            keep = keep.older_than(parse_duration(asked.older_than) * 1000)
        except ValueError as e:
            raise RequestRefused("invalid-body", f"`older_than`: {e}") from None
    counts = await (keeping.purgeable(queue, keep, now) if asked.dry_run else keeping.purge(queue, keep, now))
    return 200, Purged(asked.dry_run, counts)


async def erase(call: Call) -> Answer:
    """Also of a person whose contact is gone already: by the number as it is stored."""
    gateway, country = call.gateway, call.gateway.config.gateway.country
    number = filtered_number(call.path["number"], country)
    try:
        number = (await gateway.queue.contact(number)).number
    except NotFound:
        if not re.fullmatch(r"\+?[0-9]{3,15}", number):
            number = normal_number(call.path["number"], country)
    proof, empty = await keeping.erase(gateway.queue, number, gateway.clock)
    return 200, ErasedPerson(proof.person, proof.counts, proof.opted_out, proof.audit, proof.hash, empty)


def _since(text: str) -> str:
    """A time in the form of the entries; RequestRefused("invalid-query")."""
    try:
        return isoformat(int(datetime.fromisoformat(text).astimezone().timestamp() * 1000)) if text else ""
    except (ValueError, OverflowError):
        raise RequestRefused("invalid-query", "`since` is no time such as 2026-01-31T09:30+01:00") from None


async def entries(call: Call) -> Answer:
    """Oldest first. ``since`` leaves out what was done before that time."""
    since, after, limit = _since(call.query.get("since", "")), call.number("after", 0, 0, 1 << 62), call.number("limit", 100, 1, 1000)
    found = await call.gateway.queue.audit_entries(after, limit)
    items = [document for document in map(shown, found) if document["at"] >= since]
    return 200, {"items": items, "next": str(found[-1].seq) if len(found) == limit else None}


async def verify(call: Call) -> Answer:
    anchor = call.query.get("anchor", "")
    head = None
    if anchor:
        written = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", anchor)
        if written is None:
            raise RequestRefused("invalid-query", "`anchor` is the number and the hash of an entry, with : between them")
        head = Head(int(written[1]), bytes.fromhex(written[2]))
    found = await keeping.verify(call.gateway.queue, head)
    state = AuditState(not found.broken, found.head.seq, found.erased, found.head.seq, found.head.hash.hex(), found.broken, found.why)
    return 200, state


OPERATIONS = (
    Operation(method="POST", path="/v1/purge", scope="admin", run=purge, body=PurgeRequest, answer=Purged,
              summary="Forget what is older than it is kept"),
    Operation(method="DELETE", path="/v1/contacts/{number}", scope="contacts:write", run=erase, answer=ErasedPerson,
              summary="Erase a person, with proof"),
    Operation(method="GET", path="/v1/audit", scope="admin", run=entries, query=("since", "after", "limit"), answer=AuditEntry,
              many=True, summary="What operators did, oldest first"),
    Operation(method="GET", path="/v1/audit/state", scope="admin", run=verify, query=("anchor",), answer=AuditState,
              summary="Follow the audit chain: is it whole"),
)  # fmt: skip
