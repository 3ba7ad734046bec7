"""Which port is this link's modem? By name, by IMEI, or by its SIM.

``/dev/ttyUSB0`` is whatever was plugged in first. A link that names its modem by ``imei`` or ``iccid`` looks at every port
that sysfs shows as a modem's AT port, asks the device who it is, and takes its own. A link that names a ``port`` takes that
one; but where the name is gone, or is one of the kernel's running numbers, the modem that the link had last time is looked
for by its IMEI first, so that a stick that comes back under another name is found again.

Two links never take one port: it is locked while it is open (flock and TIOCEXCL), and one that is in use is passed over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from smsgwd.config import ModemConfig
from smsgwd.errors import LinkError, StoreUnavailable
from smsgwd.link import LinkSink
from smsgwd.log import get_logger
from smsgwd.modem import commands
from smsgwd.modem.card import read_iccid, same
from smsgwd.modem.channel import Channel
from smsgwd.modem.profile import Profile, profiles

#: the kernel's running numbers: names that move
_MOVING = re.compile(r"/dev/tty(?:USB|ACM)[0-9]+").fullmatch

class Candidate(NamedTuple):
    """An AT port that may be asked, the profile of its family, and the second AT port of the same device."""

    path: str
    profile: Profile
    second: str = ""


log = get_logger("modem")


def usb_candidates(rows: Mapping[str, Profile]) -> list[Candidate]:
    """The AT ports of this machine's USB modems."""
    from smsgwd.modem import usb

    return [
        Candidate(found.port.device, found.profile, found.second.device if found.second else "")
        for found in usb.at_ports(usb.ports(), rows)
    ]


class Finder:
    """Finds the port of one link."""

    def __init__(
        self, config: ModemConfig, folder: str = "",
        candidates: Callable[[Mapping[str, Profile]], Sequence[Candidate]] = usb_candidates,
    ) -> None:  # fmt: skip
        self.config, self.rows, self._candidates = config, profiles(folder), candidates

    async def find(self, sink: LinkSink) -> str:
        """The path of the port; LinkError says what was looked for, and where."""
        config = self.config
        imei = config.imei or (await self._recall(sink) if not config.iccid else "")
        there = bool(config.port) and os.path.exists(config.port)
        if there and not (imei and _MOVING(config.port)):
            return config.port
        if not imei and not config.iccid:
            return config.port
        tried: list[str] = []
        for path, profile, _ in self._in_order():
            tried.append(path)
            if await self._is_ours(path, profile, imei):
                if path != config.port:
                    log.info("the modem was found by its identity", link=config.name, port=path)
                return path
        if config.port:
            return config.port
        wanted = f"IMEI {imei}" if imei else f"SIM …{config.iccid[-4:]}"
        looked = f"asked {', '.join(tried)}" if tried else "no AT port of a modem is there"
        raise LinkError(f"no modem with {wanted} was found: {looked}")

    def second(self, path: str) -> str:
        """The second AT port of the device that has this one; "" when it has none."""
        target = os.path.realpath(path)
        return next((c.second for c in self._candidates(self.rows) if os.path.realpath(c.path) == target), "")

    async def remember(self, sink: LinkSink, imei: str) -> None:
        """Keeps which modem this link has, for the next time that its port has another name."""
        if imei and not self.config.imei and imei != await self._recall(sink):
            try:
                await sink.remember(self._kept, imei)
            except StoreUnavailable as e:
                log.warning("which modem this link has cannot be kept now", link=self.config.name, why=str(e))

    @property
    def _kept(self) -> str:
        return f"imei {self.config.name}"

    async def _recall(self, sink: LinkSink) -> str:
        try:
            return await sink.recall(self._kept)
        except StoreUnavailable:
            return ""

    def _in_order(self) -> list[Candidate]:
        """The port of the configuration first, so that nothing is opened that need not be."""
        found = list(self._candidates(self.rows))
        if self.config.port and os.path.exists(self.config.port):
            target = os.path.realpath(self.config.port)
            found.sort(key=lambda candidate: os.path.realpath(candidate.path) != target)
            if not any(os.path.realpath(candidate.path) == target for candidate in found):
                found.insert(0, Candidate(self.config.port, self.rows["generic"]))
        return found

    async def _is_ours(self, path: str, profile: Profile, imei: str) -> bool:
        """Opens a port and asks the modem who it is. A port in use, or a device that does not answer, is not ours."""
        channel = Channel(profile, lambda: None)
        try:
            await channel.open(path, self.config.baudrate)
            await channel.probe()
            await channel.attempt(commands.ECHO_OFF)
            if self.config.iccid:
                return same(await read_iccid(profile, channel), self.config.iccid)
            return imei in await channel.first(commands.IMEI)
        except LinkError:
            return False
        finally:
            channel.close()
