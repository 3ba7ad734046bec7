"""The audit chain, without a database: how an entry is written in one form, hashed, and followed. Pure.

    pii_commit = HMAC-SHA-256(salt, data)
    hash       = SHA-256("smsgwd-audit-v1" NUL, seq as 8 octets, prev, SHA-256(body), pii_commit or 32 zero octets)

``body`` and ``data`` are canonical JSON: sorted names, no spaces, ASCII. ``prev`` is the hash of the entry before; that of
the first is 32 zero octets. So one changed octet anywhere breaks the chain at its entry.

``data`` holds what is personal, and the chain covers only its commitment: data and salt may be deleted, and the chain
verifies as before. The salt is there because a number has few digits: without it, its commitment could be found by trying
all numbers.

A chain alone sees neither that its tail was cut off, nor that somebody with all rights wrote it anew. For that its head is
told outside (``/metrics``, ``smsgwd audit verify``), and :func:`follow` can compare an older head (``anchor``).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

MARK = b"smsgwd-audit-v1\0"
#: the hash before the first entry, and the commitment of an entry with nothing personal in it
NOTHING = bytes(32)


class Entry(NamedTuple):
    """One row. ``salt`` and ``data`` are None where nothing personal was recorded, or where it was erased."""

    seq: int
    body: str
    commit: bytes | None
    prev: bytes
    hash: bytes
    salt: bytes | None = None
    data: str | None = None


class Head(NamedTuple):
    """Where a chain ends."""

    seq: int = 0
    hash: bytes = NOTHING


class Followed(NamedTuple):
    """How far a chain was followed. ``broken`` is the first entry that does not fit (0: none), ``why`` says what is wrong."""

    head: Head = Head()
    #: entries whose personal part was erased
    erased: int = 0
    broken: int = 0
    why: str = ""


def canonical(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def commitment(salt: bytes, data: str) -> bytes:
    return hmac.digest(salt, data.encode(), "sha256")


def link(seq: int, prev: bytes, body: str, commit: bytes | None) -> bytes:
    """The hash of an entry."""
    inner = hashlib.sha256(body.encode()).digest()
    return hashlib.sha256(MARK + seq.to_bytes(8, "big") + prev + inner + (commit or NOTHING)).digest()


def follow(entries: Iterable[Entry], since: Followed | None = None, anchor: Head | None = None) -> Followed:
    """Goes on behind ``since``, and stops at the first entry that does not fit. An ``anchor`` is a head that was told
    earlier: its entry must still be there with its hash."""
    (seq, prev), erased, broken, why = since or Followed()
    if broken:
        return since or Followed()
    for entry in entries:
        why = _fault(entry, seq, prev, anchor)
        if why:
            return Followed(Head(seq, prev), erased, seq + 1, why)
        erased += entry.commit is not None and entry.data is None
        seq, prev = entry.seq, entry.hash
    return Followed(Head(seq, prev), erased)


def ended(followed: Followed, anchor: Head | None) -> Followed:
    """After the last entry: a chain that is shorter than its anchor has lost its tail."""
    if anchor is None or followed.broken or followed.head.seq >= anchor.seq:
        return followed
    seq = followed.head.seq
    return followed._replace(broken=seq + 1, why=f"the chain ends at {seq}, and the anchor is {anchor.seq}: its end was cut off")


def _fault(entry: Entry, seq: int, prev: bytes, anchor: Head | None) -> str:
    if entry.seq != seq + 1:
        return f"it is not there; the next one is {entry.seq}"
    if entry.prev != prev:
        return "it does not follow the entry before it"
    if entry.hash != link(entry.seq, entry.prev, entry.body, entry.commit):
        return "it was changed"
    if entry.data is not None and (entry.commit is None or commitment(entry.salt or b"", entry.data) != entry.commit):
        return "what is personal in it was changed"
    if anchor is not None and entry.seq == anchor.seq and entry.hash != anchor.hash:
        return "it is not the entry that the anchor names: the chain was written anew"
    return ""
