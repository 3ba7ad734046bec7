"""The whole examination on a machine of folders, with modems on ptys."""

import os
from types import SimpleNamespace

import pytest

from smsgwd.clock import SystemClock
from smsgwd.doctor import examination
from tests.doctor.trees import lines, places
from tests.modem.wire import QUICK, wire
from tests.story.programs import write_config

CLOCK = SystemClock()
TWIN = '[[link]]\nname = "m2"\ntype = "modem"\nport = "{home}/m1"\n'
BY_IMEI = '[[link]]\nname = "m2"\ntype = "modem"\nimei = "{imei}"\n'


async def looked(home, more=""):
    return await examination.examine(str(write_config(home, more)), places(home / "machine"), CLOCK)


async def test_a_gateway_in_order(tmp_path):
    """All is well: nothing is an error, the modem was asked, and each theme has its line."""
    with wire() as modem:
        (tmp_path / "m1").symlink_to(modem.path)
        report = await looked(tmp_path)
    assert report.status == 0
    assert {c.name for c in report.checks} >= {
        "configuration", "rules", "daemon", "folder", "disk", "database", "clock", "modem manager", "port", "modem", "sim",
        "network", "signal", "storage", "smsc",
    }  # fmt: skip
    assert lines(report.checks, "modem")[0].message == "Acme M1, 1.0, profile generic, IMEI …1597"


async def test_without_a_configuration_the_machine_is_looked_at(tmp_path):
    """A configuration that does not read hides no other failure of the machine."""
    report = await examination.examine(str(tmp_path / "none.toml"), places(tmp_path), CLOCK)
    assert report.status == 78
    assert [check.name for check in report.checks] == ["configuration", "clock", "modem manager"]


async def test_one_port_for_two_links(tmp_path):
    """It is told at both, and the port is not opened twice at a time: nothing is asked."""
    with wire() as modem:
        (tmp_path / "m1").symlink_to(modem.path)
        report = await looked(tmp_path, TWIN.format(home=tmp_path))
        assert modem.sent == []
    assert [(c.subject, c.level) for c in lines(report.checks, "port") if "too" in c.message] == [("m1", "error"), ("m2", "error")]


async def test_one_failure_hides_no_other(tmp_path):
    """A port that is missing is an error of its link; the other link is examined all the same."""
    with wire() as modem:
        (tmp_path / "second").symlink_to(modem.path)
        report = await looked(tmp_path, f'[[link]]\nname = "m2"\ntype = "modem"\nport = "{tmp_path}/second"\n')
    assert report.status == 1
    assert [(c.name, c.subject) for c in report.checks if c.level == "error"] == [("port", "m1")]
    assert [c.subject for c in lines(report.checks, "sim")] == ["m2"]


@pytest.mark.parametrize(
    ("imei", "found"), [pytest.param("861121778331597", True, id="there"), pytest.param("000000000000000", False, id="not there")]
)
async def test_a_modem_by_its_imei(tmp_path, monkeypatch, imei, found):
    """The AT ports are asked one after the other; the wanted modem is told, or the ports that were asked. One that is
    gone is passed over."""
    with wire() as other, wire() as wanted:
        other.answers["AT+CGSN"] = "\r\n490154203237518\r\n\r\nOK\r\n"
        paths = [str(tmp_path / "gone"), other.path, wanted.path]
        candidates = [SimpleNamespace(port=SimpleNamespace(device=path), profile=QUICK) for path in paths]
        monkeypatch.setattr(examination.usb, "at_ports", lambda ports, rows: candidates)
        report = await looked(tmp_path, BY_IMEI.format(imei=imei))
    told = [check for check in report.checks if check.subject == "m2"]
    if found:
        assert {check.level for check in told} == {"ok"}
        assert told[0].message.endswith("IMEI …1597")
    else:
        (check,) = told
        assert (check.name, check.level) == ("port", "error")
        assert all(path in check.message for path in paths)
        assert imei not in check.message


async def test_links_that_are_off_are_left_alone(tmp_path):
    """`enabled = false` is not looked at."""
    with wire() as modem:
        (tmp_path / "m1").symlink_to(modem.path)
        report = await looked(tmp_path, "enabled = false\n")
        assert modem.sent == []
    assert lines(report.checks, "port") == []
    assert os.path.exists(tmp_path / "smsgwd.toml")
