"""From an open port to a modem that sends and notifies: the steps of :func:`set_up`, in their order.

Each step says what it wants and what is still good enough. Only four things make a modem unusable: it does not answer,
its SIM is absent or locked, it knows no PDU mode, its texts cannot be read. Everything else is logged and gone on without.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from smsgwd.clock import Clock
from smsgwd.config import ModemConfig
from smsgwd.errors import CommandError, LinkError
from smsgwd.link import LinkSink
from smsgwd.log import get_logger
from smsgwd.modem import commands
from smsgwd.modem.card import check, read_iccid, short
from smsgwd.modem.channel import Channel
from smsgwd.modem.pin import unlock
from smsgwd.modem.profile import Profile, recognise

log = get_logger("modem")

#: seconds that a SIM may be busy after power-up
_BUSY = 30.0


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the set-up found."""

    maker: str = ""
    model: str = ""
    firmware: str = ""
    #: a memory that texts can be read from
    memory: str = "SM"
    #: the CNMI setting that was taken; empty = polling only
    notify: tuple[int, ...] = ()
    #: AT+CSMS=1 was taken: directly routed texts are acknowledged
    acknowledges: bool = False
    imei: str = ""
    iccid: str = ""
    #: the family that the modem says it is of; None = the configured one
    profile: Profile | None = None

    def described(self) -> dict[str, str | int | float | None]:
        """What people may see of it."""
        return {
            "device": self.device, "firmware": self.firmware or None, "imei": self.imei or None,
            "sim": short(self.iccid) if self.iccid else None, "profile": self.profile.name if self.profile else None,
        }  # fmt: skip

    @property
    def device(self) -> str:
        """Maker and model in one line for people."""
        return " ".join(dict.fromkeys(x for x in (self.maker, self.model) if x)) or "modem"


class Setup:
    """One run of the set-up."""

    def __init__(
        self, config: ModemConfig, profile: Profile, channel: Channel, sink: LinkSink, clock: Clock,
        rows: Mapping[str, Profile],
    ) -> None:  # fmt: skip
        """``rows``: the families among which ``profile = "auto"`` chooses by what the modem says of itself."""
        self.config, self.profile, self.channel, self.sink, self.clock = config, profile, channel, sink, clock
        self.rows = rows
        #: until when a busy SIM is waited for; set by its first such answer, one patience for all commands together
        self._busy_until = 0.0

    async def run(self) -> Facts:
        """All steps up to the notifications; LinkError when the modem or its SIM is unusable."""
        ask, attempt = self.channel.ask, self.channel.attempt
        if self.profile.ready_delay:
            await asyncio.sleep(self.profile.ready_delay)
        await self.channel.probe()
        await attempt(commands.ECHO_OFF)
        await attempt(commands.NUMERIC_ERRORS)
        maker, model, firmware, imei = [
            await self._bare(c) for c in (commands.MAKER, commands.MODEL, commands.FIRMWARE, commands.IMEI)
        ]
        self._check_imei(imei)
        if self.config.profile == "auto" and self.profile.name == "generic":
            self.profile = recognise(maker, model, self.profile, self.rows)
            self.channel.adopt(self.profile)
        await self._init_lines()
        await self._switch_on()
        iccid = await self._unlock(imei)
        if self.config.sms_domain:
            await attempt(commands.domain(self.config.sms_domain))
        for command in (commands.CALLER, commands.OPERATOR_AS_TEXT):
            await attempt(command)
        for command in commands.WATCH_REGISTRATION.values():
            await attempt(command)
        phase = await self._patiently(commands.PHASE_2_PLUS)
        try:
            await ask(commands.PDU_MODE)
        except CommandError as e:
            raise LinkError(f"the modem has no PDU mode: {e}") from None
        await self._service_centre()
        return Facts(
            maker=maker, model=model, firmware=firmware, memory=await self._memory(),
            notify=await self._notifications(), acknowledges=phase, imei=imei, iccid=iccid, profile=self.profile,
        )  # fmt: skip

    def _check_imei(self, imei: str) -> None:
        if self.config.imei and imei != self.config.imei:
            raise LinkError(f"this modem has IMEI {imei or 'unknown'}, the configuration wants {self.config.imei}")

    async def _unlock(self, imei: str) -> str:
        """The right SIM first, as far as it tells before it is open, then its PIN. Gives the ICCID."""
        early = await read_iccid(self.profile, self.channel)
        if early:
            await check(self.config, self.sink, early)
        await unlock(self.config, self.profile, self.channel, self.sink, early or imei)
        iccid = early or await read_iccid(self.profile, self.channel)
        if iccid and not early:
            await check(self.config, self.sink, iccid)
        return iccid

    async def _bare(self, command: commands.Command) -> str:
        """One line such as the maker's name; some modems put the command's own prefix before it."""
        line = await self.channel.first(command)
        return line.partition(":")[2].strip().strip('"') if line.startswith("+") else line.strip('"')

    async def _init_lines(self) -> None:
        for text in self.profile.init:
            try:
                await self.channel.ask(commands.init_line(text))
            except CommandError as e:
                if text not in self.profile.may_fail:
                    log.warning("a line of the profile was refused", link=self.config.name, line=text, why=str(e))

    async def _switch_on(self) -> None:
        """Some sticks wake with the radio off, and then cannot send."""
        state = commands.setting(await self.channel.first(commands.FUNCTIONALITY))
        if state and state[0] != 1:
            await self.channel.attempt(commands.FULL_FUNCTIONALITY)

    async def _patiently(self, command: commands.Command) -> bool:
        """Asks again while the SIM is busy; False when the modem refuses for good, or the patience is at its end."""
        while True:
            try:
                await self.channel.ask(command)
                return True
            except CommandError as e:
                busy = (e.kind, e.code) in {("CMS", 314), ("CME", 14), ("CMS", 515), ("CME", 515)}
                if not busy:
                    return False
                now = self.clock.monotonic()
                self._busy_until = self._busy_until or now + min(_BUSY, self.profile.patience)
                if now >= self._busy_until:
                    return False
            await asyncio.sleep(min(1.0, self.profile.retry))

    async def _service_centre(self) -> None:
        """A SIM without an SMSC number can send nothing; the configuration may know it."""
        parts = commands.fields(await self.channel.first(commands.SERVICE_CENTRE))
        if parts[0]:
            return
        if not self.config.smsc:
            await self.sink.noticed(self.config.name, "link.notice", why="the SIM has no SMSC number; set `smsc`")
        elif await self.channel.attempt(commands.set_service_centre(self.config.smsc)) is None:
            await self.sink.noticed(self.config.name, "link.notice", why="the modem refuses the SMSC number of `smsc`")

    async def _memory(self) -> str:
        """The first memory of the profile that can be selected for reading, writing and receiving, or at least reading."""
        for memory in self.profile.memories:
            for count in (3, 2, 1):
                if await self._patiently(commands.select_memories(*[memory] * count)):
                    return memory
        raise LinkError(f"no storage for texts can be selected: tried {', '.join(self.profile.memories)}")

    async def _notifications(self) -> tuple[int, ...]:
        for setting in self.profile.cnmi:
            if await self.channel.attempt(commands.notify(setting)) is not None:
                return setting
        await self.sink.noticed(self.config.name, "link.notice", why="the modem notifies of nothing; it is polled")
        return ()
