"""What may be written to a modem, and how its answers read (3GPP TS 27.005 and TS 27.007). Pure.

Each function returns a :class:`Command`: the only way to the port. Parameters are typed and written here, so that no
text of anybody can become a command. What comes back is read here too; a line that does not fit gives None, never an
error, because modems differ: the caller then goes on without it.
"""

from __future__ import annotations

import re

import msgspec

#: seconds; a profile may stretch them
PROBE, PLAIN, SLOW, LIST, DELETE, PIN = 1.0, 5.0, 30.0, 120.0, 25.0, 20.0


class Command(msgspec.Struct, frozen=True):
    """One line for the modem, without its CR, and what its answer looks like."""

    text: str
    #: prefix of the lines that answer it
    prefix: str = ""
    timeout: float = PLAIN
    #: answered by lines without prefix
    bare: bool = False
    #: each line of the answer is followed by a PDU
    pdus: bool = False
    #: how it is shown in logs; a secret never is
    shown: str = ""

    def __str__(self) -> str:
        return self.shown or self.text


# ---- the table -----------------------------------------------------------------------------------------------------

AT = Command("AT", timeout=PROBE)
ECHO_OFF = Command("ATE0V1")
NUMERIC_ERRORS = Command("AT+CMEE=1")
MAKER, MODEL, FIRMWARE, IMEI = (Command(f"AT+{name}", bare=True) for name in ("CGMI", "CGMM", "CGMR", "CGSN"))
IMSI = Command("AT+CIMI", bare=True, timeout=SLOW)
FUNCTIONALITY = Command("AT+CFUN?", "+CFUN:")
FULL_FUNCTIONALITY = Command("AT+CFUN=1", timeout=SLOW)
PIN_STATE = Command("AT+CPIN?", "+CPIN:", timeout=PIN)
PIN_TRIES = Command("AT+CPINR", "+CPINR:")
REGISTRATION = {name: Command(f"AT+{name}?", f"+{name}:") for name in ("CREG", "CGREG", "CEREG")}
WATCH_REGISTRATION = {name: Command(f"AT+{name}=2") for name in REGISTRATION}
PHASE_2_PLUS = Command("AT+CSMS=1", "+CSMS:")
PDU_MODE = Command("AT+CMGF=0")
MODE = Command("AT+CMGF?", "+CMGF:")
SERVICE_CENTRE = Command("AT+CSCA?", "+CSCA:")
STORAGE = Command("AT+CPMS?", "+CPMS:")
INDICATIONS = Command("AT+CNMI?", "+CNMI:")
STORED = Command("AT+CMGL=4", "+CMGL:", timeout=LIST, pdus=True)
ACKNOWLEDGE = Command("AT+CNMA")
SIGNAL = Command("AT+CSQ", "+CSQ:")
SIGNAL_LTE = Command("AT+CESQ", "+CESQ:")
RESTART = Command("AT+CFUN=1,1", timeout=SLOW)
HOLD_OPEN, HOLD_NO_MORE = Command("AT+CMMS=2"), Command("AT+CMMS=0")
CALLER = Command("AT+CLIP=1")
HANG_UP, HANG_UP_OLD = Command("AT+CHUP"), Command("ATH")
USSD_END = Command("AT+CUSD=2")
#: <service> of AT+CGSMS, TS 27.007 section 10.1.21
DOMAINS = {"packet": 0, "circuit": 1, "packet-preferred": 2, "circuit-preferred": 3}
OPERATOR_AS_TEXT = Command("AT+COPS=3,0", timeout=SLOW)
OPERATOR = Command("AT+COPS?", "+COPS:", timeout=SLOW)

#: CNMI settings, best first: modem keeps texts and notifies; reports come directly, else stored (modem lists lie, so each
#: is tried; TS 27.005 section 3.4.1)
NOTIFICATIONS = (
    (2, 1, 0, 1, 0), (2, 1, 0, 2, 0), (2, 1, 2, 1, 0), (2, 1, 2, 2, 0),
    (1, 1, 0, 1, 0), (1, 1, 0, 2, 0), (2, 1, 0, 0, 0), (1, 1, 0, 0, 0),
)  # fmt: skip

_MEMORY = re.compile(r"[A-Z]{2}").fullmatch
_NUMBER = re.compile(r"\+?[0-9]{1,20}").fullmatch
_INIT = re.compile(r"AT[!-~ ]{0,120}").fullmatch


def _checked(good: object, what: str) -> None:
    if not good:
        raise ValueError(f"{what} is not written to a modem")


def init_line(text: str) -> Command:
    """A line of a profile's ``init``. ValueError for what is no AT command."""
    _checked(_INIT(text), "this line")
    return Command(text, timeout=SLOW)


