"""The simulated modem's line: a pty with a name of its own, seen from the modem's end.

The far end of the pty is not held open here, so that a read fails when no program has it open: output is dropped then, as a
real port drops it, and a look every ``LOOK`` seconds sees the next program come. What a program is slow to take waits, up to
``MOST_OUTPUT`` bytes; more is dropped, as a modem without flow control drops it.

A program that opened the port exclusively (``TIOCEXCL``) and ended leaves that mark on a pty, where a real port loses it;
it is taken off, or, where only the superuser may open the port then, the line gets a new pty under the same name.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import select
import termios
import tty
from collections.abc import Callable
from pathlib import Path

#: seconds between two looks whether a program has opened the port
LOOK = 0.02
#: bytes that wait for the program
MOST_OUTPUT = 1 << 20


class Line:
    """A line named ``path``. ``took`` gets what the program wrote, ``closed`` is called when no program is left."""

    def __init__(self, path: Path, took: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        self.path, self._took, self._closed = path, took, closed
        self.listening = False
        #: bytes that go out at a time; None = as many as the program takes
        self.piece: int | None = None
        #: the only speed at which bytes arrive as they are; None = every one
        self.speed: int | None = None
        self._master = -1
        self._name = ""
        self._output = bytearray()
        self._loop = asyncio.get_running_loop()

    # ---- plugging --------------------------------------------------------------------------------------------------

    @property
    def plugged(self) -> bool:
        return self._master >= 0

    @property
    def garbled(self) -> bool:
        """The program uses another speed than the modem."""
        if self.speed is None or self._master < 0:
            return False
        return bool(termios.tcgetattr(self._master)[5] != getattr(termios, f"B{self.speed}"))

    def plug(self) -> None:
        """Makes the pty and names it; a link that was there is replaced. OSError when the name cannot be made."""
        if self.path.exists() and not self.path.is_symlink():
            raise FileExistsError(17, "is there already and is no link", str(self.path))
        self._master, slave = pty.openpty()
        try:
            tty.setraw(slave)
            self._name = os.ttyname(slave)
            os.set_blocking(self._master, False)
            self._make_link()
        except OSError:
            os.close(self._master)
            self._master = -1
            raise
        finally:
            os.close(slave)
        self._loop.call_later(LOOK, self._look, self._master)

    def unplug(self) -> None:
        """The device goes away: whoever has it open reads its end."""
        if self._master < 0:
            return
        self._close_master()
        with contextlib.suppress(OSError):
            if os.readlink(self.path) == self._name:  # another simulator may have the name now
                self.path.unlink()

    def _make_link(self) -> None:
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self._name)
        fresh.replace(self.path)

    def _close_master(self) -> None:
        self._loop.remove_reader(self._master)
        self._loop.remove_writer(self._master)
        os.close(self._master)
        self._master, self.listening = -1, False
        self._output.clear()

    # ---- reading ---------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            octets = os.read(self._master, 65536)
        except BlockingIOError:
            return
        except OSError:  # EIO: no program has the port open
            self._left()
            return
        self._took(octets)

    def _left(self) -> None:
        self._loop.remove_reader(self._master)
        self._loop.remove_writer(self._master)
        self.listening = False
        self._output.clear()
        self._closed()
        if self._take_mark_off():
            self._loop.call_later(LOOK, self._look, self._master)
        else:
            self._close_master()
            self.plug()

    def _take_mark_off(self) -> bool:
        """Takes off what TIOCEXCL left; False when that takes another pty."""
        try:
            slave = os.open(self._name, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return False
        fcntl.ioctl(slave, termios.TIOCNXCL)
        os.close(slave)
        return True

    def _look(self, master: int) -> None:
        """Has a program opened the port?"""
        if master != self._master:
            return
        poll = select.poll()
        poll.register(master, select.POLLIN)
        flags = dict(poll.poll(0)).get(master, 0)
        if flags & select.POLLHUP and not flags & select.POLLIN:
            self._loop.call_later(LOOK, self._look, master)
        else:
            self.listening = True
            self._loop.add_reader(master, self._read)

    # ---- writing ---------------------------------------------------------------------------------------------------

    def say(self, octets: bytes) -> None:
        """Bytes for the program; dropped while none listens."""
        if not self.listening or len(self._output) + len(octets) > MOST_OUTPUT:
            return
        if not self._output:
            self._loop.add_writer(self._master, self._write)
        self._output += octets
        self._write()

    def _write(self) -> None:
        try:
            del self._output[: os.write(self._master, self._output[: self.piece])]
        except BlockingIOError:
            return
        except OSError:  # the program is gone; the reader sees it too
            self._output.clear()
        if not self._output:
            self._loop.remove_writer(self._master)
