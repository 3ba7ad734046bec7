"""How the simulated modem differs by family: what ``--profile NAME`` chooses. Pure.

Only what a driver notices is here: names, the noise of a family, and the places where real modems of it were seen to leave
the standard. The tables of the driver are not used, so that a wrong row there shows. No row was compared with a device at
hand: they stand on manuals and on what people reported.
"""

from __future__ import annotations

import msgspec


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """One family. Where a row names nothing, the modem does what the standards say."""

    #: the real device that it stands for, in words
    device: str = "no real one: the standards to the letter"
    maker: str = "smsgwd"
    model: str = "simulated"
    #: lines after a restart; +CPIN tells the state of the SIM of that moment
    boot: tuple[str, ...] = ("RDY", "+CFUN: 1", "+CPIN: READY", "SMS Ready")
    #: the notice after each text that was sent, when the modem is of those that talk
    noise: str = ""
    #: an empty storage place: OK alone, or +CMS ERROR: 321
    empty_is_error: bool = False
    #: the names that AT+CPMS takes
    memories: tuple[str, ...] = ("SM", "ME", "SR")
    #: values of <mt> and <ds> that AT+CNMI takes; the list in AT+CNMI=? has the <ds> of ``ds_listed``
    mt: tuple[int, ...] = (0, 1, 2, 3)
    ds: tuple[int, ...] = (0, 1, 2)
    ds_listed: tuple[int, ...] = (0, 1, 2)
    #: the storage of reports with <ds> = 2; "" is the one of received texts
    report_memory: str = ""
    #: +CMGR and +CMGL show <stat>
    shows_stat: bool = True
    #: OK follows the line of AT+CPIN?
    ok_after_cpin: bool = True
    #: values that AT+CSMS takes
    csms: tuple[int, ...] = (0, 1)
    #: +CMGS has the time of the service centre as a second field
    sent_time: bool = False
    #: AT+CMEE after a restart
    cmee: int = 0
    #: the final result of a command that it does not know; "" is +CME ERROR: 4
    unknown: str = ""
    #: commands of the maker (see ``makers``), and standard ones that it has not
    own: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    #: registered for LTE alone: +CREG says that it is denied, +CEREG that it is at home
    lte_only: bool = False
    #: +CSQ comes unasked from the start (AT+AUTOCSQ)
    tells_signal: bool = False


_2G = ("+CEREG", "+CESQ")

_EC25 = Family(
    device="Quectel EC25 module (LTE)", maker="Quectel", model="EC25", report_memory="SR",
    boot=("RDY", "+CFUN: 1", "+CPIN: READY", "+QUSIM: 1", "+QIND: SMS DONE"),
    own=("+QPINC", "+QCSQ"), unknown="ERROR",
)  # fmt: skip

