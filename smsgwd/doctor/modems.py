"""A modem whose port is free is opened and asked; nothing is set that outlives the next start, and no PIN is written.

Besides questions only ``ATE0V1`` and ``AT+CMEE=1`` go out, so that answers can be read; every program that drives the modem
sets them anew. :func:`ask` gathers :class:`Answers`, :func:`judge` says what they mean. What could not be asked stays None
and has no line.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence

import msgspec

from smsgwd.config import ModemConfig
from smsgwd.doctor.daemon import signal
from smsgwd.doctor.report import Check, error, hidden, listed, short, warning, well
from smsgwd.errors import CommandError, LinkError
from smsgwd.modem import commands
from smsgwd.modem.card import read_iccid, same
from smsgwd.modem.channel import Channel, ModemSilent
from smsgwd.modem.commands import Command, Usage
from smsgwd.modem.network import Network
from smsgwd.modem.profile import Profile, recognise

#: seconds for all questions to one modem
TIMEOUT = 40.0
#: tries of a PIN below which the daemon does not enter it
TRIES = 3
#: share of the storage from which it is told
FULL = 0.8
#: which of text mode and PDU mode the modem knows
MODES = Command("AT+CMGF=?", "+CMGF:")
_OPEN = frozenset({"READY", "SIM PIN2", "SIM PUK2"})


class Answers(msgspec.Struct, kw_only=True):
    """What a modem said; None = not asked, or no answer that can be read."""

    maker: str = ""
    model: str = ""
    firmware: str = ""
    imei: str = ""
    profile: str = ""
    iccid: str | None = None
    #: as AT+CPIN? tells it, or ABSENT, BUSY
    pin: str | None = None
    tries: int | None = None
    #: whether texts can be sent, and how people call that
    network: tuple[bool, str] | None = None
    operator: str = ""
    #: (dBm or None,) once it was asked
    signal: tuple[int | None] | None = None
    storage: Usage | None = None
    #: the number of the service centre, "" for none
    smsc: str | None = None
    pdu_mode: bool | None = None
    #: why the questions ended early
    broken: str = ""


async def ask(path: str, config: ModemConfig, profile: Profile, rows: Mapping[str, Profile], seconds: float = TIMEOUT) -> Answers:
    """Opens a port and asks everything, at the speeds that the profile names. Never raises for what a modem does."""
    answers = Answers()
    try:
        async with asyncio.timeout(seconds):
            speeds = list(dict.fromkeys((config.baudrate, *profile.speeds)))
            for speed in speeds:
                try:
                    await _at_speed(path, speed, config, profile, rows, answers)
                    break
                except ModemSilent:
                    if speed == speeds[-1]:
                        raise
    except LinkError as e:
        answers.broken = str(e).removeprefix(f"{path}: ")
    except TimeoutError:
        answers.broken = f"it did not answer all questions in {seconds:g} s"
    return answers


async def _at_speed(
    path: str, speed: int, config: ModemConfig, profile: Profile, rows: Mapping[str, Profile], answers: Answers
) -> None:
    channel = Channel(profile, lambda: None)
    try:
        await channel.open(path, speed)
        await channel.probe()
        for command in (commands.ECHO_OFF, commands.NUMERIC_ERRORS):
            await channel.attempt(command)
        await _who(channel, config, profile, rows, answers)
        await _sim(channel, answers)
        if answers.pin in _OPEN:
            await _rest(channel, config, answers)
    finally:
        channel.close()


async def _who(
    channel: Channel, config: ModemConfig, profile: Profile, rows: Mapping[str, Profile], answers: Answers
) -> None:
    answers.maker, answers.model, answers.firmware, answers.imei = [
        bare(await channel.first(c)) for c in (commands.MAKER, commands.MODEL, commands.FIRMWARE, commands.IMEI)
    ]
    if config.profile == "auto":
        channel.profile = recognise(answers.maker, answers.model, profile, rows)
    answers.profile = channel.profile.name


def bare(line: str) -> str:
    """One line such as the maker's name; some modems put the command's own prefix before it."""
    return line.partition(":")[2].strip().strip('"') if line.startswith("+") else line.strip('"')


async def _sim(channel: Channel, answers: Answers) -> None:
    try:
        lines = await channel.ask(commands.PIN_STATE)
        answers.pin = commands.pin_state(lines[0].text) if lines else "BUSY"
    except CommandError as e:
        told = {10: "ABSENT", 11: "SIM PIN", 12: "SIM PUK", 13: "FAILURE", 14: "BUSY"}
        # modems without a SIM lock at all answer ERROR
        answers.pin = told.get(e.code, "READY") if e.kind == "CME" else "READY"
    if answers.pin == "SIM PIN":
        answers.tries = commands.pin_tries([line.text for line in await channel.attempt(commands.PIN_TRIES) or []])
    if answers.pin not in ("ABSENT", "FAILURE"):
        answers.iccid = await read_iccid(channel.profile, channel)


async def _rest(channel: Channel, config: ModemConfig, answers: Answers) -> None:
    network = Network(channel, roaming=config.roaming)
    await network.look()
    answers.network = network.judge()
    known = await network.describe()
    answers.operator = listed([known["operator"], known["access"]])
    dbm = known["signal_dbm"]
    answers.signal = (dbm if isinstance(dbm, int) else None,)
    answers.storage = commands.usage(await channel.first(commands.STORAGE) or "+CPMS:")
    line = await channel.first(commands.SERVICE_CENTRE)
    answers.smsc = commands.fields(line)[0] if line else None
    modes = await channel.first(MODES)
    answers.pdu_mode = "0" in re.findall(r"[0-9]+", modes) if modes else None


# ---- judgement -----------------------------------------------------------------------------------------------------


def judge(config: ModemConfig, answers: Answers) -> list[Check]:
    """The lines about one modem that was asked."""
    checks: list[Check] = []
    if answers.maker or answers.model or answers.imei:
        checks.append(_modem(config, answers))
    if answers.pin is not None:
        checks.append(_lock(config, answers))
    if answers.iccid and config.iccid and not same(answers.iccid, config.iccid):
        checks.append(error("sim", config.name, f"it is {short(answers.iccid)}, the configuration wants {short(config.iccid)}",
                            "put the right SIM in, or change `iccid`"))  # fmt: skip
    if answers.network is not None:
        checks.append(_network(config.name, answers.network, answers.operator))
    if answers.signal is not None:
        checks.append(signal(config.name, answers.signal[0]))
    if answers.storage is not None:
        checks.append(_storage(config.name, answers.storage))
    if answers.smsc is not None:
        checks.append(_smsc(config, answers.smsc))
    if answers.pdu_mode is not None:
        checks.append(_mode(config.name, answers.pdu_mode))
    if answers.broken:
        checks.append(_broken(config, answers))
    return checks


def _modem(config: ModemConfig, answers: Answers) -> Check:
    if config.imei and answers.imei != config.imei:
        return error("modem", config.name, f"it has IMEI {short(answers.imei)}, the configuration wants {short(config.imei)}",
                     "plug the right modem in, or change `imei`")  # fmt: skip
    parts = dict.fromkeys((answers.maker, answers.model))
    imei = f"IMEI {short(answers.imei)}" if answers.imei else ""
    return well("modem", config.name, listed([" ".join(filter(None, parts)), answers.firmware,
                                              f"profile {answers.profile}", imei]))  # fmt: skip


def _lock(config: ModemConfig, answers: Answers) -> Check:
    """What the SIM wants, told and never given."""
    name, state = config.name, answers.pin
    card = f", SIM {short(answers.iccid)}" if answers.iccid else ""
    if state in _OPEN:
        return well("sim", name, f"open{card}")
    if state == "ABSENT":
        return error("sim", name, "no SIM is in the modem", "put the SIM in; is its tray the right way round?")
    if state == "BUSY":
        return warning("sim", name, "the SIM is not ready yet", "try again in half a minute: smsgwd doctor")
    if state != "SIM PIN":
        what = "the SIM does not work" if state == "FAILURE" else f"the SIM wants {state}"
        return error("sim", name, f"{what}{card}; nothing was written", "put the SIM into a phone and see what it asks")
    left = "" if answers.tries is None else f", {answers.tries} tries left"
    if answers.tries is not None and answers.tries < TRIES:
        return error("sim", name, f"the SIM wants its PIN{left}{card}: the daemon does not enter it with fewer than {TRIES}",
                     "put the SIM into a phone and enter the PIN there once")  # fmt: skip
    if config.pin is None:
        return error("sim", name, f"the SIM wants its PIN{left}{card}; none is configured",
                     f"set `pin` of link {name}, or take the PIN off with a phone")  # fmt: skip
    return well("sim", name, f"locked{left}{card}; the daemon enters `pin` at its start")


def _network(name: str, state: tuple[bool, str], operator: str) -> Check:
    sendable, why = state
    if sendable:
        return well("network", name, listed([why, operator]))
    if "roaming" in why:
        return error("network", name, why, "set `roaming = true` if its price is meant")
    if "denied" in why:
        return error("network", name, why, "is the SIM active, paid, and allowed in this modem? ask the operator")
    return error("network", name, why, "look at the antenna; try the SIM in a phone")


def _storage(name: str, usage: Usage) -> Check:
    said = f"{usage.used} of {usage.total} places used"
    if usage.share >= FULL:
        return warning("storage", name, said, "start the daemon: it takes the texts out: sudo systemctl start smsgwd")
    return well("storage", name, said)


def _smsc(config: ModemConfig, number: str) -> Check:
    if number:
        return well("smsc", config.name, short(number))
    if config.smsc:
        return well("smsc", config.name, f"the SIM has none; {short(config.smsc)} of `smsc` is set at the start")
    return error("smsc", config.name, "the SIM has no number of a service centre: nothing can be sent",
                 f"set `smsc` of link {config.name} to the operator's number")  # fmt: skip


def _mode(name: str, knows: bool) -> Check:
    if knows:
        return well("pdu mode", name, "known")
    return error("pdu mode", name, "the modem knows text mode alone", "use another modem")


def _broken(config: ModemConfig, answers: Answers) -> Check:
    why = hidden(answers.broken)
    if answers.maker or answers.pin is not None:
        return error("modem", config.name, why, "plug it out and in; has it enough power?")
    return error("modem", config.name, why, "is this its AT port? try its other ports; on a real serial line: `baudrate`")


def is_wanted(config: ModemConfig, answers: Answers) -> bool:
    """Whether the modem that answered is the one that a link names by IMEI or SIM."""
    if config.iccid and not same(answers.iccid or "", config.iccid):
        return False
    return not config.imei or answers.imei == config.imei


def not_found(config: ModemConfig, asked: Sequence[str]) -> Check:
    """No port has the modem that a link names by IMEI or SIM."""
    wanted = f"IMEI {short(config.imei)}" if config.imei else f"SIM {short(config.iccid)}"
    looked = f"asked {', '.join(asked)}" if asked else "no AT port of a modem is there"
    return error("port", config.name, f"no modem with {wanted} was found: {looked}", "plug it in; ls -l /dev/serial/by-id/")
