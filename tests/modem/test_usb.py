"""USB ports as sysfs shows them, in trees built as the kernel builds them."""

from pathlib import Path

import pytest

from smsgwd.modem import usb
from smsgwd.modem.profile import profiles
from smsgwd.modem.usb import UsbPort, as_storage, at_ports, ports

ROWS = profiles()


class Sysfs:
    """A small /sys: devices of one USB controller, with the symlinks that point at them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bus = root / "devices/pci0000:00/0000:00:14.0/usb1"
        for folder in ("class/tty", "bus/usb/devices", "bus/usb/drivers", "bus/usb-serial/drivers"):
            (root / folder).mkdir(parents=True)
        self._write(self.bus, idVendor="1d6b", idProduct="0002", busnum="1", devpath="0", serial="0000:00:14.0")
        self._ttys = {"ttyUSB": 0, "ttyACM": 0}

    def _write(self, folder: Path, **attributes: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in attributes.items():
            (folder / name).write_text(f"{value}\n")

    def _link(self, place: Path, target: Path) -> None:
        place.symlink_to(Path(*[".."] * len(place.parent.relative_to(self.root).parts), target.relative_to(self.root)))

    def device(self, socket: str, usb_id: str, serial: str = "") -> Path:
        folder = self.bus / f"1-{socket}"
        vendor, product = usb_id.split(":")
        self._write(folder, idVendor=vendor, idProduct=product, busnum="1", devpath=socket, bDeviceClass="00")
        if serial:
            self._write(folder, serial=serial)
        self._link(self.root / "bus/usb/devices" / folder.name, folder)
        return folder

    def interface(self, device: Path, number: str, kind: str = "ff/00/00", driver: str = "option") -> Path:
        folder = device / f"{device.name}:1.{int(number, 16)}"
        class_, subclass, protocol = kind.split("/")
        self._write(
            folder, bInterfaceNumber=number, bInterfaceClass=class_, bInterfaceSubClass=subclass, bInterfaceProtocol=protocol
        )
        home = self.root / "bus/usb/drivers" / driver
        home.mkdir(exist_ok=True)
        self._link(folder / "driver", home)
        return folder

    def tty_usb(self, device: Path, number: str, kind: str = "ff/00/00", driver: str = "option") -> None:
        """usb-serial: the interface has a port of its own, and the tty is under that."""
        self._tty("ttyUSB", self.interface(device, number, kind, driver), between=True)

    def tty_acm(self, device: Path, number: str) -> None:
        """CDC ACM: the tty is under the interface."""
        self._tty("ttyACM", self.interface(device, number, "02/02/01", "cdc_acm"), between=False)

    def _tty(self, kind: str, interface: Path, *, between: bool) -> None:
        name = f"{kind}{self._ttys[kind]}"
        self._ttys[kind] += 1
        owner = interface / name if between else interface
        folder = owner / "tty" / name
        folder.mkdir(parents=True)
        self._link(folder / "device", owner)
        self._link(self.root / "class/tty" / name, folder)

    def plain_tty(self, name: str) -> None:
        """A console has no device; a UART has one that is in no USB interface."""
        folder = self.root / "devices/virtual/tty" / name
        folder.mkdir(parents=True)
        if name.startswith("ttyS"):
            owner = self.root / "devices/platform/serial8250"
            owner.mkdir(parents=True, exist_ok=True)
            self._link(folder / "device", owner)
        self._link(self.root / "class/tty" / name, folder)

    def chosen(self) -> list[tuple[str, str, str | None]]:
        """(port, family, second port) of each that may be asked."""
        return [(f.port.device, f.profile.name, f.second and f.second.device) for f in at_ports(ports(self.root), ROWS)]


@pytest.fixture
def sysfs(tmp_path):
    return Sysfs(tmp_path / "sys")


def ec25(sysfs: Sysfs, socket: str, serial: str = "") -> None:
    device = sysfs.device(socket, "2c7c:0125", serial)
    for number in ("00", "01", "02", "03"):
        sysfs.tty_usb(device, number)
    sysfs.interface(device, "04", "ff/ff/ff", "qmi_wwan")


def test_a_port_in_full(sysfs):
    """Everything that sysfs tells of a port, both ways that the kernel has."""
    ec25(sysfs, "1.4", serial="0123ABC")
    sysfs.tty_acm(sysfs.device("2", "1546:1102"), "0A".lower())
    found = ports(sysfs.root)
    assert found[2] == UsbPort(
        device="/dev/ttyUSB2", vid="2c7c", pid="0125", interface="02", class_="ff", subclass="00", protocol="00",
        serial="0123ABC", path="1-1.4", driver="option",
    )  # fmt: skip
    assert found[4] == UsbPort(
        device="/dev/ttyACM0", vid="1546", pid="1102", interface="0a", class_="02", subclass="02", protocol="01",
        serial="", path="1-2", driver="cdc_acm",
    )  # fmt: skip
    assert len(found) == 5


def test_ttys_that_are_no_usb(sysfs):
    """Consoles and UARTs are not listed."""
    for name in ("tty0", "console", "ttyS0"):
        sysfs.plain_tty(name)
    assert ports(sysfs.root) == []


def test_no_sysfs(tmp_path):
    """A container without /sys has no ports and no sticks."""
    assert (ports(tmp_path / "none"), as_storage(tmp_path / "none")) == ([], [])


def test_pulled_out_while_we_look(sysfs):
    """Links that lead nowhere, attributes that are gone: the port is left out, the others stay."""
    ec25(sysfs, "1")
    other = sysfs.device("2", "2c7c:0125")
    sysfs.tty_usb(other, "02")
    (other / "idProduct").unlink()
    (sysfs.root / "class/tty/ttyUSB9").symlink_to("../../devices/gone")
    assert [p.device for p in ports(sysfs.root)] == ["/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/ttyUSB2", "/dev/ttyUSB3"]


def test_ec25(sysfs):
    """Interface 02, with 03 as the second; never QCDM and NMEA."""
    ec25(sysfs, "1")
    assert sysfs.chosen() == [("/dev/ttyUSB2", "quectel-ec25", "/dev/ttyUSB3")]


def test_sim7600(sysfs):
    """Five ports, one is asked."""
    device = sysfs.device("1", "1e0e:9001")
    for number in ("00", "01", "02", "03", "04"):
        sysfs.tty_usb(device, number, "ff/ff/ff")
    assert sysfs.chosen() == [("/dev/ttyUSB2", "simcom-sim7600", "/dev/ttyUSB3")]


@pytest.mark.parametrize("subclass", ["01", "02"])
def test_e173(sysfs, subclass):
    """A Huawei stick says by its class which port is PCUI; the number is another from stick to stick."""
    device = sysfs.device("1", "12d1:1436")
    sysfs.tty_usb(device, "00", f"ff/{subclass}/01")
    sysfs.tty_usb(device, "01", f"ff/{subclass}/03")
    sysfs.tty_usb(device, "04", f"ff/{subclass}/02")
    assert sysfs.chosen() == [("/dev/ttyUSB2", "huawei-3g", None)]


def test_two_layouts_of_one_family(sysfs):
    """Each id has its own order of ports."""
    for socket, usb_id in (("1", "19d2:0117"), ("2", "19d2:0031")):
        device = sysfs.device(socket, usb_id)
        for number in ("00", "01", "02", "03"):
            sysfs.tty_usb(device, number)
    assert sysfs.chosen() == [("/dev/ttyUSB2", "zte-mf", "/dev/ttyUSB1"), ("/dev/ttyUSB7", "zte-mf", "/dev/ttyUSB5")]


def test_two_equal_sticks_without_serial_numbers(sysfs):
    """Two devices, told apart by their sockets."""
    ec25(sysfs, "1.2")
    ec25(sysfs, "1.3")
    found = at_ports(ports(sysfs.root), ROWS)
    assert [(f.port.path, f.port.serial, f.port.device) for f in found] == [
        ("1-1.2", "", "/dev/ttyUSB2"), ("1-1.3", "", "/dev/ttyUSB6"),
    ]  # fmt: skip
    assert [f.second.device for f in found] == ["/dev/ttyUSB3", "/dev/ttyUSB7"]


def test_the_best_port_is_away(sysfs):
    """The second takes its place; without any AT port nothing of a known modem is opened."""
    device = sysfs.device("1", "2c7c:0125")
    sysfs.tty_usb(device, "00")
    assert sysfs.chosen() == []
    sysfs.tty_usb(device, "03")
    assert sysfs.chosen() == [("/dev/ttyUSB1", "quectel-ec25", None)]


def test_a_device_nobody_knows(sysfs):
    """Each of its ports may be the one."""
    device = sysfs.device("1", "abcd:0001")
    sysfs.tty_acm(device, "00")
    sysfs.tty_acm(device, "02")
    assert sysfs.chosen() == [("/dev/ttyACM0", "generic", None), ("/dev/ttyACM1", "generic", None)]


@pytest.mark.parametrize(
    ("usb_id", "driver"),
    [
        pytest.param("1a86:7523", "ch341", id="SIM800 on CH340"),
        pytest.param("10c4:ea60", "cp210x", id="CP210x"),
        pytest.param("1a86:5523", "ch341", id="another id of the adapter's driver"),
        pytest.param("0403:6001", "ftdi_sio", id="FTDI"),
        pytest.param("1546:01a5", "cdc_acm", id="GNSS receiver"),
        pytest.param("1546:01a9", "cdc_acm", id="newer GNSS receiver"),
        pytest.param("2341:0043", "cdc_acm", id="Arduino"),
    ],
)
def test_what_is_no_modem_is_not_opened(sysfs, usb_id, driver):
    """It is seen, and left alone; an operator may name its port."""
    sysfs.tty_usb(sysfs.device("1", usb_id), "00", driver=driver)
    assert [p.usb_id for p in ports(sysfs.root)] == [usb_id]
    assert sysfs.chosen() == []


@pytest.mark.parametrize("name", [n for n, row in ROWS.items() if row.devices])
def test_every_known_device(sysfs, name):
    """Each id of each row: one port is asked, by that row, and never one of its others."""
    for layout in ROWS[name].devices:
        for usb_id in layout.usb:
            vid, pid = usb_id.split(":")
            at, wanted = layout.at, set()
            device = [UsbPort(device=f"/dev/x{n:02x}", vid=vid, pid=pid, interface=f"{n:02x}", path="1-1") for n in range(16)]
            if at.class_:
                device = [UsbPort(device="/dev/x00", vid=vid, pid=pid, interface="00", class_="ff", subclass="01", protocol="01"),
                          UsbPort(device="/dev/x05", vid=vid, pid=pid, interface="05", class_="ff", subclass="01", protocol="02")]  # fmt: skip
                wanted = {"05"}
            (found,) = at_ports(device, ROWS)
            opened = {found.port.interface} | ({found.second.interface} if found.second else set())
            others = {n for other in layout.other for n in other.numbers}
            assert found.profile.name == name
            assert not opened & others
            assert found.port.interface in (wanted or at.numbers)


def test_stick_in_storage_mode(sysfs):
    """Named with its id and socket, so that a doctor can speak of usb-modeswitch."""
    sysfs.interface(sysfs.device("1.1", "12d1:1446"), "00", "08/06/50", "usb-storage")
    (stick,) = as_storage(sysfs.root)
    assert (stick.usb_id, stick.path, stick.title) == ("12d1:1446", "1-1.1", usb.STORAGE["12d1:1446"])
    assert ports(sysfs.root) == []


def test_disks_and_modems_are_no_such_sticks(sysfs):
    """A memory stick, a modem after its switch, and one of the ids that shows no disk."""
    sysfs.interface(sysfs.device("1", "154b:005b"), "00", "08/06/50", "usb-storage")
    sysfs.tty_usb(sysfs.device("2", "05c6:6000"), "00")
    ec25(sysfs, "3")
    assert as_storage(sysfs.root) == []


def test_storage_ids_are_no_modem_ids():
    """What waits as a disk is in no row: it has no AT port yet."""
    assert not set(usb.STORAGE) & {u for row in ROWS.values() for layout in row.devices for u in layout.usb}
