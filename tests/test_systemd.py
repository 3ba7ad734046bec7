"""The files for systemd and udev: what can be checked about them without being root."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UNIT = ROOT / "systemd" / "smsgwd.service"
RULES = ROOT / "hardware" / "61-smsgwd-modems.rules"
#: ten times the exposure that systemd-analyze may find
EXPOSURE = 15

_TERM = re.compile(r'(?P<key>[A-Z_]+)(?:\{(?P<attribute>[A-Za-z_.]+)\})?(?P<how>==|!=|\+=|=)"(?P<value>[^"]*)"')


def run(*command: str) -> subprocess.CompletedProcess[str]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def settings_of(text: str) -> list[tuple[str, str]]:
    """Settings that are in force, in order; the section heads are left out."""
    return re.findall(r"^([A-Za-z]+)=(.*)$", text, re.MULTILINE)


@pytest.mark.peer
def test_unit_is_right(tmp_path):
    """systemd finds nothing wrong with the unit."""
    unit = tmp_path / "smsgwd.service"
    unit.write_text(UNIT.read_text().replace("/usr/bin/smsgwd run", "/bin/true"))
    done = run("systemd-analyze", "verify", "--man=no", str(unit))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.peer
def test_unit_is_closed():
    """The exposure stays what it is."""
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", str(UNIT))
    assert done.returncode == 0, done.stdout[-200:]


@pytest.mark.peer
def test_user_and_folders(tmp_path):
    """sysusers and tmpfiles make the user and the folders, in an empty root."""
    (tmp_path / "etc" / "smsgwd").mkdir(parents=True)
    (tmp_path / "etc" / "smsgwd" / "smsgwd.toml").write_text("")
    for program, file in (("systemd-sysusers", "smsgwd.sysusers"), ("systemd-tmpfiles", "smsgwd.tmpfiles")):
        more = ["--create"] if program == "systemd-tmpfiles" else []
        done = run(program, f"--root={tmp_path}", *more, str(ROOT / "systemd" / file))
        if "ermission denied" in done.stderr or "not permitted" in done.stderr:
            pytest.skip("needs root")
        assert done.returncode == 0, done.stderr
    assert re.search(r"^smsgwd:x:\d+:\d+:SMS gateway:/var/lib/smsgwd:", (tmp_path / "etc/passwd").read_text(), re.MULTILINE)
    assert re.search(r"^dialout:x:\d+:(.*,)?smsgwd$", (tmp_path / "etc/group").read_text(), re.MULTILINE)
    modes = {p: oct((tmp_path / p).stat().st_mode & 0o777) for p in ("etc/smsgwd/credentials", "var/lib/smsgwd", "etc/smsgwd/smsgwd.toml")}
    assert list(modes.values()) == ["0o700", "0o700", "0o640"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("Type", "notify", id="tells when it is ready"),
        pytest.param("WatchdogSec", "60", id="watchdog"),
        pytest.param("Restart", "on-failure", id="restart"),
        pytest.param("RestartPreventExitStatus", "78", id="not for a wrong configuration"),
        pytest.param("User", "smsgwd", id="user"),
        pytest.param("DynamicUser", "no", id="a user that stays"),
        pytest.param("SupplementaryGroups", "dialout", id="serial ports"),
        pytest.param("StateDirectory", "smsgwd", id="state"),
        pytest.param("RuntimeDirectory", "smsgwd", id="socket"),
        pytest.param("ProtectSystem", "strict", id="system is read-only"),
        pytest.param("DevicePolicy", "closed", id="no other devices"),
    ],
)
def test_unit_says(key, value):
    """What other parts rely on."""
    assert (key, value) in settings_of(UNIT.read_text())


def test_unit_fits_the_program():
    """The watchdog is fed in time, folders are those of the configuration, and the last text in hand is waited for."""
    from smsgwd.config import Gateway
    from smsgwd.daemon import TICK
    from smsgwd.modem.profile import Profile

    settings = dict(settings_of(UNIT.read_text()))
    assert float(settings["WatchdogSec"]) > TICK * 2
    assert float(settings["TimeoutStopSec"]) > Profile().answer + 15
    assert Gateway().database.startswith(f"/var/lib/{settings['StateDirectory']}/")
    assert Gateway().socket.startswith(f"/run/{settings['RuntimeDirectory']}/")


def udev_lines() -> list[list[tuple[str, str, str, str]]]:
    """Terms of each udev line: (key, attribute, operator, value)."""
    lines = [line for line in RULES.read_text().splitlines() if line and not line.startswith("#")]
    found = []
    for line in lines:
        terms = [_TERM.fullmatch(term) for term in line.split(", ")]
        assert all(terms), line
        found.append([(t["key"], t["attribute"] or "", t["how"], t["value"]) for t in terms if t])
    return found


def test_udev_lines_are_whole():
    """Each line has the shape that udev reads; labels that are jumped to exist."""
    lines = udev_lines()
    values = {key: {t[3] for line in lines for t in line if t[0] == key} for key in ("GOTO", "LABEL")}
    assert values["GOTO"] == values["LABEL"] == {"smsgwd_end"}
    assert lines[-1] == [("LABEL", "", "=", "smsgwd_end")]


def test_udev_ids():
    """Vendor and product are four hex digits, in lower case as the kernel writes them, and none stands twice."""
    seen = []
    for line in udev_lines():
        terms = {attribute: value for _, attribute, _, value in line}
        if "idVendor" in terms:
            seen += [f"{terms['idVendor']}:{product}" for product in terms["idProduct"].split("|")]
    assert len(seen) > 30
    assert all(re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{4}", id_) for id_ in seen)
    assert len(set(seen)) == len(seen)


def test_udev_every_family_has_a_port():
    """Each family that is set has exactly one line that says which port takes AT commands."""
    lines = udev_lines()
    made = {v for line in lines for _, a, how, v in line if a == "SMSGWD_FAMILY" and how == "="}
    ports = [
        family
        for line in lines
        if ("ENV", "SMSGWD_PORT", "=", "at") in line
        for _, a, how, v in line
        if a == "SMSGWD_FAMILY" and how == "=="
        for family in v.split("|")
    ]
    assert sorted(ports) == sorted(made)