def iccid(text: str) -> Command:
    """The profile's command for the ICCID: ``AT+CCID``, ``AT^ICCID?`` …"""
    _checked(_INIT(text), "this line")
    return Command(text, f"{text[2:].rstrip('?')}:", bare=True)


def domain(name: str) -> Command:
    """AT+CGSMS: how texts go on the air."""
    return Command(f"AT+CGSMS={DOMAINS[name]}")


def pin_tries_command(text: str) -> Command:
    """The profile's command for the tries that the PIN has left; ``AT+CPINR`` (TS 27.007) where it names none."""
    _checked(not text or _INIT(text), "this line")
    return Command(text, f"{re.split('[?=]', text[2:])[0]}:") if text else PIN_TRIES


def notify(setting: tuple[int, ...]) -> Command:
    return Command("AT+CNMI=" + ",".join(map(str, setting)))


def select_memories(*memories: str) -> Command:
    """AT+CPMS with one to three memories: for reading, writing, receiving (TS 27.005 section 3.2.2)."""
    _checked(all(map(_MEMORY, memories)), "this memory")
    return Command("AT+CPMS=" + ",".join(f'"{m}"' for m in memories), "+CPMS:")


def read(index: int) -> Command:
    return Command(f"AT+CMGR={index:d}", "+CMGR:", pdus=True)


def delete(index: int) -> Command:
    return Command(f"AT+CMGD={index:d}", timeout=DELETE)


def send(octets: int) -> Command:
    """AT+CMGS; ``octets`` counts the TPDU without the SMSC."""
    return Command(f"AT+CMGS={octets:d}", "+CMGS:")


def enter_pin(pin: str) -> Command:
    """AT+CPIN=. ValueError unless it is 4 to 8 digits; the value is not shown in any message."""
    _checked(re.fullmatch(r"[0-9]{4,8}", pin), "a PIN that is not 4 to 8 digits")
    return Command(f'AT+CPIN="{pin}"', timeout=PIN, shown='AT+CPIN="…"')


def set_service_centre(number: str) -> Command:
    _checked(_NUMBER(number), "this SMSC number")
    return Command(f'AT+CSCA="{number}",{145 if number.startswith("+") else 129}')


# ---- answers -------------------------------------------------------------------------------------------------------


def fields(line: str) -> list[str]:
    """What follows the prefix, cut at commas outside quotes, without the quotes."""
    out: list[str] = []
    quoted, field = False, ""
    for c in line.partition(":")[2]:
        if c == '"':
            quoted = not quoted
        elif c == "," and not quoted:
            out.append(field.strip())
            field = ""
        else:
            field += c
    out.append(field.strip())
    return out


