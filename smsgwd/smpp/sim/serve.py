"""Opens the port of the simulated SMSC, and in the end unbinds everybody."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

from smsgwd.smpp.sim.centre import Centre
from smsgwd.smpp.sim.connection import Connection

#: seconds that everybody has for unbind_resp
PATIENCE = 3.0


@contextlib.asynccontextmanager
async def serving(centre: Centre, host: str, port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Listens inside ``async with``, which gives HOST:PORT; port 0 is a free one. OSError when it cannot be had."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(centre), host, port, ssl=tls)
    name, bound = server.sockets[0].getsockname()[:2]
    try:
        yield f"[{name}]:{bound}" if ":" in name else f"{name}:{bound}"
    finally:
        server.close()
        await _leave(centre)


async def _leave(centre: Centre) -> None:
    """Unbinds everybody, and cuts those who do not answer."""
    for esme in list(centre.esmes):
        esme.unbind()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await centre.alone.wait()
    for esme in list(centre.esmes):
        esme.cut()
    centre.end()


def tls_context(certificate: str, key: str, client_ca: str = "") -> ssl.SSLContext:
    """For a server with this certificate (chain) and key, PEM files; ``client_ca``: clients must show a certificate that it
    signed. ValueError when they cannot be used."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    show(context, certificate, key)
    if client_ca:
        try:
            context.load_verify_locations(client_ca)
        except OSError as e:  # an SSLError is one
            raise ValueError(f"{client_ca}: {e.strerror or e}") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def show(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Connections from now on get this certificate. ValueError when it cannot be used."""
    try:
        context.load_cert_chain(certificate, key)
    except OSError as e:
        raise ValueError(f"{certificate}, {key}: {e.strerror or e}") from None
