"""The accounts of the simulated SMSC: who may bind, how fast each may submit, and what waits for it. Pure.

Time is an argument, in seconds on any clock that never goes back.
"""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Iterator

import msgspec

from smsgwd.smpp.bodies import Bind, DataSm, ShortMessage
from smsgwd.smpp.consts import CommandStatus

#: names that may bind when every name is welcome, and deliveries that may wait for one of them
MOST_ACCOUNTS, MOST_WAITING = 1_000, 10_000


class Delivery(msgspec.Struct):
    """A text or receipt on its way to an ESME. ``kind`` is deliver or report."""

    id: str
    kind: str
    body: ShortMessage | DataSm
    tries: int = 0


class Account:
    """One system_id."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        #: connections that are bound to it
        self.binds = 0
        self.waiting: deque[Delivery] = deque()
        self._submitted: deque[float] = deque()

    @property
    def full(self) -> bool:
        return len(self.waiting) >= MOST_WAITING

    def too_fast(self, rate: float, now: float) -> bool:
        """Counts a submission; True, and not counted, when it is one too many: ``rate`` in any second, or one in
        1 / rate seconds below 1 a second. 0 = no limit."""
        if not rate:
            return False
        span, most = (1.0, int(rate)) if rate >= 1 else (1 / rate, 1)
        while self._submitted and now - self._submitted[0] >= span:
            self._submitted.popleft()
        if len(self._submitted) >= most:
            return True
        self._submitted.append(now)
        return False


class Accounts:
    """``system_id`` and ``password``: what a bind must say; empty = anything. ``binds``: most of an account at a time;
    0 = no limit."""

    def __init__(self, system_id: str, password: str, binds: int = 0) -> None:
        self._binds = binds
        self._system_id, self._password = system_id.encode(), password.encode()
        self._known: dict[bytes, Account] = {}
        if system_id:
            self._known[self._system_id] = Account(self._system_id)

    def admit(self, bind: Bind) -> Account | CommandStatus:
        """The account of a bind, or why it is refused."""
        if self._system_id and not hmac.compare_digest(bind.system_id, self._system_id):
            return CommandStatus.ESME_RINVSYSID
        if self._password and not hmac.compare_digest(bind.password, self._password):
            return CommandStatus.ESME_RINVPASWD
        account = self._known.get(bind.system_id)
        if account is None:
            if len(self._known) >= MOST_ACCOUNTS:
                return CommandStatus.ESME_RBINDFAIL
            account = self._known[bind.system_id] = Account(bind.system_id)
        if self._binds and account.binds >= self._binds:
            return CommandStatus.ESME_RALYBND
        return account

    def named(self, system_id: str) -> Account:
        """By name; the only one, or the first that ever bound, for an empty name. ValueError when there is none."""
        if system_id:
            account = self._known.get(system_id.encode())
        else:
            account = next(iter(self._known.values()), None)
        if account is None:
            raise ValueError(f"nobody bound as {system_id!r}" if system_id else "nobody ever bound")
        return account

    def __iter__(self) -> Iterator[Account]:
        return iter(list(self._known.values()))

    @property
    def waiting(self) -> int:
        return sum(len(account.waiting) for account in self._known.values())
