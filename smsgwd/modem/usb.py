"""Serial ports of USB devices, from sysfs: no daemon is asked, nothing is opened.

The kernel shows a port as ``/sys/class/tty/NAME`` whose ``device`` lies in the USB interface that it belongs to: under a
port of its own with usb-serial (``1-1:1.2/ttyUSB2/tty/ttyUSB2``), directly with CDC ACM (``1-1:1.0/tty/ttyACM0``). The
interface has its number, class, subclass, protocol and driver; the folder above is the device with its ids and serial
number. pyserial's list lacks the class, by which alone a Huawei stick tells its ports apart.

Opening a port is not harmless: DTR restarts boards, a QCDM port answers with noise. So of a known modem only the ports
that take AT commands are ever given, and what carries other devices (adapters, boards, GNSS receivers) not at all; an
operator who names such a port gets it all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec

from smsgwd.modem.profile import Layout, Profile, profile_for

#: general adapters: behind them may be anything
ADAPTER_DRIVERS = frozenset({"ch341", "ch341-uart", "cp210x", "ftdi_sio", "pl2303"})
ADAPTER_IDS = frozenset({"1a86:7523", "10c4:ea60"})
#: u-blox GNSS receivers
NOT_MODEMS = frozenset(f"1546:01a{n}" for n in range(5, 10))
#: boards of Arduino, which restart when their port is opened
NOT_MODEM_VENDORS = frozenset({"2341", "2a03"})
#: modems that wait as a disk until usb-modeswitch has spoken to them, and what they are
STORAGE = {
    "12d1:1446": "Huawei stick",
    "12d1:1f01": "Huawei E3372 or its like",
    "19d2:2000": "ZTE stick",
    "05c6:6000": "stick with a Qualcomm chip",
    "2001:a407": "D-Link DWM-157",
}
_MASS_STORAGE = "08"


class UsbPort(msgspec.Struct, frozen=True, kw_only=True):
    """One tty of a USB device. Ids, numbers and classes are small hex digits, as the kernel writes them."""

    #: ``/dev/ttyUSB2``
    device: str
    vid: str
    pid: str
    interface: str
    class_: str = ""
    subclass: str = ""
    protocol: str = ""
    #: "" for the many sticks without one
    serial: str = ""
    #: the socket that the device is in: ``1-1.4`` is bus 1, port 4 of the hub in port 1
    path: str = ""
    driver: str = ""

    @property
    def usb_id(self) -> str:
        return f"{self.vid}:{self.pid}"


class Found(NamedTuple):
    """The AT port of one device with its family, and another port of it that takes AT."""

    port: UsbPort
    profile: Profile
    second: UsbPort | None


class StorageStick(msgspec.Struct, frozen=True, kw_only=True):
    """A modem that shows itself as a disk."""

    usb_id: str
    path: str
    title: str


# ---- sysfs ---------------------------------------------------------------------------------------------------------


def ports(root: str | Path = "/sys") -> list[UsbPort]:
    """All of them, device by device, in the order of their interfaces. A device that goes away meanwhile is left out."""
    found = (_port(tty, Path(root).resolve()) for tty in Path(root, "class", "tty").glob("tty*"))
    return sorted((p for p in found if p is not None), key=lambda p: (p.path, p.interface, p.device))


def _port(tty: Path, root: Path) -> UsbPort | None:
    try:
        place = (tty / "device").resolve(strict=True)
        interface = next(f for f in (place, *place.parents) if (f / "bInterfaceNumber").exists() or f == root)
        device = interface.parent
        return UsbPort(
            device=f"/dev/{tty.name}", vid=_word(device / "idVendor"), pid=_word(device / "idProduct"),
            interface=_word(interface / "bInterfaceNumber"), class_=_word(interface / "bInterfaceClass"),
            subclass=_word(interface / "bInterfaceSubClass"), protocol=_word(interface / "bInterfaceProtocol"),
            serial=_serial(device), path=_socket(device), driver=(interface / "driver").resolve().name,
        )  # fmt: skip
    except (OSError, StopIteration):
        return None


def _word(file: Path) -> str:
    return file.read_text(encoding="ascii", errors="replace").strip().lower()


def _serial(device: Path) -> str:
    file = device / "serial"
    return file.read_text(encoding="utf-8", errors="replace").strip() if file.exists() else ""


def _socket(device: Path) -> str:
    return f"{_word(device / 'busnum')}-{_word(device / 'devpath')}"


def as_storage(root: str | Path = "/sys") -> list[StorageStick]:
    """Modems that wait as a disk; the package usb-modeswitch is missing then, or does not know them."""
    found = []
    for file in sorted(Path(root, "bus", "usb", "devices").glob("*/idVendor")):
        device = file.parent
        try:
            usb_id = f"{_word(file)}:{_word(device / 'idProduct')}"
            if usb_id in STORAGE and _MASS_STORAGE in map(_word, device.glob("*:*/bInterfaceClass")):
                found.append(StorageStick(usb_id=usb_id, path=_socket(device), title=STORAGE[usb_id]))
        except OSError:  # pulled out while we look
            continue
    return found


# ---- which of them take AT -----------------------------------------------------------------------------------------


def at_ports(found: Iterable[UsbPort], rows: Mapping[str, Profile]) -> list[Found]:
    """The ports that may be asked: one of each known modem, and every port of a device that is not known."""
    by_device = sorted(found, key=lambda p: (p.path, p.interface, p.device))
    return [x for _, device in groupby(by_device, key=lambda p: (p.path, p.usb_id)) for x in _of_device([*device], rows)]


def _of_device(device: list[UsbPort], rows: Mapping[str, Profile]) -> Iterator[Found]:
    usb_id = device[0].usb_id
    layouts = [layout for row in rows.values() for layout in row.devices if usb_id in layout.usb]
    if not layouts:
        yield from (Found(port, rows["generic"], None) for port in device if not _is_other(port))
        return
    for layout in layouts:
        at = _in_order(device, layout)
        if at:
            yield Found(at[0], profile_for(usb_id, at[0].interface, "", "", rows), at[1] if len(at) > 1 else None)
            return


def _in_order(device: list[UsbPort], layout: Layout) -> list[UsbPort]:
    """The device's AT ports, the best first."""
    at = layout.at
    first = [p for p in device if at.fits(p.interface, p.class_, p.subclass, p.protocol)]
    return first + [p for n in at.seconds for p in device if p.interface == n and p not in first]


def _is_other(port: UsbPort) -> bool:
    """A port that carries something that is no modem, as far as its id or driver tells."""
    return (
        port.usb_id in ADAPTER_IDS | NOT_MODEMS or port.vid in NOT_MODEM_VENDORS or port.driver in ADAPTER_DRIVERS
    )  # fmt: skip
