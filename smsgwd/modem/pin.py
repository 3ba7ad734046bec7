"""The SIM's PIN: entered once, never guessed, a PUK never touched.

A wrong PIN costs one of three tries, and a program that tries again at every start burns the card in one evening. So a
PIN is remembered as refused, with the card that it is for and over restarts, *before* it is written, and forgotten when
the SIM has taken it. A refused one is not written again; nor is any PIN when fewer than three tries are left. What the
SIM then needs is a person: another `pin`, or ``smsgwd links accept NAME``.
"""

from __future__ import annotations

import asyncio
import hashlib

from smsgwd.config import ModemConfig
from smsgwd.errors import CommandError, LinkError, StoreUnavailable
from smsgwd.link import LinkSink
from smsgwd.modem import commands
from smsgwd.modem.channel import Channel
from smsgwd.modem.profile import Profile

#: states that do not hinder texts
_OPEN = frozenset({"READY", "SIM PIN2", "SIM PUK2"})
_ABSENT = frozenset({"NOT INSERTED", "NOT READY"})
#: CME codes that say that the SIM never saw the PIN: absent, failure, busy
_NOT_TRIED = frozenset({10, 13, 14})
#: fewer tries than this: something has been wrong before, a person should look
_TRIES = 3
#: seconds from an accepted PIN to READY
_UNLOCK = 20.0


async def unlock(config: ModemConfig, profile: Profile, channel: Channel, sink: LinkSink, card: str) -> None:
    """Returns when the SIM is open; LinkError with what a person has to do when it is not.

    ``card`` is the ICCID, or the IMEI where the SIM does not tell its ICCID before it is open.
    """
    state = await _state(profile, channel)
    if state in _OPEN:
        return
    if state in _ABSENT:
        raise LinkError("no SIM, or it is not ready")
    if state != "SIM PIN":
        await sink.noticed(config.name, "pin.blocked", state=state)
        raise LinkError(f"the SIM wants {state}: nothing was written, unlock it by hand")
    if config.pin is None:
        raise LinkError("the SIM wants its PIN; set `pin`")
    try:
        await _enter(config.pin.reveal(), config, channel, sink, card)
    except StoreUnavailable as e:
        raise LinkError(f"the SIM wants its PIN, which is entered only while the store can remember it: {e}") from None
    await _until_ready(profile, channel)


async def _enter(pin: str, config: ModemConfig, channel: Channel, sink: LinkSink, card: str) -> None:
    try:
        command = commands.enter_pin(pin)
    except ValueError as e:
        raise LinkError(f"`pin` cannot be used: {e}") from None
    kept = "pin " + hashlib.sha256(f"{card}\0{pin}".encode()).hexdigest()[:32]
    if await sink.recall(kept):
        raise LinkError(
            "this SIM refused this PIN before, it is not tried again; set another `pin`, "
            f"or enter it by hand and say: smsgwd links accept {config.name}"
        )
    asked = commands.pin_tries_command(channel.profile.pin_tries)
    tries = commands.pin_tries([line.text for line in await channel.attempt(asked) or []])
    if tries is not None and tries < _TRIES:
        await sink.noticed(config.name, "pin.blocked", state="SIM PIN", tries=tries)
        raise LinkError(f"the SIM has {tries} tries for its PIN left: none was used, enter the PIN by hand once")
    # from here on it counts as refused unless the SIM says otherwise: an answer may get lost with the port
    await sink.remember(kept, config.name)
    await sink.noticed(config.name, "pin.sent")
    try:
        await channel.ask(command)
    except CommandError as e:
        if e.kind == "CME" and e.code in _NOT_TRIED:
            await sink.remember(kept, "")
            raise LinkError(f"the SIM could not take its PIN: {e}") from None
        await sink.noticed(config.name, "pin.refused", why=str(e))
        raise LinkError(f"the SIM refused its PIN ({e}); it is not tried again") from None
    await sink.remember(kept, "")


async def _state(profile: Profile, channel: Channel) -> str:
    """What AT+CPIN? says; asks again while the SIM is busy or absent, for the profile's patience."""
    for last in _rounds(profile.patience, profile.retry):
        try:
            lines = await channel.ask(commands.PIN_STATE)
            state = commands.pin_state(lines[0].text) if lines else "NOT READY"
        except CommandError as e:
            if e.kind == "CME" and e.code in (10, 13, 14):
                state = "NOT INSERTED" if e.code == 10 else "NOT READY"
            elif e.kind == "CME" and e.code in (11, 12):
                state = "SIM PIN" if e.code == 11 else "SIM PUK"
            else:  # modems without a SIM lock at all answer ERROR
                return "READY"
        if state not in _ABSENT or last:
            return state
        await asyncio.sleep(profile.retry)
    raise AssertionError("the last round returns")


async def _until_ready(profile: Profile, channel: Channel) -> None:
    for last in _rounds(_UNLOCK, min(1.0, profile.retry)):
        if commands.pin_state(await channel.first(commands.PIN_STATE)) in _OPEN:
            return
        if not last:
            await asyncio.sleep(min(1.0, profile.retry))
    raise LinkError("the SIM took its PIN but is not ready")


def _rounds(patience: float, pause: float) -> list[bool]:
    """One False for each try but the last, which is True."""
    return [False] * max(int(patience / max(pause, 0.001)), 0) + [True]
