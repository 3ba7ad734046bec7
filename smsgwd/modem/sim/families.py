"""How the simulated modem differs by family: what ``--profile NAME`` chooses. Pure.

Only what a driver notices is here: names, the noise of a family, and the places where real modems of it were seen to leave
the standard. The tables of the driver are not used, so that a wrong row there shows.
"""

from __future__ import annotations

import msgspec


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """One family. Where a row names nothing, the modem does what the standards say."""

    maker: str = "smsgwd"
    model: str = "simulated"
    #: lines after a restart
    boot: tuple[str, ...] = ("RDY", "+CFUN: 1", "+CPIN: READY", "SMS Ready")
    #: the notice after each text that was sent, when the modem is of those that talk
    noise: str = ""
    #: an empty storage place: OK alone, or +CMS ERROR: 321
    empty_is_error: bool = False
    #: values of <ds> that AT+CNMI takes; the list in AT+CNMI=? says 0, 1 and 2 all the same
    ds: tuple[int, ...] = (0, 1, 2)
    #: the storage of reports with <ds> = 2; "" is the one of received texts
    report_memory: str = ""
    #: +CMGR and +CMGL show <stat>
    shows_stat: bool = True
    #: OK follows the line of AT+CPIN?
    ok_after_cpin: bool = True
    #: values that AT+CSMS takes
    csms: tuple[int, ...] = (0, 1)


FAMILIES: dict[str, Family] = {
    "generic": Family(),
    # Huawei sticks speak unasked all the time; after a restart they say ^SYSSTART
    "huawei": Family(maker="huawei", model="E1752", boot=("^SYSSTART", "^SIMST:1", "^SRVST:2"), noise="^RSSI:18"),
    # Qualcomm based modems list <ds> = 1, refuse it, and take 2
    "qualcomm": Family(maker="QUALCOMM INCORPORATED", model="0", ds=(0, 2), empty_is_error=True),
    # status reports in a storage of their own
    "quectel": Family(maker="Quectel", model="EC25", report_memory="SR", boot=("RDY",)),
    # the place of <stat> is empty in +CMGR
    "zte": Family(maker="ZTE INCORPORATED", model="MF100", shows_stat=False, noise="+ZUSIMR:2", boot=()),
    # no OK after the line of AT+CPIN?
    "wavecom": Family(
        maker="WAVECOM MODEM", model="MULTIBAND 900E 1800", ok_after_cpin=False, empty_is_error=True, boot=()
    ),
    # phase 2 alone: no AT+CSMS=1, so nothing is ever acknowledged
    "phase2": Family(model="phase 2", csms=(0,), empty_is_error=True),
}


def find_family(name: str) -> Family:
    """The row of a name. ValueError for an unknown one."""
    if name not in FAMILIES:
        raise ValueError(f"{name!r} is no profile of the simulated modem; profiles: {', '.join(FAMILIES)}")
    return FAMILIES[name]
