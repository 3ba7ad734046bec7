"""A modem that notes when it was spoken to: one pty, the standard dialogue, no latency.

    python -m bench.tty_modem LINK NOTES

``LINK`` becomes a symbolic link to the pty. ``NOTES`` gets one line for each AT+CMGS: the seconds of the monotonic clock,
which all processes share, at which its first byte was read. The process does nothing else, so that nothing delays the
note. Ends with SIGTERM.
"""

from __future__ import annotations

import os
import pty
import re
import signal
import sys
import time
import tty
from pathlib import Path
from typing import TextIO

#: the lines before OK, for a command that is answered by more
ANSWERS = {
    "AT+CGMI": "Bench", "AT+CGMM": "Pty", "AT+CGMR": "1", "AT+CGSN": "490154203237518", "AT+CIMI": "232010123456789",
    "AT+CFUN?": "+CFUN: 1", "AT+CPIN?": "+CPIN: READY", "AT+CSMS=1": "+CSMS: 1,1,1", "AT+CSCA?": '+CSCA: "+436640501",145',
    "AT+CREG?": "+CREG: 2,1", "AT+CGREG?": "+CGREG: 2,1", "AT+CEREG?": "+CEREG: 2,1", "AT+CSQ": "+CSQ: 20,99",
    "AT+COPS?": '+COPS: 0,0,"Bench"', "AT+CNMI?": "+CNMI: 2,1,0,1,0", "AT+CPMS?": '+CPMS: "SM",0,50,"SM",0,50,"SM",0,50',
}  # fmt: skip
_LINE = re.compile(rb"([^\r\x1a\x1b]*)([\r\x1a\x1b])")


class Dialogue:
    """What the modem says to what it reads."""

    def __init__(self) -> None:
        self._buffer, self._reference, self._prompt = b"", 0, False

    def feed(self, octets: bytes) -> bytes:
        """The answers to all lines and PDUs that are whole now."""
        self._buffer += octets
        said = b""
        while found := _LINE.match(self._buffer):
            self._buffer = self._buffer[found.end() :]
            said += self._answer(found[1].decode("ascii", "replace").strip(), found[2])
        return said

    def _answer(self, line: str, end: bytes) -> bytes:
        if self._prompt:
            self._prompt = end == b"\r"  # some programs send the PDU with a CR before its end
            if end != b"\x1a":
                return b"" if self._prompt else b"\r\nOK\r\n"
            self._reference = (self._reference + 1) % 256
            return b"\r\n+CMGS: %d\r\n\r\nOK\r\n" % self._reference
        if end != b"\r" or not line:
            return b""
        if line.startswith("AT+CMGS="):
            self._prompt = True
            return b"\r\n> "
        if line.startswith("AT+CPMS="):
            return b"\r\n+CPMS: 0,50,0,50,0,50\r\n\r\nOK\r\n"
        told = ANSWERS.get(line)
        return (f"\r\n{told}\r\n" if told else "").encode() + b"\r\nOK\r\n"


def serve(master: int, notes: TextIO) -> None:
    """Until the pty is gone. A command comes in one write, so that its first byte is read with the rest."""
    dialogue = Dialogue()
    while octets := os.read(master, 65536):
        now = time.monotonic()
        if b"AT+CMGS=" in octets:
            notes.write(f"{now!r}\n")
            notes.flush()
        os.write(master, dialogue.feed(octets))


def main(link: str, notes: str) -> None:
    master, slave = pty.openpty()  # our own end stays open: reads wait then, also with no program there
    tty.setraw(slave)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Path(notes).open("w") as file:
        Path(link).symlink_to(os.ttyname(slave))
        serve(master, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
