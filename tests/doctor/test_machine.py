"""Clock, programs that claim modems, sticks, power."""

import pytest

from smsgwd.config.file import parse
from smsgwd.doctor import machine
from tests.doctor.trees import NOW, lines, places, program, usb_device

SMPP_ONLY = parse('[[link]]\nname = "c"\ntype = "smpp"\nhost = "h"\n')


def looked(where, config=None):
    return machine.examine(config, where, NOW)


@pytest.mark.parametrize(
    ("now", "flag", "runs", "level", "said"),
    [
        pytest.param(1_000_000_000_000, True, (), "error", "2001", id="before its time"),
        pytest.param(NOW, True, (), "ok", "timesyncd", id="set by timesyncd"),
        pytest.param(NOW, False, ("chronyd",), "ok", "chronyd", id="kept by chrony"),
        pytest.param(NOW, False, ("systemd-timesyncd",), "warning", "not set it yet", id="not yet"),
        pytest.param(NOW, False, (), "warning", "no program", id="nobody sets it"),
    ],
)
def test_clock(tmp_path, now, flag, runs, level, said):
    """Wrong before 2025; else as far as somebody is known to set it."""
    where = places(tmp_path)
    if flag:
        (where.run / "systemd/timesync").mkdir(parents=True)
        (where.run / "systemd/timesync/synchronized").touch()
    for i, name in enumerate(runs):
        program(where, 10 + i, name)
    check = machine.clock(where, now)
    assert check.level == level
    assert said in check.message
    assert bool(check.mend) == (level != "ok")


def test_modem_manager(tmp_path):
    """It is told with what keeps it off; with the udev rule it may run; without modems it is nobody's business."""
    where = places(tmp_path)
    assert lines(looked(where), "modem manager")[0].level == "ok"
    program(where, 77, "ModemManager")
    (check,) = lines(looked(where), "modem manager")
    assert check.level == "warning"
    assert "pid 77" in check.message
    assert "mask --now ModemManager" in check.mend
    assert lines(looked(where, SMPP_ONLY), "modem manager") == []
    (where.udev[0] / machine.RULES).touch()
    assert lines(looked(where), "modem manager")[0].level == "ok"


def test_brltty(tmp_path):
    """brltty is told only beside an adapter that it takes for a braille display."""
    where = places(tmp_path)
    program(where, 78, "brltty")
    assert lines(looked(where), "brltty") == []
    usb_device(where, "1-2", "1A86", "7523")
    (check,) = lines(looked(where), "brltty")
    assert "1a86:7523" in check.message
    assert check.mend == "sudo apt remove brltty"


def test_hilink(tmp_path):
    """A stick without an AT port is named by that word."""
    where = places(tmp_path)
    usb_device(where, "1-1", "12d1", "14dc")
    usb_device(where, "1-2", "2c7c", "0125")
    (check,) = lines(looked(where), "usb")
    assert check.subject == "12d1:14dc"
    assert "HiLink" in check.message


def test_sticks_that_are_disks(tmp_path):
    """A stick that waits as a disk is an error with the package that switches it; one that was switched is none."""
    where = places(tmp_path)
    for number, product in ((1, "1446"), (2, "1001")):
        folder = usb_device(where, f"1-{number}", "12d1", product)
        (folder / "busnum").write_text("1\n")
        (folder / "devpath").write_text(f"{number}\n")
        (folder / f"1-{number}:1.0").mkdir()
        (folder / f"1-{number}:1.0/bInterfaceClass").write_text("08\n")
    (check,) = lines(looked(where), "usb")
    assert (check.subject, check.level) == ("12d1:1446", "error")
    assert "1-1" in check.message
    assert "usb-modeswitch" in check.mend


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        pytest.param("0x0\n", ["ok"], id="never"),
        pytest.param("50005\n", ["error"], id="now"),
        pytest.param("50000\n", ["warning"], id="before"),
        pytest.param("0x40000\n", ["ok"], id="throttled by heat alone"),
        pytest.param("?\n", [], id="cannot be read"),
        pytest.param(None, [], id="not told"),
    ],
)
def test_under_voltage(tmp_path, text, levels):
    """Bits 0 and 16 of get_throttled; machines that do not tell have no line."""
    where = places(tmp_path)
    if text is not None:
        folder = where.sys / "devices/platform/soc/soc:firmware"
        folder.mkdir(parents=True)
        (folder / "get_throttled").write_text(text)
    assert [check.level for check in lines(looked(where), "power")] == levels


@pytest.mark.parametrize(("alarm", "level"), [pytest.param("1\n", "error", id="now"), pytest.param("0\n", "ok", id="not")])
def test_under_voltage_by_hwmon(tmp_path, alarm, level):
    """The sensor of newer kernels; other sensors are not asked."""
    where = places(tmp_path)
    for number, name in ((0, "cpu_thermal"), (1, "rpi_volt")):
        folder = where.sys / f"class/hwmon/hwmon{number}"
        folder.mkdir(parents=True)
        (folder / "name").write_text(name)
        (folder / "in0_lcrit_alarm").write_text(alarm if number else "1\n")
    assert [check.level for check in lines(looked(where), "power")] == [level]
