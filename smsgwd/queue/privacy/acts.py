"""Which verbs are acts of an operator, and what the audit chain says of each.

One table, asked where verbs go to the thread that writes. A verb that stands in it leaves an entry in its own commit, whoever
calls it; who that was, :mod:`smsgwd.queue.privacy.acting` knows. A verb that raises leaves none: nothing was done. Accepting, sending
and receiving texts are no acts; their events are their history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from smsgwd.model import MESSAGE, Conversation, Message, OutboxItem, Token, row_id
from smsgwd.queue import asking, contacts, links, outbound, owing, reactions, tokens, wording
from smsgwd.queue.care import restored
from smsgwd.queue.care.aside import Some
from smsgwd.queue.interface import Settled
from smsgwd.queue.privacy import audit, erasure, shredding
from smsgwd.queue.privacy.acting import Actor
from smsgwd.queue.privacy.audit import Act
from smsgwd.queue.privacy.keeping import Erased, Keep
from smsgwd.queue.privacy.shredding import Shredding
from smsgwd.queue.question import Rewording, Wording
from smsgwd.queue.transaction import Transaction

Told = Callable[..., Act | None]


def recorded(
    tx: Transaction, verb: Callable[..., Any], actor: Actor, args: tuple[Any, ...], named: Mapping[str, Any]
) -> Any:
    """Runs a verb of the table, and records it."""
    result = verb(tx, *args, **named)
    act = TABLE[verb](tx, result, *args, **named)
    if act is not None:
        audit.append(tx, act, actor)
    return result


def _peer(tx: Transaction, message: str) -> str:
    found = tx.execute("SELECT peer FROM message WHERE id = ?", (row_id(MESSAGE, message),)).fetchone()
    return str(found[0]) if found else ""


def _text(name: str, **more: Any) -> Told:
    """An act on one text: ``verb(message, now)``."""

    def told(tx: Transaction, result: object, message: str, now: int) -> Act:
        return Act(act=name, at=now, of={"message": message, **more}, number=_peer(tx, message))

    return told


def _retry(tx: Transaction, result: Message, message: str, now: int) -> Act:
    of = {"message": message} if result.id == message else {"message": message, "new": result.id}
    return Act(act="message.retry", at=now, of=of, number=result.to)


def _settle(tx: Transaction, result: Message, message: str, decision: Settled, now: int) -> Act:
    personal = {"by": decision.by, "why": decision.why}
    return Act(act="message.settle", at=now, of={"message": message, "how": decision.how}, number=result.to, personal=personal)


def _reword(tx: Transaction, result: object, words: Wording, now: int) -> Act:
    return Act(act="message.replace", at=now, of={"message": words.message}, number=_peer(tx, words.message))


def _rewording(tx: Transaction, result: Rewording, words: Wording, now: int) -> Act:
    of = {"message": words.message, "at_carrier": True}
    return Act(act="message.replace", at=now, of=of, number=_peer(tx, words.message))


def _pause(tx: Transaction, result: object, link: str, paused: bool, now: int) -> Act:
    return Act(act="link.pause" if paused else "link.resume", at=now, of={"link": link})


def _device(tx: Transaction, result: object, link: str, now: int) -> Act:
    return Act(act="link.accept", at=now, of={"link": link})


def _replay(tx: Transaction, result: OutboxItem, item: str, now: int) -> Act:
    return Act(act="outbox.replay", at=now, of={"item": item, "endpoint": result.endpoint})


def _contact(
    tx: Transaction, result: object, number: str, now: int, *, name: str | None = None, tags: tuple[str, ...] | None = None
) -> Act:
    fields = [field for field, value in (("name", name), ("tags", tags)) if value is not None]
    return Act(act="contact.set", at=now, of={"fields": fields}, number=number)


def _close(tx: Transaction, result: Conversation, conversation: str, now: int) -> Act:
    return Act(act="conversation.close", at=now, of={"conversation": conversation}, number=result.contact)


def _token(
    tx: Transaction, result: Token, digest: bytes, scopes: tuple[str, ...], now: int, caps: Mapping[str, float] | None = None
) -> Act:
    return Act(act="token.create", at=now, of={"token": result.id, "scopes": list(scopes), "caps": dict(caps or {})})


def _revoke(tx: Transaction, result: object, token: str, now: int) -> Act:
    return Act(act="token.revoke", at=now, of={"token": token})


def _event(
    tx: Transaction, result: object, kind: str, now: int, data: Mapping[str, Any] | None = None, *, link: str = "",
    message: str = "",
) -> Act | None:  # fmt: skip
    """A configuration that was read again, or refused; any other event is no act."""
    return Act(act=kind, at=now, of=dict(data or {})) if kind.startswith("config.") else None


def _let_go(tx: Transaction, result: Some, what: str, after: int, limit: int, now: int) -> Act | None:
    return Act(act=f"restored.{what}", at=now, of={"done": result.done, "left": result.left}) if result.done else None


def note(tx: Transaction, act: str, now: int, of: Mapping[str, Any] | None = None) -> None:
    """See :meth:`smsgwd.queue.privacy.keeping.KeepingVerbs.record_act`: nothing but the entry."""


def _note(tx: Transaction, result: object, act: str, now: int, of: Mapping[str, Any] | None = None) -> Act:
    return Act(act=act, at=now, of=of or {})


def purged(tx: Transaction, counts: Mapping[str, int], keep: Keep, now: int) -> Shredding:
    """See :meth:`smsgwd.queue.privacy.keeping.KeepingVerbs.purged`."""
    data: dict[str, Any] = dict(counts)
    tx.event("store.purged", now, None, "", **data)
    return shredding.shred(tx)


def _purged(tx: Transaction, result: object, counts: Mapping[str, int], keep: Keep, now: int) -> Act:
    days = {f"{name}_days": getattr(keep, name) // 86_400_000 for name in ("text", "metadata", "events")}
    return Act(act="store.purge", at=now, of={"counts": dict(counts), **days})


TABLE: Mapping[Callable[..., Any], Told] = {
    outbound.cancel: _text("message.cancel"),
    outbound.hold: _text("message.hold"),
    outbound.release: _text("message.release"),
    outbound.retry: _retry,
    outbound.settle: _settle,
    asking.withdraw: _text("message.cancel", at_carrier=True),
    wording.reword: _reword,
    wording.rewording: _rewording,
    links.pause_link: _pause,
    links.accept_device: _device,
    links.record_event: _event,
    owing.replay: _replay,
    restored.let_go: _let_go,
    contacts.set_contact: _contact,
    reactions.close_conversation: _close,
    tokens.add_token: _token,
    tokens.revoke_token: _revoke,
    note: _note,
    purged: _purged,
}


def erased(tx: Transaction, actor: Actor, number: str, counts: Mapping[str, int], now: int) -> tuple[Erased, Shredding]:
    """The last commit of an erasure writes its entry itself, since its proof is that entry."""
    return erasure.erased(tx, actor, number, counts, now), shredding.shred(tx)
