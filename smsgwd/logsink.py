"""Where the lines of the log go, so that nothing that happens there can hold up or end the daemon.

Lines are handed to a thread of their own that writes them to the descriptor. When the disk behind it is full, the pipe is
closed, or nobody reads (journald is stopped), the daemon goes on: lines wait while there is room for them, then they are
left out and counted, and the count is a line when writing works again.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from itertools import islice
from typing import TextIO

#: octets of lines that may wait
MOST = 1 << 20
#: most lines that are written at once
TOGETHER = 100
#: seconds: between two tries while the other side takes nothing, and for the rest at the end
PAUSE, LAST = 1.0, 2.0


class LogSink:
    """What structlog prints to. ``lost`` lines were left out so far."""

    def __init__(self, stream: TextIO) -> None:
        self._descriptor, self._terminal = stream.fileno(), stream.isatty()
        self.lost = 0
        self._told, self._torn = 0, False
        self._begun = ""
        self._lines: deque[bytes] = deque()
        self._waiting = 0
        self._ended = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="smsgwd-log", daemon=True)
        self._thread.start()

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        """Takes text; each line of it goes out whole."""
        *lines, self._begun = f"{self._begun}{text}".split("\n")
        for line in lines:
            self._put(f"{line}\n".encode("utf-8", "replace"))
        return len(text)

    def flush(self) -> None:
        """Nothing to do: every line is under way at once."""

    def close(self) -> None:
        """Gives the last lines a little time."""
        with self._change:
            self._ended = True
            self._change.notify_all()
        self._thread.join(LAST)

    def _put(self, line: bytes) -> None:
        with self._change:
            if self._waiting + len(line) > MOST:
                self.lost += 1
                return
            self._lines.append(line)
            self._waiting += len(line)
            self._change.notify_all()

    # ---- in the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._lines or self._ended)
                if not self._lines:
                    return
                some = [*islice(self._lines, TOGETHER)]
            if done := self._write(some):
                with self._change:
                    for _ in range(done):
                        self._waiting -= len(self._lines.popleft())
            elif self._ended:
                return
            else:
                with self._change:
                    self._change.wait_for(lambda: self._ended, PAUSE)

    def _told_of_loss(self) -> bytes:
        missing = self.lost - self._told
        return b'{"level":"warning","part":"log","event":"lines of the log were lost","lines":%d}\n' % missing if missing else b""

    def _write(self, some: list[bytes]) -> int:
        """How many of the lines are done with: 0 when the other side takes nothing now. What of a line went out is not written
        again; the last of those that are done with may be torn by that, and counts as lost."""
        lost, before = self.lost, (b"\n" if self._torn else b"") + self._told_of_loss()
        octets = left = before + b"".join(some)
        with contextlib.suppress(OSError):
            while left:
                left = left[os.write(self._descriptor, left) :]
        went = len(octets) - len(left) - len(before)
        if went < 0:
            self._torn = self._torn or len(left) < len(octets)
            return 0
        self._told, self._torn = max(self._told, lost), False
        done = 0
        while done < len(some) and went >= len(some[done]):
            went -= len(some[done])
            done += 1
        if went:
            self._torn = True
            done += 1
            with self._change:
                self.lost += 1
        return done
