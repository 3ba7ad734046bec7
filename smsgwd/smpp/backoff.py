"""How long a session stays away after it ended, by what ended it. Pure; randomness is an argument.

The pause doubles from the first to the last step of its class, with full jitter, so that a carrier that comes back does
not meet all its customers in the same second. It starts anew when a session has been bound for a minute. Some classes
have a least pause: a carrier locks an account that knocks too often with a wrong password, and holds an old session for
up to two minutes after a break.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from smsgwd.smpp.consts import CommandStatus

_S = CommandStatus
#: seconds bound after which the pauses start anew
SETTLED = 60.0


class Cause(Enum):
    """What ended a session, or let none begin: (first pause, last pause, least pause), seconds."""

    #: no connection, a broken one, no bind_resp, a system error of the SMSC; the last pause is the link's ``reconnect``
    NETWORK = (1.0, 60.0, 0.0)
    #: the SMSC says that we are bound already
    BOUND = (30.0, 120.0, 30.0)
    #: the bind was refused for a reason that nobody knows
    REFUSED = (10.0, 300.0, 10.0)
    #: password, system_id or system_type: somebody has to change something
    ACCOUNT = (300.0, 3600.0, 300.0)


_CAUSES: dict[int, Cause] = {
    0: Cause.NETWORK,
    _S.ESME_RSYSERR: Cause.NETWORK,
    _S.ESME_RALYBND: Cause.BOUND,
    _S.ESME_RINVPASWD: Cause.ACCOUNT,
    _S.ESME_RINVSYSID: Cause.ACCOUNT,
    _S.ESME_RINVSYSTYP: Cause.ACCOUNT,
}


def cause_of(status: int) -> Cause:
    """The class of the status that refused a bind; 0 when there was no such answer."""
    return _CAUSES.get(status, Cause.REFUSED)


class Backoff:
    """The pauses of one session. ``chance`` gives numbers from 0 to 1."""

    def __init__(self, longest: float, chance: Callable[[], float]) -> None:
        self._longest, self._chance = longest, chance
        self._tries: dict[Cause, int] = {}

    def pause(self, cause: Cause, bound: float = 0.0) -> float:
        """Seconds to wait, when the session ended like this after ``bound`` seconds of work."""
        if bound >= SETTLED:
            self._tries.clear()
        first, last, least = cause.value
        if cause is Cause.NETWORK:
            last = max(first, self._longest)
        tries = self._tries.get(cause, 0)
        self._tries[cause] = tries + 1
        step = min(last, first * 2.0 ** min(tries, 30))
        return float(least + self._chance() * (step - least))


class Hosts:
    """Where to connect: the hosts of the configuration in their order, each once in a round."""

    def __init__(self, host: str, port: int, others: tuple[str, ...] = ()) -> None:
        self.all = [(host, port), *(_split(other, port) for other in others)]
        self._at = 0

    @property
    def current(self) -> tuple[str, int]:
        return self.all[self._at]

    def failed(self) -> bool:
        """The next one is the current one; True when that was the last of the round."""
        self._at = (self._at + 1) % len(self.all)
        return self._at == 0

    def first(self) -> None:
        """A session ended that had been bound: the next round begins with the first one."""
        self._at = 0


def _split(written: str, port: int) -> tuple[str, int]:
    """``host``, ``host:port`` or ``[v6]:port``."""
    if written.startswith("["):
        host, _, rest = written[1:].partition("]")
        return host, int(rest[1:]) if rest else port
    host, _, rest = written.partition(":")
    return host, int(rest) if rest else port


def where(host: str, port: int) -> str:
    """``host:port`` as people read it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
