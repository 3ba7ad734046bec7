"""Secrets of the tests, and the watch that looks for them in whatever a run logs, prints or stores.

Every password, PIN, token and key that a test gives to a daemon, a link or a simulator is one of these. None may show
anywhere: as it is, or in the hexadecimal digits of a PDU.
"""

from __future__ import annotations

import re
from pathlib import Path

#: stands in every canary but the PIN
MARK = "cnry7Q"
#: 8 octets, as the standard allows; another one that is wrong; and one as long as carriers hand out
PASSWORD, WRONG_PASSWORD, LONG_PASSWORD = MARK + "pw", MARK + "no", MARK + "-sixteen-0"
PIN = "73519264"
TOKEN = f"smsgw_{MARK}token0000000000000000"
WEBHOOK = f"whsec_{MARK}UPD8ILPZIo2LaLaSwMfKQ9r8G"
CANARIES = (MARK, PIN)

#: files that hold what programs said or stored; configuration and credentials hold secrets by right
LOOKED_AT = frozenset({".log", ".out", ".err", ".txt", ".journal", ".db", ".db-wal"})
#: octets shown around a finding
_AROUND = 100


class Watch:
    """What has been found so far. ``folder`` is where the tests put their files."""

    def __init__(self, canaries: tuple[str, ...] = CANARIES) -> None:
        forms = [form for canary in canaries for form in _forms(canary)]
        self._texts, self._octets = forms, [form.encode() for form in forms]
        self._any = re.compile("|".join(map(re.escape, forms)))
        self.folder: Path | None = None
        #: how much was looked at
        self.texts = self.files = 0
        self._found: dict[str, None] = {}

    def see(self, text: str, where: str) -> None:
        """Looks through what was logged or printed."""
        self.texts += 1
        if not any(form in text for form in self._texts):
            return
        for number, line in enumerate(text.splitlines(), 1):
            if self._any.search(line):
                self._note(f"{where}:{number}", line)

    def look(self) -> list[str]:
        """Looks through the files as well: everything that was found, as ``place:line: the line``."""
        for path in sorted(self.folder.rglob("*")) if self.folder else ():
            if _suffix(path) in LOOKED_AT and path.is_file() and not path.is_symlink():
                self.files += 1
                self._look_into(path, path.read_bytes())
        return list(self._found)

    def _look_into(self, path: Path, octets: bytes) -> None:
        for form in self._octets:
            at = octets.find(form)
            while at >= 0:
                start, end = octets.rfind(b"\n", 0, at) + 1, octets.find(b"\n", at)
                line = octets[max(start, at - _AROUND) : at + _AROUND if end < 0 else min(end, at + _AROUND)]
                number = octets.count(b"\n", 0, at) + 1
                self._note(f"{path}:{number}", line.decode("ascii", "replace"))
                at = octets.find(form, at + 1)

    def _note(self, where: str, line: str) -> None:
        """The report itself has no canary: it is printed as well."""
        self._found[f"{where}: {self._any.sub('[canary]', line).strip()}"] = None


def _forms(canary: str) -> list[str]:
    """As it is, and in hexadecimal digits, close or apart."""
    octets = canary.encode()
    digits = [octets.hex(), octets.hex(" "), octets.hex(":")]
    return list(dict.fromkeys([canary, *digits, *(d.upper() for d in digits)]))


def _suffix(path: Path) -> str:
    return path.suffix or f".{path.name}"
