"""The SIM in the modem: is it the one that this link had last time?

A stick with another SIM sends from another number, on another contract, and the customers' answers go elsewhere. So a
link remembers its SIM by ICCID over restarts, and stays down with another one until a person says that it is meant
(``smsgwd links accept NAME``). A link with ``iccid`` in its configuration wants that one and asks nobody. Events and
reasons show the last four digits alone.
"""

from __future__ import annotations

import re

from smsgwd.config import ModemConfig
from smsgwd.errors import LinkError, StoreUnavailable
from smsgwd.link import LinkSink
from smsgwd.modem import commands
from smsgwd.modem.channel import Channel
from smsgwd.modem.profile import Profile


async def read_iccid(profile: Profile, channel: Channel) -> str:
    """The digits of the ICCID; "" when the SIM does not tell it (some do only when their PIN is in)."""
    line = await channel.first(commands.iccid(profile.iccid))
    found = re.search(r"[0-9]{18,22}", line)
    return found[0][:20] if found else ""


def same(one: str, other: str) -> bool:
    """Whether two ICCIDs are of one SIM: modems tell 19 digits or 20, with the check digit or without."""
    return bool(one and other) and (one.startswith(other) or other.startswith(one))


def short(iccid: str) -> str:
    """What people may see of it."""
    return f"…{iccid[-4:]}"


async def check(config: ModemConfig, sink: LinkSink, iccid: str) -> None:
    """LinkError for a SIM that nobody has agreed to; the first one is taken as meant."""
    if config.iccid:
        if not same(iccid, config.iccid):
            raise LinkError(f"the SIM is {short(iccid)}, the configuration wants {short(config.iccid)}")
        return
    kept = f"sim {config.name}"
    try:
        known = await sink.recall(kept)
        if not known:
            await sink.remember(kept, iccid)
    except StoreUnavailable as e:
        raise LinkError(f"which SIM this link had is not known while the store is away: {e}") from None
    if known and not same(known, iccid):
        await sink.noticed(config.name, "sim.changed", was=short(known), now=short(iccid))
        raise LinkError(
            f"another SIM ({short(iccid)}) than last time ({short(known)}); if that is meant: "
            f"smsgwd links accept {config.name}"
        )
