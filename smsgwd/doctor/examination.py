"""The whole examination, in the order of its report. What can wait waits at the same time.

Modems are the exception that costs time: each is asked when its port is free and no daemon has it. Links that name a port
are asked together; those that name their modem by IMEI or SIM one after the other, because they look at every port.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Mapping
from functools import partial

from smsgwd.clock import Clock
from smsgwd.config import Config, ModemConfig, SmppConfig
from smsgwd.doctor import daemon, desks, machine, modems, paper, ports, store
from smsgwd.doctor.apart import apart
from smsgwd.doctor.daemon import Presence
from smsgwd.doctor.places import Places
from smsgwd.doctor.report import Check, Level, Report, error
from smsgwd.errors import ConfigError
from smsgwd.modem import usb
from smsgwd.modem.profile import Profile, find_profile, profiles

#: seconds for a look at /proc, /sys and the files of a port
LOOK = 10.0


async def examine(config_path: str, places: Places, clock: Clock) -> Report:
    """Looks at everything; the answer is complete whatever hangs."""
    read = await apart(partial(paper.read, config_path), LOOK)
    now = clock.now()
    if read.config is None:
        checks = [*read.checks, *await _machine(None, places, now)]
        return Report(tuple(checks), misconfigured=read.wrong)
    presence = await daemon.ask(read.config, places)
    return await _Examination(read.config, places, now, presence).run(read)


async def _machine(config: Config | None, places: Places, now: int) -> list[Check]:
    try:
        return await apart(lambda: machine.examine(config, places, now), LOOK)
    except TimeoutError:
        return [error("machine", "", f"looking at /proc and /sys takes longer than {LOOK:g} s", "sudo dmesg")]


class _Examination:
    """One run with a configuration that reads."""

    def __init__(self, config: Config, places: Places, now: int, presence: Presence) -> None:
        self.config, self.places, self.now, self.presence = config, places, now, presence
        self.rows = _profiles(config)

    async def run(self, read: paper.Paper) -> Report:
        config, now, runs = self.config, self.now, self.presence.runs
        groups: list[Awaitable[list[Check]]] = [
            store.examine(config.gateway.database, self.places, now, served=runs),
            _machine(config, self.places, now),
            self._modems(),
            *(self._smpp(link) for link in config.link if isinstance(link, SmppConfig) and link.enabled),
            *(desks.webhook(desk, now) for desk in config.helpdesk),
            desks.api(config.api.listen, served=runs and self.presence.status is not None),
        ]
        found = [check for group in await asyncio.gather(*groups) for check in group]
        return Report((*read.checks, *self.presence.checks, *found), misconfigured=read.wrong)

    async def _smpp(self, link: SmppConfig) -> list[Check]:
        told = daemon.link(link, self.presence.status) if self.presence.status else []
        return told + await desks.smpp(link, self.now)

    async def _modems(self) -> list[Check]:
        links = [link for link in self.config.link if isinstance(link, ModemConfig) and link.enabled]
        named = await asyncio.gather(*(self._by_port(link, links) for link in links if link.port))
        lines = dict(zip((link.name for link in links if link.port), named, strict=True))
        for link in links:
            if not link.port:
                lines[link.name] = await self._by_identity(link)
        return [check for link in links for check in lines[link.name]]

    async def _by_port(self, link: ModemConfig, links: list[ModemConfig]) -> list[Check]:
        told = daemon.link(link, self.presence.status) if self.presence.status else []
        try:
            checks = await apart(partial(self._look_at, link), LOOK)
        except TimeoutError:
            return [*told, error("port", link.name, f"{link.port}: looking at it takes longer than {LOOK:g} s", "sudo dmesg")]
        twin = next((x for x in links if x.port == link.port and x.name != link.name), None)
        if twin is not None:
            checks.append(error("port", link.name, f"link {twin.name} has {link.port} too", "give each modem a link of its own"))
        if self.presence.runs or any(check.level is Level.ERROR for check in checks):
            return told + checks
        return checks + await self._asked(link, link.port)

    def _look_at(self, link: ModemConfig) -> list[Check]:
        """Everything about a named port but its opening."""
        seen, known = ports.look(link.port, self.places), usb.ports(self.places.sys)
        names = {os.path.realpath(name): name for name in seen.others}
        wrong = ports.misplaced(link.name, seen, known, usb.at_ports(known, self.rows), names)
        return wrong or ports.judge(link.name, seen, self.presence.pid)

    async def _asked(self, link: ModemConfig, path: str) -> list[Check]:
        refused = await ports.refusal(path)
        if refused:
            return [error("port", link.name, f"{path}: {refused}", f"sudo smsgwd doctor; sudo fuser -v {path}")]
        return modems.judge(link, await modems.ask(path, link, self._profile(link), self.rows))

    def _profile(self, link: ModemConfig) -> Profile:
        try:
            return find_profile(link.profile, self.config.gateway.modems)
        except ConfigError:  # it is told among what is wrong on paper
            return self.rows["generic"]

    async def _by_identity(self, link: ModemConfig) -> list[Check]:
        """Asks the AT ports that are free until the link's modem answers."""
        if self.presence.runs:
            return daemon.link(link, self.presence.status) if self.presence.status else []
        asked: list[str] = []
        for candidate in usb.at_ports(usb.ports(self.places.sys), self.rows):
            path = candidate.port.device
            checks = ports.judge(link.name, ports.look(path, self.places), None)
            asked.append(path)
            if any(check.level is Level.ERROR for check in checks) or await ports.refusal(path):
                continue
            answers = await modems.ask(path, link, candidate.profile, self.rows)
            if modems.is_wanted(link, answers):
                return modems.judge(link, answers)
        return [modems.not_found(link, asked)]


def _profiles(config: Config) -> Mapping[str, Profile]:
    """All families; ours alone when the site's own do not read, which is told among what is wrong on paper."""
    try:
        return profiles(config.gateway.modems)
    except ConfigError:
        return profiles()
