"""The generic desk: a signed HTTP POST for each thing that it should know (Standard Webhooks).

2xx is taken; a JSON answer with ``ticket`` names the desk's ticket of the conversation. 410 means "never again". Anything
else is tried again, also 4xx: a desk whose route or token is wrong for an hour is repaired by a person, and nothing of
that hour may be lost. ``Retry-After`` is kept. Redirects are not followed: a signed body goes to nobody else.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import aiohttp
import msgspec

from smsgwd import __version__
from smsgwd.clock import Clock, isoformat
from smsgwd.config import Helpdesk
from smsgwd.errors import ConfigError, Problem
from smsgwd.helpdesk.interface import Call, Delivery, Never, NotNow, Taken
from smsgwd.helpdesk.signing import key_of, sign

#: seconds for a whole call, and bytes of its answer that are read
TIMEOUT, LARGEST_ANSWER = 10.0, 64 * 1024
LONGEST_TICKET = 100
#: the longest pause that a desk may ask for, seconds
LONGEST_PAUSE = 86_400.0


class WebhookDesk:
    """One ``[[helpdesk]]`` with type = "webhook"."""

    def __init__(self, config: Helpdesk, clock: Clock) -> None:
        self.config, self.clock = config, clock
        try:
            self._key = key_of(config.secret.reveal()) if config.secret else b""
        except ValueError as e:
            raise ConfigError([Problem("smsgwd.toml", f"helpdesk {config.name}: secret", str(e))]) from None
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def events(self) -> frozenset[str]:
        return frozenset(self.config.events)

    async def tell(self, call: Call) -> Delivery:
        body = msgspec.json.encode({"type": call.kind, "timestamp": isoformat(call.at), "data": call.data})
        timestamp = self.clock.now() // 1000
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"smsgwd/{__version__}",
            "webhook-id": call.id,
            "webhook-timestamp": str(timestamp),
        }
        if self._key:
            headers["webhook-signature"] = sign(self._key, call.id, timestamp, body)
        try:
            async with self._open().post(self.config.url, data=body, headers=headers, allow_redirects=False) as answer:
                return _delivery(answer.status, answer.headers.get("Retry-After", ""), await _read(answer))
        except TimeoutError:
            return NotNow(f"no answer in {TIMEOUT:.0f} s")
        except (aiohttp.ClientError, OSError) as e:
            return NotNow(_why(e, self.config.url))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TIMEOUT), cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The answer's body up to its bound; a body that breaks off changes nothing about the status."""
    octets = b""
    try:
        while len(octets) < LARGEST_ANSWER:
            chunk = await answer.content.read(LARGEST_ANSWER - len(octets))
            if not chunk:
                break
            octets += chunk
    except (TimeoutError, aiohttp.ClientError):
        return b""
    return octets


def _delivery(status: int, retry_after: str, body: bytes) -> Delivery:
    if 200 <= status < 300:
        return Taken(_ticket(body))
    if status == 410:
        return Never("HTTP 410: the endpoint is gone")
    pause = float(retry_after) if retry_after.isdigit() and len(retry_after) < 9 else 0.0
    return NotNow(f"HTTP {status}", min(pause, LONGEST_PAUSE))


def _ticket(body: bytes) -> str:
    """The ``ticket`` of a JSON answer, as text; "" for any other answer."""
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return ""
    ticket = answer.get("ticket", "") if isinstance(answer, dict) else ""
    return str(ticket)[:LONGEST_TICKET] if isinstance(ticket, str | int) else ""


def _why(error: Exception, url: str) -> str:
    """One line without the path and query of the address, which may hold a key."""
    parts = urlsplit(url)
    where = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return f"{where}: the TLS certificate is not accepted"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{where}: {error.os_error.strerror or 'cannot be reached'}"
    return f"{where}: {type(error).__name__}"
