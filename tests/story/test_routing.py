"""Routing and caps with real processes: two modems, one with a cap, a restart in between."""

import json

import pytest

from tests.story.programs import ask, daemon, journal, link_up, modem, smsgwd, state_of, until, write_config

pytestmark = pytest.mark.story

SECOND = """\
segments_per_day = 4

[[link]]
name = "m2"
type = "modem"
port = "{home}/m2"
number = "+15550100200"
cost = 0.05
segments_per_month = 3
"""


def send_all(config, numbers):
    return [ask(config, "send", "--to", f"+1212555{n:04}", f"text {n}") for n in numbers]


def alarms(config):
    lines = smsgwd("--config", str(config), "--json", "tail", "--kind", "cap.reached").stdout.splitlines()
    return [(e["link"], e["data"]["cap"], e["data"]["share"]) for e in map(json.loads, lines)]


def test_a_capped_link_and_a_restart(tmp_path):
    """The free link is cheapest and takes texts up to its cap, then the other one; a restart forgets nothing; when both are
    full the next text is refused, and an operator has heard of it all, once."""
    config = write_config(tmp_path, SECOND.format(home=tmp_path))
    with modem(tmp_path, "m1"), modem(tmp_path, "m2"):
        with daemon(tmp_path):
            link_up(config, "m1")
            link_up(config, "m2")
            sent = send_all(config, range(5))
            assert [x["link"] for x in sent] == ["m1"] * 4 + ["m2"]
            for text in sent:
                until(lambda text=text: state_of(config, text["id"]) == "sent", what="sent")
            explained = ask(config, "route", "explain", "--to", "+12125550099")
            assert (explained["link"], explained["cost"]) == ("m2", 0.05)
            assert any("reached a cap" in s["why"] for s in explained["steps"])
        with daemon(tmp_path):
            link_up(config, "m1")
            link_up(config, "m2")
            assert [x["link"] for x in send_all(config, (5, 6))] == ["m2", "m2"]
            refused = smsgwd("--config", str(config), "send", "--to", "+12125550007", "one too many")
            assert refused.returncode == 1
            assert "used up" in refused.stderr
            assert smsgwd("--config", str(config), "route", "explain", "--to", "+12125550007").returncode == 1
            told = alarms(config)
            until(lambda: len(journal(tmp_path, "submit", "m2")) == 3, what="all sent over m2")
    assert told[:3] == [("m1", "segments_per_day", share) for share in (50, 80, 100)]
    assert told[3:] == [("m2", "segments_per_month", share) for share in (50, 80, 100)]
    assert [len(journal(tmp_path, "submit", name)) for name in ("m1", "m2")] == [4, 3]
