"""Whoever is reached by TCP: a connection, its TLS, and nothing said."""

import asyncio
import contextlib
import re
import socket
import ssl

import pytest

from smsgwd.config import Helpdesk, SmppConfig
from smsgwd.config.smpp import Tls
from smsgwd.doctor import desks
from tests.certificates import self_signed
from tests.doctor.trees import NOW


@contextlib.asynccontextmanager
async def server(said: list[bytes], context: ssl.SSLContext | None = None):
    """Listens, and keeps what clients say; yields its port."""

    async def take(reader, writer):
        with contextlib.suppress(OSError):
            said.append(await reader.read(100))
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0, ssl=context) as listening:
        yield listening.sockets[0].getsockname()[1]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A server's context with a certificate of our own, and the file of it."""
    return self_signed(tmp_path_factory.mktemp("tls"))


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def smsc(host: str, port: int, **more) -> SmppConfig:
    return SmppConfig(name="c1", type="smpp", host=host, port=port, **more)


async def test_an_smsc_that_listens():
    """It is reached, and no octet of a bind is sent."""
    said: list[bytes] = []
    async with server(said) as port:
        (check,) = await desks.smpp(smsc("127.0.0.1", port), NOW)
    assert (check.name, check.level) == ("smpp", "ok")
    assert "no bind" in check.message
    assert said == [b""]


@pytest.mark.parametrize(
    ("host", "said", "mend"),
    [
        pytest.param("127.0.0.1", "connection refused", "port right", id="refused"),
        pytest.param("nobody.invalid", "nobody.invalid", "getent hosts nobody.invalid", id="no such name"),
        pytest.param("a" * 70 + ".example", "is no name", "getent", id="no name at all"),
    ],
)
async def test_an_smsc_that_cannot_be_reached(host, said, mend):
    """Name or connection: which of them failed is told."""
    (check,) = await desks.smpp(smsc(host, closed_port()), NOW)
    assert check.level == "error"
    assert said in check.message
    assert mend in check.mend


async def test_a_desk_by_http():
    """A connection alone: no call, and the path of the address, which may hold a key, is not shown."""
    said: list[bytes] = []
    async with server(said) as port:
        url = f"http://127.0.0.1:{port}/hooks/whsec-9f3a?key=1"
        (check,) = await desks.webhook(Helpdesk(name="support", url=url), NOW)
    assert (check.name, check.subject, check.level) == ("webhook", "support", "ok")
    assert said == [b""]
    assert "9f3a" not in check.message


async def test_a_certificate_of_nobody(certificate):
    """TLS is verified as the call would do it."""
    async with server([], certificate[0]) as port:
        (check,) = await desks.webhook(Helpdesk(name="support", url=f"https://localhost:{port}/x"), NOW)
    assert check.level == "error"
    assert "certificate is not accepted" in check.message
    assert f"openssl s_client -connect localhost:{port}" in check.mend


async def test_a_certificate_that_ends_soon(certificate, monkeypatch):
    """An accepted certificate with less than two weeks left is a warning."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    async with server([], certificate[0]) as port:
        (soon,) = await desks.webhook(Helpdesk(name="support", url=f"https://localhost:{port}/x"), NOW)
        (well,) = await desks.smpp(smsc("localhost", port, tls=True), NOW - 8 * 86_400_000)
    assert soon.level == "warning"
    assert re.search(r"ends in (9|10) days", soon.message)
    assert (well.level, "certificate is accepted" in well.message) == ("ok", True)


async def test_an_smsc_with_tls_settings_of_its_own(certificate, tmp_path):
    """The check uses the authority and the name of the link; a file that is not there is told without a connection."""
    async with server([], certificate[0]) as port:
        early = NOW - 8 * 86_400_000
        own = Tls(ca=str(certificate[1]), server_name="localhost")
        (well,) = await desks.smpp(smsc("127.0.0.1", port, tls=own), early)
        assert (well.level, "certificate is accepted" in well.message) == ("ok", True)
        (strange,) = await desks.smpp(smsc("127.0.0.1", port, tls=Tls(ca=own.ca)), early)
        assert (strange.level, "certificate is not accepted" in strange.message) == ("error", True)
        (open_,) = await desks.smpp(smsc("127.0.0.1", port, tls=Tls(verify=False)), early)
        assert (open_.level, "certificate is not checked" in open_.message) == ("ok", True)
    (missing,) = await desks.smpp(smsc("127.0.0.1", port, tls=Tls(ca=str(tmp_path / "none"))), early)
    assert (missing.level, "tls.ca" in missing.message) == ("error", True)


async def test_every_host_of_an_smsc():
    """Alternates are looked at too: one that cannot be reached would be found when it is needed."""
    async with server([]) as port:
        checks = await desks.smpp(smsc("127.0.0.1", port, hosts=(f"127.0.0.1:{closed_port()}",)), NOW)
    assert [check.level for check in checks] == ["ok", "error"]


async def test_no_tls_where_it_is_wanted():
    """A plain server behind https is told as such."""
    async with server([]) as port:
        (check,) = await desks.webhook(Helpdesk(name="support", url=f"https://127.0.0.1:{port}/x"), NOW)
    assert check.level == "error"


async def test_a_host_that_takes_nothing(monkeypatch):
    """A full backlog, or a firewall that drops, ends with the time-out."""
    monkeypatch.setattr(desks, "TIMEOUT", 0.2)
    with socket.socket() as full, contextlib.ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            s = stack.enter_context(socket.socket())
            s.setblocking(False)
            s.connect_ex(full.getsockname())
        (check,) = await desks.smpp(smsc("127.0.0.1", full.getsockname()[1]), NOW)
    assert check.level == "error"
    assert "no connection in 0.2 s" in check.message


async def test_our_own_address():
    """Free, taken by another program, or not ours; with a daemon: it answers there, or it does not."""
    assert await desks.api("", served=False) == []
    port = closed_port()
    assert (await desks.api(f"127.0.0.1:{port}", served=False))[0].level == "ok"
    assert (await desks.api(f"127.0.0.1:{port}", served=True))[0].level == "error"
    async with server([]) as taken:
        (check,) = await desks.api(f"127.0.0.1:{taken}", served=False)
        assert (check.level, check.mend) == ("error", f"sudo ss -ltnp 'sport = :{taken}'")
        assert (await desks.api(f"127.0.0.1:{taken}", served=True))[0].level == "ok"
    assert "no address of this machine" in (await desks.api("192.0.2.1:8480", served=False))[0].message
    assert (await desks.api("127.0.0.1:99999", served=False))[0].level == "error"


async def test_an_address_that_means_all():
    """0.0.0.0 is listened on, and reached by the loop."""
    async with server([]) as port:
        assert (await desks.api(f"0.0.0.0:{port}", served=True))[0].level == "ok"


@pytest.mark.parametrize(
    ("host", "levels"),
    [pytest.param("127.0.0.1", ["ok"], id="this machine"), pytest.param("0", ["ok", "warning"], id="by another name")],
)
async def test_carriers_without_tls(host, levels):
    """In the clear to another machine is a warning beside its reachability ("0" is a name of the loop that we do not
    know as one)."""
    async with server([]) as port:
        assert [check.level for check in await desks.smpp(smsc(host, port), NOW)] == levels
