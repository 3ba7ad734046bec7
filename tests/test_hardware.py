"""The udev rules and the page of modems: of today, and what udev makes of them."""

import importlib.util
import re
import shutil
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from smsgwd.modem.profile import profiles

ROOT = Path(__file__).resolve().parents[1]
ROWS = profiles()
RULES = (ROOT / "hardware/61-smsgwd-modems.rules").read_text()
PAGE = (ROOT / "hardware/README.md").read_text()

_TERM = re.compile(r'(?P<key>[A-Z_]+)(?:\{(?P<attribute>[A-Za-z_.]+)\})?(?P<how>==|!=|\+=|=)"(?P<value>[^"]*)"')
_MATCHES = {"ACTION", "SUBSYSTEM", "SUBSYSTEMS", "ATTRS", "ENV"}
_SETS = {"ENV", "SYMLINK", "GOTO", "LABEL"}
LAYOUTS = [pytest.param(row, layout, id=f"{row.name} {layout.usb[0]}") for row in ROWS.values() for layout in row.devices]

Term = tuple[str, str, str, str]


def generator():
    spec = importlib.util.spec_from_file_location("hardware_generate", ROOT / "hardware/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parsed(text: str) -> list[list[Term]]:
    """The terms of each line; AssertionError for a line that is not of udev's syntax."""
    lines = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        terms = [_TERM.fullmatch(term) for term in line.split(", ")]
        assert all(terms), line
        found = [(t["key"], t["attribute"] or "", t["how"], t["value"]) for t in terms if t]
        for key, attribute, how, _ in found:
            assert key in (_MATCHES if how in ("==", "!=") else _SETS), line
            assert bool(attribute) is (key in ("ATTRS", "ENV")), line
        lines.append(found)
    return lines


def udev(usb_id: str, interface: str, kind: str = "ff/00/00", *, action: str = "add", **env: str) -> dict[str, str]:
    """What the rules make of a tty of a USB device: properties, and the symlinks under SYMLINK.

    As udev does: ATTRS and SUBSYSTEMS of one line must all fit one and the same parent, an unset property is "".
    """
    class_, subclass, protocol = kind.split("/")
    vendor, product = usb_id.split(":")
    parents = [
        {"SUBSYSTEMS": "tty"},
        {"SUBSYSTEMS": "usb-serial"},
        {"SUBSYSTEMS": "usb", "bInterfaceNumber": interface, "bInterfaceClass": class_, "bInterfaceSubClass": subclass,
         "bInterfaceProtocol": protocol},
        {"SUBSYSTEMS": "usb", "idVendor": vendor, "idProduct": product},
        {"SUBSYSTEMS": "usb", "idVendor": "1d6b", "idProduct": "0002"},
    ]  # fmt: skip
    event = {"ACTION": action, "SUBSYSTEM": "tty"}
    made = {"ID_USB_INTERFACE_NUM": interface, "ID_PATH": "pci-0000:00:14.0-usb-0:1:1.2", **env}
    label = ""
    for line in parsed(RULES):
        if label:
            label = "" if ("LABEL", "", "=", label) in line else label
            continue
        tests = [t for t in line if t[2] in ("==", "!=")]
        of_parents = [t for t in tests if t[0] in ("ATTRS", "SUBSYSTEMS")]
        own = [(made.get(a, "") if key == "ENV" else event[key], how, v) for key, a, how, v in tests if (key, a, how, v) not in of_parents]
        if not all(_fits(v, has) is (how == "==") for has, how, v in own):
            continue
        if of_parents and not any(all((a or key) in p and _fits(v, p[a or key]) for key, a, _, v in of_parents) for p in parents):
            continue
        for key, attribute, how, value in (t for t in line if t not in tests):
            if key == "ENV":
                made[attribute] = value
            elif key == "SYMLINK":
                assert how == "+="
                made["SYMLINK"] = re.sub(r"\$env\{(\w+)\}", lambda m: made[m[1]], value)
            elif key == "GOTO":
                label = value
    assert not label, "a jump to nowhere"
    return made


def _fits(patterns: str, value: str) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in patterns.split("|"))


# ---- generated -----------------------------------------------------------------------------------------------------


def test_generated_parts_are_of_today():
    """Rules and page are as `python hardware/generate.py` writes them."""
    generate = generator()
    assert generate.rules(ROWS) == RULES, "run: python hardware/generate.py"
    assert generate.page(PAGE, ROWS) == PAGE, "run: python hardware/generate.py"


