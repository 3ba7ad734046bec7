"""What routing answers: a link, a refusal with its reason, or "not before"."""

from __future__ import annotations

import msgspec


class Route(msgspec.Struct, frozen=True):
    """The link that is to carry a text. ``pinned``: it may not move to another one. ``why`` is for people."""

    link: str
    pinned: bool
    why: tuple[str, ...]
    #: the sender that was asked for, where it is not the link's own number
    sender: str = ""


class NoRoute(msgspec.Struct, frozen=True):
    """No link may carry it. ``code`` is the slug of the refusal."""

    code: str
    reason: str


class NotBefore(msgspec.Struct, frozen=True):
    """It may not go now, but then (ms since 1970)."""

    at: int
    code: str
    reason: str
    #: the link that it is said of; empty where another link would not help
    link: str = ""
