"""The machine: its clock, programs that claim modems, USB sticks that are no modems yet, and the power of a Raspberry Pi."""

from __future__ import annotations

from datetime import UTC, datetime

from smsgwd.clock import isoformat
from smsgwd.config import Config, ModemConfig
from smsgwd.doctor.places import Places, read, running
from smsgwd.doctor.report import Check, error, listed, warning, well
from smsgwd.modem.usb import ADAPTER_IDS, as_storage

#: no clock is right before it
SANE = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1000)
#: the file of hardware/ that keeps ModemManager off
RULES = "61-smsgwd-modems.rules"
#: daemons that set the clock, besides systemd's own
_CLOCKS = ("chronyd", "ntpd", "openntpd", "ntpd-rs")
#: a stick with HiLink firmware: a network card with a web page, no serial port
_HILINK = frozenset({"12d1:14dc", "12d1:14db"})
#: bits of a Raspberry Pi's get_throttled
_NOW, _BEFORE = 1 << 0, 1 << 16


def examine(config: Config | None, places: Places, now: int) -> list[Check]:
    """``now`` in ms. Without a configuration it is taken that there is a modem."""
    modems = config is None or any(isinstance(link, ModemConfig) and link.enabled for link in config.link)
    checks = [clock(places, now)]
    if modems:
        ids = _usb_ids(places)
        checks += [_modem_manager(places), *_brltty(places, ids), *_disks(places), *_hilink(ids)]
    return checks + _power(places)


def clock(places: Places, now: int) -> Check:
    """Right, as far as can be told without asking the network."""
    if now < SANE:
        return error("clock", "", f"it says {isoformat(now)}", "sudo timedatectl set-ntp true")
    if (places.run / "systemd/timesync/synchronized").exists():
        return well("clock", "", "set from the network by systemd-timesyncd")
    keepers = running(places.proc, _CLOCKS)
    if keepers:
        return well("clock", "", f"{keepers[0]} keeps it")
    if running(places.proc, ("systemd-timesyncd",)):
        return warning("clock", "", "systemd-timesyncd has not set it yet", "timedatectl timesync-status")
    return warning("clock", "", "no program is known to set it", "sudo timedatectl set-ntp true")


def _modem_manager(places: Places) -> Check:
    found = running(places.proc, ("ModemManager",))
    if not found:
        return well("modem manager", "", "ModemManager does not run")
    if any((folder / RULES).is_file() for folder in places.udev):
        return well("modem manager", "", f"{found[0]} runs; the udev rule keeps it off known modems")
    return warning("modem manager", "", f"{found[0]} opens every modem that it knows",
                   f"install hardware/{RULES} to /etc/udev/rules.d; or: sudo systemctl mask --now ModemManager")  # fmt: skip


def _brltty(places: Places, ids: list[str]) -> list[Check]:
    """It takes serial adapters for braille displays."""
    found, adapters = running(places.proc, ("brltty",)), sorted(ADAPTER_IDS.intersection(ids))
    if not found or not adapters:
        return []
    return [warning("brltty", "", f"{found[0]} may take the serial adapter {listed(adapters)}", "sudo apt remove brltty")]


def _usb_ids(places: Places) -> list[str]:
    """vendor:product of every USB device."""
    found = []
    for path in sorted((places.sys / "bus/usb/devices").glob("*")):
        vendor, product = read(path / "idVendor"), read(path / "idProduct")
        if vendor and product:
            found.append(f"{vendor}:{product}".lower())
    return found


def _disks(places: Places) -> list[Check]:
    """Sticks that could be modems and are a disk still."""
    return [
        error("usb", stick.usb_id, f"{stick.title} in socket {stick.path} still shows itself as a disk, with no port",
              "sudo apt install usb-modeswitch, then plug it out and in")
        for stick in as_storage(places.sys)
    ]  # fmt: skip


def _hilink(ids: list[str]) -> list[Check]:
    return [
        warning("usb", name, "a Huawei stick with HiLink firmware: a network card, it takes no AT commands",
                "use another stick, or one with stick firmware (21.x)")
        for name in ids if name in _HILINK
    ]  # fmt: skip


def throttled(bits: int) -> Check:
    """What get_throttled of a Raspberry Pi says about its supply."""
    mend = "a stronger supply, and a powered hub or a supply of its own for the modem"
    if bits & _NOW:
        return error("power", "", "under-voltage now: modems vanish while they send", mend)
    if bits & _BEFORE:
        return warning("power", "", "there was under-voltage since the start", mend)
    return well("power", "", "no under-voltage since the start")


def _power(places: Places) -> list[Check]:
    """Nothing on machines that do not tell."""
    text = read(places.sys / "devices/platform/soc/soc:firmware/get_throttled")
    try:
        return [throttled(int(text, 16))]
    except ValueError:
        pass
    for sensor in sorted((places.sys / "class/hwmon").glob("hwmon*")):
        if read(sensor / "name") == "rpi_volt":
            return [throttled(_NOW if read(sensor / "in0_lcrit_alarm") == "1" else 0)]
    return []
