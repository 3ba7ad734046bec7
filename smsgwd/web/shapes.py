"""Shapes of answers that are no noun of the model, for the OpenAPI document. Times are written as in the model (integers
there, ISO 8601 in the answer); :mod:`smsgwd.web.openapi` turns them."""

from __future__ import annotations

from typing import Any

import msgspec

from smsgwd.inquiry import Said
from smsgwd.model import Conversation, LinkStatus, Message, MessageState, Submission, Token
from smsgwd.queue.interface import Depth
from smsgwd.sms.encoding import Alphabet


class Accepted(msgspec.Struct, frozen=True):
    """A text that is on disk."""

    id: str
    state: MessageState
    #: how many parts it goes in
    segments: int
    encoding: Alphabet
    link: str
    #: where it waits longer than was asked for: until when, and why
    due: str | None = None
    reason: str | None = None


class Problem(msgspec.Struct, frozen=True):
    """RFC 9457 problem; ``type`` is ``urn:smsgwd:problem:SLUG`` with a stable slug."""

    type: str
    title: str
    status: int
    detail: str
    #: seconds after which the same request may be accepted, where that is known
    retry_after: int | None = None


class BatchAnswer(msgspec.Struct, frozen=True):
    """One answer for each text, in order."""

    messages: list[dict[str, Any]]


class WholeMessage(Message, frozen=True, kw_only=True):
    """A text with all attempts to send it."""

    submissions: tuple[Submission, ...]


class AskedMessage(WholeMessage, frozen=True, kw_only=True):
    """A text after its carrier was asked, with the answers by part."""

    asked: tuple[Said, ...]


class Thread(Conversation, frozen=True, kw_only=True):
    """A conversation with its newest texts, oldest first."""

    messages: tuple[Message, ...]


class UssdAnswer(msgspec.Struct, frozen=True):
    """What the network says to a USSD code."""

    text: str
    #: the network waited for another answer when the session was ended
    more: bool


class NewToken(msgspec.Struct, frozen=True):
    """A token, shown this once."""

    id: str
    token: str
    scopes: tuple[str, ...]
    expires: str | None
    #: what it may use in a day and a month; absent = no limit
    caps: dict[str, float]


class ListedToken(Token, frozen=True, kw_only=True):
    """A token without its secret."""

    expires: str | None


class ClockState(msgspec.Struct, frozen=True):
    """Whether the wall clock is believed, and why not; ``seconds`` until it is taken as it is."""

    state: str
    why: str
    seconds: int


class StoreRoom(msgspec.Struct, frozen=True):
    """The room of the store in bytes. ``low``: why no new text is taken; empty = there is room."""

    low: str
    free: int
    used: int
    log: int
    reserve: int


class Status(msgspec.Struct, frozen=True):
    """One look at everything."""

    name: str
    version: str
    at: int
    links: tuple[LinkStatus, ...]
    #: what waits, by link and state
    queue: tuple[Depth, ...]
    #: counts of today (UTC), by link, direction, class and state
    today: tuple[dict[str, Any], ...]
    #: calls owed to helpdesks, by state
    outbox: dict[str, int]
    store: StoreRoom
    clock: ClockState
