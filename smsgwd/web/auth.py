"""Who may ask. The unix socket is the administrator's door (its file mode guards it); TCP wants a token with the scope.

A token is looked up by its SHA-256, so neither the store nor a timing tells anything of it. An address that fails too
often waits; the table of addresses is bounded.
"""

from __future__ import annotations

from collections import OrderedDict

from smsgwd.clock import Clock
from smsgwd.errors import RequestRefused
from smsgwd.queue.interface import Queue
from smsgwd.web.plant import PREFIX, digest_of

#: failures an address may have in a window of so many seconds, and addresses that are remembered
MOST_FAILURES, WINDOW, MOST_ADDRESSES = 20, 60.0, 1000


class Gatekeeper:
    """Checks tokens of requests over TCP."""

    def __init__(self, queue: Queue, clock: Clock) -> None:
        self.queue, self.clock = queue, clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    async def check(self, authorization: str, scope: str, address: str) -> None:
        """RequestRefused: too-many-requests, unauthorized or forbidden; nothing for a token that has the scope."""
        if self._blocked(address):
            raise RequestRefused("too-many-requests", "too many wrong tokens from this address; wait a minute")
        kind, _, token = authorization.partition(" ")
        found = None
        if kind.lower() == "bearer" and token.startswith(PREFIX):
            found = await self.queue.find_token(digest_of(token.strip()))
        if found is None or found.revoked:
            self._failed(address)
            raise RequestRefused("unauthorized", "send `Authorization: Bearer smsgw_…` with a token that is valid")
        if scope not in found.scopes and "admin" not in found.scopes:
            raise RequestRefused("forbidden", f"this token lacks the scope {scope}")

    def _blocked(self, address: str) -> bool:
        count, since = self._failures.get(address, (0, 0.0))
        return count >= MOST_FAILURES and self.clock.monotonic() - since < WINDOW

    def _failed(self, address: str) -> None:
        count, since = self._failures.pop(address, (0, self.clock.monotonic()))
        if self.clock.monotonic() - since >= WINDOW:
            count, since = 0, self.clock.monotonic()
        self._failures[address] = (count + 1, since)
        while len(self._failures) > MOST_ADDRESSES:
            self._failures.popitem(last=False)
