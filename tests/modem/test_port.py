"""Ports that cannot be opened say why, and what to do."""

import asyncio
import os

import pytest

from smsgwd.errors import LinkError
from smsgwd.modem.port import open_port
from tests.modem.wire import wire


@pytest.mark.parametrize(
    ("path", "why"),
    [
        pytest.param("/dev/serial/by-id/none", "plugged in", id="absent"),
        pytest.param("/dev/null", "not a serial port|cannot be opened", id="no tty"),
        pytest.param("/tmp", "cannot be opened", id="a folder"),
    ],
)
async def test_refused(path, why):
    """The error names the port and the reason."""
    with pytest.raises(LinkError, match=why) as refused:
        await open_port(path, 115200, lambda _: None, lambda _: None)
    assert path in str(refused.value)


async def test_two_links_never_share_a_port():
    """The second open is refused, and names who has the port."""
    with wire() as modem:
        first = await open_port(modem.path, 115200, lambda _: None, lambda _: None)
        try:
            with pytest.raises(LinkError, match="in use"):
                await open_port(modem.path, 115200, lambda _: None, lambda _: None)
        finally:
            first.close()
        again = await open_port(modem.path, 115200, lambda _: None, lambda _: None)
        again.close()


async def test_a_full_line_waits():
    """More octets than the kernel takes at once are written in order, none lost."""
    with wire() as modem:
        loop, got, done = asyncio.get_running_loop(), bytearray(), asyncio.Event()
        loop.remove_reader(modem.master)
        port = await open_port(modem.path, 115200, lambda _: None, lambda _: None)
        octets = bytes(range(65, 91)) * 4000

        def read() -> None:
            got.extend(os.read(modem.master, 65536))
            if len(got) >= len(octets):
                done.set()

        try:
            writing = asyncio.create_task(port.write(octets))
            await asyncio.sleep(0.01)
            loop.add_reader(modem.master, read)
            await asyncio.wait_for(asyncio.gather(writing, done.wait()), 5)
        finally:
            port.close()
    assert bytes(got) == octets