def test_the_page_has_everything():
    """Each family, id and observation is in the tables; nothing says that it was tried."""
    for row in ROWS.values():
        assert f"| `{row.name}` |" in PAGE
        assert all(f"`{usb}`" in PAGE for layout in row.devices for usb in layout.usb)
        assert all(quirk.source in PAGE for quirk in row.quirks)
    matrix = PAGE.partition("<!-- matrix -->")[2].partition("<!-- /matrix -->")[0].strip().splitlines()[2:]
    assert len(matrix) == sum(max(len(row.devices), 1) for row in ROWS.values())
    assert all(line.endswith("| no |") for line in matrix)
    assert "Nothing on this page has been tried on hardware" in PAGE


def test_tables_are_whole():
    """Each line of a table has as many cells as its head."""
    for name in ("matrix", "quirks"):
        lines = PAGE.partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0].strip().splitlines()
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1


# ---- what udev makes of them ---------------------------------------------------------------------------------------


def test_syntax():
    """Every line is one that udev reads, and jumps lead to the end."""
    lines = parsed(RULES)
    assert lines[-1] == [("LABEL", "", "=", "smsgwd_end")]
    assert {t[3] for line in lines for t in line if t[0] == "GOTO"} == {"smsgwd_end"}


@pytest.mark.peer
def test_udev_itself_reads_them():
    """`udevadm verify` finds nothing wrong, where it is there."""
    if shutil.which("udevadm") is None:
        pytest.skip("udevadm is not installed")
    done = subprocess.run(
        ["udevadm", "verify", "--resolve-names=never", str(ROOT / "hardware/61-smsgwd-modems.rules")],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    if "Unknown" in done.stderr or "unrecognized" in done.stderr:
        pytest.skip("this udevadm cannot verify")
    assert done.returncode == 0, done.stderr + done.stdout


def test_every_id_once():
    """Each id of the rows is in exactly one line."""
    seen = []
    for line in parsed(RULES):
        said = {attribute: value for _, attribute, _, value in line}
        if "idVendor" in said:
            seen += [f"{said['idVendor']}:{product}" for product in said["idProduct"].split("|")]
    assert sorted(seen) == sorted(usb for row in ROWS.values() for layout in row.devices for usb in layout.usb)
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(("row", "layout"), LAYOUTS)
def test_every_port_of_a_known_stick(row, layout):
    """ModemManager is kept off each of its ports; one of them, the best for AT, gets the name."""
    for usb in layout.usb:
        named = []
        for number in (f"{n:02x}" for n in range(16)):
            made = udev(usb, number, "ff/01/02" if layout.at.class_ and number == "03" else "ff/01/01", ID_SERIAL_SHORT="ABC")
            assert made["ID_MM_DEVICE_IGNORE"] == "1"
            if "SYMLINK" in made:
                assert (made["SYMLINK"], made["SMSGWD_PROFILE"]) == ("smsgwd/ABC", row.name)
                named.append(number)
        assert named == list(layout.at.numbers or ["03"])


@pytest.mark.parametrize("subclass", ["01", "02"])
def test_huawei_by_class(subclass):
    """PCUI is protocol 02 whatever its number; another class with that protocol is not."""
    assert "SYMLINK" in udev("12d1:1506", "07", f"ff/{subclass}/02")
    assert "SYMLINK" not in udev("12d1:1506", "07", f"ff/{subclass}/05")
    assert "SYMLINK" not in udev("12d1:1506", "02", f"08/{subclass}/02")


@pytest.mark.parametrize(
    "usb",
    [
        pytest.param("1a86:7523", id="CH340"),
        pytest.param("10c4:ea60", id="CP210x"),
        pytest.param("0403:6001", id="FTDI"),
        pytest.param("1546:01a7", id="GNSS receiver"),
        pytest.param("12d1:1446", id="a stick that waits as a disk"),
        pytest.param("2341:0043", id="Arduino"),
    ],
)
def test_other_devices_are_left_alone(usb):
    """No property, no name; their ids are not even named."""
    before = {"ID_USB_INTERFACE_NUM": "02", "ID_PATH": "p", "ID_SERIAL_SHORT": "ABC"}
    assert udev(usb, "02", "ff/01/02", ID_PATH="p", ID_SERIAL_SHORT="ABC") == before


def test_name_of_a_stick_without_a_serial_number():
    """By its socket; without that by nothing, so that no name is empty."""
    assert udev("2c7c:0125", "02")["SYMLINK"] == "smsgwd/pci-0000:00:14.0-usb-0:1:1.2"
    assert "SYMLINK" not in udev("2c7c:0125", "02", ID_PATH="")


def test_left_out_by_the_operator():
    """SMSGWD_IGNORE leaves a stick to ModemManager; a removal needs nothing."""
    assert "ID_MM_DEVICE_IGNORE" not in udev("2c7c:0125", "02", SMSGWD_IGNORE="1")
    assert "ID_MM_DEVICE_IGNORE" not in udev("2c7c:0125", "02", action="remove")
    assert "ID_MM_DEVICE_IGNORE" in udev("2c7c:0125", "02", action="bind")
