"""Who may ask. The unix socket is the administrator's door (its file mode guards it); TCP wants a token with the scope.

A token is looked up by its SHA-256, so neither the store nor a timing tells anything of it; 256 random bits are not
guessed. The limit on failures spares the store and the operator's eyes: it answers wrong tokens alone, so that a robot
with an old token never locks out the others behind the same proxy. Good tokens are remembered, because a look into the
store costs more than all the rest of a call; a token that is revoked is forgotten before the revocation is answered. Both
tables are bounded.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections import OrderedDict

from smsgwd.clock import Clock
from smsgwd.errors import RequestRefused
from smsgwd.log import get_logger
from smsgwd.model import Token
from smsgwd.queue.interface import Queue
from smsgwd.web.plant import PREFIX, digest_of

#: failures an address may have in a window of so many seconds, and addresses that are remembered
MOST_FAILURES, WINDOW, MOST_ADDRESSES = 20, 60.0, 1000
#: good tokens that are remembered
MOST_TOKENS = 500
#: what a token looks like; anything else is not looked up
_TOKEN = re.compile(rf"bearer +({PREFIX}[A-Za-z0-9_-]{{1,100}}) *", re.IGNORECASE)

log = get_logger("http")


def caller(transport: asyncio.BaseTransport | None, token: Token | None) -> str:
    """Who calls, for the audit chain: the id of the token, or the user of the process behind the unix socket."""
    if token is not None:
        return token.id
    peer = transport.get_extra_info("socket") if transport is not None else None
    if peer is None or peer.family != socket.AF_UNIX:
        return "unknown"
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return f"uid:{uid}"


class Gatekeeper:
    """Checks tokens of requests over TCP."""

    def __init__(self, queue: Queue, clock: Clock) -> None:
        self.queue, self.clock = queue, clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._known: dict[bytes, Token] = {}
        self._revoked = queue.hint("tokens")
        self._turn = 0

    async def check(self, authorization: str, scope: str, address: str) -> Token:
        """The token, which has ``scope``. RequestRefused: unauthorized, too-many-requests, forbidden."""
        written = _TOKEN.fullmatch(authorization)
        token = await self._found(digest_of(written[1])) if written else None
        if token is None:
            self._failed(address)
            raise RequestRefused("unauthorized", "send `Authorization: Bearer smsgw_…` with a token that is valid")
        if scope not in token.scopes and "admin" not in token.scopes:
            raise RequestRefused("forbidden", f"this token lacks the scope {scope}")
        return token

    async def _found(self, digest: bytes) -> Token | None:
        """A token; None for one that is unknown or revoked."""
        self._forget()
        if digest in self._known:
            return self._known[digest]
        turn = self._turn
        found = await self.queue.find_token(digest)
        if found is None or found.revoked:
            return None
        self._forget()
        if turn == self._turn:  # else a token was revoked while we looked: it may be this one
            if len(self._known) >= MOST_TOKENS:
                self._known.clear()
            self._known[digest] = found
        return found

    def _forget(self) -> None:
        if self._revoked.is_set():
            self._revoked.clear()
            self._known.clear()
            self._turn += 1

    def _failed(self, address: str) -> None:
        """Counts a failure. RequestRefused("too-many-requests") when there were too many."""
        now = self.clock.monotonic()
        count, since = self._failures.pop(address, (0, now))
        if now - since >= WINDOW:
            count, since = 0, now
        self._failures[address] = (count + 1, since)
        while len(self._failures) > MOST_ADDRESSES:
            self._failures.popitem(last=False)
        if count == MOST_FAILURES:
            log.warning("wrong tokens again and again", address=address, failures=count + 1)
        if count >= MOST_FAILURES:
            raise RequestRefused("too-many-requests", "too many wrong tokens from this address; wait a minute")
