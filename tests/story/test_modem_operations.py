"""What operators do with a modem, as they do it: USSD, another SIM, a look at its facts."""

import json

import pytest

from tests.story.programs import ask, daemon, journal, link_up, modem, smsgwd, until, write_config

pytestmark = pytest.mark.story


def test_ussd(tmp_path):
    """A listed code is asked and its answer printed; one that is not listed, or no modem, is refused with the reason."""
    config = write_config(tmp_path, 'ussd = ["*100#"]\n')
    with modem(tmp_path), daemon(tmp_path):
        link_up(config)
        done = smsgwd("--config", str(config), "ussd", "m1", "*100#")
        assert (done.returncode, done.stdout) == (0, "Balance 12.34\n")
        assert ask(config, "ussd", "m1", "*100#") == {"text": "Balance 12.34", "more": False}
        refused = smsgwd("--config", str(config), "ussd", "m1", "*999#")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "not listed in `ussd`" in refused.stderr
        assert "there is no link 'm9'" in smsgwd("--config", str(config), "ussd", "m9", "*100#").stderr
    stopped = smsgwd("--config", str(config), "ussd", "m1", "*100#")
    assert "running daemon" in stopped.stderr


def test_another_sim(tmp_path):
    """A modem with another SIM stays down until it is accepted; then what waits goes out at once."""
    config = write_config(tmp_path)
    with daemon(tmp_path):
        with modem(tmp_path):
            link_up(config)
        with modem(tmp_path, "other"):
            (tmp_path / "m1").symlink_to(tmp_path / "other")
            until(lambda: "links accept" in ask(config, "links", "show", "m1")["reason"], what="another SIM is noticed")
            sent = ask(config, "send", "--to", "+15550100777", "hello")
            assert journal(tmp_path, "submit", "other") == []
            assert ask(config, "links", "accept", "m1")["name"] == "m1"
            until(lambda: ask(config, "queue", "show", sent["id"])["state"] == "sent", what="sent by the new SIM")
        lines = smsgwd("--config", str(config), "--json", "tail").stdout.splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    assert "sim.changed" in kinds
    assert "link.accepted" in kinds


def test_facts_of_a_link(tmp_path):
    """`links show` tells device, SIM and IMEI; the whole ICCID is shown nowhere."""
    config = write_config(tmp_path)
    with modem(tmp_path), daemon(tmp_path):
        link_up(config)
        facts = ask(config, "links", "show", "m1")["facts"]
        shown = smsgwd("--config", str(config), "links", "show", "m1").stdout
    assert facts["device"] == "smsgwd simulated"
    assert len(facts["imei"]) == 15
    assert facts["sim"].startswith("…")
    assert f"imei:          {facts['imei']}" in shown
