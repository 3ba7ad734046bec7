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


async def reach(host: str, port: int, *, tls: bool) -> float | None:
    """Opens a connection and closes it. When its certificate ends (seconds since 1970; None without TLS); Unreached."""
    addresses = await _resolve(host, port)
    tries = [asyncio.create_task(_connect(a, port, host if tls else ""), name=f"reach {host}") for a in addresses]
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


async def _connect(address: str, port: int, name: str) -> float | None:
    context = ssl.create_default_context() if name else None
    _, writer = await asyncio.open_connection(address, port, ssl=context, server_hostname=name or None)
    try:
        certificate = writer.get_extra_info("peercert")
        return ssl.cert_time_to_seconds(certificate["notAfter"]) if certificate else None
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), 0.5)


def _unreached(host: str, port: int, failures: Sequence[BaseException]) -> Unreached:
    """The failure that says most."""
    where = f"{host}:{port}"
    for e in failures:
        if isinstance(e, ssl.SSLCertVerificationError):
            return Unreached(f"{where}: the TLS certificate is not accepted: {e.verify_message}",
                             f"openssl s_client -connect {where}; a CA of your own: sudo update-ca-certificates")  # fmt: skip
        if isinstance(e, ssl.SSLError):
            return Unreached(f"{where}: it speaks no TLS that we know", f"openssl s_client -connect {where}")
    for e in failures:
        if isinstance(e, ConnectionRefusedError):
            return Unreached(f"{where}: connection refused", "is it running, and is the port right?")
    if failures and isinstance(failures[0], OSError):
        why = os.strerror(failures[0].errno) if failures[0].errno else "the connection broke"
        return Unreached(f"{where}: {why}", f"ip route get {host}")
    return Unreached(f"{where}: no connection in {TIMEOUT:g} s", "a firewall? is the address right?")


async def smpp(config: SmppConfig, now: int) -> list[Check]:
    """An SMSC takes a TCP connection. ``now`` in ms."""
    where = f"{config.host}:{config.port}"
    checks = [await _reached("smpp", config.name, config.host, config.port, now, tls=bool(config.tls), said="; no bind was tried")]
    if not config.tls and checks[0].level == "ok" and not _near(config.host):
        checks.append(warning("smpp", config.name, f"{where}: account, password and texts cross the network readable",
                              "set `tls = true`, or use a tunnel of the carrier"))  # fmt: skip
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
    return [await _reached("webhook", config.name, parts.hostname or "", port, now, tls=tls, said="; no call was sent")]


async def _reached(name: str, subject: str, host: str, port: int, now: int, *, tls: bool, said: str) -> Check:
    try:
        end = await reach(host, port, tls=tls)
    except Unreached as e:
        return error(name, subject, e.why, e.mend)
    if end is not None and end - now / 1000 < SOON:
        days = int((end - now / 1000) // 86_400)
        return warning(name, subject, f"{host}:{port}: its certificate ends in {days} days", "its operator has to renew it")
    return well(name, subject, f"{host}:{port} answers{', its certificate is accepted' if tls else ''}{said}")


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
            await reach(_reachable(host), int(port), tls=False)
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
