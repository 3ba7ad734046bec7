"""The generic desk: a signed HTTP POST for each thing that it should know (Standard Webhooks 1.0.0).

========================  =========================================================================================
answer                    what it means
========================  =========================================================================================
2xx                       taken; a JSON answer with ``ticket`` names the desk's ticket of the conversation
410                       never again: the call is dead at once
400, 413, 414, 415, 422   this call is at fault: dead after a few tries, so that it does not hold its conversation
429, 503 and others with  tried again after that pause at least, and nothing else is sent meanwhile
``Retry-After``
all else                  tried again for three days. Also 401, 403, 404: a desk whose route or token is wrong for a
                          day is repaired by a person, and nothing of that day may be lost
========================  =========================================================================================

Redirects are not followed: a signed body goes to nobody else. Proxies of the environment, cookies and compressed answers
are not used. Reasons name the host and what failed, never the address's path and query, which may hold a key.
"""

from __future__ import annotations

import os
import socket
import ssl
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec

from smsgwd import __version__
from smsgwd.clock import Clock, isoformat
from smsgwd.config import Helpdesk
from smsgwd.errors import ConfigError, Problem
from smsgwd.helpdesk.answer import NoHttp
from smsgwd.helpdesk.interface import Call, Delivery, Never, NotNow, Taken
from smsgwd.helpdesk.post import Poster, Unreachable
from smsgwd.helpdesk.signing import key_of, sign

#: seconds for a whole call
TIMEOUT = 10.0
LONGEST_TICKET = 100
#: the longest pause that a desk may ask for, seconds
LONGEST_PAUSE = 3600.0
#: answers that say that the call itself is wrong
POISON = frozenset({400, 413, 414, 415, 422})


#: headers that are the same for every call
_FIELDS = {
    "Accept": "*/*", "Accept-Encoding": "identity", "Content-Type": "application/json", "User-Agent": f"smsgwd/{__version__}",
}  # fmt: skip


class _Answer(msgspec.Struct):
    """What is read of a desk's answer."""

    ticket: str | int = ""


_ANSWER = msgspec.json.Decoder(_Answer)


class WebhookDesk:
    """One ``[[helpdesk]]`` with type = "webhook"."""

    def __init__(self, config: Helpdesk, clock: Clock, *, gateway: str = "", timeout: float = TIMEOUT) -> None:
        """``gateway``: our name in the bodies, for a desk with several. ``timeout``: seconds for a whole call.
        ConfigError for a secret that is no key."""
        self.config, self.clock, self.gateway, self.timeout = config, clock, gateway, timeout
        try:
            self._key = key_of(config.secret.reveal()) if config.secret is not None else b""
        except ValueError as e:
            raise ConfigError([Problem("smsgwd.toml", f"helpdesk {config.name}: secret", str(e))]) from None
        self._poster: Poster | None = None

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def events(self) -> frozenset[str]:
        return frozenset(self.config.events)

    async def tell(self, call: Call) -> Delivery:
        """See :meth:`smsgwd.helpdesk.interface.Desk.tell`."""
        body = msgspec.json.encode(
            {"type": call.kind, "timestamp": isoformat(call.at), "gateway": self.gateway, "data": call.data}
        )
        try:
            answer = await self._open().post(self._headers(call, body), body)
        except TimeoutError:
            return NotNow(f"{self._where()}: no answer in {self.timeout:g} s")
        except (Unreachable, NoHttp, OSError) as e:
            return NotNow(f"{self._where()}: {_why(e)}")
        pause = self._pause(answer.retry_after) if answer.retry_after else 0.0
        return _delivery(answer.status, pause, answer.body)

    async def close(self) -> None:
        if self._poster is not None:
            self._poster.close()
            self._poster = None

    def _headers(self, call: Call, body: bytes) -> dict[str, str]:
        """Id and body are the same at every try; timestamp and signature are new."""
        timestamp = self.clock.now() // 1000
        headers = {
            "webhook-id": call.id,
            "webhook-timestamp": str(timestamp),
        }
        if self._key:
            headers["webhook-signature"] = sign(self._key, call.id, timestamp, body)
        return headers

    def _open(self) -> Poster:
        if self._poster is None:
            self._poster = Poster(self.config.url, _FIELDS, self.timeout)
        return self._poster

    def _pause(self, retry_after: str) -> float:
        """Seconds of a Retry-After header, which holds seconds or a date (RFC 9110 section 10.2.3); 0.0 for none."""
        if retry_after.isascii() and retry_after.isdigit():
            return min(float(retry_after[:9]), LONGEST_PAUSE)
        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - self.clock.now() / 1000
        except (ValueError, OverflowError):
            return 0.0
        return min(max(seconds, 0.0), LONGEST_PAUSE)

    def _where(self) -> str:
        parts = urlsplit(self.config.url)
        return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _delivery(status: int, pause: float, body: bytes) -> Delivery:
    if 200 <= status < 300:
        return Taken(_ticket(body))
    if status == 410:
        return Never("HTTP 410: the endpoint is gone")
    return NotNow(f"HTTP {status}", pause, poison=status in POISON)


def _ticket(body: bytes) -> str:
    """The ``ticket`` of a JSON answer, as text; "" for any other answer. It is shown in logs and terminals, so what
    cannot be printed is left out."""
    try:
        ticket = str(_ANSWER.decode(body).ticket)
    except (ValueError, RecursionError):  # no JSON, no UTF-8, no number or text; nested too deep
        return ""
    return "".join(c for c in ticket if c.isprintable())[:LONGEST_TICKET]


def _why(error: Exception) -> str:
    """One line without any address."""
    cause = error.__cause__
    if isinstance(error, NoHttp):
        return "the answer is not HTTP"
    if not isinstance(error, Unreachable):
        return "the connection broke"
    if isinstance(cause, ssl.SSLError):
        return "the TLS certificate is not accepted"
    if isinstance(cause, socket.gaierror | UnicodeError):
        return "the name is not known"
    return os.strerror(cause.errno) if isinstance(cause, OSError) and cause.errno else "cannot be reached"
