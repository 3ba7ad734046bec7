"""A carrier is asked, with real processes: the daemon, the simulated SMSC, and commands."""

import pytest

from tests.story.programs import ask, daemon, journal, link_up, running, smsgwd, state_of, until, write_config

pytestmark = pytest.mark.story

LINK = """\
enabled = false

[[link]]
name = "c1"
type = "smpp"
host = "127.0.0.1"
port = {port}
number = "+15550100200"
query = true
cancel = true
replace = true
"""


def smsc(home, *more):
    return running("sim", "smsc", "--port", "0", "--journal", str(home / "c1.journal"), *more, ready="ready", log=home / "c1.log")


def port(home) -> int:
    return int((home / "c1.log").read_text().split("ready 127.0.0.1:")[1].split()[0])


def sent(config) -> str:
    message = ask(config, "send", "--to", "+12125550177", "hello")["id"]
    until(lambda: state_of(config, message) == "sent", what="sent")
    return message


def test_ask_and_cancel_too_late(tmp_path):
    """The receipt never comes: `queue show --ask` says so and the text is delivered; then it is too late to cancel it, and
    to ask again. With the daemon stopped it says that it has to run."""
    with smsc(tmp_path):
        config = write_config(tmp_path, LINK.format(port=port(tmp_path)))
        with daemon(tmp_path):
            link_up(config, "c1")
            message, other = sent(config), sent(config)
            done = smsgwd("--config", str(config), "queue", "show", message, "--ask")
            assert done.returncode == 0, done.stderr
            assert done.stdout.startswith("c1 says of part 1, ")
            assert done.stdout.splitlines()[0].endswith(": delivered")
            assert state_of(config, message) == "delivered"
            for command in (("show", message, "--ask"), ("cancel", message)):
                refused = smsgwd("--config", str(config), "queue", *command)
                assert (refused.returncode, "delivered" in refused.stderr) == (1, True)
        for command in (("show", other, "--ask"), ("cancel", other)):
            refused = smsgwd("--config", str(config), "queue", *command)
            assert refused.returncode != 0
            assert "needs the running daemon" in refused.stderr


def test_cancel_after_acceptance(tmp_path):
    """`queue cancel` takes back a text that the carrier has not delivered yet."""
    with smsc(tmp_path, "--report-after", "60"):
        config = write_config(tmp_path, LINK.format(port=port(tmp_path)))
        with daemon(tmp_path):
            link_up(config, "c1")
            message = sent(config)
            done = smsgwd("--config", str(config), "queue", "cancel", message)
            assert (done.returncode, done.stdout.strip()) == (0, f"{message} cancelled")


def test_replace_after_acceptance(tmp_path):
    """`queue replace` gives other words to a text that the carrier has not delivered yet; with the daemon stopped it says
    that it has to run."""
    with smsc(tmp_path, "--report-after", "60"):
        config = write_config(tmp_path, LINK.format(port=port(tmp_path)))
        with daemon(tmp_path):
            link_up(config, "c1")
            message = sent(config)
            done = smsgwd("--config", str(config), "queue", "replace", message, "bye")
            assert (done.returncode, done.stdout.strip()) == (0, f"{message} sent, 1 part")
            assert ask(config, "queue", "show", message)["text"] == "bye"
        refused = smsgwd("--config", str(config), "queue", "replace", message, "again")
        assert refused.returncode != 0
        assert "needs the running daemon" in refused.stderr
    assert [line["text"] for line in journal(tmp_path, "replace", "c1")] == ["bye"]
