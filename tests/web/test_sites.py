"""Where it is served: the socket file, the TCP address, and the end."""

import asyncio
import json
import os
import socket
import stat

import pytest

from smsgwd.errors import ConfigError, StoreUnavailable
from smsgwd.web import app, sites
from smsgwd.web.app import serve
from tests.store import StillClock, gateway, store
from tests.web.served import served

SEND = {"to": "+15550100777", "text": "hello"}


async def refused(folder, *, path: str | None = None, listen: str = "") -> BaseException:
    """The error with which serving ends at once."""
    clock = StillClock()
    async with store(folder, clock) as queue:
        with pytest.raises((ConfigError, StoreUnavailable)) as caught:
            async with asyncio.timeout(5):
                await serve(
                    gateway(queue, clock), socket_path=path or str(folder / "s.sock"), listen=listen,
                    stop=asyncio.Event(), listening=lambda _: None,
                )  # fmt: skip
    return caught.value


async def test_a_living_socket_is_left_alone(tmp_path):
    """A second program is refused, and the first one goes on being served at its place."""
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(tmp_path / "s.sock"))
        living.listen(1)
        error = await refused(tmp_path)
        assert stat.S_ISSOCK((tmp_path / "s.sock").stat().st_mode)
    assert isinstance(error, StoreUnavailable)


async def test_a_busy_socket_is_alive(tmp_path):
    """A daemon whose queue of connections is full is not taken for dead."""
    with socket.socket(socket.AF_UNIX) as living, socket.socket(socket.AF_UNIX) as waiting:
        living.bind(str(tmp_path / "s.sock"))
        living.listen(0)
        waiting.connect(str(tmp_path / "s.sock"))
        assert isinstance(await refused(tmp_path), StoreUnavailable)
    assert (tmp_path / "s.sock").exists()


async def test_a_dead_socket_is_replaced(tmp_path):
    """What a killed daemon left behind stands in nobody's way."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "s.sock"))
    async with served(tmp_path) as api:
        assert (await api.ask("GET", "/healthz"))[0] == 200


@pytest.mark.parametrize("umask", [0o000, 0o077], ids=["open", "closed"])
async def test_rights_do_not_depend_on_the_umask(tmp_path, umask):
    """0660, whatever the umask of the service is."""
    before = os.umask(umask)
    try:
        async with served(tmp_path):
            assert (tmp_path / "s.sock").stat().st_mode & 0o777 == 0o660
    finally:
        os.umask(before)


async def test_somebody_elses_socket_stays(tmp_path):
    """When another daemon has put its own socket there meanwhile, the end takes it not away."""
    async with served(tmp_path):
        os.unlink(tmp_path / "s.sock")
        other = socket.socket(socket.AF_UNIX)
        other.bind(str(tmp_path / "s.sock"))
    assert (tmp_path / "s.sock").exists()
    other.close()


@pytest.mark.parametrize(
    ("place", "words"),
    [
        pytest.param("file", "exists and is no socket", id="a file"),
        pytest.param("none/s.sock", "No such file", id="no folder"),
        pytest.param("x" * 120, "too long", id="too long for a socket"),
    ],
)
async def test_bad_places(tmp_path, place, words):
    """A place that cannot be used is an error of the configuration, with its key."""
    (tmp_path / "file").write_text("keep me")
    error = await refused(tmp_path, path=str(tmp_path / place))
    assert isinstance(error, ConfigError)
    assert words in str(error)
    assert "gateway.socket" in str(error)
    assert (tmp_path / "file").read_text() == "keep me"


@pytest.mark.parametrize("listen", ["192.0.2.1:8480", "no-such-host.invalid:1", "127.0.0.1:70000"])
async def test_bad_addresses(tmp_path, listen):
    """An address that cannot be used is an error of the configuration, and leaves no socket file."""
    error = await refused(tmp_path, listen=listen)
    assert isinstance(error, ConfigError)
    assert "api.listen" in str(error)
    assert not (tmp_path / "s.sock").exists()


async def test_port_in_use(tmp_path):
    """So is a port that somebody has."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        error = await refused(tmp_path, listen=f"127.0.0.1:{taken.getsockname()[1]}")
    assert "in use" in str(error)


async def test_without_tcp(tmp_path):
    """No address means the unix socket alone."""
    clock, stop = StillClock(), asyncio.Event()
    told: list[str] = []
    async with store(tmp_path, clock) as queue, asyncio.TaskGroup() as group:

        def listening(address: str) -> None:
            told.append(address)
            stop.set()

        group.create_task(
            serve(gateway(queue, clock), socket_path=str(tmp_path / "s"), listen="", stop=stop, listening=listening)
        )
    assert told == [""]


async def test_the_end_waits_for_what_runs(tmp_path, monkeypatch):
    """A call that has begun is answered before the end; nothing that was called accepted is lost."""
    async with served(tmp_path) as api:
        inside, go_on = asyncio.Event(), asyncio.Event()
        accept = api.queue.accept

        async def slow(drafts, now):
            inside.set()
            await go_on.wait()
            return await accept(drafts, now)

        monkeypatch.setattr(api.queue, "accept", slow)
        async with asyncio.TaskGroup() as group:
            call = group.create_task(api.ask("POST", "/v1/messages", SEND))
            await inside.wait()
            api.stop.set()
            go_on.set()
        status, accepted = call.result()
        assert status == 202
        assert (await api.queue.message(accepted["id"])).text == "hello"


async def test_the_end_comes(tmp_path, monkeypatch):
    """A call that never ends, an idle connection and a half-sent request do not hold up the end."""
    monkeypatch.setattr(sites, "SHUTDOWN", 0.05)
    loop = asyncio.get_running_loop()
    async with served(tmp_path) as api:
        inside = asyncio.Event()

        async def never(*_):
            inside.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(api.queue, "accept", never)
        writers = [(await asyncio.open_unix_connection(api.path))[1] for _ in range(3)]
        body = json.dumps(SEND).encode()
        head = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        writers[0].write(head % len(body) + body)
        writers[1].write(head % 1000)
        await inside.wait()
        began = loop.time()
    took = loop.time() - began
    for writer in writers:
        writer.close()
    assert took < 2


async def test_health_of_a_store_that_hangs(tmp_path, monkeypatch):
    """/healthz does not wait for ever: 503 with the time after which to ask again."""
    monkeypatch.setattr(app, "ALIVE", 0.02)

    async def never(*_):
        await asyncio.Event().wait()

    async with served(tmp_path) as api:
        monkeypatch.setattr(api.queue, "events_after", never)
        async with api._unix.get("http://localhost/healthz") as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "5"
