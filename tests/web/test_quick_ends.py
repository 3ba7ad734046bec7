"""Connections of plain calls that end in odd ways, over real sockets; and what is read, beside aiohttp's own reader."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.targets import plain_call
from smsgwd.web.quick import Front, Plain, Reply, read
from tests.web.test_quick import GENERAL, call


class Desk:
    """Answers calls with ``reply`` once ``go_on`` is set; tells which began and ended, and which fronts are gone."""

    def __init__(self, reply: bytes = b"{}") -> None:
        self.reply, self.go_on, self.begun = reply, asyncio.Event(), asyncio.Event()
        self.addresses: list[str] = []
        self.ended, self.bugs = 0, []
        self.gone: asyncio.Queue[Front] = asyncio.Queue()

    async def answering(self, plain: Plain, address: str) -> Reply:
        self.addresses.append(address)
        self.begun.set()
        await self.go_on.wait()
        self.ended += 1
        return Reply(202, self.reply, "application/json")

    def front(self, idle: float = 60.0) -> Front:
        return Front(self.answering, lambda: 0, {}, asyncio.Protocol, self.gone.put_nowait, self.bugs.append, idle)


@asynccontextmanager
async def connected(front: Front):
    """The caller's end of a connection to a front."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with ours:
        async with asyncio.timeout(5):
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(lambda: front, theirs)
            try:
                yield ours
            finally:
                transport.abort()


async def everything(ours: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    loop, got = asyncio.get_running_loop(), b""
    while piece := await loop.sock_recv(ours, 65_536):
        got += piece
    return got


async def test_a_caller_that_only_listens_on_gets_its_answer():
    """One that shuts its sending side behind the call is answered, told that this was the last, and left."""
    desk = Desk()
    async with connected(desk.front()) as ours:
        await asyncio.get_running_loop().sock_sendall(ours, call())
        ours.shutdown(socket.SHUT_WR)
        await desk.begun.wait()
        for _ in range(3):
            await asyncio.sleep(0)
        desk.go_on.set()
        got = await everything(ours)
    assert got.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert b"\r\nConnection: close\r\n" in got


async def test_a_call_outlives_its_caller():
    """When the caller goes away its call goes on, and the connection counts until that is over: nobody runs more calls
    than there are connections, and a stop finds them all."""
    desk, loop = Desk(), asyncio.get_running_loop()
    front = desk.front()
    async with connected(front) as ours:
        await loop.sock_sendall(ours, call())
        await desk.begun.wait()
        ours.close()
        front._open().abort()
        for _ in range(3):
            await asyncio.sleep(0)
        assert (front._lost, desk.gone.qsize(), front.task is not None) == (True, 0, True)
        desk.go_on.set()
        assert await desk.gone.get() is front
    assert (desk.ended, desk.gone.qsize(), desk.bugs) == (1, 0, [])


async def test_an_answer_that_nobody_takes():
    """A caller that leaves its answer lying does not hold the connection for longer than an idle one."""
    desk = Desk(b"x" * 4_000_000)
    desk.go_on.set()
    front = desk.front(idle=0.05)
    async with connected(front) as ours:
        await asyncio.get_running_loop().sock_sendall(ours, call())
        assert await desk.gone.get() is front


async def test_the_end_before_the_first_octet():
    """A connection that was taken as the end began is closed as soon as it is there."""
    desk = Desk()
    front = desk.front()
    front.end()
    async with connected(front) as ours:
        assert await everything(ours) == b""
        assert await desk.gone.get() is front


async def test_a_cut_before_the_first_octet():
    """Nor does a cut need a connection."""
    desk = Desk()
    front = desk.front()
    front.end()
    front.cut()
    async with connected(front) as ours:
        assert await everything(ours) == b""


async def test_more_than_fits_behind_a_call():
    """What comes behind a call that runs is held up to a bound, then it waits in the network."""
    desk, loop = Desk(), asyncio.get_running_loop()
    front = desk.front()
    async with connected(front) as ours:
        await loop.sock_sendall(ours, call())
        await desk.begun.wait()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await loop.sock_sendall(ours, b"x" * 8_000_000)
        assert 32_768 < len(front._behind) < 1_000_000


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["v4", "v6"]
)
async def test_the_address_of_a_caller(family, host):
    """It is the bare address, so that wrong tokens are counted for it."""
    desk = Desk()
    desk.go_on.set()
    try:
        server = await asyncio.get_running_loop().create_server(desk.front, host, 0, family=family)
    except OSError as e:
        pytest.skip(f"no {host} here: {e}")
    async with server, asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(call())
        assert await reader.readline() == b"HTTP/1.1 202 Accepted\r\n"
        writer.close()
        await desk.gone.get()
    assert desk.addresses == [host]


# ---- beside aiohttp ------------------------------------------------------------------------------------------------

#: pieces of which calls are made, right ones and wrong ones
_LINES = st.sampled_from(
    [
        "POST /v1/messages HTTP/1.1",
        "POST /v1/messages HTTP/1.0",
        "POST  /v1/messages HTTP/1.1",
        "POST /v1/messages HTTP/1.1 ",
    ]
)
_NAMES = st.sampled_from(
    ["Host", "hOST", "Accept", "Accept ", "Connection", "Idempotency-Key", "Authorization", "X", "Content-Type"]
)
_VALUES = st.text(st.characters(min_codepoint=9, max_codepoint=126), max_size=8) | st.sampled_from(
    ["keep-alive", "Keep-Alive", "close", "application/json", "Bearer a  b", "  a ", "", "chunked"]
)


@st.composite
def calls(draw: st.DrawFn) -> bytes:
    """Calls that are nearly plain."""
    more = [f"{name}:{value}" for name, value in draw(st.lists(st.tuples(_NAMES, _VALUES), max_size=3))]
    return call(
        *more, line=draw(_LINES), token=draw(st.sampled_from(["", "smsgw_x"])), body=draw(st.binary(max_size=20))
    )


@given(calls())
@settings(max_examples=300)
def test_what_is_read_is_what_aiohttp_reads(octets):
    """A call that is taken means the same to the general server: one call, the same token, key and body, and it stays."""
    plain_call(octets)


def test_the_comparison_compares():
    """The plain call itself is among what is compared; one with another header is not."""
    assert plain_call(call("Idempotency-Key:  k 1 "))
    assert not plain_call(call(GENERAL))
    assert read(call("Idempotency-Key:  k 1 ")).key == "k 1"
