"""The serial port: bytes in, bytes out, nothing understood.

pyserial opens it and sets the line (speed, 8N1, DTR and RTS on, locked against other programs); from then on the event
loop reads and writes it without blocking. ``TIOCEXCL`` keeps programs away that know no locks; ``HUPCL`` is off, because
a modem that sees DTR fall may hang up, or restart.

A port that goes away (USB stick pulled) shows as an error or as an empty read: both end in one call of ``lost``.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import termios
from collections.abc import Callable
from pathlib import Path

import serial

from smsgwd.clock import came
from smsgwd.errors import LinkError

#: seconds that a write of one line may take
WRITE = 10.0
_CHUNK = 4096


class Port:
    """An open line. ``received`` gets what comes; ``lost`` is called once when the device is gone."""

    def __init__(self, line: serial.Serial, received: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        self._line, self._fd = line, line.fileno()
        self._received, self._lost = received, lost
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._read)

    def _read(self) -> None:
        try:
            octets = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError as e:
            self._gone(e.strerror or "input/output error")
            return
        if octets:
            self._received(octets)
        else:
            self._gone("the device is gone")

    def _gone(self, why: str) -> None:
        self._loop.remove_reader(self._fd)
        self._lost(why)

    async def write(self, octets: bytes) -> None:
        """Returns when the kernel took all octets, in order. LinkError when it did not take the last one."""
        while octets:
            try:
                octets = octets[os.write(self._fd, octets) :]
            except BlockingIOError:
                await self._writable()
            except OSError as e:
                raise LinkError(f"the port cannot be written: {e.strerror}") from None

    async def _writable(self) -> None:
        ready = asyncio.Event()
        self._loop.add_writer(self._fd, ready.set)
        try:
            if not await came(ready, WRITE):
                raise LinkError(f"the port took nothing for {WRITE:.0f} s")
        finally:
            self._loop.remove_writer(self._fd)

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._fd, termios.TIOCNXCL)
        with contextlib.suppress(OSError):
            self._line.close()


async def open_port(
    path: str, baudrate: int, received: Callable[[bytes], None], lost: Callable[[str], None], *, rtscts: bool = False
) -> Port:
    """Opens and locks the port. LinkError says why not, and who has it."""
    try:
        # opening may block in the driver of a sick device; the loop goes on meanwhile
        line = await asyncio.wait_for(asyncio.to_thread(_open, path, baudrate, rtscts), WRITE)
    except TimeoutError:
        raise LinkError(f"{path}: opening takes longer than {WRITE:.0f} s") from None
    except (OSError, ValueError) as e:
        raise LinkError(_why(path, e)) from None
    return Port(line, received, lost)


def _open(path: str, baudrate: int, rtscts: bool = False) -> serial.Serial:
    line = serial.Serial(path, baudrate, timeout=0, exclusive=True, rtscts=rtscts)
    try:
        mode = termios.tcgetattr(line.fileno())
        mode[2] &= ~termios.HUPCL
        termios.tcsetattr(line.fileno(), termios.TCSANOW, mode)
        if not os.path.realpath(path).startswith("/dev/pts/"):  # a pty would keep the mark after our end
            fcntl.ioctl(line.fileno(), termios.TIOCEXCL)
    except (OSError, termios.error) as e:
        line.close()
        raise OSError(errno.ENOTTY, f"not a serial port: {e}") from None
    return line


def _why(path: str, error: Exception) -> str:
    code = getattr(error, "errno", None)
    if code == errno.ENOENT:
        return f"{path}: there is no such port; is the modem plugged in?"
    if code in (errno.EACCES, errno.EPERM):
        return f"{path}: no permission; the user of smsgwd must be in the group of the port (dialout)"
    if code in (errno.EBUSY, errno.EAGAIN):
        other = holder(path)
        return f"{path}: in use by {other}" if other else f"{path}: in use by another program"
    return f"{path}: cannot be opened: {error}"


def holder(path: str) -> str:
    """Name and pid of another process that has the port open, as far as we may look."""
    target = os.path.realpath(path)
    for fd in Path("/proc").glob("[0-9]*/fd/*"):
        pid = fd.parts[2]
        with contextlib.suppress(OSError):
            if os.readlink(fd) == target and int(pid) != os.getpid():
                return f"{Path('/proc', pid, 'comm').read_text().strip()} (pid {pid})"
    return ""
