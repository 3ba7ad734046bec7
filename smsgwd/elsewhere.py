"""A text that its link refused for now goes over another link at once, where one may carry it and can send.

That is for the first try alone, before any part of it went: a text that two links refused waits for its pause like any
other. What is uncertain never comes here: the network may have it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

import msgspec

from smsgwd.errors import NotFound, StoreUnavailable
from smsgwd.model import Message, MessageState, Outcome, Refusal, RefusalClass, Segment
from smsgwd.queue.interface import Move, Queue
from smsgwd.routing import Roster, Route, choose


def refused_for_now(results: Iterable[tuple[Segment, Outcome]]) -> list[str]:
    """Messages whose first part got a temporary refusal."""
    return [
        segment.message
        for segment, outcome in results
        if isinstance(outcome, Refusal) and outcome.class_ is RefusalClass.TEMPORARY and segment.part == 1
    ]


async def try_elsewhere(
    queue: Queue, roster: Roster, link: str, messages: list[str], replan: Callable[[Message, str], Move | None],
    settled: Callable[[Iterable[object]], None], now: int,
) -> int:  # fmt: skip
    """Moves those of these messages that ``link`` refused once and another link can take now; how many. A store that is
    away leaves them to their pause."""
    row = roster.get(link)
    if row is None or not row.failover or not any(other.ready for other in roster if other.name != link):
        return 0
    moves = []
    with contextlib.suppress(StoreUnavailable):
        for ticket, id_ in enumerate(messages):
            with contextlib.suppress(NotFound):
                move = _move(await queue.message(id_), roster, link, ticket, replan)
                moves += [move] if move else []
        try:
            return await queue.reroute(moves, now) if moves else 0
        finally:
            settled([move.message for move in moves])
    return 0


def _move(
    message: Message, roster: Roster, link: str, ticket: int, replan: Callable[[Message, str], Move | None]
) -> Move | None:
    if message.state is not MessageState.QUEUED or message.attempts != 1 or message.link != link:
        return None
    full = roster.full(message.to)
    route = choose(message.to, message.class_, roster.links, without=link, ticket=ticket, full=full)
    other = roster.get(route.link) if isinstance(route, Route) else None
    if other is None or not other.ready:
        return None
    move = replan(message, other.name)
    return None if move is None else msgspec.structs.replace(move, at_once=True)
