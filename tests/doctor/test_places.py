"""Which programs run, and which of them have a port."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from smsgwd.doctor.places import Process, holders, lock_owner, process, running
from tests.doctor.trees import held, places, program


def test_running_programs(tmp_path):
    """They are found by name, also by one that the kernel has cut."""
    where = places(tmp_path)
    program(where, 7, "ModemManager")
    program(where, 9, "a-program-with-a-long-name")
    assert running(where.proc, ("ModemManager", "brltty")) == [Process(7, "ModemManager")]
    assert running(where.proc, ("a-program-with-a-long-name",)) == [Process(9, "a-program-with-")]


@pytest.mark.parametrize(
    ("name", "arguments", "shown"),
    [
        pytest.param("gammu-smsd", ("-c", "/etc/gammu"), "gammu-smsd", id="by its own name"),
        pytest.param("python3", ("-m", "smsgwd", "run", "--number", "+15550100"), "smsgwd", id="module"),
        pytest.param("python3.11", ("/opt/bin/reader.py", "1234"), "reader.py", id="script"),
        pytest.param("python3", ("-c", "secret"), "python3", id="code"),
    ],
)
def test_names_of_programs(tmp_path, name, arguments, shown):
    """A Python program is called by its module or script; arguments, which may hold secrets, are never shown."""
    where = places(tmp_path)
    program(where, 7, name, *arguments)
    assert process(where.proc, 7) == Process(7, shown)
    assert str(process(where.proc, 7)) == f"{shown} (pid 7)"


def test_a_program_that_has_gone(tmp_path):
    """Between two looks a process may end."""
    assert "has gone" in process(places(tmp_path).proc, 7).name


def test_holders_by_open_files_and_lock_files(tmp_path):
    """Who has the port open, and who has an UUCP lock on it while it lives; nobody else."""
    where = places(tmp_path)
    program(where, 7, "ModemManager", opens="/dev/ttyUSB2")
    program(where, 8, "minicom")
    program(where, 9, "other", opens="/dev/ttyUSB1")
    (where.run / "lock").mkdir()
    (where.run / "lock/LCK..ttyUSB2").write_text("         8 minicom root\n")
    assert holders(where, "/dev/ttyUSB2") == [Process(7, "ModemManager"), Process(8, "minicom")]
    (where.run / "lock/LCK..ttyUSB2").write_text("        99\n")
    assert holders(where, "/dev/ttyUSB2") == [Process(7, "ModemManager")]


def test_a_real_holder(tmp_path):
    """The kernel's own /proc: another process is found, this one is not."""
    file = tmp_path / "port"
    file.write_text("")
    with file.open():
        where = places(tmp_path)
        where = type(where)(run=where.run)
        assert holders(where, str(file)) == []
        with held(str(file)) as pid:
            assert [found.pid for found in holders(where, str(file))] == [pid]


def test_who_has_a_lock(tmp_path):
    """The flock of another process by /proc/locks; None for a file that nobody has, or that is not there."""
    file = tmp_path / "x.lock"
    file.write_text("")
    assert lock_owner(Path("/proc"), str(file)) is None
    assert lock_owner(Path("/proc"), str(tmp_path / "none")) is None
    code = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('ok', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "ok\n"
        assert lock_owner(Path("/proc"), str(file)) == child.pid
        with file.open() as f, pytest.raises(BlockingIOError):
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        child.communicate()
    assert os.path.exists(file)
