"""Who acts. An operation of a person, a program or a signal says so once, where it comes in; every verb that it leads to is
recorded in that name (:mod:`smsgwd.queue.privacy.acts`), without passing it through all that lies between.

``who`` is ``uid:1000`` (the process behind the unix socket, or of a command while no daemon runs), the id of an API token,
``signal:HUP``, ``clock``, or ``gateway`` for what nobody asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class Actor(NamedTuple):
    who: str
    #: why, in the words of who acts
    reason: str = ""


GATEWAY, CLOCK = Actor("gateway"), Actor("clock")
_actor: ContextVar[Actor] = ContextVar("smsgwd_actor", default=GATEWAY)


def actor() -> Actor:
    """Who acts in this task."""
    return _actor.get()


@contextmanager
def acting(who: Actor) -> Iterator[None]:
    """All that is asked of the queue in this block is asked by ``who``."""
    token = _actor.set(who)
    try:
        yield
    finally:
        _actor.reset(token)
