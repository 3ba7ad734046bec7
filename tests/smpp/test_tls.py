"""TLS to an SMSC: whom we trust, who we are, and what is told when it does not work."""

import contextlib
import socket
import ssl
import threading
from contextlib import asynccontextmanager, contextmanager

import pytest

from smsgwd.clock import SystemClock
from smsgwd.config.smpp import Tls
from smsgwd.errors import LinkError
from smsgwd.journal import Journal
from smsgwd.model import Accepted, LinkState
from smsgwd.smpp.link import SmppLink
from smsgwd.smpp.sim.centre import Centre
from smsgwd.smpp.sim.serve import serving, tls_context
from smsgwd.smpp.tls import server_name
from tests.smpp.certificates import Certificates
from tests.smpp.wire import QUICK, broken, config, linked, segment


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@asynccontextmanager
async def smsc(folder, context: ssl.SSLContext):
    """The simulator behind TLS; gives its port."""
    with Journal(str(folder / "journal"), SystemClock()) as journal:
        async with serving(Centre(journal, SystemClock()), "127.0.0.1", 0, context) as address:
            yield int(address.rpartition(":")[2])


@contextmanager
def plain_server(context: ssl.SSLContext):
    """One handshake by OpenSSL alone: a server in asyncio closes before its alert is written. Gives the port."""

    def serve() -> None:
        s, _ = listening.accept()
        with s, contextlib.suppress(OSError), context.wrap_socket(s, server_side=True) as wrapped:
            wrapped.read()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)


def server(made, name: str = "server", client_ca: str = "") -> ssl.SSLContext:
    return tls_context(made.file(name, "pem"), made.file(name, "key"), client_ca)


async def refused(port: int, tls: Tls | bool) -> str:
    """Why the link does not come up."""
    with pytest.raises(LinkError) as caught:
        await broken(SmppLink(config(port, "hunter2", tls=tls), SystemClock(), QUICK))
    assert "hunter2" not in str(caught.value)
    return str(caught.value)


async def test_an_authority_of_its_own(tmp_path, made):
    """Trusted by `ca`; not trusted without."""
    async with smsc(tmp_path, server(made)) as port:
        async with linked(port, tls=Tls(ca=made.ca)) as (link, ear, *_):
            assert isinstance(await link.submit(segment()), Accepted)
            assert ear.notices == []
        assert "its certificate is refused: " in await refused(port, True)


@pytest.mark.parametrize(
    ("name", "said"), [pytest.param("smsc.test", "", id="right"), pytest.param("other.test", "Hostname mismatch", id="wrong")]
)
async def test_server_name(tmp_path, made, name, said):
    """The certificate must have this name, whatever the host is."""
    async with smsc(tmp_path, server(made)) as port:
        tls = Tls(ca=made.ca, server_name=name)
        if said:
            assert said in await refused(port, tls)
        else:
            async with linked(port, tls=tls) as (_, ear, *_more):
                assert ear.state is LinkState.UP


async def test_without_a_check(tmp_path, made):
    """`verify = false` takes any certificate, and says so."""
    async with smsc(tmp_path, server(made)) as port, linked(port, tls=Tls(verify=False)) as (link, ear, *_):
        assert isinstance(await link.submit(segment()), Accepted)
        assert ["not checked" in data["what"] for _, data in ear.notices] == [True]


@pytest.mark.parametrize("joined", [False, True], ids=["two files", "one file"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
async def test_a_certificate_of_ours(tmp_path, made, version, joined):
    """An SMSC that wants one gets it, over either version."""
    context = server(made, client_ca=made.ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3
    files = {"cert": made.joined()} if joined else {"cert": made.file("client", "pem"), "key": made.file("client", "key")}
    async with smsc(tmp_path, context) as port, linked(port, tls=Tls(ca=made.ca, **files)) as (link, *_):
        assert isinstance(await link.submit(segment()), Accepted)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
async def test_a_certificate_of_ours_is_missing(made, version):
    """A TLS error that says so, also over 1.3, where it shows at the first read only."""
    context = server(made, client_ca=made.ca)
    context.maximum_version = version
    with plain_server(context) as port:
        why = await refused(port, Tls(ca=made.ca))
    assert "TLS failed: the SMSC" in why
    assert "certificate of ours" in why


async def test_an_old_version(made):
    """`min_version` 1.3 against an SMSC that has 1.2 at most."""
    context = server(made)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with plain_server(context) as port:
        assert "min_version" in await refused(port, Tls(ca=made.ca, min_version="1.3"))


async def test_a_certificate_that_has_expired(tmp_path, made):
    """Refused, with the reason; one that will within thirty days is told."""
    made.issue("old", days=0)
    made.issue("soon", days=20)
    async with smsc(tmp_path, server(made, "soon")) as port, linked(port, tls=Tls(ca=made.ca)) as (_, ear, *_more):
        await ear.until(lambda: ear.notices)
        ((kind, data),) = ear.notices
        assert (kind, data["what"]) == ("link.notice", f"the certificate of 127.0.0.1:{port} ends in 19 days")
    async with smsc(tmp_path, server(made, "old")) as port:
        assert "certificate has expired" in await refused(port, Tls(ca=made.ca))


@pytest.mark.parametrize(
    ("tls", "said"),
    [
        pytest.param(lambda m: Tls(ca="/nowhere/ca.pem"), "tls.ca: /nowhere/ca.pem: No such file", id="no ca"),
        pytest.param(lambda m: Tls(ca=m.file("server", "key")), "no certificate or key that can be read", id="a ca that is none"),
        pytest.param(lambda m: Tls(cert="/nowhere/me.pem"), "tls.cert: /nowhere/me.pem: No such file", id="no certificate"),
        pytest.param(
            lambda m: Tls(cert=m.file("client", "pem"), key=m.file("server", "key")), "does not belong to", id="another's key"
        ),
        pytest.param(lambda m: Tls(cert=m.file("client", "pem"), key=m.encrypted()), "an encrypted key", id="a locked key"),
    ],
)
async def test_files_that_cannot_be_used(made, tls, said):
    """Told with the file and without what stands in it, before anything is connected; nobody is asked for a password."""
    why = await refused(1, tls(made))
    assert said in why
    assert "PRIVATE" not in why


@pytest.mark.parametrize(
    ("tls", "name"), [(False, None), (True, "h"), (Tls(), "h"), (Tls(server_name="n"), "n")], ids=["none", "yes", "table", "name"]
)
def test_the_name_that_is_wanted(tls, name):
    """That of the table, else the host."""
    assert server_name(tls, "h") == name
