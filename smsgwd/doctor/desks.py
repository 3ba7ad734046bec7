"""Whoever is reached by TCP: SMSCs, helpdesks, and our own HTTP address.

A connection is opened and closed, with its TLS handshake where TLS is used. No bind is tried, because carriers lock
accounts, and no call is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

from smsgwd.config import Helpdesk, SmppConfig
from smsgwd.doctor.apart import apart
from smsgwd.doctor.report import Check, error, warning, well
from smsgwd.errors import LinkError
from smsgwd.smpp.backoff import Hosts, where
from smsgwd.smpp.tls import expiry, server_name, tls_context

#: seconds for the name, and for the connection with its handshake
TIMEOUT = 5.0
#: seconds before its end that a certificate is told
SOON = 14 * 86_400
_RESOLVE = "getent hosts {host}; is DNS right?"


class Unreached(Exception):
    """Why nobody answered, and what to do."""

    def __init__(self, why: str, mend: str) -> None:
        self.why, self.mend = why, mend
        super().__init__(why)


async def reach(host: str, port: int, tls: ssl.SSLContext | None = None, name: str = "") -> float | None:
    """Opens a connection and closes it. When its certificate ends (seconds since 1970; None without TLS, or when it is not
    checked); Unreached. ``name``: the one that the certificate must have, if it is not the host."""
    addresses = await _resolve(host, port)
    tries = [asyncio.create_task(_connect(a, port, tls, name or host), name=f"reach {host}") for a in addresses]
    failures: list[BaseException] = []
    try:
        async with asyncio.timeout(TIMEOUT):
            for done in asyncio.as_completed(tries):
                try:
                    return await done
                except OSError as e:
                    failures.append(e)
    except TimeoutError:
        pass
    finally:
        for task in tries:
            task.cancel()
        await asyncio.gather(*tries, return_exceptions=True)
    raise _unreached(host, port, failures)


async def _resolve(host: str, port: int) -> list[str]:
    try:
        found = await apart(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), TIMEOUT)
    except TimeoutError:
        raise Unreached(f"{host}: no answer of the resolver in {TIMEOUT:g} s", _RESOLVE.format(host=host)) from None
    except (OSError, UnicodeError) as e:
        why = getattr(e, "strerror", None) or "is no name of a host"
        raise Unreached(f"{host}: {why}", _RESOLVE.format(host=host)) from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))[:4]


async def _connect(address: str, port: int, tls: ssl.SSLContext | None, name: str) -> float | None:
    _, writer = await asyncio.open_connection(address, port, ssl=tls, server_hostname=name if tls else None)
    try:
        return expiry(writer.get_extra_info("peercert"))
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), 0.5)


def _unreached(host: str, port: int, failures: Sequence[BaseException]) -> Unreached:
    """The failure that says most."""
    place = where(host, port)
    for e in failures:
        if isinstance(e, ssl.SSLCertVerificationError):
            return Unreached(f"{place}: the TLS certificate is not accepted: {e.verify_message}",
                             f"openssl s_client -connect {place}; a CA of your own: sudo update-ca-certificates")  # fmt: skip
        if isinstance(e, ssl.SSLError):
            return Unreached(f"{place}: it speaks no TLS that we know", f"openssl s_client -connect {place}")
    for e in failures:
        if isinstance(e, ConnectionRefusedError):
            return Unreached(f"{place}: connection refused", "is it running, and is the port right?")
    if failures and isinstance(failures[0], OSError):
        why = os.strerror(failures[0].errno) if failures[0].errno else "the connection broke"
        return Unreached(f"{place}: {why}", f"ip route get {host}")
    return Unreached(f"{place}: no connection in {TIMEOUT:g} s", "a firewall? is the address right?")


async def smpp(config: SmppConfig, now: int) -> list[Check]:
    """Each host of an SMSC takes a connection, with the TLS that the link would use. ``now`` in ms."""
    try:
        tls = tls_context(config.tls)
    except LinkError as e:
        return [error("smpp", config.name, str(e), "set `tls` of the link; can the user smsgwd read the file?")]
    name = server_name(config.tls, "") or ""
    checks = []
    for host, port in Hosts(config.host, config.port, config.hosts).all:
        checks.append(await _reached("smpp", config.name, host, port, now, tls, name, said="; no bind was tried"))
        if tls is None and checks[-1].level == "ok" and not _near(host):
            checks.append(warning("smpp", config.name, f"{where(host, port)}: account, password and texts cross the network "
                                  "readable", "set `tls = true`, or use a tunnel of the carrier"))  # fmt: skip
    return checks


def _near(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


async def webhook(config: Helpdesk, now: int) -> list[Check]:
    """A helpdesk takes a connection; TLS as the call would use it. ``now`` in ms."""
    parts = urlsplit(config.url)
    tls = parts.scheme == "https"
    try:
        port = parts.port or (443 if tls else 80)
    except ValueError:
        return [error("webhook", config.name, "the port of `url` is no port", "set `url`")]
    context = ssl.create_default_context() if tls else None
    return [await _reached("webhook", config.name, parts.hostname or "", port, now, context, said="; no call was sent")]


async def _reached(
    kind: str, subject: str, host: str, port: int, now: int, tls: ssl.SSLContext | None, name: str = "", *, said: str
) -> Check:
    try:
        end = await reach(host, port, tls, name)
    except Unreached as e:
        return error(kind, subject, e.why, e.mend)
    if end is not None and end - now / 1000 < SOON:
        days = int((end - now / 1000) // 86_400)
        return warning(kind, subject, f"{where(host, port)}: its certificate ends in {days} days", "its operator has to renew it")
    return well(kind, subject, f"{where(host, port)} answers{_accepted(tls)}{said}")


def _accepted(tls: ssl.SSLContext | None) -> str:
    if tls is None:
        return ""
    return ", its certificate is accepted" if tls.verify_mode is ssl.CERT_REQUIRED else ", its certificate is not checked"


async def api(listen: str, *, served: bool) -> list[Check]:
    """Our own address: free for the daemon, or the daemon answers there."""
    if not listen:
        return []
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if int(port) > 65535:  # getaddrinfo would take the rest of a division
        return [error("api", listen, "ports end with 65535", "set `listen`")]
    if served:
        try:
            await reach(_reachable(host), int(port))
        except Unreached as e:
            return [error("api", listen, f"the daemon does not answer there ({e.why})", "sudo systemctl restart smsgwd")]
        return [well("api", listen, "answers")]
    try:
        return [await apart(lambda: _free(host, int(port), listen), TIMEOUT)]
    except TimeoutError:
        return [error("api", listen, "the resolver does not answer", _RESOLVE.format(host=host))]


def _reachable(host: str) -> str:
    """Where an address that means all of ours is reached."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _free(host: str, port: int, listen: str) -> Check:
    """Takes the address for a moment, without listening."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(address)
    except (OSError, OverflowError) as e:
        code = getattr(e, "errno", None)
        if code == errno.EADDRINUSE:
            return error("api", listen, "another program listens there", f"sudo ss -ltnp 'sport = :{port}'")
        if code == errno.EADDRNOTAVAIL:
            return error("api", listen, "is no address of this machine", "ip -brief address; set `listen`")
        if code == errno.EACCES:
            return error("api", listen, "ports below 1024 are for root alone", "set `listen` to a higher port")
        return error("api", listen, "is no address that can be listened on", "set `listen`")
    return well("api", listen, "free for the daemon")