def number(text: str) -> int | None:
    """A whole number as modems write it; None for anything else."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else None


#: <stat> of TS 27.007 section 7.2: how people call it, and whether texts can be sent
REGISTRATION_STATES: dict[int, tuple[str, bool]] = {
    0: ("not searching", False),
    1: ("home network", True),
    2: ("searching", False),
    3: ("registration denied", False),
    4: ("unknown", False),
    5: ("roaming", True),
    6: ("home network, SMS only", True),
    7: ("roaming, SMS only", True),
    8: ("emergency calls only", False),
    9: ("home network, CSFB not preferred", True),
    10: ("roaming, CSFB not preferred", True),
}
ROAMING = frozenset({5, 7, 10})


def registration(line: str) -> tuple[str, int] | None:
    """("CREG", stat) of an answer ``+CREG: 2,1`` or a code ``+CREG: 1``, ``+CREG: 1,"00C3"``."""
    name = line.partition(":")[0].lstrip("+")
    parts = fields(line)
    numbers = line.partition(":")[2].split(",")
    answer = len(parts) > 1 and number(numbers[1].strip()) is not None
    stat = number(parts[1] if answer else parts[0])
    return None if stat is None else (name, stat)


def notification(line: str) -> tuple[str, int] | None:
    """(memory, index) of ``+CMTI: "SM",3`` and ``+CDSI: "SR",7``; None when it names none (``+CMTI: ,-1``)."""
    parts = fields(line)
    index = number(parts[1]) if len(parts) > 1 else None
    if index is None or index < 0 or not _MEMORY(parts[0]):
        return None
    return parts[0], index


#: <stat> of a stored text (TS 27.005 section 3.1): 0 and 1 were received, 2 and 3 are our own
INCOMING = frozenset({None, 0, 1})


class Slot(msgspec.Struct, frozen=True):
    """The head of a stored text."""

    index: int | None
    #: None when the modem leaves it out
    stat: int | None
    #: octets of the TPDU without the SMSC; None when it is no number
    length: int | None

    @property
    def incoming(self) -> bool:
        return self.stat in INCOMING


def listed(line: str) -> Slot | None:
    """``+CMGL: <index>,<stat>,[<alpha>],<length>``."""
    parts = fields(line)
    index = number(parts[0])
    if index is None or len(parts) < 3:
        return None
    return Slot(index, number(parts[1]), number(parts[-1]))


def stored(line: str) -> Slot:
    """``+CMGR: <stat>,[<alpha>],<length>``, read from the right: <stat> may be empty, and some put the index in front."""
    parts = fields(line)
    stat = number(parts[-3]) if len(parts) >= 3 else None
    return Slot(None, stat, number(parts[-1]))


def direct_length(line: str) -> int | None:
    """Octets of the TPDU that ``+CMT: [<alpha>],<length>`` or ``+CDS: <length>`` announces."""
    return number(fields(line)[-1])


class Usage(msgspec.Struct, frozen=True):
    """How full the memory is that texts are read from."""

    used: int
    total: int

    @property
    def share(self) -> float:
        return self.used / self.total if self.total else 0.0


def usage(line: str) -> Usage | None:
    """``+CPMS: 3,20,…`` of the setting, or ``+CPMS: "SM",3,20,…`` of the query."""
    numbers = [n for n in map(number, fields(line)) if n is not None]
    return Usage(numbers[0], numbers[1]) if len(numbers) >= 2 else None


def reference(line: str) -> str:
    """TP-MR of ``+CMGS: <mr>[,…]`` as text; "" when it is no number. More fields are ignored."""
    mr = number(fields(line)[0])
    return "" if mr is None else str(mr)


def setting(line: str) -> tuple[int, ...]:
    """The numbers of ``+CNMI: 2,1,0,1,0``, ``+CMGF: 0``, ``+CSMS: 1,1,1``."""
    return tuple(n for n in map(number, fields(line)) if n is not None)


def pin_state(line: str) -> str:
    """``READY``, ``SIM PIN``, ``SIM PUK`` …"""
    return line.partition(":")[2].strip().strip('"').upper()


#: in which field of the answer the PIN's tries stand; the first where no row says otherwise
_TRIES_AT = {"+CPINR": 1, "^CPIN": 3, "+QPINC": 1}


def pin_tries(lines: list[str]) -> int | None:
    """Tries left for the PIN: from ``+CPINR: SIM PIN,3,3``, or one of the makers' ways: ``^CPIN: READY,,10,3,10,3`` (PUK
    first), ``+QPINC: "SC",3,10``, and the number first in ``+UPINCNT``, ``+SPIC``, ``*EPIN`` and their like."""
    for line in lines:
        parts = fields(line)
        place = _TRIES_AT.get(line.partition(":")[0], 0)
        if line.startswith("+CPINR") and parts[0].upper() != "SIM PIN":
            continue
        if len(parts) > place and (tries := number(parts[place])) is not None:
            return tries
    return None


def signal_dbm(line: str) -> int | None:
    """dBm of ``+CSQ: <rssi>,<ber>``: -113 + 2n; None when unknown (TS 27.007 section 8.5)."""
    rssi = number(fields(line)[0])
    return -113 + 2 * rssi if rssi is not None and 0 <= rssi <= 31 else None


def rsrp_dbm(line: str) -> int | None:
    """dBm of ``+CESQ: a,b,c,d,<rsrq>,<rsrp>``: -141 + n; None when unknown (TS 27.007 section 8.69)."""
    parts = fields(line)
    rsrp = number(parts[5]) if len(parts) > 5 else None
    return -141 + rsrp if rsrp is not None and 0 <= rsrp <= 97 else None


#: <AcT> of TS 27.007 section 7.3
ACCESS = {
    0: "GSM", 1: "GSM", 2: "UMTS", 3: "EDGE", 4: "HSDPA", 5: "HSUPA", 6: "HSPA", 7: "LTE", 8: "EC-GSM", 9: "NB-IoT",
    10: "LTE", 11: "NR", 12: "NR", 13: "LTE-NR",
}  # fmt: skip


def operator(line: str) -> tuple[str, str]:
    """Name and access technology of ``+COPS: 0,0,"Operator",7``; "" for what it does not tell."""
    parts = fields(line)
    access = number(parts[3]) if len(parts) > 3 else None
    return parts[2] if len(parts) > 2 else "", "" if access is None else ACCESS.get(access, "")


def caller(line: str) -> str:
    """The number of ``+CLIP: "+43664…",145``; "" when it is withheld."""
    parts = fields(line)
    number = parts[0] if re.fullmatch(r"\+?[0-9]{3,20}", parts[0]) else ""
    international = len(parts) > 1 and parts[1] == "145" and not number.startswith("+")
    return f"+{number}" if number and international else number
