"""The HTTP API as it is served: unix socket and TCP, a real queue behind, a real client before."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from smsgwd.gateway import Gateway
from smsgwd.web.app import serve
from smsgwd.web.plant import digest_of
from tests.canaries import TOKEN
from tests.store import StillClock, gateway, store
from tests.web.conforming import conforms


class Served:
    """A running API. :meth:`ask` goes over the unix socket, :meth:`over_tcp` with a token over TCP."""

    def __init__(self, gate: Gateway, stop: asyncio.Event, path: str, address: str, unix, tcp) -> None:
        self.gateway, self.queue, self.clock = gate, gate.queue, gate.clock
        self.stop, self.path, self.address, self._unix, self._tcp = stop, path, address, unix, tcp

    async def ask(self, method: str, path: str, body=None, **more):
        async with self._unix.request(method, f"http://localhost{path}", json=body, **more) as answer:
            document = await answer.json(content_type=None)
        conforms(method, path, answer.status, document)
        return answer.status, document

    async def over_tcp(self, method: str, path: str, body=None, token: str = TOKEN, **more):
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})} if token else more.pop("headers", {})
        async with self._tcp.request(
            method, f"http://{self.address}{path}", json=body, headers=headers, **more
        ) as answer:
            return answer.status, await answer.json(content_type=None), answer.headers

    def stream(self, path: str, headers=None):
        return self._unix.get(f"http://localhost{path}", headers={"Accept": "text/event-stream", **(headers or {})})


@asynccontextmanager
async def served(folder: Path, *scopes: str, clock: StillClock | None = None):
    """An API with one token that has the scopes."""
    clock = clock or StillClock()
    async with store(folder, clock) as queue:
        await queue.add_token(digest_of(TOKEN), scopes, clock.now())
        gate, stop, path = gateway(queue, clock), asyncio.Event(), str(folder / "s.sock")
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            group.create_task(
                serve(gate, socket_path=path, listen="127.0.0.1:0", stop=stop, listening=ready.set_result), name="http"
            )
            try:
                address = await asyncio.wait_for(ready, 5)
                async with (
                    aiohttp.ClientSession(connector=aiohttp.UnixConnector(path)) as unix,
                    aiohttp.ClientSession() as tcp,
                ):
                    yield Served(gate, stop, path, address, unix, tcp)
            finally:
                stop.set()
