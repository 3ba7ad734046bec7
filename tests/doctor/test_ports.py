"""A port before it is opened."""

import os
import pty

import pytest

from smsgwd.doctor import ports
from smsgwd.doctor.places import Places, Process
from smsgwd.doctor.ports import Seen, judge
from smsgwd.modem import usb
from smsgwd.modem.profile import profiles
from smsgwd.modem.usb import UsbPort
from tests.doctor.trees import held, places, program

USB = {"path": "/dev/ttyUSB2", "target": "/dev/ttyUSB2"}
BY_ID = "/dev/serial/by-id/usb-Acme_M1-if02-port0"


@pytest.mark.parametrize(
    ("seen", "level", "said", "mend"),
    [
        pytest.param(Seen(path=BY_ID, target="/dev/ttyUSB2"), "ok", "→ /dev/ttyUSB2, root:dialout 0660, free", "", id="free"),
        pytest.param(Seen(path="/dev/x"), "error", "is not there", "ls -l /dev/serial/by-id/", id="missing"),
        pytest.param(Seen(path="/dev/x", others=(BY_ID,)), "error", f"{BY_ID} is", f'port = "{BY_ID}"', id="another is there"),
        pytest.param(Seen(path="/dev/x", others=(BY_ID, "b")), "error", f"there are {BY_ID}, b", "dmesg", id="others are there"),
        pytest.param(Seen(**USB, character=False), "error", "no serial port", "set `port`", id="a file"),
        pytest.param(Seen(**USB, by_id=BY_ID), "warning", "plugged in first", f'port = "{BY_ID}"', id="moving"),
        pytest.param(Seen(**USB), "warning", "plugged in first", "by-path", id="moving, no serial number"),
        pytest.param(Seen(path=BY_ID, target="/dev/ttyUSB2", allowed=False), "error", "root:dialout, mode 0660",
                     "sudo usermod -aG dialout ", id="not in the group"),
        pytest.param(Seen(path=BY_ID, target="/dev/ttyUSB2", allowed=False, group="root"), "error", "root:root",
                     "udev rule", id="nobody joins root"),
        pytest.param(Seen(path=BY_ID, target="/dev/ttyUSB2", allowed=False, mode=0o600), "error", "mode 0600",
                     "chmod 0660", id="the group may not"),
        pytest.param(Seen(path=BY_ID, target="/dev/ttyUSB2", holders=(Process(7, "ModemManager"),)), "error",
                     "in use by ModemManager (pid 7)", "mask --now ModemManager", id="ModemManager"),
        pytest.param(Seen(path=BY_ID, target="/dev/ttyUSB2", holders=(Process(7, "agetty"),)), "error",
                     "agetty (pid 7)", "serial-getty@ttyUSB2", id="console"),
        pytest.param(Seen(path=BY_ID, target="/dev/ttyUSB2", holders=(Process(7, "mine"),)), "error",
                     "mine (pid 7)", "sudo kill 7", id="unknown program"),
        pytest.param(Seen(path=BY_ID, target="/dev/ttyUSB2", holders=(Process(1, "smsgwd"),)), "ok",
                     "the daemon has it", "", id="our daemon"),
    ],
)  # fmt: skip
def test_judgement(seen, level, said, mend):
    """One line says what hinders, and the next step."""
    (check,) = judge("m1", seen, ours=1)
    assert (check.name, check.subject, check.level) == ("port", "m1", level)
    assert said in check.message
    assert mend in check.mend
    assert bool(check.mend) == (level != "ok")


@pytest.mark.skipif(os.geteuid() != 0, reason="the user of the service is judged by root")
def test_the_service_may_not(tmp_path):
    """Root may do everything: then the user of the service is judged, as a warning."""
    (check,) = judge("m1", Seen(path=BY_ID, target="/dev/ttyUSB2", group="plugdev", service=False), None)
    assert check.level == "warning"
    assert check.mend.startswith("sudo usermod -aG plugdev smsgwd")


def test_our_daemon_and_a_stranger():
    """Two programs on one port: the stranger is named, the daemon is not."""
    seen = Seen(path=BY_ID, target="/dev/ttyUSB2", holders=(Process(1, "smsgwd"), Process(7, "gammu-smsd")))
    (check,) = judge("m1", seen, ours=1)
    assert "gammu-smsd" in check.message
    assert "pid 1)" not in check.message


def quectel(number: int) -> UsbPort:
    return UsbPort(device=f"/dev/ttyUSB{number}", vid="2c7c", pid="0125", interface=f"0{number}", path="1-1")


@pytest.mark.parametrize(
    ("target", "level"),
    [
        pytest.param("/dev/ttyUSB0", "error", id="diagnosis port"),
        pytest.param("/dev/ttyUSB2", None, id="AT port"),
        pytest.param("/dev/ttyUSB3", None, id="second AT port"),
        pytest.param("/dev/ttyS0", None, id="no USB"),
    ],
)
def test_another_port_of_the_same_modem(target, level):
    """Of a known modem the right port is named, by its by-id name where it has one."""
    all_ports = [quectel(number) for number in range(4)]
    found = usb.at_ports(all_ports, profiles())
    checks = ports.misplaced("m1", Seen(path=target, target=target), all_ports, found, {"/dev/ttyUSB2": BY_ID})
    assert [check.level for check in checks] == ([level] if level else [])
    assert all(check.mend == f'port = "{BY_ID}"' for check in checks)


def test_a_look_at_a_real_port(tmp_path):
    """A pty by another name, with the process that has it; a by-id name that leads to it is found."""
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    try:
        where = Places(run=tmp_path, by_id=places(tmp_path).by_id)
        (where.by_id / "usb-Acme").symlink_to(name)
        with held(name) as pid:
            seen = ports.look(name, where)
        assert (seen.target, seen.character, seen.allowed) == (name, True, True)
        assert pid in [holder.pid for holder in seen.holders]
        assert seen.by_id == str(where.by_id / "usb-Acme")
        assert ports.look(str(tmp_path / "none"), where).others == (str(where.by_id / "usb-Acme"),)
    finally:
        os.close(master)


def test_a_holder_in_another_tree(tmp_path):
    """ModemManager is found by its open file."""
    where = places(tmp_path)
    port = tmp_path / "ttyUSB2"
    port.touch()
    program(where, 7, "ModemManager", opens=str(port))
    seen = ports.look(str(port), where)
    assert seen.holders == (Process(7, "ModemManager"),)
    assert not seen.character


async def test_opening(tmp_path):
    """A terminal opens; a file, a directory and nothing say why not."""
    master, slave = pty.openpty()
    try:
        assert await ports.refusal(os.ttyname(slave)) == ""
    finally:
        os.close(slave)
        os.close(master)
    (tmp_path / "file").touch()
    assert await ports.refusal(str(tmp_path / "file")) == "is no serial port"
    assert "Is a directory" in await ports.refusal(str(tmp_path))
    assert "No such file" in await ports.refusal(str(tmp_path / "none"))


async def test_a_driver_that_hangs(tmp_path, monkeypatch):
    """Opening that does not return costs its line, not the command."""
    import threading

    let_go = threading.Event()
    monkeypatch.setattr(ports, "TIMEOUT", 0.05)
    monkeypatch.setattr(ports, "_open", lambda path: str(let_go.wait(10)))
    assert "takes longer" in await ports.refusal("/dev/none")
    let_go.set()