FAMILIES: dict[str, Family] = {
    # no device: TS 27.005 and TS 27.007 to the letter
    "generic": Family(),
    # Huawei sticks speak unasked all the time; after a restart they say ^SYSSTART
    "huawei": Family(device="Huawei E1752 stick, talkative", maker="huawei", model="E1752",
                     boot=("^SYSSTART", "^SIMST:1", "^SRVST:2"), noise="^RSSI:18", own=("^CPIN",)),
    # Huawei E173 stick (3G): the SIM's storage alone, COMMAND NOT SUPPORT, noise until AT^CURC=0
    "huawei-e173": Family(device="Huawei E173 stick (3G)", maker="huawei", model="E173",
                          boot=("^SYSSTART", "^SIMST:1", "^SRVST:2"), noise="^RSSI:18", memories=("SM",),
                          unknown="COMMAND NOT SUPPORT", own=("^CPIN", "^CURC"), lacks=_2G),
    # Huawei E3372 with stick firmware 21.x (LTE): as E173, with both storages and ^HCSQ
    "huawei-e3372": Family(device="Huawei E3372 with stick firmware 21.x (LTE)", maker="huawei", model="E3372",
                           boot=("^SYSSTART", "^SIMST:1", "^SRVST:2"), noise='^HCSQ:"LTE",50,45,80,20',
                           memories=("SM", "ME"), unknown="COMMAND NOT SUPPORT", own=("^CPIN", "^CURC", "^HCSQ")),
    # SIMCom SIM800 on a UART (2G): +CMGS with a time, <ds> = 2 neither listed nor taken
    "sim800": Family(device="SIMCom SIM800 board on a UART (2G)", maker="SIMCOM_Ltd", model="SIMCOM_SIM800L",
                     boot=("RDY", "+CFUN: 1", "+CPIN: READY", "Call Ready", "SMS Ready"), memories=("SM", "ME"),
                     ds=(0, 1), ds_listed=(0, 1), sent_time=True, unknown="ERROR", own=("+SPIC",), lacks=_2G),
    # SIMCom SIM7600 board (LTE): registered for LTE alone, +CSQ unasked, errors in words from the start
    "sim7600": Family(device="SIMCom SIM7600 board (LTE alone)", maker="SIMCOM INCORPORATED", model="SIMCOM_SIM7600E-H",
                      boot=("RDY", "+CPIN: READY", "SMS DONE", "PB DONE"), lte_only=True, tells_signal=True, cmee=2,
                      own=("+SPIC", "+AUTOCSQ")),
    # Qualcomm based modems list <ds> = 1, refuse it, and take 2
    "qualcomm": Family(device="sticks with a Qualcomm chip and its own firmware", maker="QUALCOMM INCORPORATED", model="0",
                       ds=(0, 2), empty_is_error=True),
    # Quectel EC25 (LTE): status reports in a storage of their own
    "quectel-ec25": _EC25,
    "quectel": _EC25,  # the same under its short name
    # ZTE MF100 stick (3G): the place of <stat> is empty in +CMGR
    "zte": Family(device="ZTE MF100 stick (3G)", maker="ZTE INCORPORATED", model="MF100", shows_stat=False,
                  noise="+ZUSIMR:2", boot=(), own=("+ZPINPUK", "+ZPAS"), lacks=_2G),
    # Wavecom Fastrack on RS-232 (2G): no OK after the line of AT+CPIN?
    "wavecom": Family(device="Wavecom Fastrack on RS-232 (2G)", maker="WAVECOM MODEM", model="MULTIBAND 900E 1800",
                      ok_after_cpin=False, empty_is_error=True, boot=("+WIND: 3", "+WIND: 4"), own=("+CPINC", "+WIND"),
                      lacks=_2G),
    # Telit UC864 (3G): #PCT, no class 3 routed alone
    "telit": Family(device="Telit UC864 module (3G)", maker="Telit", model="UC864-E", boot=("#QSS: 3",), mt=(0, 1, 2),
                    memories=("SM", "ME"), unknown="ERROR", own=("#PCT",), lacks=_2G),
    # u-blox SARA-U2 (3G): AT+UPINCNT
    "ublox": Family(device="u-blox SARA-U2 module (3G)", maker="u-blox", model="SARA-U201", boot=(), own=("+UPINCNT",),
                    lacks=_2G),
    # phase 2 alone: no AT+CSMS=1, so nothing is ever acknowledged
    "phase2": Family(device="a phone of before 1999: phase 2 alone", model="phase 2", csms=(0,), empty_is_error=True),
}  # fmt: skip


def find_family(name: str) -> Family:
    """The row of a name. ValueError for an unknown one."""
    if name not in FAMILIES:
        raise ValueError(f"{name!r} is no profile of the simulated modem; profiles: {', '.join(FAMILIES)}")
    return FAMILIES[name]


def help_rows() -> list[tuple[str, str]]:
    """Name of each profile and the device that it stands for."""
    return [(name, family.device) for name, family in FAMILIES.items()]
