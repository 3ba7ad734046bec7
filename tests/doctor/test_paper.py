"""What is wrong on paper, and whose secrets cannot be read."""

import pytest

from smsgwd.doctor import paper
from tests.doctor.trees import lines
from tests.story.programs import write_config

DESK = '[[helpdesk]]\nname = "support"\nurl = "http://127.0.0.1:9/"\nsecret = {secret}\n'


def test_right(tmp_path):
    """A configuration that reads has one line, its rules another."""
    read = paper.read(str(write_config(tmp_path)))
    assert not read.wrong
    assert [(c.name, c.level) for c in read.checks] == [("configuration", "ok"), ("rules", "ok")]


@pytest.mark.parametrize(
    ("more", "rules", "name", "said"),
    [
        pytest.param("[gatway]\n", "", "configuration", "did you mean 'gateway'", id="misspelt"),
        pytest.param("[[[", "", "configuration", "not TOML", id="no toml"),
        pytest.param('profile = "nokia"\n', "", "profile", "'nokia' is not known", id="profile"),
        pytest.param("", '[[rule]]\nid = "a"\nwhen = 7\n', "rules", "10-test.toml", id="rule"),
        pytest.param(DESK.format(secret='"whsec_%"'), "", "secret", "base64", id="desk's key"),
        pytest.param(DESK.format(secret='{ file = "/nowhere/key" }'), "", "secret", "No such file", id="no secret"),
        pytest.param(DESK.format(secret='{ env = "NOWHERE_KEY" }'), "", "secret", "NOWHERE_KEY", id="no variable"),
    ],
)
def test_wrong(tmp_path, more, rules, name, said):
    """Each mistake is an error of its own name, with what to edit."""
    read = paper.read(str(write_config(tmp_path, more, rules)))
    assert read.wrong
    found = lines(read.checks, name)
    assert any(said in check.message for check in found), found
    assert all(check.level == "error" and "smsgwd check" in check.mend for check in found)


@pytest.mark.parametrize(
    ("keys", "warned"),
    [
        pytest.param("window = 30\nthroughput = 10", [], id="three seconds"),
        pytest.param("window = 31\nthroughput = 10", ["window = 10 in [[link]] c1"], id="more"),
        pytest.param("window = 20\nbinds = 2\nthroughput = 10", ["window = 10 in [[link]] c1"], id="of all sessions"),
        pytest.param("window = 1000", [], id="no limit of throughput"),
    ],
)
def test_window_and_throughput(tmp_path, keys, warned):
    """A window that holds more than three seconds of the pace is a warning, and nothing wrong."""
    read = paper.read(str(write_config(tmp_path, f'[[link]]\nname = "c1"\ntype = "smpp"\nhost = "h"\n{keys}\n')))
    assert not read.wrong
    assert [c.mend for c in read.checks if c.level == "warning"] == warned


def test_no_file(tmp_path):
    """A configuration that is not there is one line, and nothing else is looked at."""
    read = paper.read(str(tmp_path / "none.toml"))
    assert read.config is None
    assert [check.message for check in read.checks] == ["cannot be read: No such file or directory"]


def test_no_link_and_no_folder(tmp_path):
    """A gateway without links, or without the folder of its rules, is a warning."""
    path = write_config(tmp_path, "enabled = false\n")
    (tmp_path / "rules.d").rmdir()
    read = paper.read(str(path))
    assert not read.wrong
    assert [c.name for c in read.checks if c.level == "warning"] == ["configuration", "rules"]
