"""What a refusal means: ``+CMS ERROR`` and ``+CME ERROR`` as one table. Pure.

CMS 0–127 are RP causes of 3GPP TS 24.011 annex E-2, 128–255 TP-FCS of TS 23.040 section 9.2.3.22, 300–511 modem and SIM
(TS 27.005 section 3.2.5), from 512 on makers' own and clashing. CME codes are of TS 27.007 section 9.2. The RP causes
speak mostly of our own side: the service centre stores and forwards, it rarely knows the recipient yet.

Classes: permanent for this text, temporary, fault of the link, and *unknown*: some codes after the PDU say that the
modem heard nothing from the network, which may have the text all the same. Before the prompt nothing was sent, whatever
the code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

import msgspec

from smsgwd.errors import CommandError
from smsgwd.model import RefusalClass

_P, _T, _L = RefusalClass.PERMANENT, RefusalClass.TEMPORARY, RefusalClass.LINK


class Unknown(Enum):
    """The outcome is not known."""

    UNKNOWN = "unknown"


_U = Unknown.UNKNOWN


class Cause(msgspec.Struct, frozen=True):
    """One code: a name for people, its class after the PDU was handed over, and the least pause before the next try."""

    name: str
    class_: RefusalClass | Unknown
    pause: float = 0.0


_CMS: dict[int, Cause] = {
    1: Cause("unassigned number, or wrong SMSC", _L, 60),
    8: Cause("operator determined barring", _L, 300),
    10: Cause("call barred", _L, 300),
    17: Cause("network failure", _T, 30),
    21: Cause("short message transfer rejected", _P),
    22: Cause("congestion", _T, 60),
    27: Cause("destination out of service", _T, 300),
    28: Cause("unidentified subscriber", _L, 300),
    29: Cause("facility rejected", _L, 300),
    30: Cause("unknown subscriber", _L, 300),
    38: Cause("network out of order", _T, 300),
    41: Cause("temporary failure", _T, 10),
    42: Cause("congestion", _T, 60),
    47: Cause("resources unavailable", _T, 60),
    50: Cause("SMS is not in the contract", _L, 300),
    69: Cause("facility not implemented", _L, 300),
    81: Cause("invalid reference value", _T, 10),
    95: Cause("invalid message", _P),
    96: Cause("invalid mandatory information", _P),
    97: Cause("message type not implemented", _P),
    98: Cause("message not compatible with the protocol state", _P),
    99: Cause("information element not implemented", _P),
    111: Cause("protocol error", _T, 30),
    127: Cause("interworking, unspecified", _T, 30),
    128: Cause("telematic interworking not supported", _P),
    129: Cause("short message type 0 not supported", _P),
    130: Cause("short message cannot be replaced", _P),
    143: Cause("unspecified TP-PID error", _P),
    144: Cause("data coding scheme not supported", _P),
    145: Cause("message class not supported", _P),
    159: Cause("unspecified TP-DCS error", _P),
    160: Cause("command cannot be acted upon", _P),
    161: Cause("command not supported", _P),
    175: Cause("unspecified TP-command error", _P),
    176: Cause("TPDU not supported", _P),
    192: Cause("service centre busy", _T, 60),
    193: Cause("no service centre subscription", _L, 300),
    194: Cause("service centre system failure", _T, 300),
    195: Cause("invalid SME address", _P),
    196: Cause("destination SME barred", _P),
    197: Cause("service centre rejected a duplicate", _U),
    198: Cause("TP-VPF not supported", _P),
    199: Cause("TP-VP not supported", _P),
    208: Cause("SIM storage full", _T, 30),
    209: Cause("no storage in the SIM", _T, 30),
    210: Cause("error in the mobile station", _T, 30),
    211: Cause("memory capacity exceeded", _T, 30),
    212: Cause("SIM toolkit busy", _T, 30),
    255: Cause("unspecified error", _T, 30),
    300: Cause("modem failure", _L, 30),
    301: Cause("SMS service is reserved by another program", _L, 30),
    302: Cause("operation not allowed", _L, 30),
    303: Cause("operation not supported", _L, 300),
    304: Cause("invalid PDU", _P),
    305: Cause("invalid text parameter", _P),
    310: Cause("no SIM", _L, 60),
    311: Cause("SIM PIN required", _L, 60),
    312: Cause("PH-SIM PIN required", _L, 300),
    313: Cause("SIM failure", _L, 60),
    314: Cause("SIM busy", _T, 2),
    315: Cause("SIM wrong", _L, 300),
    316: Cause("SIM PUK required", _L, 300),
    317: Cause("SIM PIN2 required", _T, 30),
    318: Cause("SIM PUK2 required", _T, 30),
    320: Cause("memory failure", _T, 10),
    321: Cause("invalid memory index", _T, 10),
    322: Cause("memory full", _T, 10),
    330: Cause("SMSC address unknown", _L, 300),
    331: Cause("no network service", _L, 10),
    332: Cause("network timeout", _U),
    340: Cause("no acknowledgement expected", _T, 10),
    500: Cause("unknown error", _U),
}  # fmt: skip

_CME: dict[int, Cause] = {
    0: Cause("phone failure", _L, 30),
    1: Cause("no connection to phone", _L, 30),
    2: Cause("phone adaptor link reserved", _L, 30),
    3: Cause("operation not allowed", _L, 30),
    4: Cause("operation not supported", _L, 300),
    5: Cause("PH-SIM PIN required", _L, 300),
    6: Cause("PH-FSIM PIN required", _L, 300),
    7: Cause("PH-FSIM PUK required", _L, 300),
    10: Cause("SIM not inserted", _L, 60),
    11: Cause("SIM PIN required", _L, 60),
    12: Cause("SIM PUK required", _L, 300),
    13: Cause("SIM failure", _L, 60),
    14: Cause("SIM busy", _T, 2),
    15: Cause("SIM wrong", _L, 300),
    16: Cause("incorrect password", _L, 300),
    17: Cause("SIM PIN2 required", _T, 30),
    18: Cause("SIM PUK2 required", _T, 30),
    20: Cause("memory full", _T, 10),
    21: Cause("invalid index", _T, 10),
    22: Cause("not found", _T, 10),
    23: Cause("memory failure", _T, 10),
    24: Cause("text string too long", _P),
    25: Cause("invalid characters in text string", _P),
    26: Cause("dial string too long", _P),
    27: Cause("invalid characters in dial string", _P),
    30: Cause("no network service", _L, 10),
    31: Cause("network timeout", _U),
    32: Cause("network not allowed, emergency calls only", _L, 300),
    100: Cause("unknown error", _U),
    103: Cause("illegal MS", _L, 300),
    106: Cause("illegal ME", _L, 300),
    107: Cause("GPRS services not allowed", _L, 300),
    111: Cause("PLMN not allowed", _L, 300),
    112: Cause("location area not allowed", _L, 300),
    113: Cause("roaming not allowed in this location area", _L, 300),
}
_PERSONALISATION = Cause("personalisation PIN or PUK required", _L, 300)
_OTHER_RP = Cause("temporary failure", _T, 10)
_OTHER = Cause("error of the maker's own", _U)


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


#: verbal forms, compared without blanks and punctuation: AT+CMEE=2, or modems that ignore AT+CMEE=1
_VERBAL = {
    **{(kind, _letters(c.name)): code for kind, table in (("CMS", _CMS), ("CME", _CME)) for code, c in table.items()},
    ("CME", "simpinrequired"): 11,
    ("CME", "simnotinserted"): 10,
    ("CME", "unknown"): 100,
    ("CMS", "unknownerror"): 500,
    ("CMS", "scaddressunknown"): 330,
    ("CMS", "smscaddressunknown"): 330,
    ("CMS", "nonetworkservice"): 331,
    ("CMS", "sendinginterrupted"): 500,
}


def command_error(final: str) -> CommandError:
    """The error that a final result says: ``+CMS ERROR: 38``, ``+CME ERROR: SIM not inserted``, ``ERROR``."""
    found = re.fullmatch(r"\+(CMS|CME) ERROR: ?(.*)", final)
    if not found:
        return CommandError("", -1, final)
    kind, value = found[1], found[2].strip()
    code = int(value) if re.fullmatch(r"[0-9]{1,5}", value) else _VERBAL.get((kind, _letters(value)), -1)
    cause = cause_of(CommandError(kind, code))
    return CommandError(kind, code, f"{kind} {code}: {cause.name}" if code >= 0 else f"{kind}: {value[:60]}")


#: how a profile's row of a maker's own code reads
_MAKERS: dict[str, Cause] = {
    "permanent": Cause("refused for good (maker's code)", _P),
    "temporary": Cause("refused for now (maker's code)", _T, 30),
    "busy": Cause("busy (maker's code)", _T, 2),
    "link": Cause("fault of the modem or SIM (maker's code)", _L, 60),
    "unknown": Cause("error of the maker's own", _U),
}


def cause_of(error: CommandError, makers: Mapping[str, str] | None = None) -> Cause:
    """The row of an error; a plain ERROR counts as CMS 500. ``makers``: the profile's codes, from 512 on, which
    clash between makers and are unknown without one, and 332 and 500, where a modem is known to mean more than that nobody
    answered it."""
    if makers and error.kind == "CMS" and str(error.code) in makers:
        return _MAKERS[makers[str(error.code)]]
    if error.kind == "CME":
        if 40 <= error.code <= 48:
            return _PERSONALISATION
        return _CME.get(error.code, _OTHER)
    if error.kind == "CMS":
        if error.code in _CMS:
            return _CMS[error.code]
        return _OTHER_RP if 0 <= error.code < 128 else _OTHER
    return _CMS[500]
