"""`smsgwd bench`: what a machine gives, measured where the store lies, with nothing left behind."""

import os

import pytest

from smsgwd.cli import bench
from tests.cli.terminal import Terminal

WHAT = [
    "one text after another, each safe on the disk", "… one takes", "… one writes",
    "texts of 100 programs at once, each safe on the disk", "… CPU", "texts all the way: accepted, taken, sent, reported", "… CPU",
]  # fmt: skip


@pytest.fixture
def terminal(tmp_path, capsys):
    return Terminal(tmp_path, capsys)


def test_figures(terminal, tmp_path):
    """Every figure is there, in words for people and as JSON, and fits the others; the folder is as it was."""
    home = tmp_path / "disk"
    home.mkdir()
    done = terminal("--json", "bench", "--dir", str(home), "--texts", "300")
    assert done.status == 0
    assert [line["what"] for line in done.document["figures"]] == WHAT
    alone, each, octets, many, *_ = (line["figure"] for line in done.document["figures"])
    assert each == pytest.approx(1000 / alone)
    assert many > alone > 0
    assert 1 < octets < 100
    assert os.listdir(home) == []
    done = terminal("bench", "--dir", str(home), "--texts", "300")
    assert [line.split("  ")[0] for line in done.out.splitlines()[1:]] == WHAT
    assert done.out.splitlines()[0] == f"300 texts in {home}, every commit synced"


def test_beside_the_configured_store(terminal, tmp_path):
    """Without a folder it is the disk of the store that is measured; the store itself is not touched."""
    done = terminal("--json", "bench", "--texts", "100")
    assert done.status == 0
    assert done.document["folder"] == str(tmp_path)
    assert not (tmp_path / "smsgwd.db").exists()


def test_a_folder_that_is_not_there(terminal, tmp_path):
    """One line and 75."""
    done = terminal("bench", "--dir", str(tmp_path / "nowhere"))
    assert (done.status, done.err) == (75, f"smsgwd: {tmp_path / 'nowhere'}: No such file or directory\n")


def test_a_disk_that_is_too_slow(terminal, tmp_path, monkeypatch):
    """It ends after its time, says so, and leaves nothing."""
    monkeypatch.setattr(bench, "LONGEST", 0.05)
    home = tmp_path / "disk"
    home.mkdir()
    done = terminal("bench", "--dir", str(home), "--texts", "1000000")
    assert (done.status, done.err) == (75, f"smsgwd: {home}: not done in 0.05 s; try fewer texts, or another disk\n")
    assert os.listdir(home) == []


def test_digits():
    """As many as tell something."""
    assert [bench._digits(figure) for figure in (12_345.6, 99.9, 9.99)] == [0, 1, 2]
